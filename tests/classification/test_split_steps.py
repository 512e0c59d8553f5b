import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_audio import MFCCTransformer, SequencePooling
from sklearn_audio.classification._split_steps import SplitSteps
from sklearn_audio.engine import Window

RATE = 8000


def means(frames):
    return np.stack([clip.mean(axis=0) for clip in frames])


@pytest.fixture(scope="module")
def windows():
    rng = np.random.default_rng(0)
    return [Window(0, rng.normal(scale=scale, size=RATE).astype(np.float32), RATE) for scale in (0.1, 0.2, 0.01, 0.02)]


@pytest.mark.parametrize(
    ("model", "n_first"),
    [
        (make_pipeline(MFCCTransformer(RATE, n_mels=20), SequencePooling(), LogisticRegression()), 1),
        (
            make_pipeline(
                MFCCTransformer(RATE, n_mels=20), FunctionTransformer(means), StandardScaler(), LogisticRegression()
            ),
            2,
        ),
        (make_pipeline("passthrough", MFCCTransformer(RATE, n_mels=20), SequencePooling(), LogisticRegression()), 0),
        (
            make_pipeline(
                MFCCTransformer(RATE, n_mels=20).set_output(transform="pandas"), SequencePooling(), LogisticRegression()
            ),
            1,
        ),
    ],
)
def test_the_whole_is_the_estimator_fitted_to_the_windows(windows, model, n_first):
    split = SplitSteps.of(model)
    assert len(split.first) == n_first
    rows = split.rows(windows)
    assert len(rows) == len(windows)
    y = ["loud", "loud", "quiet", "quiet"]
    whole = split.joined(split.others.fit(split.stacked(rows), y))
    X = [window.as_clip() for window in windows]
    assert np.allclose(whole.predict_proba(X), model.fit(X, y).predict_proba(X), rtol=1e-6)
    assert split.whole is not model


def test_an_estimator_without_first_steps_sees_the_windows(windows):
    split = SplitSteps.of(LogisticRegression())
    assert split.rows(windows)[0]["sampling_rate"] == RATE
    assert split.joined("fitted") == "fitted"
