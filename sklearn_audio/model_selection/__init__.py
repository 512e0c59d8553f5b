"""Comparison of methods, splits and thresholds for multi-label clips, few-shot splits, and clips to label next."""

from sklearn_audio.model_selection._comparison import compare
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
    "compare",
    "learning_curve_few_shot",
    "select_to_label",
    "summarize_few_shot",
]
