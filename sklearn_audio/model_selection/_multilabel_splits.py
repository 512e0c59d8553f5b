"""Multi-label splitters that preserve the frequency of every label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit, ShuffleSplit
from sklearn.utils import check_consistent_length

from sklearn_audio._random_state import own_random_state

_TIE = 1e-9  # deficits are sums of fractions


class MultilabelStratifiedKFold(BaseCrossValidator):
    """Folds that preserve the frequency of every label, by iterative stratification.

    Clips of the rarest label are assigned first, each to the fold with the largest deficit of that label. Labels take
    precedence over sizes, so fold sizes may differ by a few clips.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    shuffle : bool, default=False
        Whether to assign clips in random order instead of row order.
    random_state : int, RandomState or None, default=None
        Breaks ties between folds, and sets the order with `shuffle`. Without `shuffle`, None means 0, so that the folds
        are reproducible.

    See Also
    --------
    MultilabelStratifiedShuffleSplit : One or more random splits of chosen sizes.
    sklearn.model_selection.StratifiedGroupKFold : For one label per clip.

    References
    ----------
    K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.model_selection import MultilabelStratifiedKFold
    >>> y = np.array([[1, 0], [1, 1], [0, 1], [0, 0]] * 3)
    >>> for train, test in MultilabelStratifiedKFold(n_splits=3).split(
    ...     np.zeros(12), y
    ... ):
    ...     print(y[test].sum(axis=0).tolist())
    [2, 2]
    [2, 2]
    [2, 2]
    """

    # With metadata routing, scikit-learn passes groups to this splitter without a request.
    __metadata_request__split: ClassVar[dict[str, bool]] = {"groups": True}

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state

    def split(
        self, X: Any, y: Any = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Generate the training and test rows.

        Parameters
        ----------
        X : array-like of length n_clips
            Only its length is used.
        y : array-like or sparse matrix of {0, 1}, shape (n_clips, n_labels), default=None
            Indicator matrix of the labels; required.
        groups : array-like, shape (n_clips,), default=None
            Groups to keep together, such as videos or speakers. None: each clip is its own group.

        Yields
        ------
        train, test : ndarray of int
            Row numbers, ascending.

        Raises
        ------
        ValueError
            If `y` is not an indicator matrix, lengths differ, `n_splits` is not a whole number of at least 2, or
            there are fewer clips (or groups) than folds.
        """
        fold = self._folds(X, y, groups)
        for i in range(self.n_splits):
            yield np.flatnonzero(fold != i), np.flatnonzero(fold == i)

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups : object, default=None
            Ignored.

        Returns
        -------
        int
            `n_splits`.
        """
        return self.n_splits

    def _folds(self, X: Any, y: Any, groups: ArrayLike | None) -> NDArray[np.int64]:
        n_splits: Any = self.n_splits
        if not isinstance(n_splits, int | np.integer) or n_splits < 2:
            raise ValueError(f"n_splits={n_splits!r} must be a whole number of at least 2.")
        random = own_random_state(0 if self.random_state is None and not self.shuffle else self.random_state)
        counts, units = _counts_of_units(X, y, groups)
        n_units = counts.shape[0]
        if n_units < self.n_splits:
            what = "clips" if groups is None else "groups"
            raise ValueError(f"n_splits={self.n_splits} is more than the number of {what}, {n_units}.")
        sizes = np.bincount(units).astype(np.float64)
        room = np.full(self.n_splits, sizes.sum() / self.n_splits)
        order = random.permutation(n_units) if self.shuffle else np.arange(n_units)
        dealer = _Dealer(counts, sizes, room, is_strict=False, random_state=random)
        return dealer.deal(order)[units]  # (n_units,) -> (n_clips,)


class MultilabelStratifiedShuffleSplit(BaseShuffleSplit):
    """Random splits that preserve the frequency of every label, by iterative stratification.

    The sizes are exact, as in scikit-learn; a label on fewer clips than ``1 / test_size`` may be absent from the test
    set.

    Parameters
    ----------
    n_splits : int, default=10
        Number of splits.
    test_size : float or int, default=None
        Fraction or number of clips (or groups) for test. None: the complement of `train_size`, or 0.1.
    train_size : float or int, default=None
        Fraction or number of clips (or groups) for training. None: the complement of `test_size`.
    random_state : int, RandomState or None, default=None
        An int makes the splits reproducible.

    See Also
    --------
    MultilabelStratifiedKFold : Folds, each of which is the test set once.
    sklearn.model_selection.GroupShuffleSplit : By groups, without regard to labels.

    References
    ----------
    K. Sechidis, G. Tsoumakas and I. Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.model_selection import MultilabelStratifiedShuffleSplit
    >>> y = np.array([[1, 0], [1, 1], [0, 1], [0, 0]] * 3)
    >>> splitter = MultilabelStratifiedShuffleSplit(
    ...     n_splits=1, test_size=4, random_state=0
    ... )
    >>> train, test = next(splitter.split(np.zeros(12), y))
    >>> y[test].sum(axis=0).tolist()
    [2, 2]
    """

    __metadata_request__split: ClassVar[dict[str, bool]] = {"groups": True}

    def __init__(
        self,
        n_splits: int = 10,
        *,
        test_size: float | None = None,
        train_size: float | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(n_splits=n_splits, test_size=test_size, train_size=train_size, random_state=random_state)

    def split(
        self, X: Any, y: Any = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Generate the training and test rows.

        Parameters
        ----------
        X : array-like of length n_clips
            Only its length is used.
        y : array-like or sparse matrix of {0, 1}, shape (n_clips, n_labels), default=None
            Indicator matrix of the labels; required.
        groups : array-like, shape (n_clips,), default=None
            Groups to keep together, such as videos or speakers. None: each clip is its own group. Sizes count groups.

        Yields
        ------
        train, test : ndarray of int
            Row numbers, in random order.

        Raises
        ------
        ValueError
            If `y` is not an indicator matrix, lengths differ, or a side would be empty.
        """
        counts, units = _counts_of_units(X, y, groups)
        n_units = counts.shape[0]
        random = own_random_state(self.random_state)
        # scikit-learn interprets and checks the sizes
        sizes = ShuffleSplit(
            self.n_splits,
            test_size=self.test_size,
            train_size=self.train_size,
            random_state=random,
        )
        for train, test in sizes.split(np.zeros(n_units)):
            room = np.array([len(train), len(test), n_units - len(train) - len(test)], dtype=np.float64)
            dealer = _Dealer(counts, np.ones(n_units), room, is_strict=True, random_state=random)
            fold = dealer.deal(random.permutation(n_units))[units]  # (n_units,) -> (n_clips,)
            yield random.permutation(np.flatnonzero(fold == 0)), random.permutation(np.flatnonzero(fold == 1))


class _Dealer:
    """Assigns units (clips, or groups of clips) to folds, each of which has a quota of every label and of all clips.

    Algorithm 1 of Sechidis et al.: units of the rarest label are assigned first.

    Shapes: counts (n_units, n_labels), sizes (n_units,), room (n_folds,).
    """

    def __init__(
        self,
        counts: csr_array,
        sizes: NDArray[np.float64],
        room: NDArray[np.float64],
        *,
        is_strict: bool,
        random_state: np.random.RandomState,
    ) -> None:
        self.counts, self.sizes = counts, sizes.tolist()
        self.is_strict, self.random_state = is_strict, random_state
        left = np.asarray(counts.sum(axis=0), dtype=np.float64).ravel()  # (n_labels,) clips not yet assigned
        # Lists, as element access is much faster than with arrays.
        self.left: list[float] = left.tolist()
        self.room: list[float] = room.astype(np.float64).tolist()
        self.wanted: list[list[float]] = np.outer(left, room / room.sum()).tolist()  # [label][fold]
        self.fold = np.full(counts.shape[0], -1, dtype=np.int64)

    def deal(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the fold of each unit; units of a label are processed in `order`."""
        by_label = self.counts[order].tocsc()
        while (label := self._rarest()) is not None:
            span = slice(by_label.indptr[label], by_label.indptr[label + 1])
            units = order[by_label.indices[span]]
            # Largest units first, so that smaller ones can even out imbalances.
            for unit in units[np.argsort(-by_label.data[span], kind="stable")]:
                if self.fold[unit] < 0:
                    self._give(unit, self.wanted[label])
            self.left[label] = 0
        for unit in order[self.fold[order] < 0]:  # without any label
            self._give(unit, self.room)
        return self.fold

    def _rarest(self) -> int | None:
        left = np.array(self.left)
        there = np.flatnonzero(left > 0)
        return int(there[np.argmin(left[there])]) if len(there) else None

    def _give(self, unit: int, wanted: list[float]) -> None:
        fold = self._choose(wanted)
        self.fold[unit] = fold
        self.room[fold] -= self.sizes[unit]
        span = slice(self.counts.indptr[unit], self.counts.indptr[unit + 1])
        for label, count in zip(self.counts.indices[span].tolist(), self.counts.data[span].tolist(), strict=True):
            self.wanted[label][fold] -= count
            self.left[label] -= count

    def _choose(self, wanted: list[float]) -> int:
        """Return the fold with the largest deficit of the label; ties by most room, then at random."""
        folds = [fold for fold, room in enumerate(self.room) if room > _TIE or not self.is_strict]
        for measure in (wanted, self.room):
            best = max([measure[fold] for fold in folds]) - _TIE
            folds = [fold for fold in folds if measure[fold] >= best]
        return folds[0] if len(folds) == 1 else folds[self.random_state.randint(len(folds))]


def _counts_of_units(X: Any, y: Any, groups: ArrayLike | None) -> tuple[csr_array, NDArray[np.int64]]:
    """Count the labels of each unit; a unit is a group or, without groups, a clip.

    Shapes: y (n_clips, n_labels) -> counts (n_units, n_labels), unit of each clip (n_clips,).
    """
    labels = _indicator_matrix(y)
    check_consistent_length(X, labels, groups)
    n_clips = labels.shape[0]
    units = np.arange(n_clips) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].ravel()
    membership = csr_array((np.ones(n_clips, dtype=np.int64), (units, np.arange(n_clips))))  # (n_units, n_clips)
    counts = csr_array(membership @ labels)
    counts.sum_duplicates()
    return counts, units


def _indicator_matrix(y: Any) -> csr_array:
    """Return the labels as a sparse matrix (n_clips, n_labels); raise unless they are 0 and 1."""
    if y is None:
        raise ValueError("y is None; stratification needs the labels, an indicator matrix (n_clips, n_labels).")
    if issparse(y):
        matrix = csr_array(y)
    else:
        dense = np.asarray(y)
        if dense.ndim != 2:
            raise ValueError(
                f"y has shape {dense.shape}, expected an indicator matrix (n_clips, n_labels); for one label per clip "
                "use StratifiedKFold or StratifiedShuffleSplit of scikit-learn."
            )
        if not np.isin(dense, (0, 1)).all():
            raise ValueError("y must hold 0 and 1 only: which labels the clips have.")
        matrix = csr_array(dense)
    if not np.isin(matrix.data, (0, 1)).all():
        raise ValueError("y must hold 0 and 1 only: which labels the clips have.")
    matrix = matrix.astype(np.int64)
    matrix.eliminate_zeros()
    return matrix
