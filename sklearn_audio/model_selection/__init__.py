"""Splits and thresholds for multi-label clips, few-shot splits, and the choice of clips to label."""

from sklearn_audio.model_selection._few_shot import FewShotSplit
from sklearn_audio.model_selection._few_shot_curve import learning_curve_few_shot, summarize_few_shot
from sklearn_audio.model_selection._multilabel_splits import (
    MultilabelStratifiedKFold,
    MultilabelStratifiedShuffleSplit,
)
from sklearn_audio.model_selection._selection import select_to_label
from sklearn_audio.model_selection._thresholds import MultilabelThresholdClassifierCV

__all__ = [
    "FewShotSplit",
    "MultilabelStratifiedKFold",
    "MultilabelStratifiedShuffleSplit",
    "MultilabelThresholdClassifierCV",
    "learning_curve_few_shot",
    "select_to_label",
    "summarize_few_shot",
]
