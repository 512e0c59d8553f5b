"""The public names, read from the package's stub, and the API pages written from them.

The stub is the one list of public names: the documentation and the tests both start here, so a new name can be
forgotten in neither.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

STUB = Path(__file__).parents[1] / "sklearn_audio" / "__init__.pyi"


def public_names() -> dict[str, list[str]]:
    """Names by the public module that defines them.

    A module that the stub exports brings everything in its ``__all__``.
    """
    names: dict[str, set[str]] = {}
    for module, name in _stub_imports():
        if module:
            names.setdefault(f"sklearn_audio.{module}", set()).add(name)
        else:
            submodule = importlib.import_module(f"sklearn_audio.{name}")
            names.setdefault(submodule.__name__, set()).update(submodule.__all__)
    return {module: sorted(found) for module, found in sorted(names.items())}


def public_methods(cls: type) -> Iterator[tuple[str, FunctionType]]:
    """Iterate over the public methods that our classes define; what scikit-learn defines, scikit-learn documents."""
    for name, member in inspect.getmembers_static(cls):
        function = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        ours = inspect.isfunction(function) and function.__module__.startswith("sklearn_audio")
        if ours and not name.startswith("_"):
            yield name, function


def _stub_imports() -> list[tuple[str, str]]:
    tree = ast.parse(STUB.read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return [(node.module or "", alias.name) for node in imports for alias in node.names]


def write_pages(folder: Path) -> None:
    """Write one page per public module, with a summary table of its names; pages of what is gone go too."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {folder / f"{module}.rst": _module_page(module, names) for module, names in public_names().items()}
    named = {folder / "names" / f"{module}.{name}.rst" for module, names in public_names().items() for name in names}
    for path in {*folder.glob("*.rst"), *folder.glob("names/*.rst")} - {*pages, *named}:
        path.unlink()
    for path, text in pages.items():
        _write_if_changed(path, text)


def _module_page(module: str, members: list[str]) -> str:
    documented = [name for name in members if _has_page(getattr(importlib.import_module(module), name))]
    constants = [name for name in members if name not in documented]
    page = (
        f"{module}\n{'=' * len(module)}\n\n.. automodule:: {module}\n   :no-members:\n\n.. currentmodule:: {module}\n"
    )
    if documented:
        page += "\n.. autosummary::\n   :toctree: names\n\n" + "".join(f"   {name}\n" for name in documented)
    return page + "".join(f"\n.. autodata:: {name}\n   :no-value:\n" for name in constants)


def _has_page(value: object) -> bool:
    return inspect.isclass(value) or inspect.isroutine(value)


def _write_if_changed(path: Path, text: str) -> None:
    # Sphinx rebuilds what is newer than its cache, so an unchanged page keeps its time.
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
