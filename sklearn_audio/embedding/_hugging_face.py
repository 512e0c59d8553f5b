"""Embeddings of the audio networks of transformers: Whisper, wav2vec 2, HuBERT, WavLM, CLAP and more."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Unpack

from torch import nn

from sklearn_audio._paths import local_path
from sklearn_audio.embedding._base import PretrainedEmbedder
from sklearn_audio.embedding._embedder_parameters import EmbedderOptions
from sklearn_audio.engine import WeightsSource
from sklearn_audio.engine.models import ModelCard, check_native, default_extractor, native_card
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights._hub import PinnedModel, Repository, read_json

__all__ = ["HuggingFaceEmbedder"]


class HuggingFaceEmbedder(PinnedModel, PretrainedEmbedder):
    """Embed clips with an audio network of the library transformers.

    Whisper's encoder, wav2vec 2 (also MMS), HuBERT, WavLM, data2vec-audio, UniSpeech, UniSpeech-SAT, SEW, w2v-BERT, the
    audio tower of CLAP, and AST, as transformers computes them for each clip alone. Needs the extra ``transformers``.
    Code of a repository is never run, and weights are read from safetensors only.

    Only clips of equal length go through the network together, so that no other clip changes a vector. A layer is
    pooled over the frames that are not padding: ``pooling="mean_std"`` concatenates their mean and standard deviation.

    Parameters
    ----------
    model : str or path, default=None
        Hub id, such as "openai/whisper-base", a folder written by ``save_pretrained``, or the safetensors file in such
        a folder. None with `config`.
    revision : str, default=None
        Branch, tag or commit of the repository. None: the commit in the cache of the hub, else the newest; `fit`
        records it as ``revision_``, which the fitted estimator continues to use.
    config : path or dict, default=None
        Instead of `model`: the configuration of the network whose safetensors file is `weights`. The configuration of
        the feature extractor is ``preprocessor_config.json`` in the same folder, or the key "feature_extractor";
        Whisper needs none.
    {embedder_parameters}
    weights : {"pretrained"}, path or None, default="pretrained"
        "pretrained" takes the weights of the model from the cache of the hub (``HF_HOME``), after one download; a path
        reads a safetensors file; None: random weights from `random_state`, for tests.
    sample_rate : int, default=None
        Rate in Hz of arrays without a rate; None: such arrays raise. Files and arrays with a rate are resampled to that
        of the model, 48 kHz for CLAP and 16 kHz for the others.
    pooling : {"mean", "max", "mean_std", "mean_max"} or None, default="mean"
        Statistics over all frames of the clip that are not padding; None returns a `Ragged` of the means of the
        patches.
    partial : {"weight", "drop"}, default="weight"
        Treatment of an incomplete last patch: "weight" weights it by the fraction that is not padding in "mean" and
        "mean_std"; "drop" drops it unless it is the only one.
    short_clip : {"tile", "zero"}, default="tile"
        Extension of a clip shorter than the minimum of the network (0.025 s for most): repetition, or silence at its
        end.
    layer : str or list of str, default=None
        "input" (of the first block), "block1", ...; CLAP and AST also have "embedding", their summary of a patch.
        Several are concatenated, "all" returns all. None: "embedding" or the last block, after which comes the last
        norm. Nothing after the last requested layer is computed.
    window : float, default=None
        Length of a patch in seconds, up to the maximum of the model; longer clips are cut, and Whisper pads shorter
        ones to this length. None: clips are taken whole up to 30 s by Whisper (padded to at least 2 s), 10 s by CLAP
        and 10.255 s by AST, which cut longer ones at that length, and up to 60 s by the others, which cut longer ones
        into patches of 30 s.

    Attributes
    ----------
    revision_ : str or None
        Commit of the repository; None for local files.
    {embedder_attributes}

    See Also
    --------
    ASTEmbedder : The same transformer with other patch lengths.

    Examples
    --------
    Nothing is read or downloaded before the first use:

    >>> from sklearn_audio import HuggingFaceEmbedder
    >>> HuggingFaceEmbedder(
    ...     "openai/whisper-base", layer="block5", pooling="mean_std"
    ... )
    HuggingFaceEmbedder(layer='block5', model='openai/whisper-base', pooling='mean_std')
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **PretrainedEmbedder._parameter_constraints,
        "model": [str, os.PathLike, None],
        "revision": [str, None],
        "config": [str, os.PathLike, Mapping, None],
    }
    _names_layers: ClassVar[bool] = True

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        revision: str | None = None,
        config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        **shared: Unpack[EmbedderOptions],
    ) -> None:
        super().__init__(model, **shared)  # type: ignore[arg-type]
        self.revision = revision
        self.config = config

    def fit(self, X: Any, y: Any = None) -> HuggingFaceEmbedder:
        """Check the parameters and X, and record the commit of the model; nothing is learned.

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
        WeightsError
            If there is no such model, or it is not available without network access.
        TypeError, ValueError
            If a parameter or X is invalid, or `hop` is set and every clip is a single patch.
        """
        self._pinned = None
        super().fit(X, y)
        self._pin(self._about()["commit"])
        return self

    def model_card(self) -> dict[str, Any]:
        """Describe the model.

        Returns
        -------
        dict
            "model", "revision" (the commit), "licence" (as stated on its page), "model_type", "n_parameters" (of the
            audio network), "sample_rate" (Hz) and "layers".

        Raises
        ------
        WeightsError
            If there is no such model, or it is not available without network access.
        """
        about, card = self._about(), self._card()
        local = self.config is not None or self._packed is not None
        return {
            "model": self.model and os.fspath(self.model),
            "revision": about["commit"],
            "licence": None if local else self._repository().licence(),
            "model_type": about["config"]["model_type"],
            "n_parameters": sum(parameter.numel() for parameter in card.on_meta().parameters()),
            "sample_rate": card.sample_rate,
            "layers": self.layers(),
        }

    def _card(self) -> ModelCard:
        about = self._about()
        texts = (json.dumps(about[name], sort_keys=True) for name in ("config", "extractor"))
        return native_card(*texts, None if self.window is None else float(self.window))

    def _about(self) -> dict[str, Any]:
        """Return the configurations of the network and of its features, with the commit."""
        packed = self._packed.parts.get("about") if self._packed else None
        if packed is not None:
            about: dict[str, Any] = json.loads(packed)
            if about["asked"] == self._asked():
                return about
        config, extractor, repository = self._configurations()
        config = check_native(config, self._described())
        extractor = config.pop("feature_extractor", None) or extractor or default_extractor(config)
        commit = repository.commit if repository else None
        return {"asked": self._asked(), "config": config, "extractor": extractor, "commit": commit}

    def _described(self) -> str:
        if self.model is None:
            return "config" if isinstance(self.config, Mapping) else f"'{self.config}'"
        return f"'{self.model}'" if self.revision is None else f"'{self.model}' at revision {self.revision!r}"

    def _asked(self) -> str:
        return repr((self.model, self.revision, self.config))

    def _configurations(self) -> tuple[dict[str, Any], dict[str, Any] | None, Repository | None]:
        model: Any = self.model
        if (model is None) == (self.config is None):
            raise ValueError(
                "give either model, a hub id or a folder, or config with weights=PATH.safetensors; got "
                f"model={self.model!r} and config={self.config!r}."
            )
        if model is not None:
            repository = self._repository()
            return repository.json(), repository.extractor(), repository
        if self.revision is not None or self.weights == "pretrained":
            raise ValueError(
                "config describes the file that weights=PATH.safetensors names (None for random weights), which has no "
                f"revision; got weights={self.weights!r} and revision={self.revision!r}."
            )
        if isinstance(self.config, Mapping):
            return dict(self.config), None, None
        file = Path(local_path(self.config or ""))
        return read_json(file), Repository(str(file), None, file).extractor(), None

    def _source(self) -> WeightsSource:
        source = super()._source()
        if source.packed is not None or source.weights is None:
            return source
        file = self._repository().weights() if self.weights == "pretrained" else Path(local_path(self.weights or ""))
        if file.suffix != ".safetensors":
            raise WeightsError(f"weights='{file}' is not a .safetensors file, the only supported format; convert it.")
        return WeightsSource(file, source.seed)

    def _files_of_weights(self) -> dict[str, Any]:
        files = super()._files_of_weights()
        return files | {"config": self.config} if files else files

    def _pack(self, network: nn.Module | None = None) -> dict[str, bytes]:
        return super()._pack(network) | {"about": json.dumps(self._about()).encode()}

    def _windowed(self) -> ModelCard:
        return self._card()  # the length is a property of the network: Whisper is padded to it

    def _name_prefix(self) -> str:
        return str(self._about()["config"]["model_type"]).replace("-", "_")
