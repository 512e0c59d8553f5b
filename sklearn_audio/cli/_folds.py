"""Folds of the cross-validation, and copies of recordings across them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import Bunch

from sklearn_audio.cli._data import is_multilabel

Splits = list[tuple[NDArray[Any], NDArray[Any]]]


def make_folds(clips: Bunch, n_folds: int, seed: int) -> Splits:
    """Split the recordings, stratified if possible, keeping groups together."""
    if clips.groups is not None:
        n_groups = len(np.unique(clips.groups))
        if n_groups < 2:
            raise ValueError(
                f"all recordings are of one group, {str(clips.groups[0])!r}; grouped cross-validation needs two."
            )
        n_folds = min(n_folds, n_groups)
    return _of_label_sets(clips, n_folds, seed) if is_multilabel(clips) else _of_classes(clips, n_folds, seed)


def _of_label_sets(clips: Bunch, n_folds: int, seed: int) -> Splits:
    y, groups = clips.target, clips.groups
    if groups is not None:
        splits = list(GroupKFold(n_folds).split(y, y, groups))
    else:
        splits = list(KFold(min(n_folds, len(y)), shuffle=True, random_state=seed).split(y))
    # a fold without labels cannot be scored
    return [split for split in splits if y[split[1]].any()]


def _of_classes(clips: Bunch, n_folds: int, seed: int) -> Splits:
    y, groups = clips.target, clips.groups
    label, fewest = min(Counter(y.tolist()).items(), key=lambda item: item[1])
    if fewest < 2:
        raise ValueError(f"the class {label!r} has one recording; cross-validation needs at least 2 of each class.")
    if groups is None:
        return list(StratifiedKFold(min(n_folds, fewest), shuffle=True, random_state=seed).split(y, y))
    # with groups of very different sizes a fold may be empty
    splits = [split for split in StratifiedGroupKFold(min(n_folds, fewest)).split(y, y, groups) if len(split[1])]
    for train, _ in splits:
        unseen = sorted(set(y.tolist()) - set(y[train].tolist()))
        if unseen:
            n_groups = len(np.unique(groups[y == unseen[0]]))
            raise ValueError(
                f"one fold holds all recordings of the class {unseen[0]!r}, which come from {n_groups} group(s), and "
                "leaves none to train on; record that class in more groups, or do not group."
            )
    return splits


def copies_on_both_sides(digests: NDArray[np.uint64], splits: Splits) -> int:
    """Count the held-out recordings whose content also occurs in the training set of the same split."""
    return sum(int(np.isin(digests[test], digests[train]).sum()) for train, test in splits)
