"""Classifiers of clips."""

from sklearn_audio.classification._tagger import AudioTagger
from sklearn_audio.classification._voting import PatchVotingClassifier

__all__ = ["AudioTagger", "PatchVotingClassifier"]
