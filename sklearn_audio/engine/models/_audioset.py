"""The models that score the labels of AudioSet."""

from __future__ import annotations

from dataclasses import replace

from sklearn_audio.engine.models._ast import AST_MODELS, ast_card
from sklearn_audio.engine.models._card import ClipPatching, ModelCard, of_length
from sklearn_audio.engine.models._efficientat import EFFICIENTAT
from sklearn_audio.engine.models._panns import PANNS

__all__ = ["TAGGERS", "windowed"]

TAGGERS: dict[str, ModelCard] = {
    **{card.name: card for card in PANNS.values()},
    **{card.name: card for card in EFFICIENTAT.values()},
    **{f"ast_{name}": ast_card(name) for name, model in AST_MODELS.items() if model.n_labels == 527},
}


def windowed(model: str, seconds: float) -> ModelCard:
    """Describe a tagger that sees a short window at once."""
    card = TAGGERS[model]
    if not isinstance(card.patching, ClipPatching):
        n_frames = round(seconds * card.sample_rate / card.front_end.hop_length)
        if n_frames < 16:
            raise ValueError(f"window={seconds} s is too short for {model}, which needs 0.16 s.")
        return ast_card(model.removeprefix("ast_"), n_frames=n_frames)
    if seconds * card.sample_rate < card.patching.shortest:
        shortest = card.patching.shortest / card.sample_rate
        raise ValueError(f"window={seconds} s is too short for {model}, which needs {shortest:.2f} s.")
    return replace(card, patching=of_length(card.patching, seconds))
