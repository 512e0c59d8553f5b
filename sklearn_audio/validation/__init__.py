"""Validation of X and y: any supported input becomes a lazy sequence of clips, or `Ragged`."""

from sklearn_audio.validation._audio import AudioClips, Channel, check_audio
from sklearn_audio.validation._containers import container_kind as container_kind
from sklearn_audio.validation._labels import check_labels
from sklearn_audio.validation._sequences import check_sequences

__all__ = ["AudioClips", "Channel", "check_audio", "check_labels", "check_sequences"]
