"""The models that score the labels of AudioSet."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace

from sklearn_audio.engine.models._ast import AST_MODELS, ast_card
from sklearn_audio.engine.models._card import ClipPatching, ModelCard
from sklearn_audio.engine.models._efficientat import EFFICIENTAT
from sklearn_audio.engine.models._panns import PANNS

__all__ = ["TAGGERS", "check_name", "windowed"]

# windows of one forward pass: nearly all of them are equally long
_WINDOWS = 8

TAGGERS: dict[str, ModelCard] = {
    **{card.name: card for card in PANNS.values()},
    **{card.name: card for card in EFFICIENTAT.values()},
    **{f"ast_{name}": ast_card(name) for name, model in AST_MODELS.items() if model.n_labels == 527},
}


def check_name(what: str, name: str, known: Iterable[str]) -> None:
    """Refuse a name that is not known, with the nearest one that is."""
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown {what} {name!r}; {hint}Choose one of {names}.")


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
    return replace(card, patching=replace(card.patching, seconds=seconds, whole=seconds, batch=_WINDOWS))
