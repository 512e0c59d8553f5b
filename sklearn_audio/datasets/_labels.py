"""From label texts to targets: one label per clip, or an indicator matrix of several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def class_names(target: NDArray[np.str_], *, where: str) -> NDArray[np.str_]:
    """Return the sorted classes of a target of one label per clip; refuse a single one."""
    names = np.unique(target)
    if len(names) < 2:
        raise ValueError(
            f"{where} holds one class, {str(names[0])!r}; a classifier needs at least two. "
            "Add recordings of another class."
        )
    return names


def split_labels(cells: Sequence[str], separator: str | None) -> list[list[str]]:
    """Split each cell into its labels; an empty cell is a clip without labels."""
    mark = separator or _find_separator(cells)
    return [[label for part in cell.split(mark) if (label := part.strip())] for cell in cells]


def _find_separator(cells: Sequence[str]) -> str:
    # Many names of AudioSet hold a comma ("Male speech, man speaking"): it parts labels only where nothing else does.
    found = [mark for mark in ";|" if any(mark in cell for cell in cells)]
    if len(found) > 1:
        raise ValueError("the labels hold both ';' and '|'; pass separator= to say which one parts them.")
    return found[0] if found else ","


def indicator(
    label_lists: Sequence[Sequence[str]], names: Sequence[str] | None, *, where: str
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the 0/1 matrix of shape (n_clips, n_labels) and the label of each column.

    Columns follow `names`; where that is None, the labels that occur, sorted.
    """
    columns = sorted({label for labels in label_lists for label in labels}) if names is None else list(names)
    place = {label: j for j, label in enumerate(columns)}
    target = np.zeros((len(label_lists), len(columns)), dtype=np.int64)
    for i, labels in enumerate(label_lists):
        for label in labels:
            if label not in place:
                raise ValueError(f"row {i} of {where}: the label {label!r} is not in the list of class labels.")
            target[i, place[label]] = 1
    return target, columns


def check_indicator(target: NDArray[np.int64], *, where: str) -> None:
    """Refuse a matrix from which nothing can be learnt."""
    n_used = int(np.count_nonzero(target.any(axis=0)))
    if n_used < 2:
        raise ValueError(
            f"{where} holds {n_used} label(s) that occur; a multi-label classifier needs at least two. "
            "Add recordings that carry others."
        )
