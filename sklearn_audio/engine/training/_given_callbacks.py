"""Training options that are passed as callbacks: gradient accumulation, weight averaging, smoothing."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, TypeVar, get_args

from skorch.callbacks import Callback

from sklearn_audio._names import check_name
from sklearn_audio.engine.training._averaging import Averaging

__all__ = [
    "GradientAccumulation",
    "LabelSmoothing",
    "WeightAveraging",
    "check_callbacks",
    "given_callback",
    "other_callbacks",
]


class GradientAccumulation(Callback):
    """Take one optimiser step for several batches; for the parameter ``callbacks`` of trained networks.

    Gradients are averaged, so that a step is that of one larger batch, with the memory of a small one. Learning rate
    schedules count steps. If the last batches of an epoch are fewer, they form a separate step.

    Parameters
    ----------
    n_batches : int
        Batches per step, at least 1.

    See Also
    --------
    WeightAveraging : Another training option that is passed as a callback.

    Examples
    --------
    >>> from sklearn_audio import Ragged, TokenMeanClassifier
    >>> from sklearn_audio.classification import GradientAccumulation
    >>> X = Ragged.from_list([[0, 0, 1], [2, 3], [1, 0], [3, 3, 2]])
    >>> classifier = TokenMeanClassifier(batch_size=2, callbacks=[GradientAccumulation(2)], max_epochs=3)
    >>> classifier.fit(X, ["low", "high", "low", "high"]).n_iter_
    3
    """

    def __init__(self, n_batches: int) -> None:
        self.n_batches = n_batches

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n_batches={self.n_batches!r})"


class WeightAveraging(Callback):
    """Maintain an average of the trained weights; for the parameter ``callbacks`` of trained networks.

    Validation scores, early stopping, other callbacks at the end of epochs (at any position in the list), and the final
    network use the average.

    Parameters
    ----------
    kind : {"ema", "swa"}, default="ema"
        "ema": exponential average over the steps; "swa": mean of the last quarter of the epochs.

    See Also
    --------
    GradientAccumulation : Another training option that is passed as a callback.

    References
    ----------
    Izmailov, Podoprikhin, Garipov, Vetrov & Wilson 2018, "Averaging weights leads to wider optima and better
    generalization", UAI.

    Examples
    --------
    >>> from sklearn_audio import Ragged, TokenMeanClassifier
    >>> from sklearn_audio.classification import WeightAveraging
    >>> X = Ragged.from_list([[0, 0, 1], [2, 3], [1, 0], [3, 3, 2]])
    >>> classifier = TokenMeanClassifier(callbacks=[WeightAveraging("swa")], lr_schedule=None, max_epochs=8)
    >>> classifier.fit(X, ["low", "high", "low", "high"]).n_iter_
    8
    """

    def __init__(self, kind: Averaging = "ema") -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kind={self.kind!r})"


class LabelSmoothing(Callback):
    """Train on less than certain labels; for the parameter ``callbacks`` of classifiers that train a network.

    It keeps a network from being certain of few clips. Validation losses are not smoothed.

    Parameters
    ----------
    share : float, default=0.1
        Share of each training target that is spread evenly over the classes; with several labels per clip, over
        presence and absence.

    See Also
    --------
    WeightAveraging : Another training option that is passed as a callback.

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens & Wojna 2016, "Rethinking the inception architecture for computer vision", CVPR.

    Examples
    --------
    >>> from sklearn_audio import Ragged, TokenMeanClassifier
    >>> from sklearn_audio.classification import LabelSmoothing
    >>> X = Ragged.from_list([[0, 0, 1], [2, 3], [1, 0], [3, 3, 2]])
    >>> classifier = TokenMeanClassifier(callbacks=[LabelSmoothing(0.2)], max_epochs=3)
    >>> classifier.fit(X, ["low", "high", "low", "high"]).n_iter_
    3
    """

    def __init__(self, share: float = 0.1) -> None:
        self.share = share

    def __repr__(self) -> str:
        return f"{type(self).__name__}(share={self.share!r})"


_OPTIONS = (GradientAccumulation, LabelSmoothing, WeightAveraging)
_Option = TypeVar("_Option", GradientAccumulation, LabelSmoothing, WeightAveraging)


def given_callback(callbacks: Sequence[Any] | None, kind: type[_Option]) -> _Option | None:
    """Return the option of a class among the callbacks, if there is one."""
    return next((callback for callback in map(_unnamed, callbacks or ()) if isinstance(callback, kind)), None)


def other_callbacks(callbacks: Sequence[Any] | None) -> list[Any]:
    """List the callbacks that are called in training, with their names, if any."""
    return [callback for callback in callbacks or () if not isinstance(_unnamed(callback), _OPTIONS)]


def check_callbacks(callbacks: Sequence[Any] | None) -> None:
    """Raise for options that are given twice, as a class, or with an invalid value."""
    listed = [_unnamed(callback) for callback in callbacks or ()]
    for kind in _OPTIONS:
        if kind in listed:
            raise TypeError(f"callbacks holds the class {kind.__name__}; give an instance, as in {kind.__name__}(...).")
        n_given = sum(isinstance(callback, kind) for callback in listed)
        if n_given > 1:
            raise ValueError(f"callbacks holds {n_given} instances of {kind.__name__}; give one.")
    accumulation = given_callback(callbacks, GradientAccumulation)
    if accumulation is not None:
        _check_count(accumulation.n_batches)
    averaging = given_callback(callbacks, WeightAveraging)
    if averaging is not None:
        check_name("kind of WeightAveraging", averaging.kind, get_args(Averaging))
    smoothing = given_callback(callbacks, LabelSmoothing)
    if smoothing is not None and not (isinstance(smoothing.share, Real) and 0 <= float(smoothing.share) < 1):
        raise ValueError(f"{smoothing}: give a share of the targets, from 0 to below 1.")


def _check_count(n_batches: Any) -> None:
    if isinstance(n_batches, bool) or not isinstance(n_batches, Integral) or int(n_batches) < 1:
        raise ValueError(f"GradientAccumulation(n_batches={n_batches!r}): give a whole number of batches, 1 or more.")


def _unnamed(callback: Any) -> Any:
    """Return the callback of a pair (name, callback), as in skorch."""
    return callback[1] if isinstance(callback, tuple) and len(callback) == 2 else callback
