"""Models of the hub: from its cache without a network, and one sentence for everything that may be wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights._hub import client, open_repository, read_json

COMMIT = "0123456789abcdef0123456789abcdef01234567"
README = "---\nlanguage: en\nlicense: apache-2.0\n---\n# A model\n"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """The hub's own client with an empty cache, and a network that fails as it is told."""
    pytest.importorskip("huggingface_hub", reason="the extra transformers is not installed")
    hub = client()
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    def fail_with(error):
        def download(*args, **kwargs):
            raise error

        monkeypatch.setattr(hub, "hf_hub_download", download)

    return SimpleNamespace(client=hub, fail_with=fail_with, errors=hub.errors)


@pytest.fixture
def cached(hub, tmp_path):
    """Put files into the cache of the hub."""

    def put(files, model="someone/net", commit=COMMIT):
        folder = tmp_path / "hub" / f"models--{model.replace('/', '--')}"
        for name, text in files.items():
            file = folder / "snapshots" / commit / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (folder / "refs").mkdir(exist_ok=True)
        (folder / "refs" / "main").write_text(commit)

    hub.fail_with(hub.errors.LocalEntryNotFoundError("no network"))
    return put


def of_hub(hub, name, message="no"):
    """Make an error of the hub's client."""
    response = SimpleNamespace(headers={}, request=None, status_code=404, url="", text="", json=dict)
    try:
        return getattr(hub.errors, name)(message, response=response)
    except TypeError:
        return getattr(hub.errors, name)(message)


def test_what_is_cached_needs_no_network(cached):
    files = {"config.json": '{"model_type": "hubert"}', "README.md": README, "model.safetensors": ""}
    cached(files | {"preprocessor_config.json": '{"do_normalize": true}'})
    found = open_repository("someone/net")
    assert found.commit == COMMIT
    assert found.json() == {"model_type": "hubert"}
    assert found.extractor() == {"do_normalize": True}
    assert found.licence() == "apache-2.0"
    assert found.weights().name == "model.safetensors"
    assert open_repository("someone/net", COMMIT).commit == COMMIT


def test_a_fresh_process_needs_no_other_import(tmp_path):
    pytest.importorskip("huggingface_hub", reason="the extra transformers is not installed")
    code = "from sklearn_audio.weights._hub import open_repository; open_repository('someone/net')"
    where = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run([sys.executable, "-c", code], env=os.environ | where, capture_output=True, text=True)
    assert "WeightsError: 'someone/net' is not in the hub's cache, and the hub cannot be reached" in ran.stderr


def test_newer_repositories_keep_the_features_in_the_file_of_the_processor(cached):
    cached({"config.json": "{}", "processor_config.json": '{"feature_extractor": {"n_fft": 400}}'})
    assert open_repository("someone/net").extractor() == {"n_fft": 400}


def test_a_model_that_says_nothing_of_its_licence_or_features(cached):
    cached({"config.json": "{}"})
    found = open_repository("someone/net")
    assert (found.licence(), found.extractor()) == (None, None)


def test_no_network(cached):
    with pytest.raises(WeightsError, match="'someone/net' is not in the hub's cache, and the hub cannot be reached"):
        open_repository("someone/net")
    cached({"config.json": "{}"})
    with pytest.raises(WeightsError, match="at revision 'v2' is not in the hub's cache"):
        open_repository("someone/net", "v2")
    with pytest.raises(WeightsError, match="is not in the hub's cache"):
        open_repository("someone/net").weights()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        ("RepositoryNotFoundError", "there is no model 'someone/net' on the hub; check the id"),
        ("GatedRepoError", "requires that you accept its terms"),
        ("RevisionNotFoundError", "'someone/net' has no revision 'v2'; give a branch, tag or commit"),
        ("EntryNotFoundError", "holds no config.json, so it is not a model of transformers"),
        ("HfHubHTTPError", "cannot be fetched from the hub: no"),
        ("HFValidationError", "model='someone/net' is not a hub id: no"),
    ],
)
def test_what_the_hub_refuses(hub, error, message):
    hub.fail_with(of_hub(hub, error))
    with pytest.raises(WeightsError, match=message):
        open_repository("someone/net", "v2")


@pytest.mark.parametrize("model", ["./no/folder", "../net", "/no/such/folder", "a/b/c", "with space/net", ""])
def test_neither_folder_nor_id(model):
    with pytest.raises(WeightsError, match="is neither a folder nor a hub id such as 'openai/whisper-base'"):
        open_repository(model)


def test_folders(tmp_path):
    with pytest.raises(WeightsError, match=r"holds no config\.json; give the folder written by save_pretrained"):
        open_repository(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"revision='main' needs a hub id; .* Leave revision at None"):
        open_repository(str(tmp_path), "main")
    found = open_repository(str(tmp_path))
    assert found.commit is None
    with pytest.raises(WeightsError, match=r"holds no weights model\.safetensors"):
        found.weights()
    (tmp_path / "pytorch_model.bin").write_text("")
    with pytest.raises(WeightsError, match="only as a pickle, which can run code and is never loaded; convert it"):
        found.weights()
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(WeightsError, match="are in several files; merge them"):
        found.weights()


def test_a_repository_of_pickles_names_the_revision_that_has_safetensors(hub, cached, monkeypatch):
    cached({"config.json": "{}", "pytorch_model.bin": ""})
    files = {"refs/pr/1": ["config.json"], "refs/pr/2": ["config.json", "model.safetensors"]}
    refs = SimpleNamespace(pull_requests=[SimpleNamespace(ref=ref) for ref in files])
    monkeypatch.setattr(hub.client.HfApi, "list_repo_refs", lambda *_, **__: refs)
    monkeypatch.setattr(hub.client.HfApi, "list_repo_files", lambda _, __, revision: files[revision])
    found = open_repository("someone/net")
    hub.fail_with(of_hub(hub, "EntryNotFoundError"))
    with pytest.raises(WeightsError, match="'refs/pr/2' has safetensors: pass revision='refs/pr/2'"):
        found.weights()

    def unreachable(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(hub.client.HfApi, "list_repo_refs", unreachable)
    with pytest.raises(WeightsError, match="convert it with save_pretrained"):
        found.weights()


@pytest.mark.parametrize(("text", "message"), [("{", "cannot be read as JSON"), ("[1]", "holds a list, not a config")])
def test_files_that_are_no_configuration(text, message, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(WeightsError, match=message):
        read_json(tmp_path / "config.json")
    with pytest.raises(WeightsError, match="cannot be read as JSON"):
        read_json(tmp_path / "none.json")


def test_progress_bars_are_as_before(hub, cached):
    before = hub.client.utils.are_progress_bars_disabled()
    with pytest.raises(WeightsError):
        open_repository("someone/net")
    assert hub.client.utils.are_progress_bars_disabled() == before
