"""Cepstral coefficients and their differences over time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import savgol_coeffs
from torch import Tensor

from sklearn_audio._isolation import isolated

# Windows per matrix product.
_BLOCK = 1 << 14


@lru_cache(maxsize=32)
def dct_matrix(n_bands: int, n_coefficients: int) -> NDArray[np.float64]:
    """Return the orthonormal type-II discrete cosine transform, shape (n_bands, n_coefficients)."""
    if n_coefficients > n_bands:
        raise ValueError(f"{n_coefficients} cepstral coefficients need at least as many mel bands, got {n_bands}.")
    places = (np.arange(n_bands) + 0.5) * np.pi / n_bands
    matrix = np.cos(places[:, None] * np.arange(n_coefficients)) * np.sqrt(2.0 / n_bands)
    matrix[:, 0] /= np.sqrt(2.0)
    matrix.flags.writeable = False
    return np.asarray(matrix)


@lru_cache(maxsize=32)
def lifter_weights(n_coefficients: int, lifter: float) -> NDArray[np.float64]:
    """Return the weights of sinusoidal liftering, shape (n_coefficients,)."""
    weights = np.ones(n_coefficients)
    if lifter > 0:
        weights += lifter / 2 * np.sin(np.pi * np.arange(1, n_coefficients + 1) / lifter)
    weights.flags.writeable = False
    return weights


def deltas(
    frames: Tensor, *, order: int = 1, width: int = 9, kind: Literal["savgol", "difference"] = "savgol"
) -> Tensor:
    """Estimate the derivative of features over time.

    Parameters
    ----------
    frames : Tensor of shape (n_frames, n_features)
        Features of one clip.
    order : int, default=1
        1 for velocity, 2 for acceleration.
    width : int, default=9
        Frames of the local polynomial, odd, at least 3. Shorter clips use the largest odd number of their frames; with
        fewer than `order` + 1 frames the derivatives are 0.
    kind : {"savgol", "difference"}, default="savgol"
        "savgol": derivative of a polynomial of degree `order` fitted to `width` frames, extrapolated at the ends
        (librosa's ``mode="interp"``). "difference": difference from the previous frame; the first `order` frames are 0.

    Returns
    -------
    Tensor of shape (n_frames, n_features)
        Derivatives per frame.

    Raises
    ------
    ValueError
        If the width is even or below 3.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.dsp import deltas
    >>> deltas(torch.arange(12.0)[:, None] * 2)[:, 0].round().tolist()[:3]
    [2.0, 2.0, 2.0]
    """
    if width < 3 or width % 2 == 0:
        raise ValueError(f"width={width} must be an odd number of frames, at least 3.")
    n_frames = len(frames)
    if kind == "difference":
        steps = torch.zeros_like(frames)
        steps[order:] = torch.diff(frames, n=order, dim=0)
        return steps
    width = min(width, n_frames - (n_frames + 1) % 2)
    if width <= order:
        return torch.zeros_like(frames)
    return _savgol(frames, order, width)


def with_deltas(
    pieces: Iterable[Tensor], n_orders: int, *, width: int = 9, kind: Literal["savgol", "difference"] = "savgol"
) -> Iterator[Tensor]:
    """Yield the frames of a clip with their derivatives beside them, equal to `deltas` of all frames, block by block.

    Shapes: pieces (n, n_features) -> blocks (m, n_features * (1 + n_orders)).
    """
    held: list[Tensor] = []
    n_held = n_known = 0  # frames held, and those of them that were yielded
    for piece in pieces:
        held.append(piece)
        n_held += len(piece)
        while n_held >= _BLOCK + width:  # at least one window remains for the end of the clip
            frames = torch.cat(held)
            yield _beside_deltas(frames[: _BLOCK + width - 1], n_orders, width, kind)[n_known : width // 2 + _BLOCK]
            held, n_held, n_known = [frames[_BLOCK:]], n_held - _BLOCK, width // 2
    yield _beside_deltas(torch.cat(held), n_orders, width, kind)[n_known:]


def _beside_deltas(frames: Tensor, n_orders: int, width: int, kind: Literal["savgol", "difference"]) -> Tensor:
    changes = [deltas(frames, order=order, width=width, kind=kind) for order in range(1, n_orders + 1)]
    return torch.cat([frames, *changes], dim=1)


@isolated(keep_gradients=True)
def _savgol(frames: Tensor, order: int, width: int) -> Tensor:
    half = width // 2
    weights = torch.tensor(_savgol_matrix(order, width), dtype=frames.dtype, device=frames.device)
    windows = frames.unfold(0, width, 1)  # (n_frames - width + 1, n_features, width)
    # the matrix product copies the overlapping windows
    inner = torch.cat([block @ weights[half] for block in torch.split(windows, _BLOCK)])
    # the ends extrapolate the polynomial of the first and last full window
    head = weights[:half] @ frames[:width]
    tail = weights[half + 1 :] @ frames[-width:]
    return torch.cat([head, inner, tail])


@lru_cache(maxsize=32)
def _savgol_matrix(order: int, width: int) -> NDArray[np.float64]:
    # row p: weights of the derivative at position p of the window
    rows = [savgol_coeffs(width, order, deriv=order, pos=position, use="dot") for position in range(width)]
    return np.stack(rows)
