"""AcousticFeatures: the estimator around dsp.short_term_features, whose numbers are tested in tests/dsp."""

import numpy as np
import pytest
import torch

from sklearn_audio import AcousticFeatures
from sklearn_audio.dsp import short_term_features
from sklearn_audio.preprocessing import _acoustic


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(scale=0.1, size=n).astype(np.float32)


def test_rows_are_those_of_the_function():
    clips = [noise(9000), noise(700, 1), noise(30_000, 2)]
    rows = AcousticFeatures(sample_rate=16000).transform(clips)
    for row, clip in zip(rows, clips, strict=True):
        np.testing.assert_array_equal(row, short_term_features(torch.from_numpy(clip), 16000).numpy())


def test_a_long_clip_is_read_twice_and_gives_the_same(monkeypatch):
    clip = noise(600_000)
    wanted = AcousticFeatures(sample_rate=16000).transform([clip])
    reads = []
    original = _acoustic._Passes.__call__
    monkeypatch.setattr(_acoustic._Passes, "__call__", lambda self: reads.append(self._kept is None) or original(self))
    monkeypatch.setattr(_acoustic, "_KEPT_TIMEPOINTS", 1000)
    np.testing.assert_array_equal(AcousticFeatures(sample_rate=16000).transform([clip])[0], wanted[0])
    assert reads == [True, True]


@pytest.mark.parametrize(("groups", "n"), [(("time",), 3), (("spectral", "time"), 8), (["mfcc", "chroma"], 26)])
@pytest.mark.parametrize("deltas", [True, False])
def test_groups_and_names(groups, n, deltas):
    features = AcousticFeatures(groups=groups, deltas=deltas)
    n_features = n * (2 if deltas else 1)
    assert len(features.get_feature_names_out()) == n_features
    assert features.fit_transform([noise(5000)]).item_shape == (n_features,)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"groups": ("time", "rhythm")}, "groups=.*must name one or more of"),
        ({"groups": ()}, "must name one or more of"),
        ({"window": 0.0}, "The 'window' parameter of AcousticFeatures must be a float in the range"),
        ({"window": 1e-5}, "need at least 2 and 1"),
    ],
)
def test_settings_that_are_refused(settings, match):
    with pytest.raises(ValueError, match=match):
        AcousticFeatures(**settings).fit_transform([noise(5000)])
