"""Rows of unequal length in one flat array: the one type for clips of unequal duration."""

from sklearn_audio.ragged._builder import RaggedBuilder
from sklearn_audio.ragged._labels import check_same_names, row_index
from sklearn_audio.ragged._ragged import Ragged
from sklearn_audio.ragged._statistics import STATISTICS, find_statistic, mean_and_std

__all__ = ["STATISTICS", "Ragged", "RaggedBuilder", "check_same_names", "find_statistic", "mean_and_std", "row_index"]
