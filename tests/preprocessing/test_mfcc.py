"""`MFCCTransformer`: librosa's numbers, derivatives, long clips."""

import librosa
import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_audio import MFCCTransformer
from sklearn_audio.preprocessing import _mfcc

RATE = 22050


def tone(n, seed=0):
    rng = np.random.default_rng(seed)
    fade = np.linspace(0, 1, n) ** 3
    return (0.3 * fade * np.sin(np.arange(n) * 0.05) + fade * rng.normal(scale=0.02, size=n)).astype(np.float32)


CLIPS = [tone(22050, 1), tone(9000, 2), tone(3000, 3)]


def librosa_mfcc(clip, **options):
    return librosa.feature.mfcc(y=clip.astype(np.float64), sr=RATE, **options).T


@pytest.mark.parametrize(
    ("params", "options"),
    [
        ({}, {}),
        ({"n_mfcc": 13, "n_mels": 40, "n_fft": 512, "hop_length": 200}, None),
        ({"lifter": 22.0}, None),
        ({"fmin": 50.0, "fmax": 8000.0, "mel_norm": None}, {"fmin": 50.0, "fmax": 8000.0, "norm_mel": None}),
        ({"mel_scale": "htk", "center": False, "win_length": 1024}, {"htk": True, "center": False, "win_length": 1024}),
        ({"pad_mode": "reflect"}, None),
    ],
)
def test_equal_to_librosa(params, options):
    options = dict(params if options is None else options)
    if "norm_mel" in options:
        # `norm` of librosa.feature.mfcc is that of the cosine transform, so the filterbank is made apart
        mel = librosa.feature.melspectrogram(
            y=CLIPS[0].astype(np.float64), sr=RATE, fmin=50.0, fmax=8000.0, norm=options.pop("norm_mel")
        )
        wanted = librosa.feature.mfcc(S=librosa.power_to_db(mel)).T
    else:
        wanted = librosa_mfcc(CLIPS[0], **options)
    got = MFCCTransformer(**params).transform(CLIPS[:1])[0]
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, atol=2e-3)


@pytest.mark.parametrize("delta_width", [9, 5])
def test_derivatives_equal_those_of_librosa(delta_width):
    cepstra = librosa_mfcc(CLIPS[0])
    wanted = [cepstra] + [librosa.feature.delta(cepstra, width=delta_width, order=i, axis=0) for i in (1, 2)]
    got = MFCCTransformer(deltas=2, delta_width=delta_width).transform(CLIPS[:1])[0]
    np.testing.assert_allclose(got, np.hstack(wanted), atol=2e-3)
    np.testing.assert_array_equal(MFCCTransformer(deltas=1, delta_width=delta_width).transform(CLIPS)[0], got[:, :40])


def test_differences():
    got = MFCCTransformer(n_mfcc=5, deltas=1, delta_kind="difference").transform(CLIPS)
    for frames in got:
        assert not frames[0, 5:].any()
        np.testing.assert_allclose(frames[1:, 5:], np.diff(frames[:, :5], axis=0), atol=1e-5)


@pytest.mark.parametrize("n", [1, 100, 600, 1500])
def test_derivatives_of_clips_with_few_frames(n):
    frames = MFCCTransformer(deltas=2).transform([tone(n)])[0]
    assert frames.shape == (1 + n // 512, 60)
    assert np.isfinite(frames).all()


@pytest.mark.parametrize("params", [{}, {"top_db": None}, {"deltas": 2}, {"top_db": 20.0}])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_second_pass_over_long_clips_changes_no_bit(monkeypatch, params, n_jobs):
    transformer = MFCCTransformer(n_jobs=n_jobs, **params)
    wanted = transformer.transform(CLIPS)
    monkeypatch.setattr(_mfcc, "_KEPT_FRAMES", 10)
    np.testing.assert_array_equal(transformer.transform(CLIPS).values, wanted.values)


def test_top_db_is_that_of_the_clip():
    # the level that quiet frames are raised to comes from the loudest one, which is read last
    for top_db in (20.0, 60.0, None):
        np.testing.assert_allclose(
            MFCCTransformer(top_db=top_db).transform(CLIPS[:1])[0],
            librosa.feature.mfcc(
                S=librosa.power_to_db(
                    librosa.feature.melspectrogram(y=CLIPS[0].astype(np.float64), sr=RATE), top_db=top_db
                )
            ).T,
            atol=2e-3,
        )


def test_names():
    names = MFCCTransformer(n_mfcc=2, deltas=2).get_feature_names_out()
    assert names.tolist() == ["mfcc_0", "mfcc_1", "delta_mfcc_0", "delta_mfcc_1", "delta2_mfcc_0", "delta2_mfcc_1"]


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"n_mfcc": 0}, r"'n_mfcc' parameter of MFCCTransformer must be an int in the range \[1, inf\)\. Got 0"),
        ({"deltas": 3}, r"'deltas' parameter of MFCCTransformer must be an int in the range \[0, 2\]\. Got 3"),
        ({"delta_width": 1}, r"'delta_width' parameter of MFCCTransformer must be an int in the range \[3, inf\)"),
        ({"delta_kind": "diff"}, "'delta_kind' parameter of MFCCTransformer must be a str among .* Got 'diff'"),
        ({"lifter": -1}, "'lifter' parameter of MFCCTransformer must be a float"),
    ],
)
def test_parameters(params, match):
    with pytest.raises(InvalidParameterError, match=match):
        MFCCTransformer(**params).fit(CLIPS)


def test_normalised_over_the_clip():
    clips = [np.random.default_rng(i).normal(size=n).astype(np.float32) * 0.1 for i, n in enumerate((4000, 9000, 10))]
    raw, normalised = (MFCCTransformer(8000, deltas=1, normalize=way).transform(clips) for way in (None, "clip"))
    for frames, got in zip(raw[:2], normalised[:2], strict=True):
        np.testing.assert_allclose(got, StandardScaler().fit_transform(frames.astype(np.float64)), atol=1e-3)
    assert not normalised[2].any()  # one frame, which is its own mean


def test_constant_features_of_a_normalised_clip_are_zero():
    assert not MFCCTransformer(8000, normalize="clip").transform([np.zeros(20_000, np.float32)])[0].any()
