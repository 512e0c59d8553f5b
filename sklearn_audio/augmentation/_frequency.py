"""Warping of the frequency axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.augmentation._transform import Span, Transform, check_span, draw

_KNEE = 0.85  # of the features; those above are squeezed or stretched so that the last one stays


@dataclass(frozen=True)
class FrequencyWarp(Transform):
    """Stretch the frequency axis of frames, as if spoken by a person with a shorter or longer vocal tract (VTLP).

    Feature ``i`` of the result is interpolated at position ``i / warp`` of the clip; the upper 15 % are squeezed or
    stretched, so that the last feature stays. On mel bands this moves the formants as another speaker does; on cepstral
    coefficients it has no meaning.

    Parameters
    ----------
    warp : float or tuple of two floats, default=(0.85, 1.18)
        Factor, or the limits of a uniform distribution; above 1, all features move up.
    p : float, default=1.0
        Probability that a clip is changed.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    Jaitly and Hinton, "Vocal tract length perturbation (VTLP) improves speech recognition", ICML workshop on deep
    learning for audio, speech and language, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.augmentation import FrequencyWarp
    >>> frames = np.arange(9, dtype=np.float32)[None]
    >>> FrequencyWarp(2.0).transform(frames, np.random.default_rng(0)).round(1)
    array([[0. , 0.5, 1. , 1.5, 2. , 2.5, 3. , 4.2, 8. ]], dtype=float32)
    """

    _computes: ClassVar[bool] = True
    warp: Span = (0.85, 1.18)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_span("warp", self.warp, least=0.0)

    def change(self, array: NDArray[Any], rng: np.random.Generator, sample_rate: float | None = None) -> NDArray[Any]:
        if array.ndim != 2:
            raise ValueError(
                f"FrequencyWarp changes frames (n_frames, n_features), got a waveform of shape {array.shape}; over "
                "waveforms, use SpeedChange."
            )
        last, warp = array.shape[1] - 1, draw(self.warp, rng)
        knee = _KNEE * last  # the position in the clip, or in the result, whichever comes first
        target = knee * min(1.0, warp)
        positions = np.interp(np.arange(last + 1), [0, target, last], [0, target / warp, last]) if last else np.zeros(1)
        lower = np.minimum(positions.astype(np.intp), max(last - 1, 0))
        share = (positions - lower).astype(np.float32)
        upper = np.minimum(lower + 1, last)
        return np.asarray(array[:, lower] * (1 - share) + array[:, upper] * share)
