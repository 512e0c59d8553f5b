"""What all random changes share: they are values, they draw from the generator they are given, and check their clip."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Span", "Transform", "check_count", "check_extent", "check_span", "draw", "extent_in_places"]

# a fixed number, or the lowest and the highest of a range
Span = float | tuple[float, float]


@dataclass(frozen=True)
class Transform(ABC):
    """Base class of random changes; a change of your own is a frozen dataclass with a method `change`.

    A transform is data: immutable, comparable, picklable, and checked when it is made. It draws from the generator that
    it is given and from nothing else, so that the same generator gives the same clip.

    Parameters
    ----------
    p : float, default=1.0
        Probability that a clip is changed at all.

    Raises
    ------
    ValueError
        If p is not between 0 and 1.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from sklearn_audio.augmentation import Transform
    >>> @dataclass(frozen=True)
    ... class Reverse(Transform):
    ...     def change(self, array, rng, sample_rate=None):
    ...         return array[::-1]
    >>> Reverse(p=1.0).transform(np.array([1.0, 2.0], dtype=np.float32), np.random.default_rng(0))
    array([2., 1.], dtype=float32)
    """

    # makes new values instead of moving the old ones, so that integers would be rounded
    _computes: ClassVar[bool] = False
    p: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        if not _is_number(self.p) or not 0 <= self.p <= 1:
            raise ValueError(f"p is a probability between 0 and 1, got {self.p!r}.")

    @abstractmethod
    def change(self, array: NDArray[Any], rng: np.random.Generator, sample_rate: float | None = None) -> NDArray[Any]:
        """Change a clip; called with probability `p`.

        Parameters
        ----------
        array : ndarray of shape (n_timepoints,) or (n_frames, n_features)
            A clip, which must stay as it is.
        rng : numpy.random.Generator
            What to draw from.
        sample_rate : float, default=None
            Hz, of a waveform.

        Returns
        -------
        ndarray
            The changed clip, of as many dimensions.
        """

    def transform(
        self, array: NDArray[Any], rng: np.random.Generator, sample_rate: float | None = None
    ) -> NDArray[Any]:
        """Change a clip, or leave it, at random.

        Parameters
        ----------
        array : ndarray of shape (n_timepoints,) or (n_frames, n_features)
            A waveform, or frames.
        rng : numpy.random.Generator
            What is drawn from.
        sample_rate : float, default=None
            Hz, of a waveform; only those of our transforms that say so need it.

        Returns
        -------
        ndarray
            Of the same type and dimensions.

        Raises
        ------
        ValueError
            If the clip has another number of dimensions than a waveform or frames, is empty, or holds integers which
            the change would round.
        """
        if array.ndim not in (1, 2) or not array.size:
            raise ValueError(
                f"{type(self).__name__} takes a waveform (n_timepoints,) or frames (n_frames, n_features) that are not "
                f"empty, got an array of shape {array.shape}."
            )
        if self._computes and not np.issubdtype(array.dtype, np.floating):
            raise ValueError(
                f"{type(self).__name__} computes new values from floats, got {array.dtype}; tokens can be shifted and "
                "cropped only."
            )
        if self.p < 1 and rng.random() >= self.p:
            return array
        return self.change(array, rng, sample_rate).astype(array.dtype, copy=False)

    def _refuse_frames(self, array: NDArray[Any], instead: str) -> None:
        if array.ndim != 1:
            raise ValueError(
                f"{type(self).__name__} changes waveforms (n_timepoints,), got frames of shape {array.shape}; over "
                f"frames, use {instead}."
            )


def check_span(name: str, value: Any, least: float = -math.inf) -> None:
    """Refuse what is not a number above `least`, or a pair of such numbers in order."""
    pair = value if isinstance(value, tuple) else (value, value)
    if len(pair) == 2 and all(_is_number(end) and least < end for end in pair) and pair[0] <= pair[1]:
        return
    above = "" if least == -math.inf else f" above {least:g}"
    raise ValueError(f"{name} is a number{above} or a tuple (lowest, highest) of two, got {value!r}.")


def check_extent(name: str, value: Any) -> None:
    """Refuse what is neither an int of 0 or more places nor a float share of the clip from 0 to 1."""
    good = value >= 0 if _is_int(value) else _is_number(value) and 0 <= value <= 1
    if not good:
        raise ValueError(
            f"{name} is an int, a number of places, or a float, a share of the clip from 0.0 to 1.0; got {value!r}."
        )


def check_count(name: str, value: Any) -> None:
    """Refuse what does not count."""
    if not _is_int(value) or value < 0:
        raise ValueError(f"{name} is an int of 0 or more, got {value!r}.")


def draw(span: Span, rng: np.random.Generator) -> float:
    """Draw evenly from a range."""
    return float(rng.uniform(*span)) if isinstance(span, tuple) else float(span)


def extent_in_places(extent: float, n_places: int) -> int:
    """Turn an int of places, or a float share of them, into at most `n_places`."""
    return min(int(extent) if _is_int(extent) else round(extent * n_places), n_places)


def _is_int(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral)


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
