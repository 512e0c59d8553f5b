"""Frames so large that float32 cannot hold their squares: refused by row, before a distance becomes infinite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.ragged import Ragged
from sklearn_audio.tokenization._frame_space import FrameSpace

__all__ = ["check_magnitude"]

# Largest squared norm of a frame: a squared distance, of two of them, is at most four times as large, and is added to
# others.
_LARGEST = float(np.finfo(np.float32).max) / 64
_CHUNK_VALUES = 1 << 20


def check_magnitude(frames: Ragged, space: FrameSpace) -> None:
    """Refuse frames whose squared norm in the space of the vocabulary overflows float32."""
    values = frames.values
    if _is_surely_small(values, space):
        return
    n_rows = max(1, _CHUNK_VALUES // values.shape[1])
    for start in range(0, len(values), n_rows):
        fits = _fits(values[start : start + n_rows], space)
        if not fits.all():
            _refuse(frames, start + int(np.argmin(fits)))


def _is_surely_small(values: NDArray[np.float32], space: FrameSpace) -> bool:
    """Decide by the largest number, which most frames pass, before all are brought into the space."""
    reach = max(float(values.max()), -float(values.min()))
    n_dims = values.shape[1]
    if space.kernels is not None:
        reach *= float(np.abs(space.kernels.astype(np.float64)).sum(axis=1).max())
        n_dims *= len(space.kernels)
    if space.mean is not None and space.scale is not None:
        reach = (reach + float(np.abs(space.mean).max())) / min(1.0, float(space.scale.min()))
    return bool(n_dims * reach**2 < _LARGEST)


def _fits(values: NDArray[np.float32], space: FrameSpace) -> NDArray[np.bool_]:
    with np.errstate(over="ignore", invalid="ignore"):
        vectors = space.apply(values)
        # False for NaN, too, which comes of infinities
        return np.asarray(np.einsum("ij,ij->i", vectors, vectors) < _LARGEST)


def _refuse(frames: Ragged, frame: int) -> None:
    row = int(np.searchsorted(frames.offsets, frame, side="right")) - 1
    largest = float(np.abs(frames.values[frame].astype(np.float64)).max())
    raise ValueError(
        f"row {row} holds a frame with a number of size {largest:.3g}, whose squared distances to others overflow "
        "float32. Such a clip is most likely damaged: leave it out, or scale all frames down."
    )
