"""Scores of windows and segments to scores of frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["frames_of_segments", "frames_of_windows"]

_FRAMES_PER_SEGMENT = 32  # five poolings by two


def frames_of_windows(
    windows: NDArray[np.float32], first: NDArray[np.int64], last: NDArray[np.int64], n_frames: int
) -> NDArray[np.float32]:
    """Average the windows around each frame.

    Shapes: windows (n_windows, n_labels), first, last (n_windows,) -> (n_frames, n_labels).
    """
    last = np.minimum(last, n_frames)
    steps = np.zeros((n_frames + 1, windows.shape[1]))
    counts = np.zeros(n_frames + 1)
    for sign, places in ((1, first), (-1, last)):
        np.add.at(steps, places, sign * windows.astype(np.float64))
        np.add.at(counts, places, sign)
    covered = int(last.max())
    frames = np.cumsum(steps[:covered], axis=0) / np.cumsum(counts[:covered])[:, None]
    return _filled_up(frames, n_frames)


def frames_of_segments(segments: list[NDArray[np.float32]], n_patch: int, n_frames: int) -> NDArray[np.float32]:
    """Repeat the decision on each segment for its frames, as the authors of PANNs do.

    Shapes: segments (n_segments_i, n_labels) -> (n_frames, n_labels).
    """
    patches = [np.repeat(patch, _FRAMES_PER_SEGMENT, axis=0) for patch in segments]
    whole = [_filled_up(patch, n_patch) for patch in patches[:-1]]
    return _filled_up(np.concatenate([*whole, patches[-1]]), n_frames)


def _filled_up(frames: NDArray[np.floating], n_frames: int) -> NDArray[np.float32]:
    """Cut, or repeat the last frame."""
    missing = max(0, n_frames - len(frames))
    return np.concatenate([frames[:n_frames], np.repeat(frames[-1:], missing, axis=0)]).astype(np.float32)
