"""`PretrainedEmbedder`: the base class of the embedders, which add only their networks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, NamedTuple, Self, Unpack, overload

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from torch import nn

from sklearn_audio._caller import warn_caller
from sklearn_audio._meaning import Uses, needs
from sklearn_audio._names import check_name
from sklearn_audio._shared_parameters import SharedParameters
from sklearn_audio._sklearn import Interval, StrOptions, clone_parametrized
from sklearn_audio.base import AUDIO_CONSTRAINTS, AudioEstimator, FloatOutputMixin, Reading
from sklearn_audio.embedding._embedder_parameters import SHARED_BY_EMBEDDERS, EmbedderOptions
from sklearn_audio.embedding._outputs import layers_asked, names_of, outputs_of, pooled_of, ragged_of, table_of
from sklearn_audio.embedding._own_weights import missing_weights
from sklearn_audio.embedding._several_patches import check_several
from sklearn_audio.engine import (
    CACHE_CONSTRAINTS,
    CACHE_USES,
    POOLINGS,
    ClipErrors,
    ClipVectors,
    PatchOptions,
    Postprocess,
    PretrainedBody,
    PretrainedModel,
    WeightsSource,
    Window,
    WindowRows,
    cache_on_disk,
    pack_network,
    patch_spans,
    read_network,
    seed_of,
)
from sklearn_audio.engine.models import ClipPatching, ModelCard, layer_width, layers_of
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.ragged import Ragged
from sklearn_audio.validation import AudioClips

__all__ = ["PretrainedEmbedder"]


class PackedWeights(NamedTuple):
    """Weights in a pickle, with the names of their model and source."""

    card: str
    weights: str
    parts: dict[str, bytes]


class PretrainedEmbedder(FloatOutputMixin, AudioEstimator):
    """Base class of the embedders: a subclass is a dict of model cards.

    Parameters
    ----------
    model : str
        A key of `cards`.
    {embedder_parameters}

    Attributes
    ----------
    cards : dict of str to ModelCard
        The networks by name. A subclass sets it.
    {embedder_attributes}

    See Also
    --------
    ModelCard : A network with its front end, its patches and its weights.

    Examples
    --------
    The embedder of one of the networks of PANNs, with random weights:

    >>> import numpy as np
    >>> from sklearn_audio import PANNsEmbedder
    >>> from sklearn_audio.embedding import PretrainedEmbedder
    >>> class LeeNetEmbedder(PretrainedEmbedder):
    ...     cards = {"leenet11": PANNsEmbedder.cards["leenet11"]}
    >>> LeeNetEmbedder("leenet11", weights=None, sample_rate=32000).transform(
    ...     [np.zeros(32000)]
    ... ).shape
    (1, 512)
    """

    cards: ClassVar[Mapping[str, ModelCard]] = {}
    layer: str | Sequence[str] | None
    _shared_parameters: ClassVar[SharedParameters] = SHARED_BY_EMBEDDERS
    # Prefix of feature names; None: the name of the class in lower case, without "embedder".
    _prefix: ClassVar[str | None] = None
    # Whether feature names include the layer even if there is only one.
    _names_layers: ClassVar[bool] = False

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AUDIO_CONSTRAINTS,
        "model": [str],
        "weights": [str, os.PathLike, None],
        "sample_rate": [None, *AUDIO_CONSTRAINTS["sample_rate"]],
        "pooling": [StrOptions(set(POOLINGS)), None],
        "partial": [StrOptions({"weight", "drop"})],
        "short_clip": [StrOptions({"tile", "zero"})],
        "layer": [str, list, tuple, None],
        "window": [None, Interval(Real, 0, None, closed="neither")],
        "hop": [None, Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str, torch.device],
        "precision": [StrOptions({"float32", "bfloat16"})],
        **CACHE_CONSTRAINTS,
        "cache_layers": [StrOptions({"asked", "all"})],
        "bundle_weights": ["boolean"],
        "random_state": ["random_state"],
    }
    _parameter_uses: ClassVar[Uses] = {
        **CACHE_USES,
        "cache_layers": needs("cache", lambda owner: cache_on_disk(owner.cache) is not None, "cache"),
        "short_clip": needs(
            "a model with a minimum length of clips", lambda owner: owner._card().patching.shortest > 1, "model"
        ),
    }
    # Weights from a pickle; None for an estimator that was not unpickled.
    _packed: PackedWeights | None = None
    # The parameters for which `fit` has found clips of several patches: later X may have shorter clips only.
    _checked_for: tuple[object, ...] | None = None

    def __init__(self, model: str, **shared: Unpack[EmbedderOptions]) -> None:
        self._shared_parameters.assign(self, shared)
        self.model = model

    def _postprocess(self) -> Postprocess | None:
        """Return the post-processing after the network; subclasses may override this."""
        return None

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and X; nothing is downloaded or learned.

        Only headers of recordings are read, and only if `hop` is set, which needs a clip of several patches.

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
            If a parameter or X is invalid, or `hop` is set and every clip is a single patch.
        """
        self._check_fitted()
        card = self._windowed()
        self._validate_X(card, X, reset=True)
        self._checked_for = self._choice(card)
        return self

    def transform(self, X: Any) -> NDArray[np.float32] | Ragged:
        """Embed the clips.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide. Arrays without a rate are assumed to have `sample_rate`.

        Returns
        -------
        ndarray of float32, shape (n_clips, n_features), or Ragged
            One vector per clip; with ``pooling=None`` one row per clip, of shape (n_patches, n_features).

        Raises
        ------
        AudioReadError
            If a recording cannot be read and `on_error` is "raise".
        WeightsError
            If the weights cannot be downloaded, or are not those of the model.
        TypeError, ValueError
            If a clip is invalid and `on_error` is "raise", or the type of a row is not that of a clip (always); the
            message names the row. If `hop` is set, every clip is a single patch, and `fit` has not seen longer ones.
        """
        self._check_fitted()
        card = self._windowed()
        if isinstance(X, WindowRows) and self._takes_windows(card, X):
            return self._embed(card, X)
        return self._embed(card, self._validate_X(card, X, reset=False))

    def _embed(self, card: ModelCard, X: AudioClips | WindowRows) -> NDArray[np.float32] | Ragged:
        widths = self._widths(card, self.pooling)
        if isinstance(X, WindowRows):
            vectors = self._model(self._for_windows(card, X.windows), tuple(widths)).of_windows(X.windows)
        else:
            vectors = self._vectors(card, X, tuple(widths))
        return ragged_of(vectors, widths) if self.pooling is None else pooled_of(vectors, len(X), widths, self.pooling)

    @overload
    def segments(self, X: Any, *, return_vectors: Literal[False] = False) -> pd.DataFrame: ...

    @overload
    def segments(self, X: Any, *, return_vectors: Literal[True]) -> tuple[pd.DataFrame, Ragged]: ...

    def segments(self, X: Any, *, return_vectors: bool = False) -> pd.DataFrame | tuple[pd.DataFrame, Ragged]:
        """Return start and end of the patches of the clips.

        Parameters
        ----------
        X : sequence of clips
            As in `transform`. Files are decoded for their exact lengths.
        return_vectors : bool, default=False
            Whether to return the vectors of the patches, too; each clip is decoded once.

        Returns
        -------
        segments : DataFrame
            Columns "clip" (row of X), "start" and "end" (seconds), one row per patch, in the order of
            `transform` with ``pooling=None``. A clip that failed with ``on_error="nan"`` has one row of NaN.
        vectors : Ragged
            With ``return_vectors=True``: the result of `transform` with ``pooling=None``, regardless of `pooling`.

        Raises
        ------
        AudioReadError
            If a recording cannot be read and `on_error` is "raise".
        WeightsError
            With ``return_vectors=True``, if the weights cannot be downloaded, or are not those of the model.
        TypeError, ValueError
            If a parameter, X or a clip is invalid.
        """
        self._check_fitted()
        card = self._windowed()
        clips = self._validate_X(card, X, reset=False)
        if not return_vectors:
            return table_of(self._spans(card, clips))
        widths = self._widths(card, None)
        embedded = list(self._vectors(card, clips, tuple(widths)))
        return table_of(clip.spans for clip in embedded), ragged_of(iter(embedded), widths)

    def _spans(self, card: ModelCard, clips: AudioClips) -> Iterator[NDArray[np.float64]]:
        """Decode clips for their lengths only; the spans of one that failed are empty."""
        errors, options = ClipErrors(self.on_error), self._patch_options()
        for row in range(len(clips)):
            spans = np.empty((0, 2))
            try:
                spans = patch_spans(card, sum(map(len, clips.stream(row))), options)
            except errors.caught as error:
                errors.add(row, error)
            yield spans
        errors.warn()

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the features of an embedding.

        Parameters
        ----------
        input_features : object, default=None
            Ignored.

        Returns
        -------
        ndarray of str, shape (n_features,)
            Such as ``vggish_0``, or ``vggish_0_mean`` if the pooling concatenates two statistics. If `layer` has scores
            of labels, as "probabilities" and "taggram" do, the labels, such as ``Speech`` or ``jazz``. With several
            layers, ``vggish_block3_0`` and so on, layer by layer.
        """
        card = self._windowed()
        alone = self._is_one_layer() and not self._names_layers
        return names_of(card, self._layers(card), self._name_prefix(), self.pooling, alone=alone)

    def layers(self) -> tuple[str, ...]:
        """List the valid values of `layer`.

        Returns
        -------
        tuple of str
            The named representations of the model, in the order of computation; "all" is every one of them.
        """
        return layers_of(self._card())

    def __getstate__(self) -> Any:
        state = dict(super().__getstate__())
        state.pop("_packed", None)
        if self.bundle_weights and self.weights is not None:
            state["_packed"] = PackedWeights(self._card().name, str(self.weights), self._packed_parts() or self._pack())
        return state

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        # only warn: other weights may be set before the first use, or none may be needed
        missing = missing_weights(type(self).__name__, self._files_of_weights())
        if missing is not None:
            warn_caller(missing)

    def __sklearn_clone__(self) -> Any:
        cloned = clone_parametrized(self)
        cloned._packed = self._packed
        return cloned

    def _name_prefix(self) -> str:
        return self._prefix or type(self).__name__.lower().removesuffix("embedder")

    def _packed_parts(self) -> dict[str, bytes]:
        packed = self._packed
        return packed.parts if packed and packed[:2] == (self._card().name, str(self.weights)) else {}

    def _pack(self, network: nn.Module | None = None) -> dict[str, bytes]:
        network = read_network(self._card(), self._source()) if network is None else network
        return {"network": pack_network(network)}

    def _body(self) -> PretrainedBody:
        """Return the network and the layer for training."""
        name, card = type(self).__name__, self._windowed()
        if not self._is_one_layer():
            raise ValueError(f"layer={self.layer!r} of {name}: only a single layer can be trained; name one layer.")
        if self.pooling != "mean":
            raise ValueError(
                f"pooling={self.pooling!r} of {name}: the head of a trained network is over the mean of the patches; "
                "choose pooling='mean'."
            )
        if self._postprocess() is not None:
            raise ValueError(
                f"{name} with output_activation or postprocess cannot be trained, as these have no gradient; set them "
                "to None."
            )
        if self.on_error != "raise":
            raise ValueError(f"on_error={self.on_error!r} of {name} would give rows of NaN; choose on_error='raise'.")
        (layer,), (output,) = self._layers(card), self._outputs(card, self.pooling)
        return PretrainedBody(card, layer, output, self._patch_options(), self._source())

    def _with_network(self, network: nn.Module) -> Self:
        """Return a copy with a trained network, without the cache, whose entries would be of no further use."""
        tuned: Self = clone(self).set_params(cache=None, cache_key="content", cache_layers="asked")
        tuned._packed = PackedWeights(self._card().name, str(self.weights), self._pack(network))
        return tuned

    def _card(self) -> ModelCard:
        check_name("model", self.model, self.cards)
        return self.cards[self.model]

    def _network_rate(self) -> int:
        return self._card().sample_rate

    def _windowed(self) -> ModelCard:
        return self._card().windowed(self.window)

    def _layers(self, card: ModelCard) -> tuple[str, ...]:
        return layers_asked(card, self.layer)

    def _is_one_layer(self) -> bool:
        return self.layer is None or (isinstance(self.layer, str) and self.layer != "all")

    def _outputs(self, card: ModelCard, pooling: str | None) -> tuple[str, ...]:
        cut = self.window is not None or self.hop is not None
        return outputs_of(card, self._layers(card), pooling, cut=cut)

    def _widths(self, card: ModelCard, pooling: str | None) -> dict[str, int]:
        return {output: layer_width(card, output) for output in self._outputs(card, pooling)}

    def _patch_options(self) -> PatchOptions:
        return PatchOptions(None if self.hop is None else float(self.hop), self.partial, self.short_clip)

    def _validate_X(self, card: ModelCard, X: Any, *, reset: bool) -> AudioClips:
        self._outputs(card, self.pooling)
        cache_on_disk(self.cache)
        clips = self._validate_audio(X, card.sample_rate, reset=reset, bare_rate=self.sample_rate)
        if reset:
            self._checked_for = None
        if self.hop is not None:
            self._check_several_patches(card, clips)
        return clips

    def _reading(self) -> Reading:
        return Reading(self._card().sample_rate, self.sample_rate)

    def _choice(self, card: ModelCard) -> tuple[object, ...]:
        return card.name, self.window, self.hop

    def _check_several_patches(self, card: ModelCard, clips: AudioClips) -> None:
        if self.hop is not None and self._checked_for != self._choice(card):
            check_several(card, clips, self._patch_options())

    def _source(self) -> WeightsSource:
        return WeightsSource(self.weights, seed_of(self.random_state), self._packed_parts().get("network"))

    def _files_of_weights(self) -> dict[str, Any]:
        """Return the parameters that name files, unless the pickle contains them; subclasses may add others."""
        return {} if self._packed_parts() else {"weights": self.weights}

    def _also_cached(self, card: ModelCard) -> tuple[str, ...]:
        """List the outputs to cache in addition to the requested ones."""
        if self.cache_layers == "asked" or cache_on_disk(self.cache) is None:
            return ()
        cut = self.window is not None or self.hop is not None
        names = layers_of(card)
        return tuple(dict.fromkeys((*names, *outputs_of(card, names, "max", cut=cut))))

    def _takes_windows(self, card: ModelCard, X: WindowRows) -> bool:
        """Whether windows need not be admitted, nor looked up in a cache, one by one."""
        is_plain = self.cache is None and self.on_error == "raise" and self.hop is None
        return is_plain and all(window.rate == card.sample_rate for window in X.windows)

    def _for_windows(self, card: ModelCard, windows: list[Window]) -> ModelCard:
        """Let a network that takes clips whole take windows of one length, of which a batch holds several."""
        takes_whole = isinstance(card.patching, ClipPatching) and not card.patching.fixed
        longest = max(card.patching.shortest, *(window.size for window in windows)) / card.sample_rate
        return card.windowed(longest) if self.window is None and takes_whole and longest <= card.patch_seconds else card

    def _model(self, card: ModelCard, outputs: tuple[str, ...]) -> PretrainedModel:
        missing = missing_weights(type(self).__name__, self._files_of_weights())
        if missing is not None:
            raise WeightsError(missing)
        return PretrainedModel(
            card,
            self._source(),
            outputs,
            self._patch_options(),
            also_cached=self._also_cached(card),
            device=self.device,
            precision=self.precision,
            postprocess=self._postprocess(),
            verbose=self.verbose,
        )

    def _vectors(self, card: ModelCard, clips: AudioClips, outputs: tuple[str, ...]) -> Iterator[ClipVectors]:
        return self._model(card, outputs).vectors(
            clips,
            cache=self.cache,
            cache_key=self.cache_key,
            batch_size=self.batch_size,
            n_jobs=self.n_jobs,
            on_error=self.on_error,
            description=type(self).__name__,
        )
