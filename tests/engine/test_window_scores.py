import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sklearn_audio import (
    AudioLoader,
    AudioTagger,
    CNNClassifier,
    EfficientATEmbedder,
    MelSpectrogramTransformer,
    PatchVotingClassifier,
    VGGishEmbedder,
)
from sklearn_audio.engine import labels_of, reading_of, scores_of

X = np.arange(12.0)[:, None]


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        (EfficientATEmbedder("mn04_as", sample_rate=8000), (32000, 8000, "mean")),
        (VGGishEmbedder(), (16000, None, "mean")),
        (MelSpectrogramTransformer(22050), (22050, 22050, "mean")),
        (MelSpectrogramTransformer(front_end="panns_16k"), (16000, 16000, "mean")),
        (AudioLoader(11025, channel=1), (11025, 11025, 1)),
        (AudioTagger("efficientat_mn04_as"), (32000, None, "mean")),
        (CNNClassifier(front_end="panns_8k"), (8000, None, "mean")),
        (CNNClassifier(), (None, None, "mean")),
        (PatchVotingClassifier(LogisticRegression()), (None, None, "mean")),
        (LogisticRegression(), (None, None, "mean")),
    ],
)
def test_reading_is_that_of_the_first_step(step, wanted):
    assert reading_of(step) == wanted
    assert reading_of(make_pipeline(make_pipeline(step), LogisticRegression())) == wanted
    assert reading_of(GridSearchCV(make_pipeline(step, LogisticRegression()), {})) == wanted


def test_scores_have_a_column_per_class():
    three, two = np.repeat(["a", "b", "c"], 4), np.repeat(["a", "b"], 6)
    assert scores_of(DummyClassifier().fit(X, three))(X).shape == (12, 3)
    machine = LinearSVC().fit(X, two)
    scores = scores_of(machine)(X)
    assert np.array_equal(scores[:, 1], machine.decision_function(X))
    assert np.array_equal(machine.classes_[scores.argmax(axis=1)], machine.predict(X))


def test_scores_of_several_labels():
    y = np.array([[0, 1, 0]] * 6 + [[1, 1, 0]] * 6)
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    scores = scores_of(forest)(X)
    assert np.array_equal(scores[:, 0], forest.predict_proba(X)[0][:, 1])
    assert scores[:, 1].tolist() == [1] * 12
    assert scores[:, 2].tolist() == [0] * 12
    assert labels_of(forest, 3).tolist() == [0, 1, 2]


def test_labels():
    model = DummyClassifier().fit(X, np.repeat(["a", "b", "c"], 4))
    assert labels_of(model, 3).tolist() == ["a", "b", "c"]
    assert labels_of(model, 3, ["x", "y", "z"]).tolist() == ["x", "y", "z"]
    with pytest.raises(ValueError, match=r"labels has the shape \(2,\), but DummyClassifier scores 3"):
        labels_of(model, 3, ["x", "y"])


def test_estimators_without_scores_are_refused():
    with pytest.raises(TypeError, match="LinearRegression has neither predict_proba nor decision_function"):
        scores_of(LinearRegression().fit(X, X[:, 0]))
    with pytest.raises(NotFittedError):
        scores_of(LogisticRegression())
