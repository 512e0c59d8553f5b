"""The families of audio networks in the library transformers, and their configurations."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.optional import require

__all__ = [
    "NATIVE",
    "OF_BOTH_TOWERS",
    "Kind",
    "check_native",
    "class_of",
    "config_of",
    "default_extractor",
    "made",
    "native_kind",
]


@dataclass(frozen=True)
class Kind:
    """A family of networks: its module and classes in transformers, and the path of its blocks."""

    module: str
    network: str
    config: str
    extractor: str = "Wav2Vec2FeatureExtractor"
    blocks: str = "encoder.layers"


# model_type of a configuration -> classes
NATIVE = {
    "whisper": Kind("whisper", "WhisperEncoder", "WhisperConfig", "WhisperFeatureExtractor", "layers"),
    "wav2vec2": Kind("wav2vec2", "Wav2Vec2Model", "Wav2Vec2Config"),
    "wav2vec2-conformer": Kind("wav2vec2_conformer", "Wav2Vec2ConformerModel", "Wav2Vec2ConformerConfig"),
    "hubert": Kind("hubert", "HubertModel", "HubertConfig"),
    "wavlm": Kind("wavlm", "WavLMModel", "WavLMConfig"),
    "data2vec-audio": Kind("data2vec", "Data2VecAudioModel", "Data2VecAudioConfig"),
    "unispeech": Kind("unispeech", "UniSpeechModel", "UniSpeechConfig"),
    "unispeech-sat": Kind("unispeech_sat", "UniSpeechSatModel", "UniSpeechSatConfig"),
    "sew": Kind("sew", "SEWModel", "SEWConfig"),
    "wav2vec2-bert": Kind("wav2vec2_bert", "Wav2Vec2BertModel", "Wav2Vec2BertConfig", "SeamlessM4TFeatureExtractor"),
    "clap": Kind(
        "clap",
        "ClapAudioModelWithProjection",
        "ClapAudioConfig",
        "ClapFeatureExtractor",
        "audio_model.audio_encoder.layers",
    ),
    "audio-spectrogram-transformer": Kind(
        "audio_spectrogram_transformer", "ASTModel", "ASTConfig", "ASTFeatureExtractor", "layers"
    ),
}
OF_BOTH_TOWERS = ("projection_dim", "projection_hidden_act")
_OF_TOWER = {"clap_audio_model": "clap"}


def native_kind(config: Mapping[str, Any]) -> str:
    """Return the key of a configuration in `NATIVE`."""
    kind = str(config.get("model_type"))
    return _OF_TOWER.get(kind, kind)


def check_native(config: Mapping[str, Any], asked: str) -> dict[str, Any]:
    """Return a copy of a configuration; raise unless it is that of an audio network of transformers."""
    kind = config.get("model_type")
    if native_kind(config) in NATIVE:
        return dict(config)
    if "auto_map" in config:
        raise WeightsError(
            f"{asked} needs the code of its repository (model_type {kind!r}), which is never run here; choose one of "
            f"{sorted(NATIVE)}."
        )
    found = "has no model_type" if kind is None else f"is not a supported audio network, but a {kind!r}"
    raise WeightsError(f"{asked} {found}; choose a model of one of the types {sorted(NATIVE)}.")


def default_extractor(config: Mapping[str, Any]) -> dict[str, Any]:
    """Derive the features from the configuration of the network, which only Whisper's allows."""
    kind = native_kind(config)
    if kind == "whisper":
        return {"feature_size": config.get("num_mel_bins", 80)}
    raise WeightsError(
        f"the configuration of this {kind} does not describe its features, and there is no preprocessor_config.json in "
        "the same folder; put it there, or give its content as the key 'feature_extractor' of config."
    )


def class_of(kind: Kind, name: str) -> Any:
    """Import a class of transformers, or raise an error with the reason."""
    transformers = require("transformers", needed_by="HuggingFaceEmbedder", extra="transformers")
    try:
        if name == kind.network:
            return getattr(importlib.import_module(f"transformers.models.{kind.module}.modeling_{_file(kind)}"), name)
        return getattr(transformers, name)
    except (OSError, RuntimeError, ImportError, AttributeError) as error:
        if "torchaudio" in str(error):
            raise ImportError(
                "transformers cannot be imported, because the installed torchaudio does not match the installed torch "
                f"{torch.__version__}. Uninstall torchaudio, which is not needed here, or install the torchaudio of "
                f"that torch ({error})."
            ) from error
        raise ImportError(
            f"transformers {transformers.__version__} cannot import {name}: {error}. Install a current version with: "
            "pip install -U 'sklearn-audio[transformers]'"
        ) from error


def _file(kind: Kind) -> str:
    return "data2vec_audio" if kind.module == "data2vec" else kind.module


def config_of(config: Mapping[str, Any]) -> Any:
    """Build the configuration of transformers from its JSON."""
    kind = native_kind(config)
    values = dict(config)
    if kind == "clap" and "audio_config" in values:
        shared: dict[str, Any] = {key: values[key] for key in OF_BOTH_TOWERS if key in values}
        values = {**shared, **values["audio_config"]}
    values.pop("model_type", None)
    return made(kind, "configuration", class_of(NATIVE[kind], NATIVE[kind].config), **values)


def made(kind: str, what: str, make: Callable[..., Any], *args: Any, **values: Any) -> Any:
    """Build an object of transformers from values of a file."""
    try:
        return make(*args, **values)
    except Exception as error:  # of foreign code, for wrong values of any kind
        reason = " ".join(str(error).split()).rstrip(".")
        raise WeightsError(
            f"transformers cannot build the {what} of this {kind} from its JSON: {type(error).__name__}: {reason}. "
            "Correct the file, or give another model."
        ) from error
