"""Published weights: registry, download, storage, and conversion to the parameter names of the networks here."""

from sklearn_audio.weights._readers import read_checkpoint
from sklearn_audio.weights._registry import WeightsEntry, registry
from sklearn_audio.weights._store import fetch, stored_file, verify, weights_folder

__all__ = ["WeightsEntry", "fetch", "read_checkpoint", "registry", "stored_file", "verify", "weights_folder"]
