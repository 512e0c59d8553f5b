"""A classifier of clips in two parts: first steps that learn nothing, such as an embedder, and those that learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from sklearn_audio.engine import Window, WindowRows
from sklearn_audio.ragged import Ragged

__all__ = ["SplitSteps"]


@dataclass(frozen=True)
class SplitSteps:
    """Every window goes through the first steps once, however often the others are fitted."""

    first: tuple[Any, ...]
    others: Any
    whole: Any

    @classmethod
    def of(cls, estimator: Any) -> Self:
        """Split a clone of an estimator."""
        whole = clone(estimator)
        if not isinstance(whole, Pipeline):
            return cls((), whole, whole)
        n_first = 0
        while n_first < len(whole.steps) - 1 and _learns_nothing(whole.steps[n_first][1]):
            n_first += 1
        first = tuple(step for _, step in whole.steps[:n_first])
        for step in first:
            if hasattr(step, "set_output"):
                step.set_output(transform="default")
        return cls(first, Pipeline(whole.steps[n_first:], memory=whole.memory) if first else whole, whole)

    def rows(self, windows: list[Window]) -> list[Any]:
        """Pass windows through the first steps."""
        X: Any = WindowRows(windows)
        for step in self.first:
            X = step.transform(X)
        return list(X if isinstance(X, (Ragged, list)) else np.asarray(X))

    def stacked(self, rows: list[Any]) -> Any:
        """Return rows as X of the other steps: an array of vectors, or a list."""
        return np.stack(rows) if self.first and np.ndim(rows[0]) == 1 else rows

    def joined(self, others: Any) -> Any:
        """Return the whole estimator, with the other steps fitted."""
        if not self.first:
            return others
        self.whole.steps = [*self.whole.steps[: len(self.first)], *others.steps]
        return self.whole


def _learns_nothing(step: Any) -> bool:
    return hasattr(step, "transform") and not isinstance(step, str) and not get_tags(step).requires_fit
