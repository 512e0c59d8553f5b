"""Labels in any container, and missing ones."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from sklearn_audio import CNNClassifier, PatchVotingClassifier, PrototypicalClassifier
from sklearn_audio.model_selection import FewShotSplit, MultilabelThresholdClassifierCV
from sklearn_audio.validation import check_labels

TEXT = ["a", "b", "a", "b"]
X = [np.random.default_rng(i).standard_normal((40, 16)).astype(np.float32) for i in range(4)]


@pytest.mark.parametrize(
    ("y", "wanted", "kinds"),
    [
        (TEXT, TEXT, "UO"),
        (pd.Series(TEXT), TEXT, "UO"),
        (pd.Series(TEXT, dtype="string"), TEXT, "UO"),
        (pd.Series(TEXT, dtype="category"), TEXT, "UO"),
        (pd.Series(TEXT).values, TEXT, "UO"),
        (pd.Index(TEXT), TEXT, "UO"),
        (np.array(TEXT, dtype=np.dtypes.StringDType()), TEXT, "UO"),
        (pd.Series([True, False], dtype="boolean"), [True, False], "b"),
        (pd.Series([3, 1], dtype="Int64"), [3, 1], "i"),
        (pd.array([3, 1], dtype="UInt8"), [3, 1], "iu"),
        (pd.Series([3, 1], dtype="category"), [3, 1], "i"),
        (np.array([3, 1], dtype=np.int16), [3, 1], "i"),
        (pd.DataFrame({"x": [0, 1], "y": [1, 1]}, dtype="Int64"), [[0, 1], [1, 1]], "i"),
        (pd.DataFrame({"x": [False, True], "y": [True, True]}, dtype="boolean"), [[False, True], [True, True]], "b"),
    ],
)
def test_labels_of_any_container(y, wanted, kinds):
    labels = check_labels(y)
    assert labels.tolist() == wanted if isinstance(labels, np.ndarray) else labels == wanted
    assert np.asarray(labels).dtype.kind in kinds


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
@pytest.mark.parametrize(("y", "kind"), [(TEXT, "O"), ([3, 1], "i"), ([True, False], "b"), ([0.5, 1.5], "f")])
def test_labels_of_other_libraries(library, y, kind):
    module = pytest.importorskip(library, reason=f"{library} is not installed")
    column = module.Series(y) if library == "polars" else module.array(y)
    labels = check_labels(column)
    assert (labels.tolist(), labels.dtype.kind) == (y, kind)
    gone = [*y, None]
    column = module.Series(gone) if library == "polars" else module.array(gone)
    with pytest.raises(ValueError, match=rf"row {len(y)} of y is missing"):
        check_labels(column)


def test_what_is_left_alone():
    matrix = scipy.sparse.csr_matrix(np.eye(2))
    assert check_labels(matrix) is matrix
    assert check_labels(None) is None


GONE = [None, np.nan, pd.NA, pd.NaT]
FORMS = {
    "list": list,
    "tuple": tuple,
    "object": lambda y: np.array(y, dtype=object),
    "Series": lambda y: pd.Series(y, dtype=object),
    "category": lambda y: pd.Series(y, dtype="category"),
    "string": lambda y: pd.Series(y, dtype="string"),
    "Index": lambda y: pd.Index(y, dtype=object),
    "frame": lambda y: pd.DataFrame({"label": y}, dtype=object),
}


@pytest.mark.parametrize("gone", GONE, ids=str)
@pytest.mark.parametrize("form", FORMS)
def test_a_missing_label_is_named_by_its_row(gone, form):
    with pytest.raises(ValueError, match=r"row 2 .*of y is missing \(.*\): every clip needs a label\. Give the label"):
        check_labels(FORMS[form](["a", "b", gone, "a"]))


@pytest.mark.parametrize(
    "y",
    [
        np.array([0.0, 1.0, np.nan]),
        [0, 1, np.nan],
        pd.Series([0, 1, None], dtype="Int64"),
        pd.Series([True, False, None], dtype="boolean"),
        np.array(["2026-01-01", "2026-01-02", "NaT"], dtype="datetime64[D]"),
    ],
)
def test_a_missing_number_is_named_by_its_row(y):
    with pytest.raises(ValueError, match=r"row 2 of y is missing .*: every clip needs a label"):
        check_labels(y)


@pytest.mark.parametrize(
    "y", [np.array([[0, 1], [1, np.nan]]), pd.DataFrame({"x": [0, 1], "y": [1, None]}), [[0, 1], [1, None]]]
)
def test_a_missing_indicator_is_named_by_its_place(y):
    with pytest.raises(ValueError, match=r"row 1 .*of y is missing"):
        check_labels(y)


CLASSIFIERS = {
    "CNNClassifier": CNNClassifier(max_epochs=1),
    "PrototypicalClassifier": PrototypicalClassifier(network=None),
    "PatchVotingClassifier": PatchVotingClassifier(LogisticRegression()),
    "MultilabelThresholdClassifierCV": MultilabelThresholdClassifierCV(LogisticRegression()),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("y", [["a", None, "b", "a"], pd.Series(["a", pd.NA, "b", "a"], dtype="string")])
def test_every_classifier_refuses_a_missing_label(name, y):
    with pytest.raises(ValueError, match=r"row 1 of y is missing .*: every clip needs a label"):
        CLASSIFIERS[name].fit(X, y)


def test_a_splitter_refuses_a_missing_label():
    with pytest.raises(ValueError, match="row 1 of y is missing"):
        next(FewShotSplit(1).split(X, ["a", None, "b", "a"]))


@pytest.mark.parametrize(
    ("dtype", "y", "kinds"), [("boolean", [True, False], "b"), ("Int64", [7, 3], "i"), ("string", ["a", "b"], "UO")]
)
def test_nullable_labels_come_back_as_they_were(dtype, y, kinds):
    classifier = PrototypicalClassifier(network=None).fit(X, pd.Series(y * 2, dtype=dtype))
    predicted = classifier.predict(X)
    assert predicted.dtype.kind in kinds
    assert set(predicted.tolist()) <= set(y)
    assert classifier.classes_.tolist() == sorted(y)
