"""Published weights: where they are, how they get here, and which of our names theirs are."""

from sklearn_audio.weights._readers import read_checkpoint
from sklearn_audio.weights._registry import WeightsEntry, registry
from sklearn_audio.weights._store import fetch, stored_file, verify, weights_folder

__all__ = ["WeightsEntry", "fetch", "read_checkpoint", "registry", "stored_file", "verify", "weights_folder"]
