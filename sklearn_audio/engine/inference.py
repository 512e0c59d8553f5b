"""Clips through a network: read ahead, patches of many clips per forward pass, one vector per patch or clip."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from tqdm.auto import tqdm

from sklearn_audio.engine._clips import ClipErrors, OnError, compute_ahead
from sklearn_audio.engine._forward import Forward, Vectors
from sklearn_audio.engine._patches import Cutting, Patch, cut
from sklearn_audio.engine._prefetch import ordered_map
from sklearn_audio.engine.models import ModelCard
from sklearn_audio.validation import AudioClips

__all__ = ["ClipVectors", "embed"]


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
