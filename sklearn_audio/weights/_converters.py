"""Converters of PyTorch's and VGGish's layouts to the names of the networks here; missing tensors raise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_audio.exceptions import WeightsError

__all__ = [
    "convert_ast",
    "convert_efficientat",
    "convert_panns",
    "convert_plain",
    "convert_vggish",
    "convert_vggish_pca",
]

_VGGISH_CONVS = {
    "conv1": 0,
    "conv2": 3,
    "conv3/conv3_1": 6,
    "conv3/conv3_2": 8,
    "conv4/conv4_1": 11,
    "conv4/conv4_2": 13,
}
_VGGISH_DENSE = {"fc1/fc1_1": 0, "fc1/fc1_2": 2, "fc2": 4}
# names of the modules of a block in transformers
_HF_BLOCK = {
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "attention.output.dense": "attn.proj",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
}
_HF_OTHER = {
    "audio_spectrogram_transformer.embeddings.cls_token": "v.cls_token",
    "audio_spectrogram_transformer.embeddings.distillation_token": "v.dist_token",
    "audio_spectrogram_transformer.embeddings.position_embeddings": "v.pos_embed",
    "audio_spectrogram_transformer.embeddings.patch_embeddings.projection.weight": "v.patch_embed.proj.weight",
    "audio_spectrogram_transformer.embeddings.patch_embeddings.projection.bias": "v.patch_embed.proj.bias",
    "audio_spectrogram_transformer.layernorm.weight": "v.norm.weight",
    "audio_spectrogram_transformer.layernorm.bias": "v.norm.bias",
    "classifier.layernorm.weight": "mlp_head.0.weight",
    "classifier.layernorm.bias": "mlp_head.0.bias",
    "classifier.dense.weight": "mlp_head.1.weight",
    "classifier.dense.bias": "mlp_head.1.bias",
}
# names that occur in one family only
_SIGNS = {
    "fc1.weight": "PANNs",
    "base.fc1.weight": "PANNs",
    "v.pos_embed": "AST",
    "audio_spectrogram_transformer.embeddings.cls_token": "AST",
    "dist_token": "DeiT",
    "classifier.5.bias": "EfficientAT",
    "embeddings.4.bias": "VGGish",
    "vggish/fc2/biases": "VGGish",
    "pca_means": "VGGish's PCA",
    "batch_normalization/gamma": "MusiCNN",
    "layer1/conv/layer1/conv/kernel:0": "YAMNet",
    "layer14.pointwise.weight.q": "YAMNet",
}
_HF_LAYERS = r"audio_spectrogram_transformer\.encoder\.layer\."
_HF_LAYER = re.compile(rf"{_HF_LAYERS}(\d+)\.(.+)\.(weight|bias)")
_HF_QKV = re.compile(rf"({_HF_LAYERS}(\d+)\.attention\.attention)\.query\.(weight|bias)")


def convert_vggish(raw: Mapping[str, Any]) -> dict[str, Tensor]:
    """Convert torchvggish's or TensorFlow's VGGish."""
    if not any(name.startswith("vggish/") for name in raw):
        _require(raw, ["features.0.weight", "embeddings.4.bias"], "VGGish")
        return {name: value for name, value in _tensors(raw).items() if not name.startswith("pproc.")}
    layers = {f"vggish/{theirs}": f"features.{ours}" for theirs, ours in _VGGISH_CONVS.items()}
    layers |= {f"vggish/{theirs}": f"embeddings.{ours}" for theirs, ours in _VGGISH_DENSE.items()}
    _require(raw, [f"{layer}/{part}" for layer in layers for part in ("weights", "biases")], "VGGish")
    state = {}
    for theirs, ours in layers.items():
        kernel = np.asarray(raw[f"{theirs}/weights"])
        kernel = kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T  # (H, W, I, O) -> (O, I, H, W)
        state[f"{ours}.weight"] = torch.from_numpy(np.ascontiguousarray(kernel))
        state[f"{ours}.bias"] = torch.from_numpy(np.array(raw[f"{theirs}/biases"]))
    return state


def convert_vggish_pca(raw: Mapping[str, Any]) -> dict[str, Tensor]:
    """Convert the matrix of VGGish's post-processing."""
    _require(raw, ["pca_eigen_vectors", "pca_means"], "VGGish's PCA")
    return {
        "eigen_vectors": torch.as_tensor(raw["pca_eigen_vectors"]),
        "means": torch.as_tensor(raw["pca_means"]).flatten(),  # (128, 1) -> (128,)
    }


def convert_panns(raw: Mapping[str, Any]) -> dict[str, Tensor]:
    """Convert a checkpoint of PANNs, or of a network fine-tuned by its transfer template."""
    state = _tensors(_unwrapped(raw, "model"), "module.")
    state = {name.removeprefix("base."): value for name, value in state.items() if not name.startswith("fc_transfer.")}
    _require(state or raw, ["fc1.weight"], "PANNs")
    return state


def convert_plain(raw: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of a state dict under their own names."""
    state = _tensors(raw)
    if not state:
        raise WeightsError("this is not a state dict: it holds no named tensor; save network.state_dict().")
    return state


def convert_efficientat(raw: Mapping[str, Any]) -> dict[str, Tensor]:
    """Convert a checkpoint of EfficientAT."""
    _require(raw, ["features.0.0.weight", "classifier.5.bias"], "EfficientAT")
    return _tensors(raw)


def convert_ast(raw: Mapping[str, Any]) -> dict[str, Tensor]:
    """Convert an AST of its authors or of Hugging Face, or a distilled DeiT for initialisation."""
    state = _tensors(_unwrapped(raw, "model"), "module.")
    if any(name.startswith("audio_spectrogram_transformer.") for name in state):
        return _from_hugging_face(state)
    if "dist_token" in state:
        return _from_deit(state)
    _require(state or raw, ["v.cls_token", "v.dist_token", "v.pos_embed"], "AST")
    return {name: value for name, value in state.items() if not name.startswith(("v.head.", "v.head_dist."))}


def _from_hugging_face(state: dict[str, Tensor]) -> dict[str, Tensor]:
    converted = {ours: state[theirs] for theirs, ours in _HF_OTHER.items() if theirs in state}
    for name, value in state.items():
        if match := _HF_QKV.fullmatch(name):
            stem, layer, part = match.groups()
            thirds = [f"{stem}.{kind}.{part}" for kind in ("query", "key", "value")]
            _require(state, thirds, "AST")
            converted[f"v.blocks.{layer}.attn.qkv.{part}"] = torch.cat([state[third] for third in thirds])
        elif (match := _HF_LAYER.fullmatch(name)) and match[2] in _HF_BLOCK:
            converted[f"v.blocks.{match[1]}.{_HF_BLOCK[match[2]]}.{match[3]}"] = value
    _require(converted, ["v.cls_token", "v.dist_token", "v.pos_embed"], "AST")
    return converted


def _from_deit(state: dict[str, Tensor]) -> dict[str, Tensor]:
    _require(state, ["cls_token", "pos_embed", "patch_embed.proj.weight"], "DeiT")
    body = {f"v.{name}": value for name, value in state.items() if not name.startswith(("head.", "head_dist."))}
    colours = body["v.patch_embed.proj.weight"]
    if colours.ndim == 4:  # for any other shape, the network raises
        body["v.patch_embed.proj.weight"] = colours.sum(dim=1, keepdim=True)  # (d, 3, 16, 16) -> (d, 1, 16, 16)
    return body


def _unwrapped(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = raw.get(key)
    return inner if isinstance(inner, Mapping) else raw


def _tensors(raw: Mapping[Any, Any], prefix: str = "") -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in raw.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }


def _require(state: Mapping[str, Any], names: Iterable[str], family: str) -> None:
    missing = [name for name in names if name not in state]
    if missing:
        found, lacks = ", ".join(list(state)[:3]) or "nothing", ", ".join(missing[:4])
        other = _family(state)
        hint = f"; it looks like {other}" if other not in (None, family) else ""
        raise WeightsError(f"this is not a checkpoint of {family}: it lacks {lacks}, and holds {found} ...{hint}")


def _family(state: Mapping[str, Any]) -> str | None:
    names = {str(name).removeprefix("module.") for name in (*state, *_unwrapped(state, "model"))}
    return next((family for sign, family in _SIGNS.items() if sign in names), None)
