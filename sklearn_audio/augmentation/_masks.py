"""SpecAugment: masking of random spans of time and of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.augmentation._transform import Transform, check_count, check_extent, extent_in_steps


@dataclass(frozen=True)
class SpecAugment(Transform):
    """Mask random spans of frames and of features.

    The width of each mask is uniform from 0 to the maximum, and so is its position. Masked values become the mean of
    the whole clip, as the value that normalisation maps to zero is unknown.

    Parameters
    ----------
    time_masks : int, default=2
        Number of masks over time.
    time_width : int or float, default=0.1
        Maximum width: an int counts frames, a float is a fraction of the clip.
    frequency_masks : int, default=2
        Number of masks over features.
    frequency_width : int or float, default=0.125
        Maximum width: an int counts features, a float is a fraction of them.
    p : float, default=1.0
        Probability that a clip is changed.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Notes
    -----
    PANNs [2]_ was trained with two masks of less than 64 of its 1001 frames and two of less than 8 of its 64 bands.
    Time warping, which gained little in the paper [1]_, is not included.

    References
    ----------
    .. [1] Park et al., "SpecAugment: a simple data augmentation method for automatic speech recognition", Interspeech
       2019.
    .. [2] Kong et al., "PANNs: large-scale pretrained audio neural networks for audio pattern recognition", IEEE/ACM
       TASLP 28, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.augmentation import SpecAugment
    >>> frames = np.arange(20, dtype=np.float32).reshape(5, 4)
    >>> masks = SpecAugment(time_masks=1, time_width=2, frequency_masks=0)
    >>> masks.transform(frames, np.random.default_rng(1))
    array([[ 0. ,  1. ,  2. ,  3. ],
           [ 4. ,  5. ,  6. ,  7. ],
           [ 9.5,  9.5,  9.5,  9.5],
           [12. , 13. , 14. , 15. ],
           [16. , 17. , 18. , 19. ]], dtype=float32)
    """

    _computes: ClassVar[bool] = True
    time_masks: int = 2
    time_width: float = 0.1
    frequency_masks: int = 2
    frequency_width: float = 0.125

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("time_masks", "frequency_masks"):
            check_count(name, getattr(self, name))
        for name in ("time_width", "frequency_width"):
            check_extent(name, getattr(self, name))

    def change(self, array: NDArray[Any], rng: np.random.Generator, sample_rate: float | None = None) -> NDArray[Any]:
        if array.ndim != 2:
            raise ValueError(
                f"SpecAugment masks parts of frames (n_frames, n_features), got a waveform of shape {array.shape}; "
                "give it the frames of a front end."
            )
        masked = array.copy()
        self._hide(masked[None], np.array([len(array)]), np.zeros(1, np.int64), rng)
        return masked

    def hide(self, values: NDArray[Any], lengths: NDArray[np.int64], rng: np.random.Generator) -> None:
        """Mask parts of many clips at once, in place, each with probability `p`.

        Parameters
        ----------
        values : ndarray of float, shape (n_clips, n_frames, n_features)
            Frames, padded at the end.
        lengths : ndarray of int, shape (n_clips,)
            Number of frames of each clip; padding is neither masked nor part of the mean.
        rng : numpy.random.Generator
            Random generator.
        """
        self._hide(values, lengths, np.flatnonzero(rng.random(len(values)) < self.p), rng)

    def _hide(
        self, values: NDArray[Any], lengths: NDArray[np.int64], chosen: NDArray[np.int64], rng: np.random.Generator
    ) -> None:
        times = _stretches(self.time_masks, self.time_width, lengths[chosen], rng)
        bands = _stretches(self.frequency_masks, self.frequency_width, np.full(len(chosen), values.shape[2]), rng)
        for i, of_time, of_bands in zip(chosen.tolist(), times, bands, strict=True):
            row = values[i, : lengths[i]]
            mean = row.mean()
            for start, stop in of_time:
                row[start:stop] = mean
            for start, stop in of_bands:
                row[:, start:stop] = mean


def _stretches(
    n_masks: int, width: float, n_steps: NDArray[np.int64], rng: np.random.Generator
) -> list[list[tuple[int, int]]]:
    """Draw start and stop of the masks of each row."""
    widest = np.array([extent_in_steps(width, n) for n in n_steps.tolist()])
    widths = rng.integers(0, widest[:, None], size=(len(n_steps), n_masks), endpoint=True)
    starts = rng.integers(0, n_steps[:, None] - widths, endpoint=True)
    # (n_rows, n_masks) twice -> (n_rows, n_masks, 2)
    stretches: list[list[tuple[int, int]]] = np.stack([starts, starts + widths], axis=2).tolist()
    return stretches
