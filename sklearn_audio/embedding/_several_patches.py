"""Checks of `hop` and of pooling statistics, which need clips of several patches."""

from __future__ import annotations

from sklearn_audio._caller import warn_caller
from sklearn_audio._meaning import idle_error
from sklearn_audio.engine._patches import Cutting, longest_patch, spans
from sklearn_audio.engine._pooling import POOLINGS
from sklearn_audio.engine.models import ModelCard
from sklearn_audio.validation import AudioClips

__all__ = ["asks_for_several", "check_several"]

_IDLE = {"mean_std": "the standard deviations are all 0", "mean_max": "the maxima are the means again"}


def asks_for_several(hop: float | None, pooling: str | None) -> bool:
    """Tell whether a parameter has no effect on a clip of one patch."""
    return hop is not None or len(POOLINGS.get(pooling or "", ())) > 1


def check_several(card: ModelCard, clips: AudioClips, cutting: Cutting, pooling: str | None) -> None:
    """Refuse a hop, and warn of statistics, that have no effect because no clip is longer than a patch.

    Lengths are those that headers state; the first clip of several patches, or of unknown length, ends the search.
    """
    if any(_may_be_several(card, clips, row, cutting) for row in range(len(clips))):
        return
    longest = f"{longest_patch(card, cutting):g} s"
    if cutting.hop is not None:
        found = f"every clip of X is a single one, as {card.name} takes up to {longest} at once"
        raise idle_error("hop", cutting.hop, "clips of several patches", found, None)
    warn_caller(
        f"pooling={pooling!r} adds nothing to 'mean' here: every clip of X is a single patch, as {card.name} takes up "
        f"to {longest} at once, and {_IDLE[str(pooling)]}. Take pooling='mean'."
    )


def _may_be_several(card: ModelCard, clips: AudioClips, row: int, cutting: Cutting) -> bool:
    seconds = clips.stated_seconds(row)
    return seconds is None or len(spans(card, round(seconds * card.sample_rate), cutting)) > 1
