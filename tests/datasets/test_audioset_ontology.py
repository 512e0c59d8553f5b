"""Parents, children and restrictions."""

import json

import pytest

from sklearn_audio.datasets import AudioSetOntology, read_audioset_ontology
from tests.datasets.audioset_files import ONTOLOGY, write_tables


@pytest.fixture
def ontology(tmp_path):
    return read_audioset_ontology(write_tables(tmp_path)[2])


def record(label, *children, name=None):
    return {"id": label, "name": name or label, "child_ids": list(children), "restrictions": []}


def test_relatives(ontology):
    assert len(ontology) == 9
    assert ontology.children("Animal") == ("/m/pets", "/m/unicorn")
    assert ontology.parents("/m/dog") == ("/m/pets", "/m/hunt")  # several
    assert ontology.ancestors("Dog") == ("/m/pets", "/m/hunt", "/m/animal")
    assert ontology.descendants("Animal") == ("/m/pets", "/m/unicorn", "/m/dog", "/m/cat")
    assert ontology.parents("Animal") == ontology.descendants("Dog") == ()
    assert ontology.roots() == ("/m/things", "/m/animal", "/m/hunt", "/m/speech")


def test_names_and_ids(ontology):
    assert ontology.find("Rain, drizzle") == ontology.find("/m/rain") == "/m/rain"
    assert "Dog" in ontology
    assert "/m/dog" in ontology
    assert "Dragon" not in ontology
    assert repr(ontology) == "AudioSetOntology(9 classes)"
    with pytest.raises(ValueError, match="the ontology has no class 'Dragon'"):
        ontology.children("Dragon")
    with pytest.raises(ValueError, match="2 classes of the ontology are called 'Hum': a, b; pass the id"):
        AudioSetOntology([record("a", name="Hum"), record("b", name="Hum")]).find("Hum")


def test_restrictions(ontology):
    assert ontology.restrictions("Hunt") == ("blacklist", "abstract")
    assert ontology.restrictions("Dog") == ()
    assert ontology.unrestricted() == ("/m/animal", "/m/dog", "/m/cat", "/m/unicorn", "/m/rain", "/m/speech")


def test_a_class_that_two_ways_lead_to_counts_once():
    diamond = AudioSetOntology([record("a", "b", "c"), record("b", "d"), record("c", "d"), record("d")])
    assert diamond.descendants("a") == ("b", "c", "d")
    assert diamond.ancestors("d") == ("b", "c", "a")


@pytest.mark.parametrize(
    ("records", "match"),
    [
        ([{"id": "a", "name": "A", "child_ids": []}], "record 0 of the ontology has no 'restrictions'"),
        ([record("a"), record("a")], "record 1 of the ontology has the id 'a' of an earlier one"),
        ([record("a", "b")], "the child 'b' of 'a' has no record"),
        ([record("a", "b"), record("b", "a")], "the class 'a' of the ontology lies below itself"),
    ],
)
def test_records_that_make_no_ontology(records, match):
    with pytest.raises(ValueError, match=match):
        AudioSetOntology(records)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[", "is not JSON"),
        (json.dumps({"ontology": ONTOLOGY}), "is not an ontology: expected a list of classes"),
        ("[1]", "is not an ontology"),
    ],
)
def test_files_that_hold_no_ontology(tmp_path, text, match):
    (tmp_path / "ontology.json").write_text(text)
    with pytest.raises(ValueError, match=match):
        read_audioset_ontology(tmp_path / "ontology.json")


def test_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match=r"the ontology .* does not exist"):
        read_audioset_ontology(tmp_path / "ontology.json")
