"""Windows, mel scales, cepstra and frames against librosa, SciPy and NumPy."""

import librosa
import numpy as np
import pytest
import torch

from sklearn_audio.dsp import (
    FrameGeometry,
    FrameStream,
    dct_matrix,
    deltas,
    hz_to_mel,
    lifter_weights,
    mel_filterbank,
    mel_to_hz,
    reflect_indices,
    window,
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


@pytest.mark.parametrize("periodic", [True, False])
def test_windows(periodic):
    np.testing.assert_allclose(
        window("hann", 400, periodic=periodic), 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / (400 - (not periodic)))
    )
    np.testing.assert_allclose(window("povey", 9, periodic=False), window("hann", 9, periodic=False) ** 0.85)
    assert window("rectangular", 3).tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="unknown window 'kaiser'; choose one of"):
        window("kaiser", 8)


def test_dct_and_lifter_equal_librosa():
    bands = np.random.default_rng(0).normal(size=(40, 7)) * 10
    for lifter in (0, 22):
        theirs = librosa.feature.mfcc(S=bands, n_mfcc=13, lifter=lifter)
        np.testing.assert_allclose(
            (bands.T @ dct_matrix(40, 13)) * lifter_weights(13, lifter), theirs.T, rtol=1e-9, atol=1e-9
        )
    with pytest.raises(ValueError, match="14 cepstral coefficients need at least as many mel bands, got 13"):
        dct_matrix(13, 14)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("width", [3, 5, 9])
@pytest.mark.parametrize("n_frames", [9, 10, 57])
def test_deltas_equal_librosa(order, width, n_frames):
    frames = np.random.default_rng(0).normal(size=(n_frames, 4))
    theirs = librosa.feature.delta(frames.T, order=order, width=width, mode="interp").T
    ours = deltas(torch.from_numpy(frames), order=order, width=width).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_deltas_of_short_clips():
    ramp = torch.arange(8.0, dtype=torch.float64)[:, None]
    for n_frames in (3, 4, 7, 8):
        torch.testing.assert_close(deltas(ramp[:n_frames]), torch.ones(n_frames, 1, dtype=torch.float64))
    for n_frames in (1, 2):
        assert deltas(ramp[:n_frames]).eq(0).all()
    assert deltas(ramp[:2], order=2).eq(0).all()


def test_plain_differences():
    frames = torch.tensor([[1.0], [4.0], [9.0], [16.0]])
    assert deltas(frames, kind="difference")[:, 0].tolist() == [0, 3, 5, 7]
    assert deltas(frames, order=2, kind="difference")[:, 0].tolist() == [0, 0, 2, 2]
    assert deltas(frames[:1], order=2, kind="difference").tolist() == [[0]]


@pytest.mark.parametrize("width", [2, 8, 1])
def test_deltas_refuse_a_width(width):
    with pytest.raises(ValueError, match=f"width={width} must be an odd number of frames, at least 3"):
        deltas(torch.zeros(9, 1), width=width)


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_reflect_indices_equal_numpy(n):
    np.testing.assert_array_equal(reflect_indices(n, 9, 11).numpy(), np.pad(np.arange(n), (9, 11), mode="reflect"))


def test_frame_stream_refuses_an_empty_clip():
    stream = FrameStream(FrameGeometry(length=4, hop=2, lead=0, span=4, pad=0, pad_mode="constant"), block=2)
    assert not stream.has_timepoints
    with pytest.raises(ValueError, match="a waveform without timepoints has no frames"):
        list(stream.finish())
