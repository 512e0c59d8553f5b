"""The keys of a clip that is given as a dict."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from sklearn_audio._column_names import PATH_NAMES, Span, find_column, find_span

__all__ = ["Keys", "find_keys"]

CONTENT_NAMES = ("bytes", "array")
RATE_NAMES = ("sampling_rate", "sample_rate")


class Keys(NamedTuple):
    """The keys of a dict by what they mean; None where there is none."""

    path: Any
    content: dict[str, Any]
    rate: Any
    span: Span
    has_span: bool
    unknown: tuple[Any, ...]


@lru_cache(maxsize=128)
def find_keys(names: tuple[Any, ...]) -> Keys:
    """Find what the keys of a dict, or the columns of a table, mean."""
    path, span, rate = find_column(names, PATH_NAMES), find_span(names), find_column(names, RATE_NAMES)
    content = {name: name for name in CONTENT_NAMES if name in names}
    known = {path, rate, *span, *content.values()}
    return Keys(
        path,
        content,
        rate,
        span,
        any(name is not None for name in span),
        tuple(name for name in names if name not in known),
    )
