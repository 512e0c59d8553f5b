"""Multi-label splitters that preserve the frequency of every label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit, ShuffleSplit
from sklearn.utils import check_consistent_length

from sklearn_audio._random_state import own_random_state
from sklearn_audio.model_selection._stratification import Dealer, check_indicator, counts_of, units_of


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
    >>> for train, test in MultilabelStratifiedKFold(n_splits=3).split(np.zeros(12), y):
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
        labels = check_indicator(y)
        check_consistent_length(X, labels, groups)
        units = units_of(labels.shape[0], groups)
        counts = counts_of(labels, units)
        n_units = counts.shape[0]
        if n_units < self.n_splits:
            what = "clips" if groups is None else "groups"
            raise ValueError(f"n_splits={self.n_splits} is more than the number of {what}, {n_units}.")
        sizes = np.bincount(units).astype(np.float64)
        room = np.full(self.n_splits, sizes.sum() / self.n_splits)
        order = random.permutation(n_units) if self.shuffle else np.arange(n_units)
        dealer = Dealer(counts, sizes, room, is_strict=False, random_state=random)
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
    >>> splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=4, random_state=0)
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
        labels = check_indicator(y)
        check_consistent_length(X, labels, groups)
        units = units_of(labels.shape[0], groups)
        counts = counts_of(labels, units)
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
            dealer = Dealer(counts, np.ones(n_units), room, is_strict=True, random_state=random)
            fold = dealer.deal(random.permutation(n_units))[units]  # (n_units,) -> (n_clips,)
            yield random.permutation(np.flatnonzero(fold == 0)), random.permutation(np.flatnonzero(fold == 1))
