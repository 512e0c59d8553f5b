"""`SequencePooling`: frames to one vector of statistics per clip."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from sklearn_audio._sklearn import Interval, check_feature_names_in
from sklearn_audio.base import AudioEstimator, FloatOutputMixin
from sklearn_audio.ragged import STATISTICS, find_statistic


class SequencePooling(FloatOutputMixin, AudioEstimator):
    """Statistics over the frames of each clip: from sequences of unequal length to a table.

    A row with one frame of NaN, which ``on_error="nan"`` returns for an unusable clip, becomes a row of NaN; any other
    NaN raises.

    Parameters
    ----------
    statistics : str or sequence of str, default=("mean", "std")
        Statistics of each feature x over the frames of a clip.

        - "mean", "median", "min", "max", "first", "last";
        - "std": standard deviation, dividing by the number of frames;
        - "range": maximum minus minimum;
        - percentiles from "p0" to "p100", such as "p25" or "p97.5", interpolated linearly like `numpy.percentile`;
        - "skew": skewness, the mean of ``(x - mean)**3`` over the cube of "std", without bias correction, like
          `scipy.stats.skew`; 0 for constant x;
        - "slope": slope of the least-squares line through x, per frame.

        For a clip of one frame, "std", "range", "skew" and "slope" are 0.
    n_parts : int, default=1
        Compute the statistics over each of this many equal parts of a clip, so that the order of events counts. Part i
        of n frames goes from frame ``floor(i * n / n_parts)`` up to ``ceil((i + 1) * n / n_parts)``, like
        `torch.nn.AdaptiveAvgPool1d`: adjacent parts may share a frame, and clips of fewer frames have all parts, too.

    Attributes
    ----------
    n_features_in_ : int
        Features per frame; the length of the rows if X is an array of shape (n_clips, n_frames).
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns of a DataFrame of numbers, or of the features of a `Ragged` that has them (as returned by
        transformers).

    See Also
    --------
    sklearn_audio.Ragged.pool : One statistic of a `Ragged`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import SequencePooling
    >>> frames = [np.array([[1.0, 0.0], [3.0, 0.0]]), np.array([[5.0, 7.0]])]
    >>> SequencePooling(statistics=("mean", "max")).fit_transform(frames)
    array([[2., 0., 3., 0.],
           [5., 7., 5., 7.]], dtype=float32)
    >>> SequencePooling(statistics="max", n_parts=2).fit_transform(frames)
    array([[1., 0., 3., 0.],
           [5., 7., 5., 7.]], dtype=float32)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "statistics": [str, tuple, list],
        "n_parts": [Interval(Integral, 1, None, closed="left")],
    }
    _stateless: ClassVar[bool] = False
    _learns_widths_only: ClassVar[bool] = True

    def __init__(self, statistics: Sequence[str] = ("mean", "std"), *, n_parts: int = 1) -> None:
        self.statistics = statistics
        self.n_parts = n_parts

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the number of features of a frame.

        Parameters
        ----------
        X : Ragged, list of arrays (n_frames, n_features), or array of 2 or 3 dimensions
            Frames, one row per clip. In a 2-D array each row is a sequence of frames with one feature.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        TypeError, ValueError
            If a statistic is unknown or X is invalid; the message names the row.
        """
        self._validate_params()
        self._names()
        self._n_columns = self._validate_frames(X, reset=True, allow_failed=True).item_shape[0]
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Compute the statistics.

        Parameters
        ----------
        X : Ragged, list of arrays (n_frames, n_features), or array of 2 or 3 dimensions
            Frames, one row per clip.

        Returns
        -------
        ndarray of float32, shape (n_clips, n_parts * n_statistics * n_features)
            All features of the first statistic, then all of the second, and so on, part by part; NaN for an unusable
            clip.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is invalid; the message names the row.
        """
        self._check_fitted()
        frames = self._validate_frames(X, reset=False, allow_failed=True)
        if self.n_parts == 1:
            return np.concatenate([frames.pool(name) for name in self._names()], axis=1)
        rows = [[row[span] for span in part_spans(len(row), self.n_parts)] for row in frames]
        reduce: list[Any] = [find_statistic(name) for name in self._names()]
        pooled = [np.concatenate([statistic(part) for part in parts for statistic in reduce]) for parts in rows]
        return np.stack(pooled).astype(np.float32)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the columns.

        Parameters
        ----------
        input_features : sequence of str, default=None
            Names of the features of a frame. None: ``x0``, ``x1``, ...

        Returns
        -------
        ndarray of str, shape (n_parts * n_statistics * n_features,)
            Such as ``mel_0_mean``, or ``mel_0_mean_part0`` with several parts.

        Raises
        ------
        ValueError
            If the number of names differs from that of the features, or the names from those seen in `fit`.
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        if self._n_columns != self.n_features_in_:
            names = ["x0"]  # an array (n_clips, n_frames) was fitted: its columns are frames with one feature
        parts = [f"_part{i}" for i in range(self.n_parts)] if self.n_parts > 1 else [""]
        columns = [f"{name}_{kind}{part}" for part in parts for kind in self._names() for name in names]
        return np.asarray(columns, dtype=object)

    def _names(self) -> list[str]:
        names = [self.statistics] if isinstance(self.statistics, str) else list(self.statistics)
        if not names or any(find_statistic(name) is None for name in names):
            raise ValueError(
                f"statistics={self.statistics!r}: choose one or more of {list(STATISTICS)}, or percentiles such as "
                "'p25'."
            )
        return names


def part_spans(n_frames: int, n_parts: int) -> list[slice]:
    """Split a clip into equal parts of at least one frame."""
    # -(-a // b) rounds up
    return [slice(i * n_frames // n_parts, -(-(i + 1) * n_frames // n_parts)) for i in range(n_parts)]
