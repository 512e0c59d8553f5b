"""`BlockScaler`: standardised features, with the same weight for every block of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklearn_audio._saved_version import VersionedState

__all__ = ["BlockScaler"]

_FLOATS = (np.float64, np.float32)
# name of a block, index of a feature in it, and a statistic
_NUMBERED = re.compile(r"(.+)_\d+(?:_(?:mean|std|max))?")


class BlockScaler(VersionedState, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Standardise features, with the same total weight for each block of features.

    If a row contains several layers of a network, a wide layer has more features than a narrow one, and would outweigh
    it in every distance and penalty after ordinary standardisation. Here, the variances of each block have the same
    sum, and those of all blocks add up to the number of features that are not constant, as with `StandardScaler`.

    Parameters
    ----------
    blocks : sequence of int, default=None
        Sizes of consecutive blocks, which add up to the number of features. None: blocks are taken from the feature
        names, if X is a DataFrame: ``panns_block3_17`` and ``panns_block3_17_std`` are in the block "panns_block3".
        Features without such a name form one block.

    Attributes
    ----------
    mean_ : ndarray of float64, shape (n_features_in_,)
        Means of the features.
    scale_ : ndarray of float64, shape (n_features_in_,)
        Divisors of the features, after the means were subtracted.
    block_sizes_ : ndarray of int64, shape (n_blocks,)
        Number of features of each block, in order of the first feature.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the features, if X was a DataFrame.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : Equivalent with one block.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import BlockScaler
    >>> X = np.random.default_rng(0).normal(size=(50, 5))
    >>> scaled = BlockScaler(blocks=[4, 1]).fit_transform(X)
    >>> scaled.var(axis=0).round(3)
    array([0.625, 0.625, 0.625, 0.625, 2.5  ])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {"blocks": ["array-like", None]}

    def __init__(self, blocks: Sequence[int] | None = None) -> None:
        self.blocks = blocks

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn means and standard deviations.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_features)
            Rows of features. NaN is ignored.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        TypeError, ValueError
            If X is not numeric, or the blocks do not add up to its columns.
        """
        self._validate_params()
        X = validate_data(self, X, dtype=_FLOATS, ensure_all_finite="allow-nan")
        block_of = self._block_of(X.shape[1])
        self.block_sizes_ = np.bincount(block_of)
        standard = StandardScaler().fit(X)
        # a constant feature, such as a dead unit of a network, adds nothing to the variance of its block
        varies = standard.scale_ == np.sqrt(standard.var_)
        varying = np.bincount(block_of, weights=varies)
        share = varying.sum() / max(np.count_nonzero(varying), 1)
        self.mean_ = np.asarray(standard.mean_, dtype=np.float64)
        self.scale_ = standard.scale_ * np.where(varies, np.sqrt(varying[block_of] / (share or 1.0)), 1.0)
        return self

    def transform(self, X: Any) -> NDArray[np.floating]:
        """Scale the features.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_features)
            Rows of features.

        Returns
        -------
        ndarray of shape (n_clips, n_features)
            The scaled features, float32 if X is.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is not numeric, or has other columns than in `fit`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=_FLOATS, ensure_all_finite="allow-nan", reset=False)
        scaled: NDArray[np.floating] = ((X - self.mean_) / self.scale_).astype(X.dtype)
        return scaled

    def inverse_transform(self, X: Any) -> NDArray[np.floating]:
        """Undo the scaling.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_features)
            Scaled rows.

        Returns
        -------
        ndarray of shape (n_clips, n_features)
            The original features.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is not numeric, or has other columns than in `fit`.
        """
        check_is_fitted(self)
        X = self._validate_scaled(X)
        restored: NDArray[np.floating] = (X * self.scale_ + self.mean_).astype(X.dtype)
        return restored

    def _validate_scaled(self, X: Any) -> NDArray[np.floating]:
        """Check scaled rows, which may have lost the names of their columns."""
        if hasattr(X, "columns"):
            return np.asarray(validate_data(self, X, dtype=_FLOATS, ensure_all_finite="allow-nan", reset=False))
        rows: NDArray[np.floating] = check_array(X, dtype=_FLOATS, ensure_all_finite="allow-nan")
        if rows.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {rows.shape[1]} features, but BlockScaler is expecting {self.n_features_in_} features as input."
            )
        return rows

    def _block_of(self, n_features: int) -> NDArray[np.int64]:
        """Return the block number of each feature."""
        if self.blocks is None:
            names = getattr(self, "feature_names_in_", [""] * n_features)
            found = [match[1] if (match := _NUMBERED.fullmatch(name)) else "" for name in names]
            numbers = {name: i for i, name in enumerate(dict.fromkeys(found))}
            return np.array([numbers[name] for name in found])
        is_whole = all(isinstance(size, Integral) and not isinstance(size, bool) and size > 0 for size in self.blocks)
        sizes = [int(size) for size in self.blocks] if is_whole else []
        if sum(sizes) != n_features:
            raise ValueError(
                f"blocks={self.blocks!r} does not divide {n_features} features into blocks; give positive whole "
                f"numbers that add up to {n_features}."
            )
        return np.repeat(np.arange(len(sizes)), sizes)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
