"""Clips through a network: read ahead, patches of many clips per forward pass, one vector per patch or clip."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm.auto import tqdm

from sklearn_audio.engine._clips import ClipErrors, OnError, compute_ahead
from sklearn_audio.engine._patches import Cutting, Patch, cut
from sklearn_audio.engine._prefetch import ordered_map
from sklearn_audio.engine.models import ModelCard
from sklearn_audio.validation import AudioClips

__all__ = ["ClipVectors", "Forward", "Segmentwise", "embed"]

Vectors = NDArray[np.float32]


class Forward:
    """Runs patches through a network, at shapes that never depend on how many there are.

    The kernels of float32 choose other orders of summation for other shapes; so a batch is always of the same size,
    filled up with zeros, and no row depends on its neighbours, to the bit.

    Parameters
    ----------
    network : nn.Module
        In evaluation mode.
    card : ModelCard
        Its description.
    layer : str
        Which representation to return.
    device : torch.device
        Where the network is.
    precision : {"float32", "bfloat16"}, default="float32"
        "bfloat16" lets torch compute in it where that is safe.
    finish : callable, default=None
        Applied to each batch of vectors, a float32 array of shape (batch, n_features).

    Examples
    --------
    >>> import numpy as np, torch
    >>> from sklearn_audio.engine._networks import Source, load_network
    >>> from sklearn_audio.engine._patches import Patch
    >>> from sklearn_audio.engine.inference import Forward
    >>> from sklearn_audio.engine.models import CARDS
    >>> card, cpu = CARDS["panns"]["leenet11"], torch.device("cpu")
    >>> forward = Forward(load_network(card, Source(None), cpu), card, "embedding", cpu)
    >>> [vector.shape for vector in forward([Patch((np.zeros(32000, np.float32),), 1.0)])]
    [(512,)]
    """

    def __init__(
        self,
        network: nn.Module,
        card: ModelCard,
        layer: str,
        device: torch.device,
        precision: Literal["float32", "bfloat16"] = "float32",
        finish: Callable[[Vectors], Vectors] | None = None,
    ) -> None:
        self._network = network
        self._batch = card.patching.batch
        self._layer = layer
        self._device = device
        self._precision = precision
        self._finish = finish

    def __call__(self, patches: list[Patch]) -> list[Vectors]:
        """Compute the vectors of some patches.

        Parameters
        ----------
        patches : list of Patch
            Of any shapes and number.

        Returns
        -------
        list of ndarray of float32, each of shape (n_features,)
            In the order of the patches.
        """
        vectors: dict[int, Vectors] = {}
        by_shape: dict[tuple[Any, ...], list[int]] = {}
        for i, patch in enumerate(patches):
            by_shape.setdefault(tuple(array.shape for array in patch.inputs), []).append(i)
        for places in by_shape.values():
            for first in range(0, len(places), self._batch):
                batch = places[first : first + self._batch]
                vectors.update(zip(batch, self._run([patches[i] for i in batch]), strict=True))
        return [vectors[i] for i in range(len(patches))]

    def _run(self, patches: list[Patch]) -> Vectors:
        inputs = [self._stacked([patch.inputs[k] for patch in patches]) for k in range(len(patches[0].inputs))]
        low = torch.autocast(self._device.type, torch.bfloat16, enabled=self._precision == "bfloat16")
        with torch.inference_mode(), low:
            out: Tensor = self._network(*inputs, layer=self._layer)
        vectors: Vectors = out.float().cpu().numpy()
        return (self._finish(vectors) if self._finish else vectors)[: len(patches)]

    def _stacked(self, arrays: list[NDArray[Any]]) -> Tensor:
        stacked = np.zeros((self._batch, *arrays[0].shape), dtype=np.float32)
        for i, array in enumerate(arrays):
            stacked[i] = array
        return torch.from_numpy(stacked).to(self._device)


class Segmentwise(nn.Module):
    """Decisions on the segments of a clip, of a network that makes them.

    Parameters
    ----------
    network : nn.Module
        Has a method `segmentwise`.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.engine.inference import Segmentwise
    >>> from sklearn_audio.nets import Cnn14DecisionLevel
    >>> with torch.device("meta"):
    ...     network = Segmentwise(Cnn14DecisionLevel("max"))
    >>> network(torch.empty(1, 1001, 64, device="meta"), layer="").shape
    torch.Size([1, 31, 527])
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor, layer: str) -> Tensor:
        """Decide on the segments.

        Parameters
        ----------
        frames : Tensor of shape (B, T, n_mels)
            Log-mel frames.
        layer : str
            Ignored.

        Returns
        -------
        Tensor of shape (B, n_segments, n_labels)
            Probabilities.
        """
        out: Tensor = self.network.segmentwise(frames)
        return out


@dataclass
class ClipVectors:
    """The vectors of one clip.

    Attributes
    ----------
    vectors : list of ndarray of float32, each of shape (n_features,)
        One per patch, in time; empty for a clip that failed.
    weights : list of float
        Share of each patch that is the clip.
    n_timepoints : int
        Length of the clip, at the rate of the model.

    Examples
    --------
    >>> from sklearn_audio.engine.inference import ClipVectors
    >>> ClipVectors().vectors
    []
    """

    vectors: list[Vectors] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    n_timepoints: int = 0


def embed(
    clips: AudioClips,
    card: ModelCard,
    forward: Forward,
    cutting: Cutting,
    *,
    batch_size: int = 32,
    n_jobs: int | None = None,
    on_error: OnError = "raise",
    verbose: int = 0,
    description: str = "clips",
) -> Iterator[ClipVectors]:
    """Embed clips, one after the other; decoding and framing run ahead in background threads.

    Parameters
    ----------
    clips : AudioClips
        At the rate of the model.
    card : ModelCard
        The model.
    forward : Forward
        Its network.
    cutting : Cutting
        How clips are cut.
    batch_size : int, default=32
        Patches collected, from as many clips as it takes, before they go through the network.
    n_jobs : int, default=None
        Background threads.
    on_error : {"raise", "nan"}, default="raise"
        Whether a clip that cannot be used ends the run, or comes out without vectors and is warned of at the end.
    verbose : int, default=0
        1 shows a progress bar.
    description : str, default="clips"
        Label of the progress bar.

    Yields
    ------
    ClipVectors
        One per clip, in order.
    """
    errors = ClipErrors(on_error)
    collector = _Collector(forward, batch_size)

    def work(row: int) -> tuple[Iterator[Patch] | Exception, _Counted]:
        blocks = _Counted(clips.stream(row))
        try:
            return compute_ahead(cut(card, iter(blocks), cutting)), blocks
        except errors.caught as error:
            return error, blocks

    with closing(ordered_map(work, range(len(clips)), n_jobs)) as results:
        bar = tqdm(results, desc=description, total=len(clips), unit="clip", disable=not verbose)
        for row, (patches, blocks) in enumerate(bar):
            clip = collector.open_clip()
            try:
                collector.add(clip, patches)
            except errors.caught as error:
                errors.add(row, error)
                collector.discard(clip)
            clip.n_timepoints = blocks.n_timepoints
            yield from collector.finished()
    collector.flush()
    yield from collector.finished()
    errors.warn()


class _Counted:
    """The blocks of a clip, and how many timepoints have gone by."""

    def __init__(self, blocks: Iterator[Vectors]) -> None:
        self._blocks = blocks
        self.n_timepoints = 0

    def __iter__(self) -> Iterator[Vectors]:
        for block in self._blocks:
            self.n_timepoints += len(block)
            yield block


class _Collector:
    """Patches that wait for the network, and the clips they belong to."""

    def __init__(self, forward: Forward, batch_size: int) -> None:
        self._forward = forward
        self._batch_size = batch_size
        self._waiting: list[tuple[Patch, ClipVectors]] = []
        self._clips: deque[ClipVectors] = deque()

    def open_clip(self) -> ClipVectors:
        clip = ClipVectors()
        self._clips.append(clip)
        return clip

    def add(self, clip: ClipVectors, patches: Iterator[Patch] | Exception) -> None:
        if isinstance(patches, Exception):
            raise patches
        for patch in patches:
            clip.weights.append(patch.weight)
            self._waiting.append((patch, clip))
            if len(self._waiting) >= self._batch_size:
                self.flush()

    def discard(self, clip: ClipVectors) -> None:
        """Leave a clip that failed without vectors."""
        self._waiting = [(patch, owner) for patch, owner in self._waiting if owner is not clip]
        clip.vectors, clip.weights = [], []

    def flush(self) -> None:
        vectors = self._forward([patch for patch, _ in self._waiting])
        for (_, clip), vector in zip(self._waiting, vectors, strict=True):
            clip.vectors.append(vector)
        self._waiting = []

    def finished(self) -> Iterator[ClipVectors]:
        """Hand over the clips, from the first on, all of whose patches went through the network."""
        while self._clips and len(self._clips[0].vectors) == len(self._clips[0].weights):
            yield self._clips.popleft()
