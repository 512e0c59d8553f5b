"""`FewShotSplit`: repeated random training sets of a few clips per class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import column_or_1d

from sklearn_audio._meaning import idle_error
from sklearn_audio._random_state import own_random_state
from sklearn_audio.validation import check_labels

Rows = NDArray[np.int64]
# Orders of the groups to try before raising.
_TRIES = 50
_HELD_OUT = 0.25


class FewShotSplit(BaseCrossValidator):
    """Few-shot splits: a random training set of `n_shots` clips per class in each repeat, the others for test.

    Each repeat draws `n_shots` clips of each class at random. Without groups, all other clips are for test. With
    groups, such as speakers, no group is in both training and test: some groups are held out, the shots are drawn from
    the others, and the test clips are those of all groups without shots.

    A repeat draws the clips of a class in the same order for every number of shots, so that without groups the training
    sets of a learning curve are nested; `learning_curve_few_shot` also nests them with groups.

    Parameters
    ----------
    n_shots : int, default=5
        Clips of each class for training.
    n_repeats : int, default=10
        Number of splits.
    n_queries : int, default=None
        Clips of each class for test, drawn from the eligible ones. None: all of them, at least one per class.
    held_out : float, default=0.25
        Fraction of the groups without shots, above 0 and below 1; more if a class would have too few test clips, fewer
        if it would have too few training clips. Raises without groups, where it has no effect.
    random_state : int, RandomState instance or None, default=None
        An int makes the splits reproducible.

    See Also
    --------
    learning_curve_few_shot : Scores over numbers of shots.
    sklearn.model_selection.StratifiedGroupKFold : For all clips.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.model_selection import FewShotSplit
    >>> y = np.repeat(["cat", "dog"], 6)
    >>> for train, test in FewShotSplit(
    ...     n_shots=2, n_repeats=2, random_state=0
    ... ).split(y, y):
    ...     print(y[train].tolist(), len(test))
    ['cat', 'cat', 'dog', 'dog'] 8
    ['cat', 'cat', 'dog', 'dog'] 8
    """

    # With metadata routing, scikit-learn passes groups to this splitter without a request.
    __metadata_request__split: ClassVar[dict[str, bool]] = {"groups": True}

    def __init__(
        self,
        n_shots: int = 5,
        n_repeats: int = 10,
        *,
        n_queries: int | None = None,
        held_out: float = _HELD_OUT,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_shots = n_shots
        self.n_repeats = n_repeats
        self.n_queries = n_queries
        self.held_out = held_out
        self.random_state = random_state

    def split(self, X: Any, y: Any = None, groups: ArrayLike | None = None) -> Iterator[tuple[Rows, Rows]]:
        """Generate the training and test rows.

        Parameters
        ----------
        X : array-like of length n_clips
            Only its length is used.
        y : array-like of shape (n_clips,), default=None
            The classes; required.
        groups : array-like of shape (n_clips,), default=None
            Groups to keep together, such as speakers or recordings. None: each clip is its own group.

        Yields
        ------
        train, test : ndarray of int
            Row numbers: of training by class, in the order of drawing; of test in ascending order.

        Raises
        ------
        ValueError
            If a parameter is out of range, `y` holds no classes or a single one, lengths differ, a class has fewer
            clips than shots and queries, or groups cannot be separated (the message names the class and both counts);
            or if `held_out` is set without groups.
        """
        self._check_parameters()
        if groups is None and self.held_out != _HELD_OUT:
            raise idle_error("held_out", self.held_out, "groups", "groups=None", _HELD_OUT)
        classes, codes = _classes_of(y)
        check_consistent_length(X, codes, groups)
        self._check_counts(classes, np.bincount(codes), "")
        random = own_random_state(self.random_state)
        for _ in range(self.n_repeats):
            draw = np.random.default_rng(random.randint(2**31 - 1))
            if groups is None:
                train = self._draw_shots(codes, np.arange(len(codes)), draw)
                candidates = np.setdiff1d(np.arange(len(codes)), train)
            else:
                train, candidates = self._draw_apart(classes, codes, np.asarray(groups), draw)
            yield train, self._draw_queries(codes, candidates, draw)

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:
        """Return the number of splits.

        Parameters
        ----------
        X, y, groups : object, default=None
            Ignored.

        Returns
        -------
        int
            `n_repeats`.
        """
        return self.n_repeats

    @property
    def _n_needed(self) -> int:
        """Number of test clips needed per class."""
        return 1 if self.n_queries is None else self.n_queries

    def _check_parameters(self) -> None:
        for name in ("n_shots", "n_repeats", "n_queries"):
            value: Any = getattr(self, name)
            if name == "n_queries" and value is None:
                continue
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{name}={value!r} must be a whole number of at least 1.")
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out={self.held_out!r} must lie above 0 and below 1.")

    def _check_counts(self, classes: NDArray[Any], counts: Rows, where: str) -> None:
        needed = self.n_shots + self._n_needed
        if counts.min() < needed:
            scarce = int(counts.argmin())
            raise ValueError(
                f"class {classes[scarce].item()!r} has {counts[scarce]} clip(s){where}, fewer than the {needed} that "
                f"{self.n_shots} shot(s) and {self._n_needed} for test take. Lower n_shots or n_queries, or leave the "
                "class out."
            )

    def _draw_shots(self, codes: Rows, candidates: Rows, draw: np.random.Generator) -> Rows:
        shuffled = draw.permutation(candidates)
        # the order within a class does not depend on n_shots
        return np.concatenate([shuffled[codes[shuffled] == code][: self.n_shots] for code in np.unique(codes)])

    def _draw_queries(self, codes: Rows, candidates: Rows, draw: np.random.Generator) -> Rows:
        if self.n_queries is None:
            return candidates
        shuffled = draw.permutation(candidates)
        return np.sort(np.concatenate([shuffled[codes[shuffled] == c][: self.n_queries] for c in np.unique(codes)]))

    def _draw_apart(
        self, classes: NDArray[Any], codes: Rows, groups: NDArray[Any], draw: np.random.Generator
    ) -> tuple[Rows, Rows]:
        units = np.unique(groups, return_inverse=True)[1].ravel()
        counts = np.zeros((units.max() + 1, len(classes)), dtype=np.int64)  # clips of each group and class
        np.add.at(counts, (units, codes), 1)
        fewest = np.full(len(classes), -1)
        for _ in range(_TRIES):
            kept_back = self._hold_out(counts, draw.permutation(len(counts)))
            there = counts[kept_back].sum(axis=0)
            if (there >= self._n_needed).all():
                train = self._draw_shots(codes, np.flatnonzero(~kept_back[units]), draw)
                gave = np.zeros(len(counts), dtype=bool)
                gave[units[train]] = True
                return train, np.flatnonzero(~gave[units])
            fewest = np.maximum(fewest, there)
        scarce = int(fewest.argmin())
        raise ValueError(
            f"class {classes[scarce].item()!r} has {counts[:, scarce].sum()} clips in "
            f"{np.count_nonzero(counts[:, scarce])} group(s), which do not give {self.n_shots} shot(s) and "
            f"{self._n_needed} for test from different groups. Lower n_shots or n_queries, or leave the class out."
        )

    def _hold_out(self, counts: Rows, order: Rows) -> NDArray[np.bool_]:
        """Choose groups without shots, in this order, leaving enough for each class."""
        n_wanted = max(1, round(self.held_out * len(counts)))
        kept_back = np.zeros(len(counts), dtype=bool)
        left, there = counts.sum(axis=0), np.zeros(counts.shape[1], dtype=np.int64)
        for group in order:
            lacking = there < self._n_needed
            if kept_back.sum() >= n_wanted and not lacking.any():
                break
            is_useful = kept_back.sum() < n_wanted or counts[group][lacking].any()
            if is_useful and (left - counts[group] >= self.n_shots)[counts[group] > 0].all():
                kept_back[group] = True
                left, there = left - counts[group], there + counts[group]
        return kept_back


def _classes_of(y: Any) -> tuple[NDArray[Any], Rows]:
    if y is None:
        raise ValueError("FewShotSplit draws clips of each class, so it needs y; got None.")
    y = check_labels(y)
    kind = type_of_target(y, input_name="y")
    if kind not in ("binary", "multiclass"):
        raise ValueError(f"FewShotSplit draws clips of each class, so y must hold one class per clip; it is {kind}.")
    classes, codes = np.unique(column_or_1d(y), return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"y holds one class, {classes[0].item()!r}; few-shot learning needs at least two.")
    return classes, codes
