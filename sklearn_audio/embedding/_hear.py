"""`HEAREmbedder`: any module of the HEAR API as an embedder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from numbers import Real
from types import ModuleType
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from sklearn_audio._progress import progress_bar
from sklearn_audio._sklearn import Interval, StrOptions, clone_parametrized
from sklearn_audio.base import AUDIO_CONSTRAINTS, AudioEstimator, FloatOutputMixin
from sklearn_audio.embedding._hear_module import Floats, HEARModule, load_hear
from sklearn_audio.embedding._outputs import pooled_of, ragged_of, table_of
from sklearn_audio.engine import POOLINGS, ClipErrors, ClipVectors, check_output, ordered_streams, resolve_device
from sklearn_audio.ragged import Ragged
from sklearn_audio.validation import AudioClips

__all__ = ["HEAREmbedder"]

_WHOLE = 120.0  # seconds
_SCENE = "scene"


@dataclass
class _Windows:
    """The windows of one clip on their way through the module."""

    waveforms: list[Floats] = field(default_factory=list)
    clip: ClipVectors = field(default_factory=ClipVectors)
    parts: list[Any] = field(default_factory=list)
    error: Exception | None = None  # of the module
    unread: bool = False


class HEAREmbedder(FloatOutputMixin, AudioEstimator):
    """Embed clips with a module of the HEAR API, such as those of the HEAR benchmark.

    A module has three functions, ``load_model``, ``get_scene_embeddings`` and ``get_timestamp_embeddings``, and its
    model three numbers, ``sample_rate``, ``scene_embedding_size`` and ``timestamp_embedding_size``. The module is code
    of yours: it is imported and run.

    A clip goes through the module alone; on an accelerator beside clips of its own length, where the module has shown
    that no clip changes the vector of another.

    Parameters
    ----------
    module : str or module
        Name of the module, such as "hearbaseline.torchcrepe", or the module itself, or an object with its functions.
    weights : str or path, default=None
        Path that ``load_model`` is given; None: the default of the module.
    sample_rate : int, default=None
        Rate in Hz of arrays without one; None: raise for such arrays. Files and arrays with a rate are resampled to
        that of the model.
    pooling : {"scene", "mean", "max", "mean_std", "mean_max"} or None, default="scene"
        "scene": the scene embedding, by the module itself. Else statistics over the timestamp embeddings; None: a
        `Ragged` of all of them, whose spans are those of `segments`.
    window : float, default=None
        Longest clip, in seconds, that the module is given. Longer ones are cut in windows of this length, of which the
        last is filled with silence; scene embeddings are averaged by the time that the clip fills. None: 120 s.
    device : str or torch.device, default="auto"
        "auto": CUDA if available, else Apple's MPS, else the CPU. A model of TensorFlow chooses for itself.
    n_jobs : int, default=None
        Number of threads that decode clips; None: 1, -1: one per core.
    on_error : {"raise", "nan"}, default="raise"
        "raise": raise at the first clip that cannot be used; "nan": its row is NaN, and one warning at the end lists
        such clips.
    verbose : int, default=0
        1: show progress bars.

    Attributes
    ----------
    n_features_in_ : int
        Number of timepoints, if X was an array of shape (n_clips, n_timepoints).
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if X was a DataFrame of numbers.

    See Also
    --------
    sklearn_audio.bridges.to_hear : An embedder as a module of the HEAR API.

    References
    ----------
    J. Turian et al., "HEAR: Holistic Evaluation of Audio Representations", NeurIPS 2021 Competitions.

    Examples
    --------
    An embedder as a module, and the module as an embedder:

    >>> import numpy as np
    >>> from sklearn_audio import EfficientATEmbedder, HEAREmbedder, to_hear
    >>> module = to_hear(EfficientATEmbedder("mn04_as", weights=None))
    >>> HEAREmbedder(module, sample_rate=32000).transform([np.zeros(32000)]).shape
    (1, 384)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AUDIO_CONSTRAINTS,
        "module": "no_validation",  # type: ignore[dict-item]
        "weights": [str, os.PathLike, None],
        "sample_rate": [None, *AUDIO_CONSTRAINTS["sample_rate"]],
        "pooling": [StrOptions({_SCENE, *POOLINGS}), None],
        "window": [None, Interval(Real, 0, None, closed="neither")],
        "device": [str, torch.device],
    }

    def __init__(
        self,
        module: Any,
        *,
        weights: str | os.PathLike[str] | None = None,
        sample_rate: int | None = None,
        pooling: str | None = _SCENE,
        window: float | None = None,
        device: Any = "auto",
        n_jobs: int | None = None,
        on_error: Literal["raise", "nan"] = "raise",
        verbose: int = 0,
    ) -> None:
        self.module = module
        self.weights = weights
        self.sample_rate = sample_rate
        self.pooling = pooling
        self.window = window
        self.device = device
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters, the module and X; nothing is learned.

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
        ImportError
            If there is no such module.
        TypeError, ValueError
            If the module is not of the HEAR API, or a parameter or X is not admissible.
        """
        self._check_fitted()
        self._validate_X(self._loaded(), X, reset=True)
        return self

    def transform(self, X: Any) -> NDArray[np.float32] | Ragged:
        """Embed the clips.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide.

        Returns
        -------
        ndarray of float32, shape (n_clips, n_features), or Ragged
            One vector per clip; with ``pooling=None`` one row per clip, of shape (n_timestamps, n_features).

        Raises
        ------
        AudioReadError
            If a recording cannot be read and `on_error` is "raise".
        ImportError
            If there is no such module.
        TypeError, ValueError
            If the module is not of the HEAR API, cannot embed a clip, or a parameter, X or a clip is not admissible.
        """
        self._check_fitted()
        model = self._loaded()
        clips = self._validate_X(model, X, reset=False)
        scene = self.pooling == _SCENE
        vectors = self._vectors(model, clips, scene=scene)
        widths = {"": model.scene_size if scene else model.timestamp_size}
        if self.pooling is None:
            return ragged_of(vectors, widths)
        return pooled_of(vectors, len(clips), widths, "mean" if scene else self.pooling)

    def segments(self, X: Any, *, return_vectors: bool = False) -> pd.DataFrame | tuple[pd.DataFrame, Ragged]:
        """Say where the timestamp embeddings of the clips lie.

        Parameters
        ----------
        X : sequence of clips
            As in `transform`.
        return_vectors : bool, default=False
            Whether to return the vectors, too.

        Returns
        -------
        segments : DataFrame
            Columns "clip" (row of X), "start" and "end" (seconds), one row per timestamp: from the middle between it
            and the one before to the middle between it and the next. A clip that failed with ``on_error="nan"`` has
            one row, of NaN.
        vectors : Ragged
            With ``return_vectors=True``: what `transform` returns with ``pooling=None``.

        Raises
        ------
        AudioReadError
            If a recording cannot be read and `on_error` is "raise".
        ImportError
            If there is no such module.
        TypeError, ValueError
            If the module is not of the HEAR API, cannot embed a clip, or a parameter, X or a clip is not admissible.
        """
        self._check_fitted()
        model = self._loaded()
        embedded = list(self._vectors(model, self._validate_X(model, X, reset=False), scene=False))
        table = table_of(clip.spans for clip in embedded)
        return (table, ragged_of(iter(embedded), {"": model.timestamp_size})) if return_vectors else table

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the numbers of an embedding.

        Parameters
        ----------
        input_features : object, default=None
            Ignored.

        Returns
        -------
        ndarray of str, shape (n_features,)
            Such as ``hear_0``, or ``hear_0_mean`` where the pooling joins two statistics.
        """
        model = self._loaded()
        size = model.scene_size if self.pooling == _SCENE else model.timestamp_size
        statistics = POOLINGS.get(self.pooling or "", ())
        endings = [f"_{kind}" for kind in statistics] if len(statistics) > 1 else [""]
        return np.asarray([f"hear_{i}{ending}" for ending in endings for i in range(size)], dtype=object)

    def __getstate__(self) -> Any:
        state = dict(super().__getstate__())
        if isinstance(self.module, ModuleType):
            state["module"] = self.module.__name__  # a module cannot be pickled, but imported
        return state

    def __sklearn_clone__(self) -> Any:
        parameters = self.get_params(deep=False)
        parameters["module"] = ""
        return clone_parametrized(type(self)(**parameters)).set_params(module=self.module)

    def _loaded(self) -> HEARModule:
        return load_hear(self.module, self.weights, resolve_device(self.device))

    def _network_rate(self) -> int:
        return self._loaded().rate

    def _validate_X(self, model: HEARModule, X: Any, *, reset: bool) -> AudioClips:
        return self._validate_audio(X, model.rate, reset=reset, bare_rate=self.sample_rate)

    def _vectors(self, model: HEARModule, clips: AudioClips, *, scene: bool) -> Iterator[ClipVectors]:
        """Yield the vectors of clip after clip; clips of one length go through the module together."""
        errors = ClipErrors(self.on_error)
        size = round((_WHOLE if self.window is None else float(self.window)) * model.rate)
        if not size:
            raise ValueError(f"window={self.window} s is less than a timepoint at {model.rate} Hz; give a longer one.")
        with closing(ordered_streams(lambda row: (row, clips.stream(row)), range(len(clips)), self.n_jobs)) as streams:
            name = type(self).__name__
            shown = progress_bar(streams, description=name, total=len(clips), unit="clip", shown=self.verbose)
            read = (self._cut(row, blocks, size, errors) for row, blocks in shown)
            row = 0
            while chunk := list(islice(read, model.batch)):
                self._run(model, chunk, scene=scene)
                for windows in chunk:
                    yield self._finished(windows, row, clips, model.rate, errors)
                    row += 1
        errors.warn()

    def _cut(self, row: int, blocks: Iterator[Floats], size: int, errors: ClipErrors) -> _Windows:
        """Cut a clip into windows, of which the last is filled with silence where there are several."""
        windows = _Windows()
        try:
            waveform = np.concatenate(list(blocks))
        except errors.caught as error:
            errors.add(row, error)
            windows.unread = True
            return windows
        windows.clip.n_timepoints = len(waveform)
        for start in range(0, len(waveform), size):
            piece = waveform[start : start + size]
            windows.clip.weights.append(len(piece) / size)
            windows.waveforms.append(np.pad(piece, (0, size - len(piece))) if start else piece)
        return windows

    def _run(self, model: HEARModule, chunk: list[_Windows], *, scene: bool) -> None:
        """Run the module on all windows of some clips, those of one length together."""
        by_length: dict[int, list[tuple[_Windows, Floats]]] = {}
        for windows in chunk:
            for waveform in windows.waveforms:
                by_length.setdefault(len(waveform), []).append((windows, waveform))
        for pairs in by_length.values():
            for first in range(0, len(pairs), model.batch):
                batch = pairs[first : first + model.batch]
                waveforms = [waveform for _, waveform in batch]
                try:
                    found: list[Any] = list(model.scenes(waveforms) if scene else model.timestamps(waveforms))
                except Exception as error:  # noqa: BLE001  # of foreign code; raised again for its row
                    for windows, _ in batch:
                        windows.error = error
                else:
                    for (windows, _), part in zip(batch, found, strict=True):
                        windows.parts.append(part)

    def _finished(self, windows: _Windows, row: int, clips: AudioClips, rate: int, errors: ClipErrors) -> ClipVectors:
        clip = windows.clip
        if windows.unread:
            return clip
        try:
            if windows.error is not None:
                raise ValueError(
                    f"{clips.describe(row)}: the module cannot embed this clip of {clip.n_timepoints / rate:g} s: "
                    f"{windows.error}"
                ) from windows.error
            if isinstance(windows.parts[0], tuple):
                _join_timestamps(windows, rate)
            else:
                clip.vectors = list(windows.parts)
            for vector in clip.vectors:
                check_output(vector, clips.describe, row)
        except errors.caught as error:
            errors.add(row, error)
            return ClipVectors()
        return clip


def _join_timestamps(windows: _Windows, rate: int) -> None:
    """Put the timestamps of all windows behind each other, with their spans; those of the silence at the end go."""
    clip, seconds = windows.clip, windows.clip.n_timepoints / rate
    centres: list[NDArray[np.float64]] = []
    for number, (vectors, times) in enumerate(windows.parts):
        times = times + number * len(windows.waveforms[0]) / rate
        inside = (times < seconds) | (number == 0)
        clip.vectors.extend(vectors[inside])
        centres.append(times[inside])
    clip.spans = _spans(np.concatenate(centres), seconds)
    clip.weights = [1.0] * len(clip.vectors)


def _spans(centres: NDArray[np.float64], seconds: float) -> NDArray[np.float64]:
    """Return the spans around centres, which meet in the middles between them.

    Shapes: (n_timestamps,) -> (n_timestamps, 2).
    """
    if len(centres) == 1:
        return np.array([[0.0, seconds]])
    middles = (centres[1:] + centres[:-1]) / 2
    first, last = max(0.0, 2 * centres[0] - middles[0]), min(seconds, 2 * centres[-1] - middles[-1])
    edges = np.minimum(np.concatenate([[first], middles, [max(last, middles[-1])]]), seconds)
    return np.stack([edges[:-1], edges[1:]], axis=1)
