"""Adapters for transforms of other libraries: functions, audiomentations, and torch modules."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_audio.augmentation import Transform
from sklearn_audio.engine._randomness import seeded_globals

__all__ = ["adapt", "adapt_all", "augment_clip", "draws_globally"]


@dataclass(frozen=True)
class _Foreign(Transform):
    """Calls a third-party transform on a copy with seeded global generators, and checks the result."""

    function: Callable[..., Any]
    name: str

    def change(self, array: NDArray[Any], rng: np.random.Generator, sample_rate: float | None = None) -> NDArray[Any]:
        with seeded_globals(rng):
            changed = np.asarray(self._call(array.copy(), sample_rate))
        wanted = "(n,)" if array.ndim == 1 else f"(n, {array.shape[1]})"
        if changed.ndim != array.ndim or changed.shape[1:] != array.shape[1:] or not changed.size:
            raise ValueError(
                f"{self.name} received an array of shape {array.shape} and returned one of shape {changed.shape}; it "
                f"must return {wanted} with n of 1 or more."
            )
        if not np.isfinite(changed).all():
            raise ValueError(f"{self.name} returned NaN or infinity; it must return finite values.")
        return changed

    @abstractmethod
    def _call(self, array: NDArray[Any], sample_rate: float | None) -> Any:
        """Call the transform by its own convention."""


@dataclass(frozen=True)
class _Function(_Foreign):
    """A callable of an array."""

    def _call(self, array: NDArray[Any], sample_rate: float | None) -> Any:
        return self.function(array)


@dataclass(frozen=True)
class _WaveformFunction(_Foreign):
    """A callable with the keywords `samples` and `sample_rate`, such as a transform of audiomentations."""

    def _call(self, array: NDArray[Any], sample_rate: float | None) -> Any:
        if sample_rate is None or array.ndim != 1:
            raise ValueError(
                f"{self.name} takes waveforms and their sample rate, but received frames of shape {array.shape}; "
                "give the classifier audio (front_end=...), or choose a transform of frames."
            )
        return self.function(samples=array, sample_rate=round(sample_rate))


@dataclass(frozen=True)
class _Module(_Foreign):
    """A torch module: batch and channel axes first, time last."""

    def _call(self, array: NDArray[Any], sample_rate: float | None) -> Any:
        options = {"sample_rate": round(sample_rate)} if self._takes_rate and sample_rate is not None else {}
        # (T,) -> (1, 1, T), (F, W) -> (1, 1, W, F)
        tensor = torch.from_numpy(np.ascontiguousarray(array.T))[None, None]
        with torch.no_grad():
            changed = self.function(tensor, **options)
        changed = getattr(changed, "samples", changed)  # torch_audiomentations may return an object with this attribute
        if not isinstance(changed, Tensor) or changed.ndim != tensor.ndim or changed.shape[:2] != (1, 1):
            found = tuple(changed.shape) if isinstance(changed, Tensor) else type(changed).__name__
            raise ValueError(
                f"{self.name} received a tensor of shape {tuple(tensor.shape)} (batch, channel, ..., time) and "
                f"returned {found}; it must return a tensor with the same axes."
            )
        return changed[0, 0].numpy().T

    @property
    def _takes_rate(self) -> bool:
        return "sample_rate" in _parameter_names(getattr(self.function, "forward", self.function))


def adapt(transform: Any, name: str) -> Transform:
    """Wrap any supported transform in the calling convention of this library."""
    if isinstance(transform, Transform):
        return transform
    if isinstance(transform, type) or not callable(transform):
        what = f"the class {transform.__name__}" if isinstance(transform, type) else repr(transform)
        raise TypeError(
            f"{name} is {what}; give an instance of a transform of sklearn_audio.augmentation, a callable of an array, "
            "a transform of audiomentations, or a module of torch."
        )
    title = f"{name} ({getattr(transform, '__name__', type(transform).__name__)})"
    if isinstance(transform, nn.Module):
        return _Module(transform, title)
    if {"samples", "sample_rate"} <= _parameter_names(transform):
        return _WaveformFunction(transform, title)
    return _Function(transform, title)


def adapt_all(transforms: Sequence[Any] | None) -> tuple[Transform, ...]:
    """Wrap all transforms of a list."""
    return tuple(adapt(transform, f"augmentations[{i}]") for i, transform in enumerate(transforms or ()))


def augment_clip(
    array: NDArray[Any], transforms: Sequence[Transform], rng: np.random.Generator, sample_rate: float | None = None
) -> NDArray[Any]:
    """Apply all transforms to a clip, in order.

    Shapes: array (n_timepoints,) or (n_frames, n_features).
    """
    for transform in transforms:
        array = transform.transform(array, rng, sample_rate)
    return array


def draws_globally(transforms: Sequence[Transform]) -> bool:
    """Whether a transform draws from the global generators, so that it must not run in parallel to others that do."""
    return any(isinstance(transform, _Foreign) for transform in transforms)


def _parameter_names(function: Any) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except ValueError:  # built-in functions may have no signature
        return set()
