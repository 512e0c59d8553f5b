"""Patches of windows of recordings; overlapping windows share the frames that they have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio.engine._patches import Patch, PatchOptions, iter_patches, to_tensor
from sklearn_audio.engine._window_values import Window
from sklearn_audio.engine.models import ClipPatching, ModelCard

__all__ = ["window_patches"]


class _Frames(NamedTuple):
    """Numbers of frames of a window: all, and those at its start and end that depend on where it starts and ends."""

    total: int
    first: int
    last: int


def window_patches(
    card: ModelCard, windows: Sequence[Window], options: PatchOptions, device: torch.device
) -> Iterator[list[Patch]]:
    """Yield the patches of each window, as if it were a clip of its own."""
    can_share = [_is_patch_of_frames(card, window.size) for window in windows]
    shared = _shared_frames(card, [window for window, can in zip(windows, can_share, strict=True) if can], device)
    for window, can in zip(windows, can_share, strict=True):
        if can:
            yield [Patch((next(shared),), (1.0,))]
        else:
            yield list(iter_patches(card, iter([window.samples]), options, device))


def _is_patch_of_frames(card: ModelCard, size: int) -> bool:
    """Whether a window is one patch of frames, each of which depends on what is around it only."""
    patching = card.patching
    if not isinstance(patching, ClipPatching) or patching.lead or card.reads != ("frames",):
        return False
    longest = round(min(patching.whole, patching.seconds) * card.sample_rate)
    shortest = longest if patching.fixed else patching.shortest
    return shortest <= size <= longest and not card.front_end.needs_whole_clip


@torch.inference_mode()
def _shared_frames(card: ModelCard, windows: Sequence[Window], device: torch.device) -> Iterator[Tensor]:
    """Yield the frames of each window: of all that overlap together, but for its ends, where it is padded."""
    front_end, runs = card.front_end, list(_runs(card, windows))
    clips = [_joined(run) for run in runs]
    clips += [_both_ends(card, window) for run in runs if len(run) > 1 for window in run]
    # in blocks of one shape, so that a frame does not depend on which windows are together, bit for bit
    frames = iter(front_end.batch([to_tensor(clip, device) for clip in clips]))
    together = [next(frames) for _ in runs]
    for run, of_run in zip(runs, together, strict=True):
        total, first, last = _counted(card, run[0].size)
        for window in run:
            start = (window.first - run[0].first) // front_end.hop_length
            own = of_run[start : start + total]
            if len(run) > 1:
                ends = next(frames)
                own = torch.cat([ends[:first], own[first : total - last], ends[len(ends) - last :]])
            yield own


def _runs(card: ModelCard, windows: Sequence[Window]) -> Iterator[list[Window]]:
    """Yield windows in groups in which each shares frames with the one before."""
    run: list[Window] = []
    for window in windows:
        if run and not _continues(card, run[-1], window):
            yield run
            run = []
        run.append(window)
    if run:
        yield run


def _continues(card: ModelCard, before: Window, window: Window) -> bool:
    total, first, last = _counted(card, window.size)
    offset, hop = window.first - before.first, card.front_end.hop_length
    if (window.row, window.size) != (before.row, before.size) or offset <= 0 or offset % hop:
        return False
    is_worth_it = 2 * (first + last) + offset // hop < total  # otherwise, the ends take longer
    return is_worth_it and np.array_equal(before.samples[offset:], window.samples[:-offset])  # windows may be changed


def _counted(card: ModelCard, size: int) -> _Frames:
    front_end, total = card.front_end, card.front_end.n_frames(size)
    hop, pad = front_end.hop_length, front_end.geometry.pad
    first_beyond = (size - 1 + pad - front_end.n_fft) // hop + 1  # a pre-emphasis takes one timepoint
    return _Frames(total, -(-pad // hop), total - max(0, min(first_beyond, total)))


def _joined(run: list[Window]) -> NDArray[np.float32]:
    new = [window.samples[before.first - window.first :] for before, window in pairwise(run)]
    return np.concatenate([run[0].samples, *new])


def _both_ends(card: ModelCard, window: Window) -> NDArray[np.float32]:
    """Leave out the middle of a window, in whole hops, so that the frames at its ends remain."""
    (total, first, last), front_end = _counted(card, window.size), card.front_end
    hop = front_end.hop_length
    needed = (first - 1) * hop - front_end.geometry.pad + front_end.n_fft + 1 if first else 0
    return np.concatenate([window.samples[: -(-needed // hop) * hop], window.samples[(total - first - last) * hop :]])
