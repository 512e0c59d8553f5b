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
    with pytest.raises(ValueError, match=r"unknown weights 'xyzzy'; choose one of"):
        find("xyzzy")


BAD_NAMES = [
    "../../escape",
    "/etc/escape",
    "a/b",
    "a\\\\b",
    "..",
    ".",
    "",
    ".hidden",
    "trailing.",
    " a",
    "a ",
    "C:a",
    "a\\u0000b",
    "a\\nb",
    "a*",
    "NUL",
    "con",
    "Com1.pth",
    "aux.safetensors",
    "x" * 201,
    "é" * 101,
]


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("field", ["name", "file", "member"])
def test_names_that_would_lead_out_of_the_cache(use_registry, name, field):
    if field == "member" and not name:
        return  # no member is none
    text = toml("mine", "http://127.0.0.1/mine", PANNS)
    if field == "name":
        text = text.replace('["mine"]', f'["{name}"]')
    elif field == "file":
        text = text.replace('file = "mine.pth"', f'file = "{name}"')
    else:
        text += f'member = "{name}"\n' if name != "a/b" else 'member = "a//b"\n'
    use_registry(text)
    with pytest.raises(ValueError, match=rf"cannot be used: .*{field}.* must be the plain name of a file: no folder"):
        find("panns_cnn6")


@pytest.mark.parametrize("name", ["mine", "MINE v1", "ast_10_10_0.4593", "müller", "a=b,c'd&e[1]", "x" * 200])
def test_names_that_are_plain(use_registry, name):
    use_registry(toml("mine", "http://127.0.0.1/mine", PANNS).replace('["mine"]', f'["{name}"]'))
    assert find(name).name == name


def test_entries_that_are_no_tables(use_registry):
    use_registry("mine = 3\n")
    with pytest.raises(ValueError, match="cannot be used: 3 is no table"):
        registry()


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ('sha256 = "0123"', "sha256 of 'mine' must be the hash, of 64 digits 0-9 and a-f, or its first 8 or more"),
        ('md5 = "so it is nothing"', "md5 of 'mine' must be the hash, of 32 digits"),
        ("sha256 = 12345678", "sha256 of 'mine' must be text, got 12345678"),
        ('size = "17"', "size of 'mine' must be a whole number, got '17'"),
        ("size = true", "size of 'mine' must be a whole number, got True"),
        ("member = [1]", r"member of 'mine' must be text, got \[1\]"),
        ('file = "Mine.safetensors"', "file of 'mine' is the name of the converted weights; give it another"),
    ],
)
def test_fields_that_are_none(use_registry, fields, match):
    text = toml("mine", "http://127.0.0.1/mine", PANNS, licence="mine")
    use_registry((text.replace('file = "mine.pth"\n', "") if "file" in fields else text) + fields + "\n")
    with pytest.raises(ValueError, match=match):
        registry()


def test_hashes_in_capitals(use_registry):
    use_registry(toml("mine", "http://127.0.0.1/mine", PANNS, sha256="ABCDEF01"))
    assert find("mine").sha256 == "abcdef01"


def test_a_registry_in_the_home_folder(tmp_path, use_registry, monkeypatch):
    use_registry(toml("mine", "http://127.0.0.1/mine", PANNS))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("SKLEARN_AUDIO_REGISTRY", "~/registry.toml")
    assert find("mine").file == "mine.pth"


def test_a_registry_without_end(use_registry):
    use_registry("a = " + "[" * 100_000)
    with pytest.raises(ValueError, match="named by SKLEARN_AUDIO_REGISTRY cannot be used"):
        registry()
