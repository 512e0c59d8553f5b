"""The check of `hop`, which needs clips of several patches."""

from __future__ import annotations

from sklearn_audio._meaning import idle_error
from sklearn_audio.engine import PatchOptions, longest_patch, patch_spans
from sklearn_audio.engine.models import ModelCard
from sklearn_audio.validation import AudioClips

__all__ = ["check_several"]


def check_several(card: ModelCard, clips: AudioClips, options: PatchOptions) -> None:
    """Raise if a hop has no effect because no clip is longer than a patch.

    Lengths are read from headers; the search ends at the first clip of several patches or of unknown length.
    """
    if any(_may_be_several(card, clips, row, options) for row in range(len(clips))):
        return
    longest, hop = longest_patch(card, options), options.hop or 0.0
    reason = f"a second would begin at {hop:g} s" if hop > longest else f"{card.name} takes up to {longest:g} s at once"
    raise idle_error("hop", hop, "clips of several patches", f"every clip of X is a single one, as {reason}", None)


def _may_be_several(card: ModelCard, clips: AudioClips, row: int, options: PatchOptions) -> bool:
    seconds = clips.stated_seconds(row)
    return seconds is None or len(patch_spans(card, round(seconds * card.sample_rate), options)) > 1
