"""Models that score the labels of AudioSet or music tags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.engine.models._ast import AST_MODELS, ast_card
from sklearn_audio.engine.models._card import ClipPatching, ModelCard, layers_of, of_length
from sklearn_audio.engine.models._efficientat import EFFICIENTAT
from sklearn_audio.engine.models._musicnn import MUSICNN
from sklearn_audio.engine.models._panns import PANNS
from sklearn_audio.engine.models._yamnet import YAMNET

__all__ = ["TAGGERS", "any_window", "score_layer", "tagger_labels", "windowed"]

_AST = "ast_"
TAGGERS: dict[str, ModelCard] = {
    **{card.name: card for card in PANNS.values()},
    **{card.name: card for card in EFFICIENTAT.values()},
    **{f"{_AST}{name}": ast_card(name) for name, model in AST_MODELS.items() if model.n_labels == 527},
    **{card.name: card for card in MUSICNN.values()},
    **YAMNET,
}


def tagger_labels(model: str) -> NDArray[np.str_]:
    """Return the labels of a tagger, in the order of its outputs."""
    return cast("Callable[[], NDArray[np.str_]]", TAGGERS[model].labels)()


def score_layer(card: ModelCard) -> str:
    """Return the layer of the label probabilities."""
    return "taggram" if "taggram" in layers_of(card) else "probabilities"


def any_window(model: str) -> bool:
    """Whether a tagger takes windows of any length."""
    return isinstance(TAGGERS[model].patching, ClipPatching) or model.startswith(_AST)


def windowed(model: str, seconds: float) -> ModelCard:
    """Return the card of a tagger with a short window, if it takes windows of any length."""
    card = TAGGERS[model]
    if not any_window(model):
        return card
    if not isinstance(card.patching, ClipPatching):
        n_frames = round(seconds * card.sample_rate / card.front_end.hop_length)
        if n_frames < 16:
            raise ValueError(f"window={seconds} s is too short for {model}, which needs 0.16 s.")
        return ast_card(model.removeprefix(_AST), n_frames=n_frames)
    if seconds * card.sample_rate < card.patching.shortest:
        shortest = card.patching.shortest / card.sample_rate
        raise ValueError(f"window={seconds} s is too short for {model}, which needs {shortest:.2f} s.")
    return replace(card, patching=of_length(card.patching, seconds))
