"""Splits of clips that carry several labels."""

from sklearn_audio.model_selection._multilabel_splits import (
    MultilabelStratifiedKFold,
    MultilabelStratifiedShuffleSplit,
)

__all__ = ["MultilabelStratifiedKFold", "MultilabelStratifiedShuffleSplit"]
