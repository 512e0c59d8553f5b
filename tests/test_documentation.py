"""Every public name says what it takes, gives and raises, and says the truth; every line of Python in the docs runs."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import re
import shlex
import shutil
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpydoc.docscrape import FunctionDoc, NumpyDocString

from docs import check_pages, screenshots
from docs.api_pages import public_methods, public_names, write_pages
from docs.changes.build import read_fragments, render_unreleased

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.rst"))]
PAGES += [page for folder in ("guide", "contributing") for page in sorted((ROOT / "docs" / folder).glob("*.rst"))]


@dataclass(frozen=True)
class Documented:
    """A public class, function or method, with its parsed docstring and what it is compared with."""

    name: str
    value: Any  # carries the docstring
    function: Any  # carries signature and body; None where a class takes none of its own
    is_method: bool = False

    @property
    def doc(self) -> NumpyDocString:
        # config keeps numpydoc from appending the members of a class
        return NumpyDocString(inspect.getdoc(self.value) or "", config={})

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        if self.function is None:
            return {}
        parameters = inspect.signature(self.function).parameters
        return {name: parameter for name, parameter in parameters.items() if name not in ("self", "cls")}

    @property
    def documented_types(self) -> dict[str, str]:
        """Types by name, with `a, b : int` taken apart and the stars of `*args` removed."""
        entries = [*self.doc["Parameters"], *self.doc["Other Parameters"]]
        return {name.strip().lstrip("*\\"): entry.type for entry in entries for name in entry.name.split(",")}

    @property
    def raised(self) -> set[str]:
        """Names of the exceptions that the body itself raises."""
        if self.function is None or not inspect.isfunction(inspect.unwrap(self.function)):
            return set()
        try:
            source = inspect.getsource(inspect.unwrap(self.function))
        except OSError:  # the __init__ of a dataclass is written by Python
            return set()
        calls = [node.exc for node in ast.walk(ast.parse(textwrap.dedent(source))) if isinstance(node, ast.Raise)]
        names = [call.func for call in calls if isinstance(call, ast.Call)]
        return {name.id for name in names if isinstance(name, ast.Name) and name.id[0].isupper()}

    def __str__(self) -> str:
        return self.name


def documented_values() -> list[Documented]:
    found = []
    for module, names in public_names().items():
        for name in names:
            value = getattr(importlib.import_module(module), name)
            if inspect.isclass(value):
                found += [
                    Documented(f"{module}.{name}", value, own_init(value)),
                    *methods_of(f"{module}.{name}", value),
                ]
            elif inspect.isfunction(value):
                found.append(Documented(f"{module}.{name}", value, value))
    return found


def own_init(cls: type) -> Any:
    if getattr(cls, "_is_protocol", False):
        return None  # is not constructed
    owner = next(base for base in cls.__mro__ if "__init__" in vars(base))
    return vars(owner)["__init__"] if owner.__module__.startswith("sklearn_audio") else None


def methods_of(prefix: str, cls: type) -> list[Documented]:
    return [
        Documented(f"{prefix}.{name}", function, function, is_method=True) for name, function in public_methods(cls)
    ]


DOCUMENTED = documented_values()


def every_name(check):
    """Let one test ask every name, and list all that fail."""

    def ask_all():
        failed = {}
        for item in DOCUMENTED:
            try:
                check(item)
            except AssertionError as error:
                failed[str(item)] = str(error)
        assert failed == {}

    ask_all.__name__ = check.__name__
    return ask_all


def default_in(type_text: str) -> str | None:
    match = re.search(r"default\s*[=:]\s*(.+)$", type_text)
    return match[1].strip().strip("`") if match else None


def same_default(text: str, value: object) -> bool:
    try:
        written = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        qualified = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
        return text in (repr(value), qualified)
    return written == value and isinstance(written, bool) == isinstance(value, bool)


def test_there_are_names_to_check():
    assert "sklearn_audio.ragged.Ragged" in {item.name for item in DOCUMENTED}


@pytest.mark.parametrize("module", public_names())
def test_public_names_can_be_reached_and_are_listed(module):
    package = importlib.import_module("sklearn_audio")
    home = importlib.import_module(module)
    for name in public_names()[module]:
        assert name in home.__all__
        assert getattr(package, name, getattr(home, name)) is getattr(home, name)


@every_name
def test_has_a_summary_that_ends_with_a_full_stop(item):
    assert "".join(item.doc["Summary"]).endswith(".")


@every_name
def test_parameters_are_those_of_the_signature(item):
    assert list(item.documented_types) == list(item.parameters)


@every_name
def test_documented_defaults_are_those_of_the_signature(item):
    for name, parameter in item.parameters.items():
        written = default_in(item.documented_types[name])
        has_default = parameter.default is not inspect.Parameter.empty
        assert (written is not None) == has_default, f"{name}: documented default {written!r}"
        if has_default:
            assert same_default(written, parameter.default), f"{name}: {written} is {parameter.default!r}"


@every_name
def test_says_what_it_returns(item):
    if item.function is None or inspect.isclass(item.value):
        return
    annotation = inspect.signature(item.function).return_annotation
    returns = annotation not in (inspect.Signature.empty, None, "None", "NoReturn")
    assert bool(item.doc["Returns"] or item.doc["Yields"]) == returns


@every_name
def test_says_what_it_raises(item):
    documented = {name.strip() for entry in item.doc["Raises"] for name in (entry.type or entry.name).split(",")}
    assert item.raised <= documented


@every_name
def test_has_an_example(item):
    assert item.is_method or any(line.startswith(">>>") for line in item.doc["Examples"])


def home_of(function):
    """File and qualified name, under which its source is found."""
    inner = inspect.unwrap(function)
    return inspect.getsourcefile(inner), inner.__qualname__


def public_properties():
    for module, names in public_names().items():
        for value in (getattr(importlib.import_module(module), name) for name in names):
            if inspect.isclass(value):
                members = inspect.getmembers_static(value, lambda member: isinstance(member, property))
                yield from (member.fget for name, member in members if not name.startswith("_"))


def documented_homes():
    values = [value for item in DOCUMENTED for value in (item.value, item.function) if value is not None]
    ours = [value for value in (*values, *public_properties()) if value.__module__.startswith("sklearn_audio")]
    return {home_of(value) for value in ours}


def with_sections(tree, prefix=""):
    """Qualified names of what has a docstring with sections."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            name = prefix + node.name
            if re.search(r"^ *-{3,}$", ast.get_docstring(node, clean=False) or "", flags=re.MULTILINE):
                yield name
            yield from with_sections(node, name + ("." if isinstance(node, ast.ClassDef) else ".<locals>."))


def test_only_public_names_have_sections():
    homes = documented_homes()
    files = sorted((ROOT / "sklearn_audio").rglob("*.py"))
    assert [
        f"{file.relative_to(ROOT)}: {name}"
        for file in files
        for name in with_sections(ast.parse(file.read_text()))
        if (str(file), name) not in homes
    ] == []


def summaries(tree):
    """First lines of the docstrings of a module, its classes and its functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield text.splitlines()[0]


def is_a_riddle(summary):
    """Whether a summary is a clause in place of a sentence or a noun."""
    return summary.startswith(("What ", "Where ", "Which ", "How "))


def test_summaries_are_no_riddles():
    folders = ("sklearn_audio", "tests", "benchmarks", "docs/examples")
    assert [
        f"{file.relative_to(ROOT)}: {summary}"
        for folder in folders
        for file in sorted((ROOT / folder).rglob("*.py"))
        for summary in summaries(ast.parse(file.read_text()))
        if is_a_riddle(summary)
    ] == []


def test_a_summary_that_is_a_riddle_is_found():
    tree = ast.parse('"""Whether it is found."""\ndef read():\n    """What a clip is read as."""\n')
    assert [is_a_riddle(summary) for summary in summaries(tree)] == [False, True]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_python_on_a_page_is_run(page):
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    blocks += re.findall(r"\.\. code(?:-block)?:: python\n((?:\n|[ ]+.*\n)*)", page.read_text())
    assert [block for block in blocks if ">>>" not in block] == []


def excuses(text: str) -> list[str]:
    """Statements with an `except` branch, which can show what nobody computed, unless their body ends in `raise`."""
    sources = [example.source for example in doctest.DocTestParser().get_examples(text)]
    return [
        source
        for source in sources
        if "except" in source
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Try) and node.handlers and not isinstance(node.body[-1], ast.Raise)
    ]


@pytest.mark.parametrize("place", ["sklearn_audio", "pages"])
def test_examples_compute_what_they_show(place):
    files = PAGES if place == "pages" else sorted((ROOT / place).rglob("*.py"))
    assert [(file.name, source) for file in files for source in excuses(file.read_text())] == []


def test_an_example_that_prints_its_answer_from_an_except_branch_is_found():
    example = ">>> try:\n...     load()\n... except OSError:\n...     print(930)\n930\n"
    assert excuses(example) == [example.removesuffix("930\n").replace(">>> ", "").replace("... ", "")]
    assert excuses(example.replace("load()", "raise OSError")) == []


def wide_lines(text: str) -> list[str]:
    """Lines of code and commands that a page would cut: 79 columns are shown."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line.startswith((">>> ", "... ", "$ ")) and len(line) > 79]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_code_on_a_page_fits_its_width(page):
    assert wide_lines(page.read_text()) == []


def test_a_line_of_code_that_is_cut_is_found():
    line = ">>> " + 74 * "x"
    assert wide_lines(f"  {line}x\n  {line}xx\n{100 * 'x'}") == [f"{line}xx"]


def test_figures_on_the_page_of_methods_are_those_of_the_benchmarks():
    guide = ROOT / "docs" / "guide"
    figures = re.findall(r"\d?\.\d{3}", (guide / "methods.rst").read_text())
    sources = [guide / "encoders.rst", ROOT / "docs" / "benchmarks.rst"]
    measured = set(re.findall(r"\d?\.\d{3}", "".join(source.read_text() for source in sources)))
    assert len(figures) > 20
    assert [figure for figure in figures if figure not in measured] == []


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not installed")
def test_pages_that_are_too_wide_are_found(tmp_path):
    texts = {"fits": '<pre style="overflow-x: auto">', "cut": '<code style="white-space: nowrap">'}
    for name, element in texts.items():
        (tmp_path / f"{name}.html").write_text(f"<article>{element}{100 * 'x'}")
    with screenshots.chromium() as browser:
        pages = {name: tmp_path / f"{name}.html" for name in texts}
        wide = screenshots.take(browser, pages, tmp_path)
    assert [line.split(":")[0] for line in wide] == ["cut"]
    assert wide[0].endswith("pixels at 400")
    assert len(list(tmp_path.glob("*-1280.png"))) == 2


def benchmark_commands() -> list[list[str]]:
    page = (ROOT / "docs" / "benchmarks.rst").read_text()
    return [shlex.split(line) for line in re.findall(r"^   \$ python (.*)$", page, flags=re.MULTILINE)]


@pytest.mark.parametrize("command", benchmark_commands(), ids=" ".join)
def test_commands_on_the_page_of_benchmarks_can_be_run(command):
    script, *options = command
    text = (ROOT / script).read_text()
    assert [option for option in options if option.startswith("--") and f'"{option}"' not in text] == []


def test_every_section_of_the_page_of_benchmarks_names_its_command():
    page = (ROOT / "docs" / "benchmarks.rst").read_text()
    sections = re.split(r"^(.+)\n-{5,}\n", page, flags=re.MULTILINE)
    titles, bodies = sections[1::2], sections[2::2]
    assert len(titles) > 10
    assert [title for title, body in zip(titles, bodies, strict=True) if "$ python benchmarks/" not in body] == []


def test_configurations_on_the_page_of_benchmarks_are_those_of_the_script():
    page = (ROOT / "docs" / "benchmarks.rst").read_text()
    rows = re.findall(r"^   \* - ``(\w+(?:, [^`]+)?)``", page, flags=re.MULTILINE)
    script = (ROOT / "benchmarks" / "networks.py").read_text()
    assert "crnn, 50 epochs" in rows
    assert [name for name in rows if f'"{name}": ' not in script] == []


def test_pages_of_what_is_gone_go_too(tmp_path):
    names = tmp_path / "names"
    names.mkdir()
    for page in ("sklearn_audio.gone.rst", "names/sklearn_audio.dsp.Gone.rst", "names/sklearn_audio.dsp.FrontEnd.rst"):
        (tmp_path / page).touch()
    write_pages(tmp_path)
    assert not (tmp_path / "sklearn_audio.gone.rst").exists()
    assert [page.name for page in names.iterdir()] == ["sklearn_audio.dsp.FrontEnd.rst"]


def test_a_page_that_lacks_the_summary_of_a_method_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(check_pages, "public_names", lambda: {"sklearn_audio.retrieval": ["AudioIndex"]})
    page = tmp_path / "api/names/sklearn_audio.retrieval.AudioIndex.html"
    assert "sklearn_audio.retrieval.AudioIndex" in check_pages.missing_summaries(tmp_path)
    page.parent.mkdir(parents=True)
    documented = [item for item in DOCUMENTED if item.name.startswith("sklearn_audio.retrieval.AudioIndex")]
    paragraphs = [inspect.getdoc(item.value).split("\n\n")[0].replace("&", "&amp;") for item in documented]
    page.write_text("".join(f"<p>{text}</p>" for text in paragraphs))
    assert check_pages.missing_summaries(tmp_path) == []
    page.write_text("".join(f"<p>{text}</p>" for text in paragraphs[:-1]))
    assert check_pages.missing_summaries(tmp_path) == [documented[-1].name]


def test_fragments_of_the_change_log_are_well_formed():
    assert any(read_fragments(ROOT / "docs" / "changes").values())


def test_fragments_become_a_section(tmp_path):
    (tmp_path / "README.md").write_text("not a fragment")
    (tmp_path / "a-thing.fix.md").write_text("`X` no longer\nfails.\n")
    (tmp_path / "other.feature.md").write_text("A new thing.\n")
    assert render_unreleased(tmp_path) == (
        "Added\n-----\n\n- A new thing.\n\nFixed\n-----\n\n- ``X`` no longer fails.\n"
    )


@pytest.mark.parametrize("name", ["thing.md", "Thing.fix.md", "thing.bug.md", "a_b.fix.md"])
def test_fragment_of_another_name_is_refused(tmp_path, name):
    (tmp_path / name).write_text("A sentence.")
    with pytest.raises(ValueError, match=r"a fragment is named <slug>\.<kind>\.md"):
        read_fragments(tmp_path)


@pytest.mark.parametrize("text", ["", "no capital.", "No full stop"])
def test_fragment_that_is_no_sentence_is_refused(tmp_path, text):
    (tmp_path / "thing.fix.md").write_text(text)
    with pytest.raises(ValueError, match="one sentence"):
        read_fragments(tmp_path)


def test_defaults_are_compared_with_their_types():
    assert same_default("512", 512)
    assert same_default('"db"', "db")
    assert same_default('("mean", "std")', ("mean", "std"))
    assert same_default("None", None)
    assert same_default("0.0", 0.0)
    assert same_default("numpy.float32", np.float32)
    assert not same_default("512", 256)
    assert not same_default("1", True)
    assert not same_default("db", "power")


def test_the_parser_reads_a_default():
    doc = FunctionDoc(same_default, doc="Do.\n\nParameters\n----------\na : int, default=3\n    One.\n", config={})
    assert default_in(doc["Parameters"][0].type) == "3"
