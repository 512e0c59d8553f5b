"""Rows of unequal length in one flat array: the one type for clips of unequal duration."""

from sklearn_audio.ragged._builder import RaggedBuilder
from sklearn_audio.ragged._ragged import Ragged
from sklearn_audio.ragged._statistics import STATISTICS, mean_and_std

__all__ = ["STATISTICS", "Ragged", "RaggedBuilder", "mean_and_std"]
