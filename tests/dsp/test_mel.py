"""Mel scales and filterbanks against librosa."""

import librosa
import numpy as np
import pytest

from sklearn_audio.dsp import (
    hz_to_mel,
    mel_filterbank,
    mel_to_hz,
)


@pytest.mark.parametrize("htk", [False, True])
def test_mel_scales_equal_librosa(htk):
    hz = np.linspace(0, 20_000, 777)
    scale = "htk" if htk else "slaney"
    np.testing.assert_allclose(hz_to_mel(hz, scale), librosa.hz_to_mel(hz, htk=htk), rtol=1e-12)
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz, scale), scale), hz, atol=1e-8)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("norm", ["slaney", None])
@pytest.mark.parametrize(("fmin", "fmax"), [(0.0, None), (50.0, 14_000.0)])
def test_filterbank_equals_librosa(scale, norm, fmin, fmax):
    ours = mel_filterbank(32_000, 1024, 64, fmin=fmin, fmax=fmax, scale=scale, norm=norm)
    theirs = librosa.filters.mel(
        sr=32_000, n_fft=1024, n_mels=64, fmin=fmin, fmax=fmax, htk=scale == "htk", norm=norm, dtype=np.float64
    )
    np.testing.assert_allclose(ours, theirs.T, atol=1e-12)
    assert not ours.flags.writeable


def test_vggish_filterbank_has_the_published_sum():
    weights = mel_filterbank(16_000, 512, 64, fmin=125, fmax=7500, scale="htk", domain="mel", norm=None)
    assert weights.sum() == pytest.approx(230.91359916, abs=1e-7)
    assert weights[:, 0].nonzero()[0].tolist() == [5]
    assert weights[5, 0] == pytest.approx(0.94769046, abs=1e-8)


def test_drop_nyquist():
    assert mel_filterbank(16_000, 512, 20, norm=None)[256].sum() == 0  # the last edge itself has no weight
    assert mel_filterbank(16_000, 512, 20, fmax=8000, norm=None, drop_nyquist=True)[256].sum() == 0


@pytest.mark.parametrize(("fmin", "fmax"), [(-1.0, None), (5000.0, 4000.0), (0.0, 9000.0)])
def test_filterbank_refuses_edges_that_do_not_fit(fmin, fmax):
    with pytest.raises(ValueError, match=r"do not fit: need 0 <= fmin < fmax <= 8000\.0"):
        mel_filterbank(16_000, 512, 20, fmin=fmin, fmax=fmax)
