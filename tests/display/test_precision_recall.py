"""`PrecisionRecallPerLabelDisplay`: the curves of scikit-learn, label by label."""

import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, precision_recall_curve
from sklearn.svm import LinearSVC

from sklearn_audio import PrecisionRecallPerLabelDisplay

rng = np.random.default_rng(0)
TRUTH = rng.random((60, 4)) < [0.1, 0.3, 0.5, 0.0]
SCORES = TRUTH * [2.0, 0.5, 0.1, 0.0] + rng.random(TRUTH.shape)
LABELS = ["dog", "cat", "rain", "never"]


def test_curves_and_average_precision(pyplot):
    display = PrecisionRecallPerLabelDisplay.from_predictions(TRUTH, SCORES, labels=LABELS)
    assert list(display.lines_) == ["dog", "cat", "rain"]  # the best first
    for column, (label, line) in enumerate(display.lines_.items()):
        precision, recall, _ = precision_recall_curve(TRUTH[:, column], SCORES[:, column])
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([recall, precision]))
        assert display.average_precision_[label] == average_precision_score(TRUTH[:, column], SCORES[:, column])
    assert np.isnan(display.average_precision_["never"])
    (legend,) = display.figure_.legends
    assert legend.get_texts()[0].get_text() == "dog (1.00)"
    assert legend.get_title().get_text() == f"average precision (mean {display.average_precision_.mean():.2f})"


def test_the_worst_labels_are_named(pyplot):
    display = PrecisionRecallPerLabelDisplay.from_predictions(TRUTH, SCORES, labels=LABELS, max_labels=1)
    assert [text.get_text().split()[0] for text in display.figure_.legends[0].get_texts()] == ["rain"]
    assert display.lines_["dog"].get_color() == "0.8"


@pytest.mark.parametrize("model", [LogisticRegression(), LinearSVC()])
@pytest.mark.parametrize("names", [["a", "b", "c"], ["a", "b"]])
def test_classes_of_an_estimator(model, names, pyplot):
    X = rng.normal(size=(60, 3))
    y = np.array(names)[X[:, : len(names)].argmax(axis=1)]
    display = PrecisionRecallPerLabelDisplay.from_estimator(model.fit(X, y), X, y)
    assert set(display.lines_) == set(names)
    assert (display.average_precision_ > 0.8).all()
    with pytest.raises(ValueError, match=r"y has the label 'd', but the scores are of \['a', 'b'"):
        PrecisionRecallPerLabelDisplay.from_estimator(model, X, ["d"] * 60)


def test_shapes_that_do_not_fit(pyplot):
    words = r"y_true has the shape \(60, 4\), y_score \(60, 3\) and labels \(4,\)"
    with pytest.raises(ValueError, match=words):
        PrecisionRecallPerLabelDisplay.from_predictions(TRUTH, SCORES[:, :3])
    with pytest.raises(ValueError, match=r"labels \(2,\); give a column and a name for each label"):
        PrecisionRecallPerLabelDisplay.from_predictions(TRUTH, SCORES, labels=["a", "b"])


@pytest.mark.parametrize(("width", "height"), [(12, 5), (3.5, 3.5)])
def test_nothing_is_cut(width, height, pyplot, is_legible):
    many = rng.random((50, 30)) < 0.3
    names = ["Domestic animals, pets and livestock", *map(str, range(29))]
    figure, ax = pyplot.subplots(figsize=(width, height), layout="constrained")
    PrecisionRecallPerLabelDisplay.from_predictions(many, rng.random(many.shape), labels=names, ax=ax)
    assert is_legible(figure)
    figure, (_, ax) = pyplot.subplots(1, 2)
    PrecisionRecallPerLabelDisplay.from_predictions(many, rng.random(many.shape), ax=ax)
    assert ax.get_legend() is not None


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="PrecisionRecallPerLabelDisplay needs the package 'matplotlib"):
        PrecisionRecallPerLabelDisplay.from_predictions(TRUTH, SCORES)
