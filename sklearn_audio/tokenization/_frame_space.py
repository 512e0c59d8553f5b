"""`FrameSpace`: what is done to a frame before it is compared with the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FrameSpace", "random_kernels"]

# squared norms that float32 holds with all its digits
_SAFE = (1e-30, 1e30)


@dataclass(frozen=True)
class FrameSpace:
    """The space in which frames are clustered: convolved along the bands, then normalised.

    Shapes: kernels (n_kernels, kernel_size), mean, scale (n_dims,).
    """

    kernels: NDArray[np.float32] | None = None
    mean: NDArray[np.float32] | None = None
    scale: NDArray[np.float32] | None = None
    unit_norm: bool = False

    def apply(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring frames (n_frames, n_bands) into the space, each by itself."""
        frames = np.ascontiguousarray(frames)
        if self.kernels is not None:
            frames = _convolve(frames, self.kernels)
        if self.mean is not None and self.scale is not None:
            frames = (frames - self.mean) / self.scale
        if self.unit_norm:
            frames = _divide_by_norm(frames)
        return frames

    def invert(self, vectors: NDArray[np.float32], n_bands: int) -> NDArray[np.float32]:
        """Bring vectors (n_vectors, n_dims) back to bands; the norm that was divided by is lost."""
        if self.mean is not None and self.scale is not None:
            vectors = vectors * self.scale + self.mean
        if self.kernels is not None:
            # the convolution is linear: its matrix is what it makes of the unit frames, (n_bands, n_dims)
            matrix = _convolve(np.eye(n_bands, dtype=np.float32), self.kernels)
            vectors = vectors @ np.linalg.pinv(matrix)
        return np.asarray(vectors, dtype=np.float32)


def _divide_by_norm(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each frame to norm 1; a frame of zeros stays."""
    squares = np.einsum("ij,ij->i", frames, frames)
    unsafe = np.flatnonzero(~((squares > _SAFE[0]) & (squares < _SAFE[1])))
    squares[unsafe] = 1
    unit: NDArray[np.float32] = frames / np.sqrt(squares)[:, None]
    if len(unsafe):
        # squares overflow or vanish in float32; float64 holds those of any float32
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
    """Draw kernels (n_kernels, kernel_size) whose output is on average as strong as their input."""
    return random_state.normal(scale=shape[1] ** -0.5, size=shape).astype(np.float32)
