"""The registry of published weights."""

import re

import pytest

from sklearn_audio.engine.models import CARDS
from sklearn_audio.weights import registry
from sklearn_audio.weights._readers import CONVERTERS
from sklearn_audio.weights._registry import find
from tests.registered import PANNS, toml

ENTRIES = registry()


@pytest.mark.parametrize("name", ENTRIES)
def test_entries(name):
    entry = ENTRIES[name]
    assert entry.name == name
    assert entry.url.startswith("https://")
    assert entry.converter in CONVERTERS
    assert entry.licence in {"Apache-2.0", "BSD-3-Clause", "CC BY 4.0", "ISC", "MIT"}
    assert re.fullmatch(r"([0-9a-f]{8}|[0-9a-f]{64})?", entry.sha256)
    assert re.fullmatch(r"([0-9a-f]{32})?", entry.md5)
    assert re.search(r"\b20\d\d\b", entry.paper)
    assert "=" not in entry.url.partition("?")[0]  # Zenodo wants it quoted


def test_files_do_not_take_each_others_places():
    places = [(entry.file, entry.url) for entry in ENTRIES.values()]
    assert len({file for file, _ in places}) == len(set(places))


def test_every_model_has_its_weights():
    cards = [card for models in CARDS.values() for card in models.values()]
    named = {card.weights for card in cards if card.weights}
    assert named <= set(ENTRIES)
    assert set(ENTRIES) - named == {"vggish_tensorflow", "vggish_pca"}
    assert {card.weights: card.converter for card in cards if card.weights} == {
        name: entry.converter for name, entry in ENTRIES.items() if name in named
    }
    assert [card.name for card in cards if card.weights is None] == ["panns_cnn14_decision_avg"]


def test_hash_of_the_weights_at_hand(shared_data):
    import hashlib

    content = (shared_data / "weights" / "mn04_as_mAP_432.pt").read_bytes()
    entry = ENTRIES["efficientat_mn04_as"]
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (entry.sha256, entry.size)
    matrix = (shared_data / "weights" / "vggish_pca_params.npz").read_bytes()
    assert hashlib.md5(matrix).hexdigest() == ENTRIES["vggish_pca"].md5


def test_another_registry_comes_on_top(use_registry):
    use_registry(toml("mine", "http://127.0.0.1/mine", PANNS) + toml("panns_cnn6", "http://127.0.0.1/cnn6", PANNS))
    assert registry()["panns_cnn6"].url == "http://127.0.0.1/cnn6"
    assert registry()["mine"].name == "mine"
    assert registry()["panns_cnn14"] == ENTRIES["panns_cnn14"]


@pytest.mark.parametrize(
    "text", ["not a table", "mine = 1", '["mine"]\nurl = "http://127.0.0.1"\n', '["mine"]\ncolour = "red"\n']
)
def test_a_registry_that_is_none(use_registry, text):
    use_registry(text)
    with pytest.raises(ValueError, match=r"the registry '.*registry\.toml' named by SKLEARN_AUDIO_REGISTRY cannot"):
        registry()


def test_a_registry_that_is_not_there(monkeypatch):
    monkeypatch.setenv("SKLEARN_AUDIO_REGISTRY", "no/such.toml")
    with pytest.raises(ValueError, match=r"the registry 'no/such\.toml' named by SKLEARN_AUDIO_REGISTRY cannot"):
        registry()


def test_unknown_names():
    with pytest.raises(ValueError, match=r"unknown weights 'panns_cnn41'; did you mean 'panns_cnn14'\? Choose one of"):
        find("panns_cnn41")
    with pytest.raises(ValueError, match=r"unknown weights 'xyzzy'; Choose one of"):
        find("xyzzy")
