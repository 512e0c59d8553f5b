"""The shape of the package: directions of imports, cheap import, sizes and names."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sklearn_audio"
SOURCES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}

MAX_FILE_LINES = 450
MAX_BODY_LINES = 45
USUAL_BODY_LINES = 25
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "misc"}
# The command line writes; the check suite asserts, as its users' tests do.
MAY_PRINT_OR_ASSERT = ("cli/", "testing/")

every_source = pytest.mark.parametrize("source", SOURCES)


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """Absolute module names, with the imported name appended for `from module import name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            # require("tensorflow", ...) and importlib.import_module("tensorflow")
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"require", "import_module", "__import__"}:
                yield str(node.args[0].value)


def top_level(module: str) -> str:
    return module.split(".")[0]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the last."""
    statements = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return statements[-1].end_lineno - statements[0].lineno + 1 if statements else 0


def functions_of(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def fresh_interpreter(program: str) -> str:
    """What the program prints in an interpreter that neither this one nor coverage has touched."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "COVERAGE"))}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment).stdout


def test_layer_contract_holds():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    result = subprocess.run([*command, "--no-cache"], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 broken" in result.stdout


@every_source
def test_private_scikit_learn_names_stand_in_one_file(source):
    private = {
        module
        for module in imported_modules(SOURCES[source])
        if top_level(module) == "sklearn" and any(part.startswith("_") for part in module.split("."))
    }
    assert source == "_sklearn.py" or not private


@every_source
def test_no_relative_imports(source):
    relative = [module for module in imported_modules(SOURCES[source]) if module.startswith(".")]
    assert not relative


@every_source
def test_torchaudio_is_never_imported(source):
    assert "torchaudio" not in map(top_level, imported_modules(SOURCES[source]))


@every_source
def test_tensorflow_is_imported_by_weights_only(source):
    assert source.startswith("weights/") or "tensorflow" not in map(top_level, imported_modules(SOURCES[source]))


def test_networks_import_torch_and_each_other_only():
    allowed = ("torch", "sklearn_audio.nets", *sys.stdlib_module_names)
    networks = {source: tree for source, tree in SOURCES.items() if source.startswith("nets/")}
    assert len(networks) > 5
    foreign = {
        source: [
            module for module in imported_modules(tree) if not f"{module}.".startswith(tuple(f"{a}." for a in allowed))
        ]
        for source, tree in networks.items()
    }
    assert not {source: modules for source, modules in foreign.items() if modules}


@every_source
def test_librosa_is_imported_within_functions(source):
    at_import = [node for node in SOURCES[source].body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert "librosa" not in {top_level(module) for node in at_import for module in imported_modules(node)}


def test_import_loads_nothing_heavy():
    heavy = [
        "torch",
        "sklearn",
        "librosa",
        "pandas",
        "scipy",
        "matplotlib",
        "faiss",
        "skorch",
        "soundfile",
        "av",
        "pooch",
    ]
    program = f"import sys, sklearn_audio; print([name for name in {heavy!r} if name in sys.modules])"
    assert fresh_interpreter(program).strip() == "[]"


def test_import_adds_few_modules_to_those_of_numpy():
    program = (
        "import json, sys, numpy; before = set(sys.modules); import sklearn_audio; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    added = json.loads(fresh_interpreter(program))
    assert "sklearn_audio" in added
    assert len(added) < 120, added


@every_source
def test_module_names_say_what_they_are_about(source):
    parts = {part.strip("_") for part in Path(source).with_suffix("").parts}
    assert not parts & FORBIDDEN_NAMES


@every_source
def test_files_have_one_idea(source):
    n_lines = len((PACKAGE / source).read_text().splitlines())
    assert n_lines <= MAX_FILE_LINES


@every_source
def test_no_function_is_long(source):
    long = {node.name: body_lines(node) for node in functions_of(SOURCES[source]) if body_lines(node) > MAX_BODY_LINES}
    assert not long


def test_nine_in_ten_functions_are_short():
    lengths = [body_lines(node) for tree in SOURCES.values() for node in functions_of(tree)]
    assert sum(length <= USUAL_BODY_LINES for length in lengths) >= 0.9 * len(lengths)


@every_source
def test_library_neither_prints_nor_asserts(source):
    offences = [
        node.lineno
        for node in ast.walk(SOURCES[source])
        if isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print")
    ]
    assert source.startswith(MAY_PRINT_OR_ASSERT) or not offences


@every_source
def test_no_handler_catches_everything(source):
    broad = {"Exception", "BaseException"}
    handlers = [node for node in ast.walk(SOURCES[source]) if isinstance(node, ast.ExceptHandler)]
    assert not [node.lineno for node in handlers if node.type is None or getattr(node.type, "id", "") in broad]
