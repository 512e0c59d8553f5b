"""The shape of the package: directions of imports, cheap import, sizes and names."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sklearn_audio"

MAX_FILE_LINES = 450
MAX_BODY_LINES = 45
USUAL_BODY_LINES = 20
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "misc"}


@cache
def sources() -> dict[str, ast.Module]:
    """The modules of the package by their paths."""
    return {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """Absolute module names, with the imported name appended for `from module import name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def required_modules(tree: ast.AST) -> Iterator[str]:
    """Modules imported by a call: require("tensorflow", ...), importlib.import_module("tensorflow")."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"require", "import_module", "__import__"}:
                yield str(node.args[0].value).split(".")[0]


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the last."""
    statements = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return statements[-1].end_lineno - statements[0].lineno + 1 if statements else 0


def functions_of(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def fresh_interpreter(program: str) -> str:
    """Run a program in an interpreter that neither this one nor coverage has touched, and return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "COVERAGE"))}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment).stdout


def test_private_scikit_learn_names_stand_in_one_file():
    private = [
        (source, module)
        for source, tree in sources().items()
        for module in imported_modules(tree)
        if module.startswith("sklearn.") and "._" in module and source != "_sklearn.py"
    ]
    assert private == []


def layers_of_contract() -> list[tuple[str, set[str]]]:
    """Separator and existing modules of each layer."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [(layer, re.findall(r"\w+", layer)) for layer in contracts[0]["layers"]]
    exists = {source.split("/")[0].removesuffix(".py") for source in sources()}
    return [("|" if "|" in layer else ",", set(names) & exists) for layer, names in layers if set(names) & exists]


def test_the_page_of_the_architecture_has_the_layers_of_the_contract():
    page = (ROOT / "docs" / "contributing" / "architecture.rst").read_text()
    table = page.split("The layers\n")[1].split("There is no")[0]
    rows = re.findall(r"^   \* - (.+?)\n     - ", table, flags=re.MULTILINE | re.DOTALL)[1:]
    assert [("|" if "|" in row else ",", set(re.findall(r"\w+", row))) for row in rows] == layers_of_contract()


def test_what_ruff_cannot_see_is_not_required_elsewhere():
    """`require("tensorflow")` is an import as well."""
    required = {(source, module) for source, tree in sources().items() for module in required_modules(tree)}
    assert not [(source, module) for source, module in required if module == "torchaudio"]
    assert {source.split("/")[0] for source, module in required if module == "tensorflow"} == {"weights"}


def test_networks_import_torch_and_each_other_only():
    allowed = ("torch", "sklearn_audio.nets", *sys.stdlib_module_names)
    networks = {source: tree for source, tree in sources().items() if source.startswith("nets/")}
    assert len(networks) > 5
    foreign = {
        source: [
            module for module in imported_modules(tree) if not f"{module}.".startswith(tuple(f"{a}." for a in allowed))
        ]
        for source, tree in networks.items()
    }
    assert not {source: modules for source, modules in foreign.items() if modules}


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


def test_module_names_say_what_they_are_about():
    parts = {source: {part.strip("_") for part in Path(source).with_suffix("").parts} for source in sources()}
    assert [source for source in sources() if parts[source] & FORBIDDEN_NAMES] == []


def test_files_have_one_idea():
    lengths = {source: len((PACKAGE / source).read_text().splitlines()) for source in sources()}
    assert [source for source, length in lengths.items() if length > MAX_FILE_LINES] == []


def test_no_function_is_long():
    long = [
        (source, node.name)
        for source, tree in sources().items()
        for node in functions_of(tree)
        if body_lines(node) > MAX_BODY_LINES
    ]
    assert long == []


def test_nine_in_ten_functions_are_short():
    lengths = [body_lines(node) for tree in sources().values() for node in functions_of(tree)]
    assert sum(length < USUAL_BODY_LINES for length in lengths) >= 0.9 * len(lengths)
