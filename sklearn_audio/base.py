"""Base classes of estimators: tags, parameter validation and validation of X."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from inspect import isfunction
from numbers import Integral
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklearn_audio._meaning import Items, Uses, check_idle_parameters, check_items
from sklearn_audio._output import label_outputs
from sklearn_audio._saved_version import VersionedState
from sklearn_audio._shared_parameters import SharedParameters
from sklearn_audio._sklearn import Interval, SetOutputMixin, StrOptions
from sklearn_audio.files import MAX_RATE, MIN_RATE
from sklearn_audio.ragged import Ragged, check_same_names
from sklearn_audio.validation import AudioClips, Channel, check_audio, check_sequences, container_kind

__all__ = [
    "AUDIO_CONSTRAINTS",
    "AudioEstimator",
    "FloatOutputMixin",
    "RaggedOutputMixin",
    "Reading",
    "restores_on_failure",
]

# Constraints of parameters common to all estimators that read audio.
AUDIO_CONSTRAINTS: dict[str, list[Any]] = {
    "sample_rate": [Interval(Integral, MIN_RATE, MAX_RATE, closed="both")],
    "n_jobs": [None, Integral],
    "on_error": [StrOptions({"raise", "nan"})],
    "verbose": ["verbose"],
}
# advice for rows of another length
_CLIPS = (
    "A two-dimensional array holds clips of one length; for clips of other lengths pass a list of one-dimensional "
    "arrays, or paths."
)
_VECTORS = "Each row is the vector of a clip; compute it as it was computed for fit."
# Methods that learn, if a class defines them.
_LEARNING = ("fit", "partial_fit", "fit_transform", "adapt")


_Class = TypeVar("_Class", bound=type)


def restores_on_failure(cls: _Class) -> _Class:
    """Decorate a class of estimators that learn completely or not at all.

    If `fit`, `partial_fit`, `fit_transform` or `adapt` raises, including KeyboardInterrupt, all attributes are
    restored, so that an earlier fit remains valid. Attributes are not copied, so methods that learn must replace fitted
    objects instead of changing them in place.

    `_fit_succeeded`, if the class has it, is called after a successful fit with a list, to which it appends functions
    that undo what it does: an interrupt may still occur before the end of the call.
    """
    for name in _LEARNING:
        if name in vars(cls):
            setattr(cls, name, _whole(vars(cls)[name]))
    return cls


def _whole(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def learn(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = dict(vars(self))
        undo: list[Callable[[], None]] = []
        is_whole = False
        try:
            learned = method(self, *args, **kwargs)
            if hasattr(self, "_fit_succeeded"):
                self._fit_succeeded(undo)
            is_whole = True  # no interrupt can occur between this and the return
            return learned
        finally:
            if not is_whole:
                self.__dict__ = before
                for step in undo:
                    step()

    return learn


class Reading(NamedTuple):
    """The way an estimator reads audio: its rate, that of bare arrays, and the channel; a rate is None if unknown."""

    rate: int | None = None
    bare_rate: float | None = None
    channel: Channel = "mean"


class AudioEstimator(VersionedState, SetOutputMixin, BaseEstimator):
    """Base class of the estimators that take audio, frames or tokens.

    Subclasses validate parameters and X with the methods here, so that all estimators accept the same kinds of X and
    raise the same errors. The output of `transform` has the index of X.

    See Also
    --------
    sklearn_audio.testing.check_audio_estimator : Checks of an estimator.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import AudioEstimator
    >>> class Duration(AudioEstimator):
    ...     def __init__(self, sample_rate=16000):
    ...         self.sample_rate = sample_rate
    ...
    ...     def transform(self, X):
    ...         clips = self._validate_audio(
    ...             X, self.sample_rate, reset=False, bare_rate=self.sample_rate
    ...         )
    ...         return np.array([[len(clip) / self.sample_rate] for clip in clips])
    >>> Duration().transform([np.zeros(8000), np.zeros(16000)]).tolist()
    [[0.5], [1.0]]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}
    # Conditions of parameters that do not always have an effect; otherwise, setting them raises.
    _parameter_uses: ClassVar[Uses] = {}
    # Keys of parameters that may be dicts.
    _parameter_items: ClassVar[Items] = {}
    # Parameters that the class has in common with others.
    _shared_parameters: ClassVar[SharedParameters | None] = None
    # Learns nothing from X: usable without fit.
    _stateless: ClassVar[bool] = True
    # Learns no more than the number of features, so that folds may share its output.
    _learns_widths_only: ClassVar[bool] = False

    def __init_subclass__(cls, auto_wrap_output_keys: tuple[str, ...] | None = ("transform",), **kwargs: Any) -> None:
        # scikit-learn's own wrapper would convert a `Ragged` to a table
        super().__init_subclass__(auto_wrap_output_keys=None, **kwargs)
        if cls._shared_parameters is not None:
            cls._shared_parameters.complete(cls)
        label_outputs(cls, auto_wrap_output_keys)
        restores_on_failure(cls)
        if issubclass(cls, MetaEstimatorMixin):
            return  # it calls user code, which must see the user's settings
        for name, method in list(vars(cls).items()):
            if isfunction(method) and not name.startswith("_"):
                setattr(cls, name, _isolated(method))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = not self._takes_audio()
        tags.input_tags.string = self._takes_audio()
        tags.requires_fit = not self._stateless
        return tags

    def _takes_audio(self) -> bool:
        return hasattr(self, "sample_rate")

    def _reading(self) -> Reading:
        """Return how clips are read, so that windows can be cut from them beforehand."""
        return Reading(bare_rate=getattr(self, "sample_rate", None))

    def _validate_params(self) -> None:
        super()._validate_params()
        self._check_items()
        check_idle_parameters(self)

    def _check_items(self) -> None:
        """Check the parameters that are dicts."""
        for parameter in self._parameter_items:
            check_items(self, parameter)

    def _validate_audio(
        self,
        X: Any,
        sample_rate: int,
        *,
        reset: bool,
        bare_rate: float | None,
        channel: Channel = "mean",
        offset: float = 0.0,
        duration: float | None = None,
        strict: bool = False,
    ) -> AudioClips:
        """Validate X as audio; rectangular arrays follow scikit-learn's rules on the number of features."""
        kind, items = container_kind(X, audio=True)
        if kind == "array":
            items = self._validate_array(X, reset=reset)
        elif reset:
            self._forget_features()
        return check_audio(
            items, sample_rate, bare_rate=bare_rate, channel=channel, offset=offset, duration=duration, strict=strict
        )

    def _validate_vectors(self, X: Any, *, reset: bool) -> Ragged:
        """Validate sequences of vectors; each row of a two-dimensional array is a clip with one vector."""
        kind, items = container_kind(X) if getattr(X, "ndim", None) != 3 else ("rows", X)
        if kind == "array":
            vectors = self._validate_array(items, reset=reset, hint=_VECTORS)
            return Ragged.from_lengths(vectors, np.ones(len(vectors), dtype=np.int64))
        return self._validate_frames(X, reset=reset)

    def _validate_frames(self, X: Any, *, reset: bool, allow_failed: bool = False) -> Ragged:
        """Validate X as sequences of frames, with the number of features seen in fit.

        With `allow_failed`, a row with one frame of NaN, which marks an unusable clip, passes, except in a
        two-dimensional array.
        """
        kind, items = container_kind(X) if getattr(X, "ndim", None) != 3 else ("rows", X)
        if kind == "array":
            return check_sequences(self._validate_array(items, reset=reset))
        frames = check_sequences(items, allow_failed=allow_failed)
        n_features = frames.item_shape[0]
        if reset:
            self._forget_features()
            self.n_features_in_ = n_features
            if frames.feature_names is not None:
                self.feature_names_in_ = frames.feature_names
        elif n_features != getattr(self, "n_features_in_", n_features):
            raise ValueError(
                f"X has {n_features} features per frame, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        else:
            check_same_names(getattr(self, "feature_names_in_", None), frames.feature_names)
        return frames

    def _validate_array(self, X: Any, *, reset: bool, hint: str = _CLIPS) -> NDArray[Any]:
        fitted = reset or hasattr(self, "n_features_in_")
        try:
            if not fitted:
                # a stateless transformer used without fit
                return np.asarray(check_array(X, estimator=self, input_name="X"))
            return np.asarray(validate_data(self, X, reset=reset))
        except ValueError as error:
            if "features, but" not in str(error):
                raise
            raise ValueError(f"{error} {hint}") from error

    def _forget_features(self) -> None:
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                delattr(self, name)

    def _check_fitted(self) -> None:
        if not self._stateless:
            check_is_fitted(self)
        self._validate_params()


def _isolated(method: Callable[..., Any]) -> Callable[..., Any]:
    """Isolate a method from the settings of the program."""

    @wraps(method)
    def isolated_method(*args: Any, **kwargs: Any) -> Any:
        raising = {kind: "warn" for kind, answer in np.geterr().items() if answer == "raise"}
        with np.errstate(**raising):  # type: ignore[arg-type]
            if not hasattr(sys.modules.get("torch"), "autocast"):
                return method(*args, **kwargs)  # torch is not loaded, so it has no settings
            from sklearn_audio._isolation import isolated

            with isolated():
                return method(*args, **kwargs)

    return isolated_method


class FloatOutputMixin(TransformerMixin):
    """A transformer with float32 output for any input dtype."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


label_outputs(FloatOutputMixin, None)  # the inherited fit_transform


class RaggedOutputMixin(FloatOutputMixin):
    """A transformer with `Ragged` output, which is not a table."""

    def set_output(self, *, transform: str | None = None) -> Self:
        """Choose the container of tables, as in scikit-learn.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Has no effect on a `Ragged`, so that a pipeline can set it for other steps.

        Returns
        -------
        self
            The estimator.
        """
        if hasattr(self, "get_feature_names_out"):
            super().set_output(transform=transform)
        return self
