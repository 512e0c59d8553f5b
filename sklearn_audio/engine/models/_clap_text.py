"""The text tower of CLAP: vectors of prompts, comparable with those of clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_audio.engine.models._native import filled
from sklearn_audio.engine.models._native_kinds import OF_BOTH_TOWERS, Kind, class_of
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights import read_checkpoint

__all__ = ["check_two_towers", "embed_texts"]

_TEXT = Kind("clap", "ClapTextModelWithProjection", "ClapTextConfig", "RobertaTokenizerFast")
_SCALE = "logit_scale_a"


def check_two_towers(config: Mapping[str, Any], asked: str) -> None:
    """Raise unless a configuration is that of CLAP with both towers."""
    kind = config.get("model_type")
    if kind != "clap":
        raise WeightsError(
            f"{asked} is not a CLAP model of transformers, which compares audio with text, but a {kind!r}; choose one "
            "such as 'laion/clap-htsat-unfused'."
        )


def embed_texts(
    config: Mapping[str, Any], weights: Path, tokenizer: Path, prompts: Sequence[str]
) -> tuple[NDArray[np.float32], float]:
    """Embed prompts one by one as vectors of norm 1; the second value is the scale of the cosines.

    Shapes: -> (n_prompts, d).
    """
    tensors = read_checkpoint(weights, "plain")
    if _SCALE not in tensors:
        raise WeightsError(f"'{weights}' lacks {_SCALE}, so it is not a CLAP model with both towers; give one that is.")
    built = _text_config(config)
    tokens = _tokens(tokenizer, built, prompts)
    network = filled(_TEXT, built, tensors, "text tower of CLAP")
    with torch.inference_mode():
        rows = [network(input_ids=row).text_embeds[0] for row in tokens]
    vectors: NDArray[np.float32] = nn.functional.normalize(torch.stack(rows), dim=-1).numpy()
    return vectors, float(tensors[_SCALE].float().exp())


def _text_config(config: Mapping[str, Any]) -> Any:
    values = dict(config.get("text_config") or {})
    values |= {key: config[key] for key in OF_BOTH_TOWERS if key in config}
    values.pop("model_type", None)
    return class_of(_TEXT, _TEXT.config)(**values)


def _tokens(folder: Path, config: Any, prompts: Sequence[str]) -> list[Tensor]:
    """Split prompts into the tokens of the text tower.

    Shapes: -> n_prompts * (1, n_tokens_i).
    """
    try:
        tokenizer = class_of(_TEXT, _TEXT.extractor).from_pretrained(str(folder), local_files_only=True)
        rows = [tokenizer(prompt, truncation=False)["input_ids"] for prompt in prompts]
    except ImportError:
        raise
    except Exception as error:  # tokenizers raises nothing narrower
        raise WeightsError(f"the tokenizer in '{folder}' cannot be read: {error}.") from error
    longest = config.max_position_embeddings - config.pad_token_id - 1
    for prompt, row in zip(prompts, rows, strict=True):
        if len(row) > longest:
            raise ValueError(
                f"the prompt {prompt[:40]!r}... has {len(row)} tokens, more than the {longest} that the model takes; "
                "shorten its label or template."
            )
        if max(row) >= config.vocab_size:
            raise WeightsError(
                f"the tokenizer in '{folder}' has more tokens than the {config.vocab_size} of the model; give the "
                "files that belong to it."
            )
    return [torch.tensor([row]) for row in rows]
