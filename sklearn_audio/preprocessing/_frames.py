"""Base class of the transformers from audio to frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.base import AudioEstimator, RaggedOutputMixin, Reading
from sklearn_audio.engine import collect_rows
from sklearn_audio.ragged import Ragged, mean_and_std
from sklearn_audio.validation import AudioClips

_ROUNDING = 1e-6

# Starts reading a clip in blocks; an extractor may call it twice.
Blocks = Callable[[], Iterator[NDArray[np.float32]]]


class FrameExtractor(ABC):
    """Computes the frames of one clip."""

    names: list[str]

    @abstractmethod
    def extract(self, blocks: Blocks) -> Iterator[NDArray[np.float32]]:
        """Yield the frames of a clip in pieces of shape (n, n_features)."""

    def complete(self, frames: NDArray[np.float32]) -> None:  # noqa: B027 - most extractors have nothing to do
        """Apply, in place, the steps that need all frames of the clip."""

    def complete_block(self, frames: NDArray[np.float32], highest: np.float32) -> bool:
        """Do the same for a block, given the maximum of the clip; False if that is insufficient."""
        return True


def normalize_clip(frames: NDArray[np.float32]) -> None:
    """Subtract the mean of each feature over the clip, and divide by its standard deviation, in place."""
    mean, deviation = mean_and_std(frames)
    frames -= mean.astype(np.float32)
    # a constant feature deviates from its mean by rounding alone
    frames /= np.where(deviation > _ROUNDING * np.abs(mean), deviation, np.inf).astype(np.float32)


class FrameTransformer(RaggedOutputMixin, AudioEstimator):
    """Base class of the transformers from audio to frames; subclasses define `_extractor`."""

    sample_rate: int
    n_jobs: int | None
    on_error: Any
    verbose: int

    def _extractor(self) -> FrameExtractor:
        raise TypeError(f"{type(self).__name__} must define _extractor.")  # pragma: no cover - abstract

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and X; nothing is read or learned.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide. Arrays without a rate are assumed to have `sample_rate`.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        TypeError, ValueError
            If a parameter or X is invalid.
        """
        self._validate_params()
        self._extractor()
        self._validate_X(X, reset=True)
        return self

    def transform(self, X: Any) -> Ragged:
        """Compute the frames of each clip.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide. Arrays without a rate are assumed to have `sample_rate`.

        Returns
        -------
        Ragged
            One row per clip, float32 of shape (n_frames, n_features).

        Raises
        ------
        NotFittedError
            If the transformer learns in `fit`, which was not called.
        AudioReadError
            If a recording cannot be read and `on_error` is "raise".
        TypeError, ValueError
            If a clip is invalid and `on_error` is "raise", or a row has a type that is not a clip; the message names
            the row.
        """
        self._check_fitted()
        return self._frames(self._validate_X(X, reset=False))[0]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the features of a frame.

        Parameters
        ----------
        input_features : object, default=None
            Ignored.

        Returns
        -------
        ndarray of str, shape (n_features,)
            One name per feature.
        """
        return np.asarray(self._extractor().names, dtype=object)

    def _validate_X(self, X: Any, *, reset: bool) -> AudioClips:
        return self._validate_audio(X, self._rate, reset=reset, bare_rate=self._rate)

    @property
    def _rate(self) -> int:
        return self.sample_rate

    def _reading(self) -> Reading:
        return Reading(self._rate, self._rate)

    def _frames(self, clips: AudioClips) -> tuple[Ragged, list[int]]:
        extractor = self._extractor()
        return collect_rows(
            clips,
            lambda row: extractor.extract(lambda: clips.stream(row)),
            item_shape=(len(extractor.names),),
            complete=extractor.complete,
            n_jobs=self.n_jobs,
            on_error=self.on_error,
            verbose=self.verbose,
            description=type(self).__name__,
        )
