"""From the blocks of one clip to the patches that a network takes, and where they lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio.engine._frames import tensor_frames, to_tensor
from sklearn_audio.engine.models import ClipPatching, FramePatching, ModelCard

__all__ = ["Cutting", "Patch", "cut", "longest_patch", "spans"]

Blocks = Iterator[NDArray[np.float32]]


class Patch(NamedTuple):
    """What goes through a network once."""

    inputs: tuple[Tensor, ...]
    weight: float

    @property
    def size(self) -> int:
        """Values of all inputs."""
        return sum(tensor.numel() for tensor in self.inputs)


@dataclass(frozen=True)
class Cutting:
    """How a user wants clips cut."""

    hop: float | None = None
    partial: Literal["weight", "drop"] = "weight"
    short_clip: Literal["tile", "zero"] = "tile"


def cut(card: ModelCard, blocks: Blocks, cutting: Cutting, device: torch.device | None = None) -> Iterator[Patch]:
    """Cut a clip into patches."""
    blocks = _filled(blocks, card.patching.shortest, cutting.short_clip)
    if isinstance(card.patching, FramePatching):
        return _frame_patches(card, card.patching, blocks, cutting, device)
    return _clip_patches(card, card.patching, blocks, cutting, device)


def _filled(blocks: Blocks, shortest: int, how: str) -> Blocks:
    """Fill a clip that is too short; any other passes block by block."""
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


def _hop(card: ModelCard, patching: FramePatching, cutting: Cutting) -> int:
    """Frames between patches."""
    if cutting.hop is None:
        return patching.n_frames
    return max(1, int(cutting.hop * card.sample_rate / card.front_end.hop_length + 1e-6))


def _frame_patches(
    card: ModelCard, patching: FramePatching, blocks: Blocks, cutting: Cutting, device: torch.device | None
) -> Iterator[Patch]:
    size, hop = patching.n_frames, _hop(card, patching, cutting)
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
    overlap = max(0, size - hop) if n_cut else 0  # frames that the patch before has covered
    if len(frames) > overlap and not (n_cut and cutting.partial == "drop"):
        missing = frames.new_full((size - len(frames), frames.shape[1]), patching.fill)
        yield Patch((torch.cat([frames, missing]),), len(frames) / size)


def _clip_patches(
    card: ModelCard, patching: ClipPatching, blocks: Blocks, cutting: Cutting, device: torch.device | None
) -> Iterator[Patch]:
    size, hop, whole = _timepoints(card, patching, cutting)
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
    if len(waveform) > max(0, size - hop) and cutting.partial == "weight":
        yield _framed(card, np.pad(waveform, (0, size - len(waveform))), len(waveform) / size, device)


def _timepoints(card: ModelCard, patching: ClipPatching, cutting: Cutting) -> tuple[int, int, int]:
    """Length of a patch, timepoints between patches, and the longest clip that is taken whole."""
    size = round(patching.seconds * card.sample_rate)
    if cutting.hop is None:
        return size, size, round(patching.whole * card.sample_rate)
    return size, max(1, round(cutting.hop * card.sample_rate)), size


def _framed(card: ModelCard, waveform: NDArray[np.float32], weight: float, device: torch.device | None) -> Patch:
    inputs = {"waveform": to_tensor(waveform, device)}
    if "frames" in card.reads:
        with torch.inference_mode():
            inputs["frames"] = card.front_end(inputs["waveform"])
    return Patch(tuple(inputs[name] for name in card.reads), weight)


def longest_patch(card: ModelCard, cutting: Cutting) -> float:
    """Return the seconds up to which a clip is a single patch."""
    if isinstance(card.patching, ClipPatching):
        return _timepoints(card, card.patching, cutting)[2] / card.sample_rate
    return card.patch_seconds


def spans(card: ModelCard, n_timepoints: int, cutting: Cutting) -> NDArray[np.float64]:
    """Say where the patches of a clip lie, without reading it.

    Shapes: -> (n_patches, 2).
    """
    filled = max(n_timepoints, card.patching.shortest)
    if isinstance(card.patching, FramePatching):
        unit = card.front_end.hop_length / card.sample_rate
        size, hop, whole = card.patching.n_frames, _hop(card, card.patching, cutting), card.patching.n_frames
        length = card.front_end.n_frames(filled)
    else:
        unit, length = 1 / card.sample_rate, filled
        size, hop, whole = _timepoints(card, card.patching, cutting)
    if length <= whole:
        return np.array([[0.0, n_timepoints / card.sample_rate]])
    n_whole = 1 + (length - size) // hop
    has_partial = length > (n_whole - 1) * hop + max(size, hop) and cutting.partial == "weight"
    starts = np.arange(n_whole + has_partial) * hop * unit
    ends = np.minimum(starts + size * unit, n_timepoints / card.sample_rate)
    return np.stack([starts, ends], axis=1)
