"""Embedders in the forms that other evaluation suites load: HEAR, X-ARES and MTEB."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from torch import Tensor, nn

__all__ = ["EmbedderEncoder", "HEARBridge", "to_hear", "to_mteb", "to_xares"]

HEAR_RATES = (16000, 22050, 44100, 48000)  # Hz, of which a model of the HEAR API chooses one
_TRIAL_SECONDS = 10.0
_LONG_SECONDS = 130.0  # longer than what any network takes at once


def to_hear(embedder: Any, *, timestamps: Any = None, sample_rate: int | None = None) -> HEARBridge:
    """Give an embedder the functions of the HEAR API.

    Parameters
    ----------
    embedder : estimator
        An embedder of this library.
    timestamps : estimator, default=None
        Embedder of the timestamp embeddings, such as one with ``window`` and ``hop``; None: `embedder`, whose patches
        they are.
    sample_rate : {16000, 22050, 44100, 48000}, default=None
        Rate in Hz of the audio that the functions are given. None: the smallest that is not below that of the network,
        to which the embedder resamples.

    Returns
    -------
    HEARBridge
        Object with the functions ``load_model``, ``get_scene_embeddings`` and ``get_timestamp_embeddings``. A harness
        that imports a module by its name takes a file of yours that assigns the three.

    Raises
    ------
    TypeError
        If `embedder` or `timestamps` is no embedder.
    ValueError
        If the HEAR API knows no such rate.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio import EfficientATEmbedder, to_hear
    >>> hear = to_hear(EfficientATEmbedder("mn04_as", weights=None, window=1.0))
    >>> model = hear.load_model()
    >>> model.sample_rate
    44100
    >>> embeddings, times = hear.get_timestamp_embeddings(
    ...     torch.zeros(2, 88200), model
    ... )
    >>> embeddings.shape, times.tolist()
    (torch.Size([2, 2, 384]), [[500.0, 1500.0], [500.0, 1500.0]])
    """
    inner = embedder if timestamps is None else timestamps
    rates = [_rate_of(each) for each in (embedder, inner)]
    if sample_rate is None:
        sample_rate = next((rate for rate in HEAR_RATES if rate >= max(rates)), HEAR_RATES[-1])
    if sample_rate not in HEAR_RATES:
        raise ValueError(f"sample_rate={sample_rate!r} is none of the HEAR API, which are {list(HEAR_RATES)}.")
    return HEARBridge(embedder, inner, sample_rate)


class HEARBridge:
    """The functions of the HEAR API for an embedder, as `to_hear` makes them.

    Parameters
    ----------
    embedder : estimator
        Embedder of clips.
    timestamps : estimator
        Embedder of timestamps.
    sample_rate : int
        Rate of the audio in Hz.

    See Also
    --------
    to_hear : Checks these, and chooses the rate.

    Examples
    --------
    >>> from sklearn_audio import EfficientATEmbedder
    >>> from sklearn_audio.bridges import HEARBridge
    >>> embedder = EfficientATEmbedder("mn04_as", weights=None)
    >>> HEARBridge(embedder, embedder, 48000).load_model().scene_embedding_size
    384
    """

    def __init__(self, embedder: Any, timestamps: Any, sample_rate: int) -> None:
        self._scenes = clone(embedder).set_params(sample_rate=sample_rate)
        if self._scenes.pooling is None:
            self._scenes.set_params(pooling="mean")
        # one row of NaN would not be as long as the rows of other clips
        self._timestamps = clone(timestamps).set_params(sample_rate=sample_rate, pooling=None, on_error="raise")
        self._sample_rate = sample_rate

    def load_model(self, model_file_path: str = "") -> nn.Module:
        """Return the model.

        Parameters
        ----------
        model_file_path : str, default=""
            Path that the embedders get as `weights`; empty: what they have.

        Returns
        -------
        Module
            With ``sample_rate`` (Hz), ``scene_embedding_size`` and ``timestamp_embedding_size``.
        """
        weights = {"weights": model_file_path} if model_file_path else {}
        scenes, timestamps = (_ready(each, **weights) for each in (self._scenes, self._timestamps))
        return _HEARModel(scenes, timestamps, self._sample_rate)

    def get_scene_embeddings(self, audio: Tensor, model: nn.Module) -> Tensor:
        """Embed clips.

        Parameters
        ----------
        audio : Tensor of float, shape (n_clips, n_timepoints)
            Waveforms in [-1, 1].
        model : Module
            What `load_model` returned.

        Returns
        -------
        Tensor of float32, shape (n_clips, scene_embedding_size)
            One vector per clip, on the device of `audio`.
        """
        rows = _modelled(model).scenes.transform(list(_waveforms(audio)))
        return torch.from_numpy(np.asarray(rows)).to(audio.device)

    def get_timestamp_embeddings(self, audio: Tensor, model: nn.Module) -> tuple[Tensor, Tensor]:
        """Embed clips along time.

        Parameters
        ----------
        audio : Tensor of float, shape (n_clips, n_timepoints)
            Waveforms in [-1, 1].
        model : Module
            What `load_model` returned.

        Returns
        -------
        embeddings : Tensor of float32, shape (n_clips, n_timestamps, timestamp_embedding_size)
            The vectors of the patches.
        timestamps : Tensor of float32, shape (n_clips, n_timestamps)
            The centres of the patches in milliseconds.
        """
        embeddings, centres = _along_time(_modelled(model).timestamps, _waveforms(audio))
        return embeddings.to(audio.device), (1000 * centres).float().to(audio.device)


class _HEARModel(nn.Module):
    """The embedders of a `HEARBridge`, with the numbers that the HEAR API asks for."""

    def __init__(self, scenes: Any, timestamps: Any, sample_rate: int) -> None:
        super().__init__()
        self.scenes, self.timestamps = scenes, timestamps
        self.sample_rate = sample_rate
        self.scene_embedding_size = len(scenes.get_feature_names_out())
        self.timestamp_embedding_size = len(timestamps.get_feature_names_out())


def to_xares(embedder: Any) -> EmbedderEncoder:
    """Make an embedder the encoder that X-ARES evaluates.

    Parameters
    ----------
    embedder : estimator
        An embedder of this library that returns several vectors of a clip of 10 s with ``pooling=None``; set its
        ``window`` and ``hop`` where the network takes clips whole.

    Returns
    -------
    EmbedderEncoder
        A module of torch with ``sampling_rate``, ``output_dim`` and ``hop_size_in_ms``.

    Raises
    ------
    TypeError
        If `embedder` is no embedder.
    ValueError
        If it returns a single vector of a clip of 10 s.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio import EfficientATEmbedder, to_xares
    >>> encoder = to_xares(
    ...     EfficientATEmbedder("mn04_as", weights=None, window=0.5)
    ... )
    >>> encoder.sampling_rate, encoder.output_dim, encoder.hop_size_in_ms
    (32000, 384, 500.0)
    >>> encoder(torch.zeros(2, 48000)).shape
    torch.Size([2, 3, 384])
    """
    _rate_of(embedder)
    return EmbedderEncoder(embedder)


class EmbedderEncoder(nn.Module):
    """An embedder as an encoder of X-ARES, as `to_xares` makes it.

    Parameters
    ----------
    embedder : estimator
        Embedder with several vectors per clip.

    Attributes
    ----------
    sampling_rate : int
        Rate in Hz of the network, of the audio that it is given.
    output_dim : int
        Numbers of a vector.
    hop_size_in_ms : float
        Milliseconds between vectors.

    Raises
    ------
    ValueError
        If the embedder returns a single vector of a clip of 10 s.

    See Also
    --------
    to_xares : Checks the embedder.

    Examples
    --------
    >>> from sklearn_audio import VGGishEmbedder
    >>> from sklearn_audio.bridges import EmbedderEncoder
    >>> EmbedderEncoder(VGGishEmbedder(weights=None)).hop_size_in_ms
    960.0
    """

    def __init__(self, embedder: Any) -> None:
        super().__init__()
        self.sampling_rate = _rate_of(embedder)
        self.embedder = _ready(embedder, sample_rate=self.sampling_rate, pooling=None, on_error="raise")
        self.output_dim = len(self.embedder.get_feature_names_out())
        trial = np.zeros(round(_TRIAL_SECONDS * self.sampling_rate), dtype=np.float32)
        starts = self.embedder.segments([trial])["start"].to_numpy()
        if len(starts) < 2:
            raise ValueError(
                f"{type(embedder).__name__} returns a single vector of a clip of {_TRIAL_SECONDS:g} s, which has no "
                "hop; set its window and hop, such as window=1.0, hop=0.1."
            )
        self.hop_size_in_ms = round(1000 * float(np.median(np.diff(starts))), 3)

    def forward(self, audio: Tensor) -> Tensor:
        """Embed clips along time.

        Parameters
        ----------
        audio : Tensor of float, shape (n_clips, n_timepoints) or (n_timepoints,)
            Waveforms at `sampling_rate`.

        Returns
        -------
        Tensor of float32, shape (n_clips, n_frames, output_dim)
            Vectors on the device of `audio`.
        """
        return _along_time(self.embedder, _waveforms(audio))[0].to(audio.device)


def to_mteb(embedder: Any, name: str) -> Any:
    """Make an embedder the model that MTEB evaluates on its audio tasks, such as those of MAEB.

    Needs the package ``mteb``, version 2.

    Parameters
    ----------
    embedder : estimator
        An embedder of this library that returns one vector per clip.
    name : str
        Name of the model in the results, such as "me/panns-cnn14".

    Returns
    -------
    EncoderProtocol
        Model for ``mteb.evaluate``.

    Raises
    ------
    ImportError
        If mteb is not installed.
    TypeError
        If `embedder` is no embedder.
    ValueError
        If it returns several vectors per clip.

    Examples
    --------
    >>> from sklearn_audio import EfficientATEmbedder, to_mteb
    >>> to_mteb(EfficientATEmbedder("mn04_as", pooling=None), "me/mn04")
    Traceback (most recent call last):
        ...
    ValueError: pooling=None returns several vectors per clip, of which MTEB takes one; choose another pooling.
    """
    _rate_of(embedder)
    if embedder.pooling is None:
        raise ValueError(
            "pooling=None returns several vectors per clip, of which MTEB takes one; choose another pooling."
        )
    try:
        meta = importlib.import_module("mteb.models").ModelMeta
        base = importlib.import_module("mteb.models.abs_encoder").AbsEncoder
    except ImportError as error:
        raise ImportError(f"to_mteb needs mteb 2: {error}. Install it with: pip install 'mteb>=2'") from error

    ready = _ready(embedder, sample_rate=_rate_of(embedder))

    class EmbedderModel(base):  # type: ignore[misc, valid-type]
        """The embedder as a model of MTEB."""

        mteb_model_meta = meta.create_empty({"name": name, "revision": "1", "modalities": ["audio"]})

        def encode(self, inputs: Iterable[dict[str, Any]], **_: Any) -> NDArray[np.float32]:
            """Embed the audio of all batches."""
            rows = [clip for batch in inputs for clip in batch["audio"]]
            found: NDArray[np.float32] = np.asarray(ready.transform([_of_dataset(clip) for clip in rows]))
            return found

    return EmbedderModel()


def _of_dataset(clip: Any) -> dict[str, Any]:
    """Return a decoded recording of the library datasets with one channel."""
    array = np.asarray(clip["array"], dtype=np.float32)
    return {"array": array.mean(axis=0) if array.ndim > 1 else array, "sampling_rate": clip["sampling_rate"]}


def _rate_of(embedder: Any) -> int:
    rate = getattr(embedder, "_network_rate", None)
    if rate is None or isinstance(embedder, type):
        raise TypeError(
            f"{embedder!r} is no embedder of this library; give one, such as EfficientATEmbedder('mn10_as')."
        )
    return int(rate())


def _ready(embedder: Any, **parameters: Any) -> Any:
    """Return a clone that has seen a clip of several patches, so that its hop may have no effect on later ones."""
    cloned = clone(embedder).set_params(**parameters)
    return cloned.fit([np.zeros(round(_LONG_SECONDS * cloned.sample_rate), dtype=np.float32)])


def _modelled(model: Any) -> _HEARModel:
    if not isinstance(model, _HEARModel):
        raise TypeError(f"model is a {type(model).__name__}; give what load_model returned.")
    return model


def _waveforms(audio: Tensor) -> NDArray[np.float32]:
    """Return clips as an array.

    Shapes: (n_clips, n_timepoints) or (n_timepoints,) -> (n_clips, n_timepoints).
    """
    if not isinstance(audio, Tensor):
        raise TypeError(f"audio is a {type(audio).__name__}; give a Tensor of torch.")
    waveforms: NDArray[np.float32] = audio.detach().float().cpu().numpy()
    if waveforms.ndim not in (1, 2):
        raise ValueError(f"audio must have shape (n_clips, n_timepoints), got {tuple(waveforms.shape)}.")
    return np.atleast_2d(waveforms)


def _along_time(embedder: Any, waveforms: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
    """Embed clips of one length, with the centres of the vectors in seconds.

    Shapes: (n_clips, n_timepoints) -> (n_clips, n_frames, d), (n_clips, n_frames).
    """
    table, vectors = embedder.segments(list(waveforms), return_vectors=True)
    start, end = (table[name].to_numpy().reshape(len(waveforms), -1) for name in ("start", "end"))
    centres = start + (end - start)[:, :1] / 2  # a last patch that the clip does not fill is as long as the others
    rows = np.asarray(vectors.values).reshape(len(waveforms), start.shape[1], -1)  # (B * T, d) -> (B, T, d)
    return torch.from_numpy(rows), torch.from_numpy(centres)
