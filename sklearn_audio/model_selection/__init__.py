"""Splits of clips that carry several labels, and of few clips per class."""

from sklearn_audio.model_selection._few_shot import FewShotSplit
from sklearn_audio.model_selection._few_shot_curve import learning_curve_few_shot, summarize_few_shot
from sklearn_audio.model_selection._multilabel_splits import (
    MultilabelStratifiedKFold,
    MultilabelStratifiedShuffleSplit,
)

__all__ = [
    "FewShotSplit",
    "MultilabelStratifiedKFold",
    "MultilabelStratifiedShuffleSplit",
    "learning_curve_few_shot",
    "summarize_few_shot",
]
