"""Published weights: where they are, how they get here, and which of our names theirs are."""

from sklearn_audio.weights._readers import content_hash, read_checkpoint, read_packed
from sklearn_audio.weights._registry import WeightsEntry, registry
from sklearn_audio.weights._store import fetch, stored_file, verify, weights_folder

__all__ = [
    "WeightsEntry",
    "content_hash",
    "fetch",
    "read_checkpoint",
    "read_packed",
    "registry",
    "stored_file",
    "verify",
    "weights_folder",
]
