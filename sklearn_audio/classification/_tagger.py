"""`AudioTagger`: labels of AudioSet, or tags of music, in a recording, as a whole and along time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
import torch
from joblib import Memory
from numpy.typing import NDArray

from sklearn_audio._meaning import Uses, needs
from sklearn_audio._names import check_name
from sklearn_audio._sklearn import Interval, StrOptions
from sklearn_audio.base import AUDIO_CONSTRAINTS, AudioEstimator, Reading
from sklearn_audio.engine import (
    CACHE_CONSTRAINTS,
    CACHE_USES,
    ClipVectors,
    PatchOptions,
    PretrainedModel,
    WeightsSource,
    cache_on_disk,
    pool,
    seed_of,
)
from sklearn_audio.engine.models import TAGGERS, ModelCard, any_window, score_layer, tagger_labels, windowed
from sklearn_audio.events import find_events, windows_to_frames
from sklearn_audio.ragged import Ragged, RaggedBuilder
from sklearn_audio.validation import AudioClips, check_sequences

__all__ = ["AudioTagger"]

FRAMES_PER_SECOND = 100
_FRAMES_PER_SEGMENT = 32  # five poolings by two
_DECISION_LEVEL = "panns_cnn14_decision"
_YAMNET = "yamnet"


def _sees_windows(owner: AudioTagger) -> bool:
    return not owner.model.startswith(_DECISION_LEVEL)


def _sees_any_window(owner: AudioTagger) -> bool:
    return _sees_windows(owner) and (owner.model not in TAGGERS or any_window(owner.model))


class AudioTagger(AudioEstimator):
    """Tag recordings with the 527 labels of AudioSet, or music with 50 tags, as a whole and along time.

    Nothing is learned from data: the networks were trained on two million clips with the labels of AudioSet, or on
    music with tags by listeners. For other labels, train a classifier on the output of an embedder.

    Parameters
    ----------
    model : str, default="panns_cnn14"
        A model of `PANNsEmbedder`, `EfficientATEmbedder` or `ASTEmbedder` that was trained on AudioSet, its family
        first: "panns_cnn14_decision_max" scores segments of 0.32 s, "efficientat_mn10_as" is small and good,
        "ast_audioset_10_10_0.4593" is the best on whole clips. Or "musicnn_msd_musicnn" or "musicnn_mtt_musicnn", the
        models of `MusiCNNEmbedder`, which score tags of music; or "yamnet", that of `YAMNetEmbedder`, which leaves out
        six of the 527 labels of AudioSet.
    top_k : int, default=10
        Labels per clip in `tag`.
    weights : {"pretrained"}, path or None, default="pretrained"
        "pretrained": the published weights, downloaded once; a path: a checkpoint in any published layout; None: random
        weights from `random_state`, for tests.
    sample_rate : int, default=None
        Rate in Hz of arrays without one; None: raise for such arrays. Files and arrays with a rate are resampled.
    window : float, default=1.0
        Length in seconds of the windows of `predict_frames` and `events`. The "panns_cnn14_decision" models need no
        windows, the "musicnn" models have windows of 3 s, "yamnet" of 0.96 s; all of them raise for another value.
    hop : float, default=0.1
        Seconds between the starts of these windows, at most their length. The score of a frame is the mean over the
        windows around it.
    batch_size : int, default=32
        Patches per forward pass; changes speed and memory, never results.
    device : str or torch.device, default="auto"
        "auto": CUDA if available, else Apple's MPS, else the CPU.
    precision : {"float32", "bfloat16"}, default="float32"
        "bfloat16" is faster on hardware that supports it, and correct to two or three digits.
    n_jobs : int, default=None
        Number of threads that decode clips and compute frames; None: 1, -1: one per core.
    cache : None, str, path or joblib.Memory, default=None
        Folder of scores, one entry per clip, so that each clip goes through a network once; None: no cache. See the
        user guide.
    cache_key : {"content", "stat"}, default="content"
        Identity of a file in the cache: its bytes, or, without reading it, its path with links resolved, size, inode
        and times of modification and change.
    on_error : {"raise", "nan"}, default="raise"
        "raise": raise at the first clip that cannot be used; "nan": its scores are NaN, it has no rows in a table, and
        one warning at the end lists such clips.
    random_state : int, RandomState instance or None, default=None
        Seed of the random weights of ``weights=None``; None: 0.
    verbose : int, default=0
        1: show progress bars, also of downloads.

    Attributes
    ----------
    classes_ : ndarray of str, shape (n_labels,)
        The labels in the order of the columns: 527 display names of AudioSet (521 of "yamnet"), or 50 tags; present
        without `fit`.

    See Also
    --------
    sklearn_audio.embedding.PANNsEmbedder : The same networks as features for a classifier of your own.
    sklearn_audio.events.find_events : Events from the scores of any detector.
    sklearn_audio.metrics.event_f1 : Score events.

    References
    ----------
    J. Gemmeke et al., "Audio Set: an ontology and human-labeled dataset for audio events", ICASSP 2017. The labels are
    CC BY 4.0.

    Examples
    --------
    With random weights, which need no download:

    >>> import numpy as np
    >>> from sklearn_audio import AudioTagger
    >>> tagger = AudioTagger(
    ...     "efficientat_mn04_as", weights=None, sample_rate=32000, top_k=3
    ... )
    >>> list(tagger.tag([np.zeros(32000)]).columns)
    ['clip', 'label', 'score']
    >>> tagger.predict_frames([np.zeros(32000)])[0].shape
    (101, 527)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AUDIO_CONSTRAINTS,
        "model": [str],
        "top_k": [Interval(Integral, 1, None, closed="left")],
        "weights": [str, os.PathLike, None],
        "sample_rate": [None, *AUDIO_CONSTRAINTS["sample_rate"]],
        "window": [Interval(Real, 0, None, closed="neither")],
        "hop": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str, torch.device],
        "precision": [StrOptions({"float32", "bfloat16"})],
        **CACHE_CONSTRAINTS,
        "random_state": ["random_state"],
    }
    _parameter_uses: ClassVar[Uses] = {
        **CACHE_USES,
        "window": needs("a model with windows of any length", _sees_any_window, "model"),
        "hop": needs("a model with windows", _sees_windows, "model"),
    }

    def __init__(
        self,
        model: str = "panns_cnn14",
        *,
        top_k: int = 10,
        weights: str | os.PathLike[str] | None = "pretrained",
        sample_rate: int | None = None,
        window: float = 1.0,
        hop: float = 0.1,
        batch_size: int = 32,
        device: Any = "auto",
        precision: Literal["float32", "bfloat16"] = "float32",
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | Memory | None = None,
        cache_key: Literal["content", "stat"] = "content",
        on_error: Literal["raise", "nan"] = "raise",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.top_k = top_k
        self.weights = weights
        self.sample_rate = sample_rate
        self.window = window
        self.hop = hop
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.n_jobs = n_jobs
        self.cache = cache
        self.cache_key = cache_key
        self.on_error = on_error
        self.random_state = random_state
        self.verbose = verbose

    @property
    def classes_(self) -> NDArray[np.str_]:
        """Names of the labels."""
        self._card()
        return tagger_labels(self.model)

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and X; nothing is read, downloaded or learned.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide.
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
        self._check_fitted()
        self._validate_X(self._card(), X, reset=True)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Compute the probability of every label.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide.

        Returns
        -------
        ndarray of float32, shape (n_clips, n_labels)
            In the order of `classes_`; several may be high at once. The scores of a clip that the network does not
            take whole are the mean over its patches.

        Raises
        ------
        AudioReadError
            If a recording cannot be read and `on_error` is "raise".
        WeightsError
            If the weights cannot be downloaded, or are not those of the model.
        TypeError, ValueError
            If a parameter, X or a clip is invalid.
        """
        self._check_fitted()
        card = self._card()
        clips = self._validate_X(card, X, reset=False)
        scores = np.full((len(clips), len(self.classes_)), np.nan, dtype=np.float32)
        clips_scores = self._scores(card, clips, score_layer(card), self._patches())
        for row, clip in zip(scores, clips_scores, strict=True):
            if clip.vectors:
                row[:] = pool(clip.vectors, np.array(clip.weights), "mean")
        return scores

    def tag(self, X: Any) -> pd.DataFrame:
        """List the most likely labels of each clip.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide.

        Returns
        -------
        DataFrame
            Columns "clip" (row of X), "label" and "score", `top_k` rows per clip, the most likely first.

        Raises
        ------
        AudioReadError
            If a recording cannot be read and `on_error` is "raise".
        WeightsError
            If the weights cannot be downloaded, or are not those of the model.
        TypeError, ValueError
            If a parameter, X or a clip is invalid.
        """
        scores = self.predict_proba(X)
        rows = np.flatnonzero(~np.isnan(scores).any(axis=1))
        best = np.argsort(-scores[rows], axis=1, kind="stable")[
            :, : self.top_k
        ]  # (n_clips, n_labels) -> (n_clips, top_k)
        return pd.DataFrame(
            {
                "clip": np.repeat(rows, best.shape[1]),
                "label": self.classes_[best.ravel()],
                "score": np.take_along_axis(scores[rows], best, axis=1).ravel(),
            }
        )

    def predict_frames(self, X: Any) -> Ragged:
        """Compute the probability of every label along time.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide.

        Returns
        -------
        Ragged
            One row per clip, float32 of shape (n_frames, n_labels), 100 frames per second; frame k is at k / 100 s. A
            clip that failed with ``on_error="nan"`` is one frame of NaN.

        Raises
        ------
        AudioReadError
            If a recording cannot be read and `on_error` is "raise".
        WeightsError
            If the weights cannot be downloaded, or are not those of the model.
        TypeError, ValueError
            If a parameter, X or a clip is invalid.
        """
        self._check_fitted()
        n_labels = len(self.classes_)
        builder = RaggedBuilder((n_labels,), np.float32)
        for scores in self._frames(X):
            builder.extend(np.full((1, n_labels), np.nan, np.float32) if scores is None else scores)
            builder.close_row()
        return Ragged(*builder.finish())

    def events(
        self,
        X: Any = None,
        threshold: Any = 0.5,
        *,
        low_threshold: Any = None,
        frames: Any = None,
        median: float = 0.0,
        min_duration: float = 0.0,
        merge_gap: float = 0.0,
    ) -> pd.DataFrame:
        """Find when each label begins and ends.

        Parameters
        ----------
        X : sequence of clips, default=None
            Paths, arrays, ...; see the user guide. None if `frames` are given.
        threshold : float, dict of str to float, or array-like of shape (n_labels,), default=0.5
            Smallest probability at which a label is active. A dict gives the labels to find; others have no events.
        low_threshold : float, dict of str to float, or array-like of shape (n_labels,), default=None
            Hysteresis: an event reaches `threshold` at some frame, and lasts as long as the probability is at least
            `low_threshold`. None, or a label that is not in the dict: equal to `threshold`.
        frames : Ragged, default=None
            Output of `predict_frames`, instead of X, so that a search over thresholds runs the network once.
        median : float, default=0.0
            Length in seconds of a median filter over the decisions, which removes isolated frames and short gaps. 0: no
            filter.
        min_duration : float, default=0.0
            Drop events shorter than this, in seconds, after gaps are merged.
        merge_gap : float, default=0.0
            Merge adjacent events of a label if the gap between them is shorter than this, in seconds.

        Returns
        -------
        DataFrame
            Columns "clip" (row of X), "start", "end" (seconds), "label" and "score" (mean within), one row per event;
            per clip, label by label.

        Raises
        ------
        AudioReadError
            If a recording cannot be read and `on_error` is "raise".
        WeightsError
            If the weights cannot be downloaded, or are not those of the model.
        TypeError, ValueError
            If a parameter, X or a clip is invalid, a label is unknown, or both X and `frames` are given.
        """
        self._check_fitted()
        if (X is None) == (frames is None):
            raise ValueError("events takes either recordings, X, or the frames of predict_frames, frames=; give one.")
        return find_events(
            self._frames(X) if frames is None else check_sequences(frames, allow_failed=True),
            frames_per_second=FRAMES_PER_SECOND,
            labels=self.classes_,
            threshold=threshold,
            low_threshold=low_threshold,
            median=median,
            min_duration=min_duration,
            merge_gap=merge_gap,
        )

    def _frames(self, X: Any) -> Iterator[NDArray[np.floating] | None]:
        """Yield the scores of the frames, clip by clip; None for one that failed."""
        card, layer, patches = self._card(), "segments", self._patches()
        decides = self.model.startswith(_DECISION_LEVEL)
        if not decides:
            window = self.window if any_window(self.model) else card.patch_seconds
            if self.hop > window:
                raise ValueError(
                    f"hop={self.hop} is longer than window={window:g}, which would leave gaps between the windows; "
                    "give a hop of at most the window."
                )
            card, layer, patches = windowed(self.model, self.window), score_layer(card), self._patches(self.hop)
        for clip in self._scores(card, self._validate_X(card, X, reset=False), layer, patches):
            n_frames = 1 + clip.n_timepoints * FRAMES_PER_SECOND // card.sample_rate
            if not clip.vectors:
                yield None
            elif decides:
                yield _segments_to_frames(clip.vectors, round(card.patch_seconds * FRAMES_PER_SECOND), n_frames)
            else:
                windows = np.stack(clip.vectors)
                yield windows_to_frames(windows, clip.spans, frames_per_second=FRAMES_PER_SECOND, n_frames=n_frames)

    def _scores(self, card: ModelCard, clips: AudioClips, layer: str, patches: PatchOptions) -> Iterator[ClipVectors]:
        source = WeightsSource(self.weights, seed_of(self.random_state))
        model = PretrainedModel(
            card, source, [layer], patches, device=self.device, precision=self.precision, verbose=self.verbose
        )
        return model.vectors(
            clips,
            cache=self.cache,
            cache_key=self.cache_key,
            batch_size=self.batch_size,
            n_jobs=self.n_jobs,
            on_error=self.on_error,
            description=type(self).__name__,
        )

    def _patches(self, hop: float | None = None) -> PatchOptions:
        return PatchOptions(hop=hop, short_clip="zero" if self.model == _YAMNET else "tile")  # as published

    def _card(self) -> ModelCard:
        check_name("model", self.model, TAGGERS)
        return TAGGERS[self.model]

    def _reading(self) -> Reading:
        return Reading(self._card().sample_rate, self.sample_rate)

    def _validate_X(self, card: ModelCard, X: Any, *, reset: bool) -> AudioClips:
        cache_on_disk(self.cache)
        return self._validate_audio(X, card.sample_rate, reset=reset, bare_rate=self.sample_rate)


def _segments_to_frames(
    patches: list[NDArray[np.float32]], frames_per_patch: int, n_frames: int
) -> NDArray[np.floating]:
    """Repeat the scores of each segment for its frames, as in the code of PANNs.

    Shapes: patches (n_segments_i, n_labels) -> (n_frames, n_labels).
    """
    frames = np.arange(n_frames)
    patch = np.minimum(frames // frames_per_patch, len(patches) - 1)
    n_segments = np.array([len(segments) for segments in patches])
    segment = np.minimum((frames - patch * frames_per_patch) // _FRAMES_PER_SEGMENT, n_segments[patch] - 1)
    scores: NDArray[np.floating] = np.concatenate(patches)[(np.cumsum(n_segments) - n_segments)[patch] + segment]
    return scores
