"""Frames and patches of one clip: from blocks of a waveform to the inputs of a network, their spans and vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio.dsp import FrontEnd
from sklearn_audio.engine._scratch_values import ScratchValues
from sklearn_audio.engine.models import ClipPatching, FramePatching, ModelCard

__all__ = [
    "ClipVectors",
    "Patch",
    "PatchOptions",
    "front_end_frames",
    "iter_patches",
    "longest_patch",
    "patch_spans",
    "to_tensor",
]

Blocks = Iterator[NDArray[np.float32]]

_MOST_VALUES_IN_MEMORY = 1 << 22
_BLOCK = 512  # frames


class Patch(NamedTuple):
    """The inputs of a network for one patch, and its weight: the fraction of it that is not padding.

    Some networks take several patches as one joint input, with one weight per patch.
    """

    inputs: tuple[Tensor, ...]
    weights: tuple[float, ...]

    @property
    def size(self) -> int:
        """Number of values in all inputs."""
        return sum(tensor.numel() for tensor in self.inputs)

    @property
    def shapes(self) -> tuple[torch.Size, ...]:
        """Shapes of the inputs; those of one forward pass are equal."""
        return tuple(tensor.shape for tensor in self.inputs)


@dataclass(frozen=True)
class PatchOptions:
    """The parameters of an estimator that determine the positions of patches."""

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
    centred = isinstance(card.patching, FramePatching) and card.patching.centred
    if card.patching.shortest > 1:
        blocks = _filled(blocks, card.patching.shortest, options.short_clip, centred)
    if isinstance(card.patching, FramePatching):
        return _frame_patches(card, card.patching, blocks, options, device)
    return _clip_patches(card, card.patching, blocks, options, device)


def _filled(blocks: Blocks, shortest: int, how: str, centred: bool) -> Blocks:
    """Extend a clip that is too short; pass on any other, block by block."""
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
            before = (shortest - n_timepoints) // 2 if centred else 0
            yield np.pad(waveform, (before, shortest - n_timepoints - before))


def _hop(card: ModelCard, patching: FramePatching, options: PatchOptions) -> int:
    """Frames between patches."""
    if options.hop is None:
        return patching.hop or patching.n_frames
    return max(1, int(options.hop * card.sample_rate / card.front_end.hop_length + 1e-6))


def _with_end(card: ModelCard, patching: FramePatching, blocks: Blocks, options: PatchOptions) -> Blocks:
    """Pass on a clip, and the silence that fills its last frames."""
    n_timepoints = 0
    for block in blocks:
        n_timepoints += len(block)
        yield block
    if missing := _n_framed(card, patching, n_timepoints, options) - n_timepoints:
        yield np.zeros(missing, dtype=np.float32)


def _n_framed(card: ModelCard, patching: FramePatching, n_timepoints: int, options: PatchOptions) -> int:
    """Count the timepoints of a clip with the silence that fills its last frames, up to the end of a patch."""
    unit, step = card.front_end.hop_length, _hop(card, patching, options) * card.front_end.hop_length
    beyond = (n_timepoints - patching.shortest) % step  # the last whole patch
    if not patching.keeps_end or options.partial == "drop" or not beyond:
        return n_timepoints
    n_begun = -(-n_timepoints // unit)  # frames
    return min(n_timepoints - beyond + step, patching.shortest + (n_begun - patching.n_frames) * unit)


def _frame_patches(
    card: ModelCard, patching: FramePatching, blocks: Blocks, options: PatchOptions, device: torch.device | None
) -> Iterator[Patch]:
    hop, front_end = _hop(card, patching, options), card.front_end
    joint = patching.joint if hop == patching.hop else (1,)
    size, step = patching.n_frames + (joint[0] - 1) * hop, joint[0] * hop  # of and between joint inputs
    if patching.keeps_end and options.partial != "drop":
        blocks = _with_end(card, patching, blocks, options)
    pieces, highest = tensor_frames(front_end, blocks, device), None
    if front_end.needs_whole_clip:
        pieces, highest = held_frames(pieces, front_end.n_features)
    frames = torch.empty((0, front_end.n_features), dtype=torch.float32, device=device or "cpu")
    n_cut = n_to_skip = 0
    for block in pieces:
        frames = torch.cat([frames, block])[n_to_skip:]
        n_to_skip = max(0, n_to_skip - len(block))
        while len(frames) >= size:
            yield Patch((_finished(card, frames[:size], highest),), (1.0,) * joint[0])
            n_cut += 1
            n_to_skip = max(0, step - len(frames))
            frames = frames[step:]
    weights = _weights_of_rest(len(frames), patching.n_frames, hop, options.partial, is_first=not n_cut)
    if weights:
        n_joint = min(n for n in joint if n >= len(weights))
        piece = frames[: patching.n_frames + (n_joint - 1) * hop]
        missing = patching.n_frames + (n_joint - 1) * hop - len(piece)
        filled = torch.cat([piece, piece.new_full((missing, piece.shape[1]), patching.fill)])
        yield Patch((_finished(card, filled, highest),), weights)


def _finished(card: ModelCard, frames: Tensor, highest: Tensor | None) -> Tensor:
    return frames if highest is None else card.front_end.finish(frames.clone(), highest)


def _weights_of_rest(n_frames: int, size: int, hop: int, partial: str, *, is_first: bool) -> tuple[float, ...]:
    """Return the weights of the patches that start after the last complete joint input."""
    n_whole = max(0, (n_frames - size) // hop + 1)
    left = n_frames - n_whole * hop
    alone = is_first and not n_whole
    overlap = 0 if alone else max(0, size - hop)  # frames that the previous patch covers
    is_kept = left > overlap and (alone or partial == "weight")
    return (1.0,) * n_whole + (left / size,) * is_kept


def _clip_patches(
    card: ModelCard, patching: ClipPatching, blocks: Blocks, options: PatchOptions, device: torch.device | None
) -> Iterator[Patch]:
    size, hop, whole = _timepoints(card, patching, options)
    waveform: NDArray[np.float32] = np.zeros(round(patching.lead * card.sample_rate), dtype=np.float32)
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
        missing = size - len(waveform) if patching.fixed else 0
        yield _framed(card, np.pad(waveform, (0, missing)), 1.0, device)
        return
    if len(waveform) > max(0, size - hop) and options.partial == "weight":
        filled = size if patching.fills else max(patching.shortest, len(waveform))
        yield _framed(card, np.pad(waveform, (0, filled - len(waveform))), len(waveform) / size, device)


def _timepoints(card: ModelCard, patching: ClipPatching, options: PatchOptions) -> tuple[int, int, int]:
    """Return in timepoints the patch length, the hop, and the length of the longest clip that is one patch."""
    size = round(patching.seconds * card.sample_rate)
    hop = patching.hop if options.hop is None else options.hop
    if hop is None:
        return size, size, round(patching.whole * card.sample_rate)
    return size, max(1, round(hop * card.sample_rate)), size


def _framed(card: ModelCard, waveform: NDArray[np.float32], weight: float, device: torch.device | None) -> Patch:
    inputs = {"waveform": to_tensor(waveform, device)}
    if "frames" in card.reads:
        with torch.inference_mode():
            inputs["frames"] = card.front_end(inputs["waveform"])
    return Patch(tuple(inputs[name] for name in card.reads), (weight,))


def longest_patch(card: ModelCard, options: PatchOptions) -> float:
    """Return the length in seconds of the longest clip that is a single patch."""
    if isinstance(card.patching, ClipPatching):
        return _timepoints(card, card.patching, options)[2] / card.sample_rate - card.patching.lead
    return card.patch_seconds


def patch_spans(card: ModelCard, n_timepoints: int, options: PatchOptions) -> NDArray[np.float64]:
    """Compute the start and end in seconds of each patch of a clip, from its length alone.

    Shapes: -> (n_patches, 2).
    """
    filled, lead = max(n_timepoints, card.patching.shortest), 0.0
    if isinstance(card.patching, FramePatching):
        unit = card.front_end.hop_length / card.sample_rate
        size, hop, whole = card.patching.n_frames, _hop(card, card.patching, options), card.patching.n_frames
        length = card.front_end.n_frames(_n_framed(card, card.patching, filled, options))
    else:
        unit, lead = 1 / card.sample_rate, card.patching.lead
        length = filled + round(lead * card.sample_rate)
        size, hop, whole = _timepoints(card, card.patching, options)
    if length <= whole:
        return np.array([[0.0, n_timepoints / card.sample_rate]])
    n_whole = 1 + (length - size) // hop
    has_partial = length > (n_whole - 1) * hop + max(size, hop) and options.partial == "weight"
    starts = np.arange(n_whole + has_partial) * hop * unit - lead
    ends = np.minimum(starts + size * unit, n_timepoints / card.sample_rate)
    starts = np.maximum(starts, 0.0)
    if n_timepoints < card.patching.shortest:  # an extended clip is in every patch
        starts, ends = np.zeros(len(starts)), np.full(len(starts), n_timepoints / card.sample_rate)
    return np.stack([starts, ends], axis=1)


def to_tensor(array: NDArray[Any], device: torch.device | None = None) -> Tensor:
    """Wrap an array as a tensor; a read-only one is copied, because torch may not write to it."""
    tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
    if device is not None and device.type == "cuda":
        tensor = tensor.pin_memory()  # pinned memory is copied to the device in the background
    return tensor.to(device or "cpu", non_blocking=True)


def front_end_frames(front_end: FrontEnd, blocks: Blocks, device: torch.device | None = None) -> Iterator[NDArray[Any]]:
    """Compute the frames of a clip in blocks, without the steps that need the whole clip.

    Shapes: -> (n, n_features).
    """
    for frames in tensor_frames(front_end, blocks, device):
        yield frames.cpu().numpy()


@torch.inference_mode()  # no gradients are needed, which saves work per operation
def tensor_frames(front_end: FrontEnd, blocks: Blocks, device: torch.device | None = None) -> Iterator[Tensor]:
    """Compute the frames of a clip in blocks, and leave them on the device.

    Shapes: -> (n, n_features).
    """
    stream = front_end.stream()
    for block in blocks:
        yield from stream.feed(to_tensor(block, device))
    yield from stream.finish()


@torch.inference_mode()
def held_frames(pieces: Iterator[Tensor], n_features: int) -> tuple[Iterator[Tensor], Tensor]:
    """Collect the frames of a clip, of a long one in a file, and return them with their maximum.

    Shapes: -> (n, n_features) each, ().
    """
    held: list[Tensor] = []
    file: ScratchValues | None = None
    highest = torch.tensor(-torch.inf)
    n_held = 0
    for frames in pieces:
        highest = torch.maximum(highest.to(frames.device), frames.max())
        held.append(frames)
        n_held += frames.numel()
        if n_held > _MOST_VALUES_IN_MEMORY:
            file = file or ScratchValues((n_features,))
            file.append(torch.cat(held).cpu().numpy())
            held, n_held = [], 0
    return _again(file, held, highest.device), highest


def _again(file: ScratchValues | None, held: list[Tensor], device: torch.device) -> Iterator[Tensor]:
    if file is not None:
        for start in range(0, len(file), _BLOCK):
            yield to_tensor(file[start : start + _BLOCK], device)
    yield from held
