"""Cepstra, lifters and deltas against librosa."""

import librosa
import numpy as np
import pytest
import torch

from sklearn_audio.dsp import _cepstrum, dct_matrix, deltas, lifter_weights


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


@pytest.mark.parametrize(("kind", "width"), [("savgol", 3), ("savgol", 9), ("savgol", 101), ("difference", 9)])
@pytest.mark.parametrize("n_frames", [1, 2, 3, 8, 9, 40, 41, 48, 49, 50, 80, 81, 257])
def test_derivatives_by_blocks_equal_those_of_all_frames(kind, width, n_frames, monkeypatch):
    monkeypatch.setattr(_cepstrum, "_BLOCK", 40)
    frames = torch.from_numpy(np.random.default_rng(n_frames).standard_normal((n_frames, 4)).astype(np.float32))
    wanted = torch.cat([frames, *(deltas(frames, order=order, width=width, kind=kind) for order in (1, 2))], dim=1)
    for n in (1, 7, 100, 300):
        blocks = list(_cepstrum.with_deltas(torch.split(frames, n), 2, width=width, kind=kind))
        assert torch.equal(torch.cat(blocks), wanted)
        assert max(map(len, blocks)) <= 40 + 2 * width
