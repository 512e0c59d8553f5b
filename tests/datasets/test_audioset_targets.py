"""Indicator matrices: order, closure over parents, restriction, and columns that nothing could train."""

import numpy as np
import pytest
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB

from sklearn_audio.datasets import AudioSetOntology, audioset_targets, read_audioset_labels, read_audioset_segments
from tests.datasets.audioset_files import ONTOLOGY, write_tables


@pytest.fixture
def tables(tmp_path):
    segments, class_labels, _ = write_tables(tmp_path)
    return read_audioset_segments(segments)["labels"], read_audioset_labels(class_labels), AudioSetOntology(ONTOLOGY)


def test_columns_in_the_order_of_the_class_labels(tables):
    lists, names, _ = tables
    wanted = [[1, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 1]]
    target = audioset_targets(lists, class_labels=names)
    assert target.tolist() == wanted
    assert target.dtype == np.int8


def test_columns_chosen_by_name_or_id(tables):
    lists, names, _ = tables
    target = audioset_targets(lists, labels=["/m/rain", "Dog"], class_labels=names)
    assert target.tolist() == [[0, 1], [0, 0], [0, 0], [0, 1], [1, 1], [1, 0]]


def test_a_dog_is_an_animal(tables):
    lists, names, ontology = tables
    target = audioset_targets(
        lists, labels=["Animal", "Hunt", "Dog", "Sounds of things"], class_labels=names, ontology=ontology
    )
    # dog+speech, cat, speech, dog, rain+dog+cat, rain
    assert target.tolist() == [[1, 1, 1, 0], [1, 0, 0, 0], [0] * 4, [1, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 1]]


def test_all_columns_with_an_ontology_are_still_the_class_labels(tables):
    lists, names, ontology = tables
    plain = audioset_targets(lists, class_labels=names)
    np.testing.assert_array_equal(audioset_targets(lists, class_labels=names, ontology=ontology), plain)


def test_the_default_is_the_527_labels():
    target = audioset_targets([["/m/09x0r"], ["/m/09x0r", "/m/09x0r"]])
    assert target.shape == (2, 527)
    assert target.sum(axis=1).tolist() == [1, 1]
    assert target[:, 0].tolist() == [1, 1]


def test_classes_that_no_clip_can_carry_are_refused(tables):
    # The original took every unrestricted class of the ontology: 543 outputs, of which 16 never saw a positive.
    lists, names, ontology = tables
    with pytest.raises(ValueError, match=r"1 of the 6 labels can never be positive.*: /m/unicorn\. Leave them out"):
        audioset_targets(lists, labels=ontology.unrestricted(), class_labels=names, ontology=ontology)
    carried = [label for label in ontology.unrestricted() if label in names]
    assert audioset_targets(lists, labels=carried, class_labels=names).any(axis=0).all()


def test_543_unrestricted_classes_of_which_527_are_labels():
    names = read_audioset_labels()
    unknown = [f"/m/never{i}" for i in range(16)]
    records = [{"id": label, "name": label, "child_ids": [], "restrictions": []} for label in (*names, *unknown)]
    ontology = AudioSetOntology(records)
    assert len(ontology.unrestricted()) == 543
    with pytest.raises(ValueError, match=r"16 of the 543 labels can never be positive.*/m/never2 and 13 more\. Leave"):
        audioset_targets([["/m/09x0r"]], labels=ontology.unrestricted(), ontology=ontology)


def test_sparse_targets_train_a_classifier(tables):
    lists, names, _ = tables
    dense, sparse = (audioset_targets(lists, class_labels=names, sparse=value) for value in (False, True))
    np.testing.assert_array_equal(sparse.toarray(), dense)
    assert sparse.dtype == dense.dtype
    X = np.eye(len(dense))
    predicted = [OneVsRestClassifier(BernoulliNB()).fit(X, y).predict_proba(X) for y in (dense, sparse)]
    np.testing.assert_array_equal(*predicted)


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        (["Dog", "Dragon"], "the label 'Dragon' is not among the class labels"),
        (["Dog", "/m/dog"], "labels= holds '/m/dog' twice"),
        (["Animal"], "the label 'Animal' is not among the class labels"),
        ([], "labels= is empty"),
        (["Dog", "Cat", "Dog"], "labels= holds '/m/.*' twice"),
        ("Dog", "labels='Dog' is one text; pass a sequence"),
    ],
)
def test_labels_that_are_no_columns(tables, labels, match):
    with pytest.raises(ValueError, match=match):
        audioset_targets(tables[0], labels=labels, class_labels=tables[1])


def test_a_name_that_two_labels_have():
    with pytest.raises(ValueError, match="the label 'Hum' is the name of 2 labels, a, b; pass the id"):
        audioset_targets([], labels=["Hum"], class_labels={"a": "Hum", "b": "Hum"})


def test_a_clip_with_an_unknown_label(tables):
    with pytest.raises(ValueError, match="clip 1 carries the label '/m/dragon', which is not among the class labels"):
        audioset_targets([["/m/dog"], ["/m/dragon"]], labels=["Dog"], class_labels=tables[1])
    # With the ontology the label is known, only not asked for.
    target = audioset_targets([["/m/pets"]], labels=["Dog", "Animal"], class_labels=tables[1], ontology=tables[2])
    assert target.tolist() == [[0, 1]]
