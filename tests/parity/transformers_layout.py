"""AST's weights under the names that Hugging Face publishes them with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["to_transformers"]

_WHOLE = {
    "v.cls_token": "embeddings.cls_token",
    "v.dist_token": "embeddings.distillation_token",
    "v.pos_embed": "embeddings.position_embeddings",
}
# module of the authors -> module of Hugging Face; {} is the number of a block
_MODULES = {
    "v.patch_embed.proj": "audio_spectrogram_transformer.embeddings.patch_embeddings.projection",
    "v.norm": "audio_spectrogram_transformer.layernorm",
    "mlp_head.0": "classifier.layernorm",
    "mlp_head.1": "classifier.dense",
}
_IN_BLOCK = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}


def to_transformers(tensors: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """Rename the authors' tensors, split queries, keys and values, and leave out what is left of DeiT's heads."""
    renamed: dict[str, NDArray] = {}
    for name, values in tensors.items():
        module, _, leaf = name.rpartition(".")
        if name in _WHOLE:
            renamed[f"audio_spectrogram_transformer.{_WHOLE[name]}"] = values
        elif module in _MODULES:
            renamed[f"{_MODULES[module]}.{leaf}"] = values
        elif module.startswith("v.blocks."):
            block, part = module.removeprefix("v.blocks.").split(".", maxsplit=1)
            renamed |= _in_block(f"audio_spectrogram_transformer.encoder.layer.{block}", part, leaf, values)
    return {name: np.ascontiguousarray(values) for name, values in renamed.items()}


def _in_block(prefix: str, part: str, leaf: str, values: NDArray) -> dict[str, NDArray]:
    if part != "attn.qkv":
        return {f"{prefix}.{_IN_BLOCK[part]}.{leaf}": values}
    kinds = zip(("query", "key", "value"), np.split(values, 3), strict=True)
    return {f"{prefix}.attention.attention.{kind}.{leaf}": third for kind, third in kinds}
