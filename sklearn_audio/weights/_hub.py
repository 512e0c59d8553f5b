"""Models of the Hugging Face hub: files of a repository from its cache, a local folder, or the network."""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sklearn_audio._paths import local_path
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.optional import require

__all__ = ["PinnedModel", "Repository", "is_cached", "open_repository", "read_json"]

CONFIG, WEIGHTS, ABOUT = "config.json", "model.safetensors", "README.md"
_TOKENIZER, _WORDS, _MERGES = "tokenizer.json", "vocab.json", "merges.txt"
_ABOUT_TOKENS = ("tokenizer_config.json", "special_tokens_map.json")
_EXTRACTORS = ("preprocessor_config.json", "processor_config.json")
_PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
_SHARDS = "model.safetensors.index.json"
_REPOSITORY = re.compile(r"[\w.-]+(/[\w.-]+)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PULL_REQUEST = re.compile(r"refs/pr/\d+")
_MOST_REFS = 30  # searched for one with safetensors
# Missing files of a repository at a commit, requested only once: without a network, a request takes seconds.
_absent: set[tuple[str, str, str, str]] = set()


@dataclass(frozen=True)
class Repository:
    """A model on the hub at one commit, or a local folder in the same form."""

    name: str
    commit: str | None  # None for a folder
    config: Path
    verbose: int = 0
    file: Path | None = None  # the weights, if given as a file

    def json(self) -> dict[str, Any]:
        """Read the configuration of the model."""
        return read_json(self.config)

    def extractor(self) -> dict[str, Any] | None:
        """Read the configuration of the feature extractor; None if there is none."""
        for name in _EXTRACTORS:
            file = self._file(name)
            if file is not None:
                found = read_json(file)
                return dict(found.get("feature_extractor", found))
        return None

    def weights(self) -> Path:
        """Return the safetensors file."""
        file = self.file or self._file(WEIGHTS)
        if file is None:
            raise WeightsError(self._no_safetensors())
        return file

    def tokenizer(self) -> Path:
        """Return the folder that holds the files of the tokenizer."""
        for name in _ABOUT_TOKENS:
            self._file(name)
        if not self._file(_TOKENIZER) and not all([self._file(_WORDS), self._file(_MERGES)]):
            raise WeightsError(
                f"'{self.name}' holds no tokenizer ({_TOKENIZER}, or {_WORDS} and {_MERGES}), or its files are not in "
                "the hub's cache and the hub cannot be reached; give a model with the files that belong to its text."
            )
        return self.config.parent

    def licence(self) -> str | None:
        """Read the licence from the model card; None if it states none."""
        file = self._file(ABOUT)
        found = file and re.match(r"---\n(?:.*\n)*?license:[ \t]*(\S+)", file.read_text(encoding="utf-8"))
        return found[1].strip("'\"") if found else None

    def _file(self, name: str) -> Path | None:
        if self.commit is not None:
            return _fetch_once(self.name, name, self.commit, self.verbose)
        file = self.config.parent / name
        return file if file.is_file() else None

    def _no_safetensors(self) -> str:
        if self._file(_SHARDS) is not None:
            return f"the weights of '{self.name}' are in several files; merge them into one {WEIGHTS}."
        if not any(self._file(name) for name in _PICKLES):
            return f"'{self.name}' holds no weights {WEIGHTS}; give a model that has them, or weights=PATH."
        pickle = f"'{self.name}' holds its weights only as a pickle, which can run code and is never loaded"
        revision = None if self.commit is None else _revision_with_safetensors(self.name)
        advice = f"its revision {revision!r} has safetensors: pass revision={revision!r}" if revision else None
        return f"{pickle}; {advice or 'convert it with save_pretrained, which writes safetensors'}."


def open_repository(model: str, revision: str | None = None, *, verbose: int = 0) -> Repository:
    """Find a model by its hub id or folder; files in the cache of the hub are not requested again."""
    folder, file = Path(local_path(model)), None
    if folder.suffix == Path(WEIGHTS).suffix and folder.is_file():
        folder, file = folder.parent, folder
    if model and folder.is_dir():
        if revision is not None:
            kind = "a file" if file else "a folder"
            raise ValueError(f"revision={revision!r} needs a hub id; '{model}' is {kind}. Leave revision at None.")
        config = folder / CONFIG
        if not config.is_file():
            raise WeightsError(f"the folder '{folder}' holds no {CONFIG}; give the folder written by save_pretrained.")
        return Repository(model, None, config, verbose, file)
    if not _REPOSITORY.fullmatch(model) or model.startswith("."):
        raise WeightsError(f"model={model!r} is neither a folder nor a hub id such as 'openai/whisper-base'.")
    found = _fetch(model, CONFIG, revision, verbose)
    if found is None:
        raise WeightsError(f"'{model}' holds no {CONFIG}, so it is not a model of transformers; give another hub id.")
    return Repository(model, found.parent.name, found, verbose)


def is_cached(model: str) -> bool:
    """Whether configuration and weights of a model are in the cache of the hub, if its client is installed."""
    if find_spec("huggingface_hub") is None:
        return False
    return all(isinstance(client().try_to_load_from_cache(model, name), str) for name in (CONFIG, WEIGHTS))


class PinnedModel:
    """Mixin of estimators with a parameter `model`, which keep using the commit that `fit` recorded."""

    model: Any
    revision: str | None
    verbose: int
    revision_: str | None
    # Model and revision that `fit` saw, to which `revision_` belongs.
    _pinned: tuple[object, object] | None = None

    def _pin(self, commit: str | None) -> None:
        self.revision_ = commit
        self._pinned = self.model, self.revision

    def _repository(self) -> Repository:
        pinned = self._pinned == (self.model, self.revision)
        revision = self.revision_ if pinned and self.revision_ is not None else self.revision
        return open_repository(os.fspath(self.model or ""), revision, verbose=self.verbose)


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"'{file}' cannot be read as JSON: {error}.") from error
    if not isinstance(found, dict):
        raise WeightsError(f"'{file}' holds a {type(found).__name__}, not a configuration; give a config.json.")
    return found


def client() -> Any:
    """Import the hub's client with its modules, which an attribute alone does not load."""
    hub = require("huggingface_hub", needed_by="HuggingFaceEmbedder", extra="transformers")
    for module in ("constants", "errors", "utils"):
        importlib.import_module(f"huggingface_hub.{module}")
    return hub


def _fetch_once(repository: str, name: str, commit: str, verbose: int) -> Path | None:
    hub = client()
    key = (str(hub.constants.HF_HUB_CACHE), repository, commit, name)
    found = None if key in _absent else _fetch(repository, name, commit, verbose)
    if found is None:
        _absent.add(key)
    return found


def _fetch(repository: str, name: str, revision: str | None, verbose: int) -> Path | None:
    """Return a file from the cache or the network; None if the repository has none of that name."""
    hub = client()
    errors = hub.errors
    at = "" if revision is None else f" at revision {revision!r}"
    try:
        cached = hub.try_to_load_from_cache(repository, name, revision=revision)
        if isinstance(cached, str):
            return Path(cached)
        if cached is not None and revision is not None and _COMMIT.fullmatch(revision):
            return None  # known not to exist
        with _progress(hub, verbose):
            return Path(hub.hf_hub_download(repository, name, revision=revision))
    except errors.LocalEntryNotFoundError as error:
        if name in (CONFIG, WEIGHTS):
            raise WeightsError(
                f"'{repository}'{at} is not in the hub's cache, and the hub cannot be reached: connect to the network "
                "once, or give a local folder that holds the model."
            ) from error
        return None
    except errors.GatedRepoError as error:
        raise WeightsError(
            f"'{repository}' requires that you accept its terms: do so on its page, then log in with `hf auth login`."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise WeightsError(
            f"there is no model '{repository}' on the hub; check the id, or log in if it is private."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise WeightsError(
            f"'{repository}' has no revision {revision!r}; give a branch, tag or commit of it."
        ) from error
    except errors.EntryNotFoundError:
        return None
    except errors.HFValidationError as error:
        raise WeightsError(f"model={repository!r} is not a hub id: {error}.") from error
    except OSError as error:
        raise WeightsError(f"'{repository}'{at} cannot be fetched from the hub: {error}.") from error


@contextmanager
def _progress(hub: Any, verbose: int) -> Iterator[None]:
    """Show the progress bars of the hub only if requested."""
    silenced = not verbose and not hub.utils.are_progress_bars_disabled()
    if silenced:
        hub.utils.disable_progress_bars()
    try:
        yield
    finally:
        if silenced:
            hub.utils.enable_progress_bars()


def _revision_with_safetensors(repository: str) -> str | None:
    """Search the pull requests of a repository, in which a service of the hub publishes conversions."""
    hub = client()
    api = hub.HfApi()
    try:
        refs = api.list_repo_refs(repository, include_pull_requests=True).pull_requests or []
        for ref in [ref.ref for ref in refs if _PULL_REQUEST.fullmatch(ref.ref)][:_MOST_REFS]:
            if WEIGHTS in api.list_repo_files(repository, revision=ref):
                return str(ref)
    except OSError:
        return None  # the hub cannot be reached; the error gives other advice
    return None
