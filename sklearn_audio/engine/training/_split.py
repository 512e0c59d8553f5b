"""The validation set of a fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

__all__ = ["Split", "split_by_groups", "split_off_validation"]

# Number of splits by groups, of which the one with the most even classes is chosen.
_GROUP_SPLITS = 32


class Split(NamedTuple):
    """Rows of the training and of the validation set, in order."""

    train: NDArray[np.int64]
    valid: NDArray[np.int64]


def split_off_validation(
    targets: NDArray[Any], fraction: float, groups: Any = None, *, seed: int = 0, names: NDArray[Any] | None = None
) -> Split:
    """Choose the validation set.

    Groups are kept together. Without groups, the split is stratified by class, and each class must have two clips; with
    several labels per clip, it is random.

    Shapes: targets (n_clips,) or (n_clips, n_labels), groups (n_clips,).
    """
    if groups is not None:
        return _split_groups(targets, fraction, np.asarray(groups), seed)
    n_valid = max(1, math.ceil(fraction * len(targets)))
    if targets.ndim == 2:
        _check_size(len(targets), n_valid, 1)
        splitter: Any = ShuffleSplit(1, test_size=n_valid, random_state=seed)
    else:
        counts = np.bincount(targets)
        if 1 in counts:
            rare = int(np.argmax(counts == 1))
            name = rare if names is None else names.tolist()[rare]
            raise ValueError(
                f"class {name!r} has one clip, which cannot be in both the training and the validation set; add clips "
                "of the class, remove it, or do without validation."
            )
        n_classes = int(np.count_nonzero(counts))
        n_valid = max(n_valid, n_classes)
        _check_size(len(targets), n_valid, n_classes)
        splitter = StratifiedShuffleSplit(1, test_size=n_valid, random_state=seed)
    train, valid = next(splitter.split(targets, targets))
    return Split(np.sort(train), np.sort(valid))


def split_by_groups(held_out: Sequence[Any], groups: NDArray[Any] | None) -> Split:
    """Hold out the clips of the named groups.

    Shapes: groups (n_clips,).
    """
    if groups is None:
        raise ValueError(f"validation_fraction={held_out!r} names groups; pass the groups of the clips to fit.")
    unknown = [group for group in held_out if group not in groups]
    if unknown:
        raise ValueError(
            f"validation_fraction names {unknown[0]!r}, which is none of the groups of the clips: "
            f"{np.unique(groups).tolist()}."
        )
    is_held_out = np.isin(groups, list(held_out))
    if is_held_out.all():
        raise ValueError(f"validation_fraction={held_out!r} names all groups, so no clip is left for training.")
    return Split(np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out))


def _check_size(n_clips: int, n_valid: int, n_least: int) -> None:
    if n_clips - n_valid < n_least:
        raise ValueError(
            f"of {n_clips} clips, {n_valid} would be for validation and {n_clips - n_valid} for training; give more "
            "clips, lower validation_fraction, or do without validation."
        )


def _split_groups(targets: NDArray[Any], fraction: float, groups: NDArray[Any], seed: int) -> Split:
    n_groups = len(np.unique(groups))
    n_valid = max(1, math.ceil(fraction * n_groups))
    if n_groups <= n_valid:
        raise ValueError(
            f"{n_groups} group(s) cannot be split into training and validation; give more groups, lower "
            "validation_fraction, or do without validation."
        )
    shares = targets if targets.ndim == 2 else np.eye(int(targets.max()) + 1)[targets]
    wanted = shares.mean(axis=0)

    def unevenness(split: tuple[NDArray[np.int64], NDArray[np.int64]]) -> tuple[int, float]:
        train, valid = split
        lost = np.count_nonzero((wanted > 0) & (shares[train].sum(axis=0) == 0))
        return int(lost), float(np.abs(shares[valid].mean(axis=0) - wanted).sum())

    splitter = GroupShuffleSplit(_GROUP_SPLITS, test_size=n_valid, random_state=seed)
    train, valid = min(splitter.split(targets, groups=groups), key=unevenness)
    return Split(np.sort(train), np.sort(valid))
