"""Sound levels, and mixtures by loudness."""

import librosa
import numpy as np
import pytest

from sklearn_audio.engine.augmentation._loudness import _a_weighting, sound_levels


def test_weights_are_those_of_librosa():
    frequencies = np.linspace(1, 24000, 500)
    assert _a_weighting(frequencies) == pytest.approx(librosa.A_weighting(frequencies), abs=1e-3)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_levels_of_tones(rate):
    """A tone of 1 kHz has its own level, and others that of the A-weighting; the loudest part decides."""
    time = np.arange(rate) / rate
    tones = np.stack([np.sin(2 * np.pi * f * time) for f in (1000, 100, 1000, 1000)]).astype(np.float32)
    tones[2] *= 0.1
    tones[3, : rate // 2] = 0
    loud, low, soft, late = sound_levels(tones, np.full(4, rate), rate)
    assert loud - soft == pytest.approx(20, abs=1e-3)
    assert loud - low == pytest.approx(-librosa.A_weighting(100), abs=0.3)
    assert late == pytest.approx(loud, abs=1e-3)


def test_silence_short_clips_and_padding():
    values = np.zeros((3, 4000), np.float32)
    values[1, :50] = 1
    values[2, :50], values[2, 50:] = 1, 9
    silent, short, padded = sound_levels(values, np.array([4000, 4000, 50]), 16000)
    assert silent == -80
    assert short == pytest.approx(padded)
    assert short > -80
