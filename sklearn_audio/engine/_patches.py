"""Patches: the blocks of one clip cut to the inputs of a network, the spans of patches, and their vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio.engine._frames import tensor_frames, to_tensor
from sklearn_audio.engine.models import ClipPatching, FramePatching, ModelCard

__all__ = ["ClipVectors", "Patch", "PatchOptions", "iter_patches", "longest_patch", "patch_spans"]

Blocks = Iterator[NDArray[np.float32]]


class Patch(NamedTuple):
    """The inputs of a network for one patch, and the weight of the patch: the fraction of it that the clip fills."""

    inputs: tuple[Tensor, ...]
    weight: float

    @property
    def size(self) -> int:
        """Number of values in all inputs."""
        return sum(tensor.numel() for tensor in self.inputs)


@dataclass(frozen=True)
class PatchOptions:
    """The parameters of an estimator that decide where patches lie."""

    hop: float | None = None
    partial: Literal["weight", "drop"] = "weight"
    short_clip: Literal["tile", "zero"] = "tile"


@dataclass
class ClipVectors:
    """The vectors of the patches of one clip, with their weights and spans; all empty if the clip failed.

    Shapes: spans (n_patches, 2).
    """

    vectors: list[NDArray[np.float32]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    n_timepoints: int = 0
    warnings: list[str] = field(default_factory=list)
    spans: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))


def iter_patches(
    card: ModelCard, blocks: Blocks, options: PatchOptions, device: torch.device | None = None
) -> Iterator[Patch]:
    """Cut a clip into patches."""
    blocks = _filled(blocks, card.patching.shortest, options.short_clip)
    if isinstance(card.patching, FramePatching):
        return _frame_patches(card, card.patching, blocks, options, device)
    return _clip_patches(card, card.patching, blocks, options, device)


def _filled(blocks: Blocks, shortest: int, how: str) -> Blocks:
    """Fill a clip that is too short; pass on any other, block by block."""
    held: list[NDArray[np.float32]] = []
    n_timepoints = 0
    for block in blocks:
        held.append(block)
        n_timepoints += len(block)
        if n_timepoints >= shortest:
            yield from held
            held = []
    if n_timepoints < shortest and held:
        waveform = np.concatenate(held)
        if how == "tile":
            yield np.resize(waveform, shortest)
        else:
            yield np.pad(waveform, (0, shortest - n_timepoints))


def _hop(card: ModelCard, patching: FramePatching, options: PatchOptions) -> int:
    """Frames between patches."""
    if options.hop is None:
        return patching.n_frames
    return max(1, int(options.hop * card.sample_rate / card.front_end.hop_length + 1e-6))


def _frame_patches(
    card: ModelCard, patching: FramePatching, blocks: Blocks, options: PatchOptions, device: torch.device | None
) -> Iterator[Patch]:
    size, hop = patching.n_frames, _hop(card, patching, options)
    frames = torch.empty((0, card.front_end.n_features), dtype=torch.float32, device=device or "cpu")
    n_cut = n_to_skip = 0
    for block in tensor_frames(card.front_end, blocks, device):
        frames = torch.cat([frames, block])[n_to_skip:]
        n_to_skip = max(0, n_to_skip - len(block))
        while len(frames) >= size:
            yield Patch((frames[:size],), 1.0)
            n_cut += 1
            n_to_skip = max(0, hop - len(frames))
            frames = frames[hop:]
    overlap = max(0, size - hop) if n_cut else 0  # frames that the previous patch covers
    if len(frames) > overlap and not (n_cut and options.partial == "drop"):
        missing = frames.new_full((size - len(frames), frames.shape[1]), patching.fill)
        yield Patch((torch.cat([frames, missing]),), len(frames) / size)


def _clip_patches(
    card: ModelCard, patching: ClipPatching, blocks: Blocks, options: PatchOptions, device: torch.device | None
) -> Iterator[Patch]:
    size, hop, whole = _timepoints(card, patching, options)
    waveform: NDArray[np.float32] = np.empty(0, dtype=np.float32)
    n_cut = n_to_skip = 0
    for block in blocks:
        waveform = np.concatenate([waveform, block])[n_to_skip:]
        n_to_skip = max(0, n_to_skip - len(block))
        while len(waveform) > whole or (n_cut and len(waveform) >= size):
            yield _framed(card, waveform[:size], 1.0, device)
            n_cut += 1
            n_to_skip = max(0, hop - len(waveform))
            waveform = waveform[hop:]
    if n_cut == 0:
        yield _framed(card, waveform, 1.0, device)
        return
    if len(waveform) > max(0, size - hop) and options.partial == "weight":
        filled = size if patching.fills else max(patching.shortest, len(waveform))
        yield _framed(card, np.pad(waveform, (0, filled - len(waveform))), len(waveform) / size, device)


def _timepoints(card: ModelCard, patching: ClipPatching, options: PatchOptions) -> tuple[int, int, int]:
    """Return the timepoints of a patch and between patches, and those of the longest clip that is one patch."""
    size = round(patching.seconds * card.sample_rate)
    if options.hop is None:
        return size, size, round(patching.whole * card.sample_rate)
    return size, max(1, round(options.hop * card.sample_rate)), size


def _framed(card: ModelCard, waveform: NDArray[np.float32], weight: float, device: torch.device | None) -> Patch:
    inputs = {"waveform": to_tensor(waveform, device)}
    if "frames" in card.reads:
        with torch.inference_mode():
            inputs["frames"] = card.front_end(inputs["waveform"])
    return Patch(tuple(inputs[name] for name in card.reads), weight)


def longest_patch(card: ModelCard, options: PatchOptions) -> float:
    """Return the length in seconds of the longest clip that is a single patch."""
    if isinstance(card.patching, ClipPatching):
        return _timepoints(card, card.patching, options)[2] / card.sample_rate
    return card.patch_seconds


def patch_spans(card: ModelCard, n_timepoints: int, options: PatchOptions) -> NDArray[np.float64]:
    """Compute the start and end in seconds of each patch of a clip, from its length alone.

    Shapes: -> (n_patches, 2).
    """
    filled = max(n_timepoints, card.patching.shortest)
    if isinstance(card.patching, FramePatching):
        unit = card.front_end.hop_length / card.sample_rate
        size, hop, whole = card.patching.n_frames, _hop(card, card.patching, options), card.patching.n_frames
        length = card.front_end.n_frames(filled)
    else:
        unit, length = 1 / card.sample_rate, filled
        size, hop, whole = _timepoints(card, card.patching, options)
    if length <= whole:
        return np.array([[0.0, n_timepoints / card.sample_rate]])
    n_whole = 1 + (length - size) // hop
    has_partial = length > (n_whole - 1) * hop + max(size, hop) and options.partial == "weight"
    starts = np.arange(n_whole + has_partial) * hop * unit
    ends = np.minimum(starts + size * unit, n_timepoints / card.sample_rate)
    return np.stack([starts, ends], axis=1)
