"""`FrameSpace`: preprocessing of frames before clustering, and the check that their squares fit in float32."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.ragged import Ragged

# range of squared norms with full float32 precision
_SAFE = (1e-30, 1e30)


@dataclass(frozen=True)
class FrameSpace:
    """Space in which frames are clustered: convolved along the bands, then normalised.

    Shapes: kernels (n_kernels, kernel_size), mean and scale (n_dims,).
    """

    kernels: NDArray[np.float32] | None = None
    mean: NDArray[np.float32] | None = None
    scale: NDArray[np.float32] | None = None
    unit_norm: bool = False

    def apply(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Transform frames (n_frames, n_bands) to (n_frames, n_dims), each independently."""
        frames = np.ascontiguousarray(frames)
        if self.kernels is not None:
            frames = _convolve(frames, self.kernels)
        if self.mean is not None and self.scale is not None:
            frames = (frames - self.mean) / self.scale
        if self.unit_norm:
            frames = _divide_by_norm(frames)
        return frames

    def invert(self, vectors: NDArray[np.float32], n_bands: int) -> NDArray[np.float32]:
        """Transform vectors (n_vectors, n_dims) back to bands; the norm of the frames is lost."""
        if self.mean is not None and self.scale is not None:
            vectors = vectors * self.scale + self.mean
        if self.kernels is not None:
            # matrix of the linear convolution, (n_bands, n_dims)
            matrix = _convolve(np.eye(n_bands, dtype=np.float32), self.kernels)
            vectors = vectors @ np.linalg.pinv(matrix)
        return np.asarray(vectors, dtype=np.float32)


def _divide_by_norm(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each frame to norm 1; frames of zeros are unchanged."""
    squares = np.einsum("ij,ij->i", frames, frames)
    unsafe = np.flatnonzero(~((squares > _SAFE[0]) & (squares < _SAFE[1])))
    squares[unsafe] = 1
    unit: NDArray[np.float32] = frames / np.sqrt(squares)[:, None]
    if len(unsafe):
        # squares overflow or underflow in float32, but not in float64
        rows = frames[unsafe].astype(np.float64)
        norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        unit[unsafe] = rows / np.where(norms > 0, norms, 1)[:, None]
    return unit


def _convolve(frames: NDArray[np.float32], kernels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Filter along the bands, with zeros beyond the edges: (n, n_bands) -> (n, n_kernels * n_bands)."""
    n_kernels, size = kernels.shape
    n_bands = frames.shape[1]
    padded = np.pad(frames, ((0, 0), ((size - 1) // 2, size // 2)))
    out = np.zeros((len(frames), n_kernels, n_bands), dtype=np.float32)
    for tap in range(size):
        out += kernels[:, tap, None] * padded[:, None, tap : tap + n_bands]
    return out.reshape(len(frames), n_kernels * n_bands)  # (n, n_kernels, n_bands) -> (n, n_kernels * n_bands)


def random_kernels(shape: tuple[int, int], random_state: np.random.RandomState) -> NDArray[np.float32]:
    """Draw kernels (n_kernels, kernel_size) that preserve the mean power of their input."""
    return random_state.normal(scale=shape[1] ** -0.5, size=shape).astype(np.float32)


# Largest squared norm of a frame: a squared distance is at most four times as large, and several are summed.
_LARGEST = float(np.finfo(np.float32).max) / 64
_CHUNK_VALUES = 1 << 20


def check_magnitude(frames: Ragged, space: FrameSpace) -> None:
    """Raise if the squared norm of a frame in the space of the vocabulary overflows float32."""
    values = frames.values
    if _is_surely_small(values, space):
        return
    n_rows = max(1, _CHUNK_VALUES // values.shape[1])
    for start in range(0, len(values), n_rows):
        fits = _fits(values[start : start + n_rows], space)
        if not fits.all():
            _raise_too_large(frames, start + int(np.argmin(fits)))


def _is_surely_small(values: NDArray[np.float32], space: FrameSpace) -> bool:
    """Fast check by the largest value alone, which most data pass."""
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
        # also False for NaN, which results from infinities
        return np.asarray(np.einsum("ij,ij->i", vectors, vectors) < _LARGEST)


def _raise_too_large(frames: Ragged, frame: int) -> None:
    row = int(np.searchsorted(frames.offsets, frame, side="right")) - 1
    largest = float(np.abs(frames.values[frame].astype(np.float64)).max())
    raise ValueError(
        f"row {row} holds a frame with a number of size {largest:.3g}, whose squared distances to others overflow "
        "float32. Such a clip is most likely damaged: remove it, or scale all frames down."
    )
