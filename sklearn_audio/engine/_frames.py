"""Frames from blocks of a waveform: NumPy to torch, on any device, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio.dsp import FrontEnd
from sklearn_audio.engine._scratch_values import ScratchValues

__all__ = ["front_end_frames", "held_frames", "tensor_frames", "to_tensor"]

_MOST_VALUES_IN_MEMORY = 1 << 22
_BLOCK = 512  # frames


def to_tensor(array: NDArray[Any], device: torch.device | None = None) -> Tensor:
    """Wrap an array as a tensor; a read-only one is copied, because torch may not write to it."""
    tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
    if device is not None and device.type == "cuda":
        tensor = tensor.pin_memory()  # pinned memory is copied to the device in the background
    return tensor.to(device or "cpu", non_blocking=True)


def front_end_frames(
    front_end: FrontEnd, blocks: Iterator[NDArray[np.float32]], device: torch.device | None = None
) -> Iterator[NDArray[Any]]:
    """Compute the frames of a clip in blocks, without the steps that need the whole clip.

    Shapes: -> (n, n_features).
    """
    for frames in tensor_frames(front_end, blocks, device):
        yield frames.cpu().numpy()


@torch.inference_mode()  # no gradients are needed, which saves work per operation
def tensor_frames(
    front_end: FrontEnd, blocks: Iterator[NDArray[np.float32]], device: torch.device | None = None
) -> Iterator[Tensor]:
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
