"""Check that the built pages show the summary of every public class, function and method: ``make docs`` runs it."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from docs.api_pages import public_methods, public_names

__all__ = ["missing_summaries"]


class _Text(HTMLParser):
    """The letters and digits of a page, without markup and punctuation."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._parts: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self._parts.append(data)

    def __str__(self) -> str:
        return _letters("".join(self._parts))


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def missing_summaries(html: Path) -> list[str]:
    """List the public names whose page is not there, or lacks the first sentence of their docstring."""
    missing = []
    for module, names in public_names().items():
        for name in names:
            value = getattr(importlib.import_module(module), name)
            if inspect.isclass(value) or inspect.isroutine(value):
                page = html / "api" / "names" / f"{module}.{name}.html"
                text = str(_Text(page.read_text(encoding="utf-8"))) if page.exists() else ""
                missing += [full for full, summary in _summaries(f"{module}.{name}", value) if summary not in text]
    return missing


def _summaries(name: str, value: object) -> Iterator[tuple[str, str]]:
    yield name, _summary(value)
    for method, function in public_methods(value) if inspect.isclass(value) else ():
        yield f"{name}.{method}", _summary(function)


def _summary(value: object) -> str:
    return _letters((inspect.getdoc(value) or "").split("\n\n")[0])


if __name__ == "__main__":
    missing = missing_summaries(Path(sys.argv[1]))
    sys.exit(f"The pages do not show: {', '.join(missing)}" if missing else 0)
