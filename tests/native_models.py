"""Small random networks of transformers in the published layout, as `save_pretrained` writes them."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch

_SIZE: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
}
_CONVS: dict[str, Any] = {"conv_dim": [16] * 7}
_STABLE: dict[str, Any] = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
_W2V = {"do_normalize": True, "return_attention_mask": False}
# name -> class that is published, its configuration, and that of its features
MODELS: dict[str, tuple[str, str, dict[str, Any], str, dict[str, Any]]] = {
    "whisper": (
        "WhisperForConditionalGeneration",
        "WhisperConfig",
        {"d_model": 32, "encoder_layers": 3, "decoder_layers": 1, "encoder_attention_heads": 2}
        | {"decoder_attention_heads": 2, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "vocab_size": 60}
        | {"pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 0, "decoder_start_token_id": 0},
        "WhisperFeatureExtractor",
        {},
    ),
    "wav2vec2": ("Wav2Vec2ForCTC", "Wav2Vec2Config", _SIZE | _CONVS, "Wav2Vec2FeatureExtractor", _W2V),
    "wav2vec2-large": (
        "Wav2Vec2ForPreTraining",
        "Wav2Vec2Config",
        _SIZE | _CONVS | _STABLE,
        "Wav2Vec2FeatureExtractor",
        {"do_normalize": True, "return_attention_mask": True},
    ),
    "mms": (
        "Wav2Vec2ForCTC",
        "Wav2Vec2Config",
        _SIZE | _CONVS | _STABLE | {"adapter_attn_dim": 8},
        "Wav2Vec2FeatureExtractor",
        _W2V,
    ),
    "wav2vec2-conformer": (
        "Wav2Vec2ConformerModel",
        "Wav2Vec2ConformerConfig",
        _SIZE | _CONVS,
        "Wav2Vec2FeatureExtractor",
        _W2V,
    ),
    "hubert": ("HubertModel", "HubertConfig", _SIZE | _CONVS, "Wav2Vec2FeatureExtractor", _W2V),
    "wavlm": ("WavLMModel", "WavLMConfig", _SIZE | _CONVS, "Wav2Vec2FeatureExtractor", {"do_normalize": False}),
    "data2vec-audio": ("Data2VecAudioModel", "Data2VecAudioConfig", _SIZE | _CONVS, "Wav2Vec2FeatureExtractor", _W2V),
    "unispeech": ("UniSpeechModel", "UniSpeechConfig", _SIZE | _CONVS, "Wav2Vec2FeatureExtractor", _W2V),
    "unispeech-sat": ("UniSpeechSatModel", "UniSpeechSatConfig", _SIZE | _CONVS, "Wav2Vec2FeatureExtractor", _W2V),
    "sew": (
        "SEWModel",
        "SEWConfig",
        _SIZE | {"conv_dim": [16] * 13},
        "Wav2Vec2FeatureExtractor",
        _W2V,
    ),
    "wav2vec2-bert": ("Wav2Vec2BertModel", "Wav2Vec2BertConfig", _SIZE, "SeamlessM4TFeatureExtractor", {}),
    "clap": ("ClapModel", "ClapConfig", {}, "ClapFeatureExtractor", {"truncation": "rand_trunc"}),
    "clap-fused": (
        "ClapModel",
        "ClapConfig",
        {"enable_fusion": True},
        "ClapFeatureExtractor",
        {"truncation": "fusion"},
    ),
    "audio-spectrogram-transformer": (
        "ASTForAudioClassification",
        "ASTConfig",
        _SIZE,
        "ASTFeatureExtractor",
        {},
    ),
}


def transformers_or_skip() -> Any:
    """Import transformers, without a torchaudio that is built for another torch."""
    transformers = pytest.importorskip("transformers", reason="the extra transformers is not installed")
    try:
        importlib.import_module("torchaudio")
        return transformers
    except (ImportError, OSError):
        with patch.dict(sys.modules, {"torchaudio": None}):
            transformers.utils.is_torchaudio_available.cache_clear()  # it was asked while transformers loaded
            transformers.utils.is_torchaudio_available()  # keeps its answer
            importlib.import_module("transformers.audio_utils")
        return transformers


def skip_without_new_process() -> None:
    """Skip what imports transformers in a new process, where a torchaudio for another torch cannot be hidden."""
    try:
        importlib.import_module("torchaudio")
    except ModuleNotFoundError:
        return
    except (ImportError, OSError) as error:
        pytest.skip(f"the installed torchaudio does not load, so a new process cannot import transformers: {error}")


def clap_config(transformers: Any, enable_fusion: bool = False) -> Any:
    audio = {
        "hidden_size": 64,
        "patch_embeds_hidden_size": 8,
        "depths": [1, 1, 1, 1],
        "num_attention_heads": [1, 1, 2, 2],
    }
    audio |= {"enable_fusion": enable_fusion, "projection_dim": 16}
    text = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    text |= {"intermediate_size": 16, "projection_dim": 16}
    return transformers.ClapConfig(audio_config=audio, text_config=text, projection_dim=16)


def save_model(name: str, folder: Path) -> Path:
    """Write a model with random weights, all of them drawn, into a folder."""
    transformers = transformers_or_skip()
    network, config, values, extractor, features = MODELS[name]
    built = clap_config(transformers, **values) if config == "ClapConfig" else getattr(transformers, config)(**values)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = getattr(transformers, network)(built)
        for parameter in model.parameters():
            parameter.data += 0.02 * torch.randn(parameter.shape)
    model.eval().save_pretrained(folder)
    getattr(transformers, extractor)(**features).save_pretrained(folder)
    return folder


def save_tokenizer(folder: Path) -> Path:
    """Write a tokenizer of RoBERTa with the letters and a few syllables beside a model of CLAP."""
    transformers = transformers_or_skip()
    merges = [("o", "u"), ("n", "d"), ("ou", "nd"), ("\u0120", "s"), ("\u0120s", "ound")]
    words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"abcdefghijklmnopqrstuvwxyzTA.", "\u0120"]
    words += [left + right for left, right in merges]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in merges))
    transformers.RobertaTokenizerFast.from_pretrained(str(folder)).save_pretrained(str(folder))
    return folder


def waveform(seconds: float, rate: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng([seed, int(seconds * 10)])
    times = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * 440 * times) + 0.05 * random.normal(size=len(times))).astype(np.float32)


def config_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text())
