"""Samples that are finite and huge: the row is named, wherever what is computed from them is not finite."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from sklearn_audio import (
    AcousticFeatures,
    AudioTagger,
    CNNClassifier,
    MelSpectrogramTransformer,
    MFCCTransformer,
    MusiCNNEmbedder,
    PANNsEmbedder,
    SpectrogramTransformer,
)
from sklearn_audio.engine import check_output

RATE = 16000
GOOD = np.random.default_rng(0).uniform(-0.5, 0.5, 20_000).astype(np.float32)
MATCH = r"row 1: the output for the clip is NaN or infinite, though its samples are finite"
FRONT_ENDS = [
    MelSpectrogramTransformer(),
    MelSpectrogramTransformer(normalize="minmax"),
    MelSpectrogramTransformer(log=None, normalize="l2"),
    MelSpectrogramTransformer.from_preset("musicnn"),
    MFCCTransformer(deltas=2),
    AcousticFeatures(),
    SpectrogramTransformer(),
    SpectrogramTransformer(power=2.0, log="db"),
    PANNsEmbedder("cnn6", weights=None, pooling=None),
    MusiCNNEmbedder(weights=None),
]


def damaged(value) -> bytes:
    """A recording one sample of which has a flipped exponent."""
    samples = GOOD.copy()
    samples[7000] = value
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype="FLOAT")
    return file.getvalue()


@pytest.mark.parametrize("estimator", FRONT_ENDS, ids=lambda estimator: type(estimator).__name__)
@pytest.mark.parametrize("value", [1e18, 1e30, 3e38])
def test_a_row_is_finite_or_named(estimator, value):
    X = [damaged(0.1), damaged(value), damaged(0.1)]
    try:
        assert all(np.isfinite(row).all() for row in estimator.fit_transform(X))
    except ValueError as error:
        assert str(error).startswith("row 1: the output for the clip is NaN or infinite")  # noqa: PT017
        estimator.set_params(on_error="nan")
        with pytest.warns(UserWarning, match=r"1 clip\(s\) could not be used and became NaN:\n  row 1: the output"):
            rows = estimator.fit_transform(X)
        estimator.set_params(on_error="raise")
        np.testing.assert_array_equal(rows[0], rows[2])
        assert np.isnan(rows[1]).all()
        assert np.isfinite(rows[0]).all()


@pytest.mark.parametrize("estimator", [MelSpectrogramTransformer(), MFCCTransformer(), MusiCNNEmbedder(weights=None)])
def test_powers_that_overflow_are_refused(estimator):
    with pytest.raises(ValueError, match=MATCH):
        estimator.fit_transform([damaged(0.1), damaged(1e30)])


def test_a_norm_that_overflows_is_computed_in_float64(recwarn):
    mel = MelSpectrogramTransformer(log=None, normalize="l2")
    frames = mel.fit_transform([damaged(1e18)])[0]
    np.testing.assert_allclose(np.linalg.norm(frames, axis=1), 1, rtol=1e-5)
    assert not [warning for warning in recwarn if "overflow" in str(warning.message)]


def test_a_cache_keeps_nothing_that_is_not_finite(tmp_path):
    embedder = PANNsEmbedder("cnn6", weights=None, cache=tmp_path)
    X = [damaged(0.1), damaged(1e30)]
    for _ in range(2):
        with pytest.raises(ValueError, match=MATCH):
            embedder.transform(X)
    assert len(list(tmp_path.rglob("*.vectors"))) == 1


def test_taggers_and_classifiers_of_audio_name_the_row():
    with pytest.raises(ValueError, match=MATCH):
        AudioTagger("panns_cnn6", weights=None).predict_proba([damaged(0.1), damaged(1e30)])
    network = CNNClassifier(front_end="few_audio", max_epochs=1, random_state=0)
    with pytest.raises(ValueError, match=MATCH):
        network.fit([damaged(0.1), damaged(1e30)], [0, 1])
    network.fit([damaged(0.1), damaged(0.2)], [0, 1])
    with pytest.raises(ValueError, match=MATCH):
        network.predict([damaged(0.1), damaged(1e30)])


def test_sums_that_overflow_are_no_infinities():
    check_output(np.full(10, np.finfo(np.float32).max), "row {}".format, 0)
    with pytest.raises(ValueError, match="row 0: the output for the clip"):
        check_output(np.array([1, np.nan], dtype=np.float32), "row {}".format, 0)
