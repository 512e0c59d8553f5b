"""Base class and checks of augmentations."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

# a fixed number, or the limits of a range
Span = float | tuple[float, float]


@dataclass(frozen=True)
class Transform(ABC):
    """Base class of augmentations; a custom one is a frozen dataclass with a method `change`.

    A transform is immutable, comparable, picklable, and validated when created. It uses only the given random
    generator, so that the same seed gives the same clip.

    Parameters
    ----------
    p : float, default=1.0
        Probability that a clip is changed.

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
    >>> Reverse(p=1.0).transform(
    ...     np.array([1.0, 2.0], dtype=np.float32), np.random.default_rng(0)
    ... )
    array([2., 1.], dtype=float32)
    """

    # computes new values instead of moving existing ones, so integers would be rounded
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
            A clip; must not be modified.
        rng : numpy.random.Generator
            Random generator.
        sample_rate : float, default=None
            Rate of a waveform in Hz.

        Returns
        -------
        ndarray
            The changed clip, with the same number of dimensions.

        Raises
        ------
        ValueError
            If the transform is for waveforms and the clip holds frames, or the other way round.
        """

    def transform(
        self, array: NDArray[Any], rng: np.random.Generator, sample_rate: float | None = None
    ) -> NDArray[Any]:
        """Change a clip with probability `p`.

        Parameters
        ----------
        array : ndarray of shape (n_timepoints,) or (n_frames, n_features)
            A waveform, or frames.
        rng : numpy.random.Generator
            Random generator.
        sample_rate : float, default=None
            Rate of a waveform in Hz; only needed by transforms that document it.

        Returns
        -------
        ndarray
            With the same dtype and number of dimensions.

        Raises
        ------
        ValueError
            If the clip is neither a waveform nor frames, is empty, or holds integers that the change would round.
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

    def _check_waveform(self, array: NDArray[Any], instead: str) -> None:
        if array.ndim != 1:
            raise ValueError(
                f"{type(self).__name__} changes waveforms (n_timepoints,), got frames of shape {array.shape}; over "
                f"frames, use {instead}."
            )


def check_span(name: str, value: Any, least: float = -math.inf) -> None:
    """Raise unless the value is a number above `least`, or an ordered pair of such numbers."""
    pair = value if isinstance(value, tuple) else (value, value)
    if len(pair) == 2 and all(_is_number(end) and least < end for end in pair) and pair[0] <= pair[1]:
        return
    above = "" if least == -math.inf else f" above {least:g}"
    raise ValueError(f"{name} is a number{above} or a tuple (lowest, highest) of two, got {value!r}.")


def check_extent(name: str, value: Any) -> None:
    """Raise unless the value is an int of at least 0, or a float from 0 to 1."""
    good = value >= 0 if _is_int(value) else _is_number(value) and 0 <= value <= 1
    if not good:
        raise ValueError(
            f"{name} is an int, a number of steps, or a float, a fraction of the clip from 0.0 to 1.0; got {value!r}."
        )


def check_count(name: str, value: Any) -> None:
    """Raise unless the value is an int of at least 0."""
    if not _is_int(value) or value < 0:
        raise ValueError(f"{name} is an int of 0 or more, got {value!r}.")


def draw(span: Span, rng: np.random.Generator) -> float:
    """Draw uniformly from a range."""
    return float(rng.uniform(*span)) if isinstance(span, tuple) else float(span)


def extent_in_steps(extent: float, n_steps: int) -> int:
    """Convert an int, or a float fraction, to at most `n_steps`."""
    return min(int(extent) if _is_int(extent) else round(extent * n_steps), n_steps)


def _is_int(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral)


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
