"""Clips through a network: read ahead, patches of many clips per forward pass, one vector per patch or clip."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import torch

from sklearn_audio._progress import progress_bar
from sklearn_audio.engine._cache_key import ClipKey
from sklearn_audio.engine._clip_vectors import ClipVectors
from sklearn_audio.engine._clips import ClipErrors, OnError
from sklearn_audio.engine._forward import Forward, Vectors
from sklearn_audio.engine._outputs import check_output
from sklearn_audio.engine._patches import Cutting, Patch, cut
from sklearn_audio.engine._streams import ordered_streams
from sklearn_audio.engine._vector_cache import VectorCache
from sklearn_audio.engine.models import ModelCard
from sklearn_audio.validation import AudioClips

__all__ = ["ClipVectors", "embed"]


# Clips from the cache wait for those before them; from this many on, these go through the network in a smaller batch.
_MAX_CACHED = 256
_VALUES_PER_ARRAY = 1 << 18


def embed(
    clips: AudioClips,
    card: ModelCard,
    load: Callable[[], Forward],
    cutting: Cutting,
    *,
    device: torch.device | None = None,
    batch_size: int = 32,
    n_jobs: int | None = None,
    cache: VectorCache | None = None,
    on_error: OnError = "raise",
    verbose: int = 0,
    description: str = "clips",
) -> Iterator[ClipVectors]:
    """Embed clips, one after the other; decoding and framing run ahead in background threads."""
    errors = ClipErrors(on_error)
    collector = _Collector(clips, load, batch_size, cache, errors)
    if cache is None:
        collector.load()  # missing weights are told of before anything is decoded

    def work(row: int) -> tuple[_Work, Iterator[Patch]]:
        done = _Work(clips.stream(row))
        try:
            if cache is not None:
                done.key, done.cached = cache.find(clips, row)
        except errors.caught as error:
            done.error = error
        todo = done.cached is None and done.error is None
        return done, cut(card, done.blocks(), cutting, device) if todo else iter(())

    with closing(ordered_streams(work, range(len(clips)), n_jobs)) as streams:
        bar = progress_bar(streams, description=description, total=len(clips), unit="clip", shown=verbose)
        for row, (done, patches) in enumerate(bar):
            if done.cached is None and done.error is None:
                collector.load()  # here, where no error of it could be taken for one of the clip
            try:
                collector.add(row, done, patches)
            except errors.caught as error:
                errors.add(row, error)
                collector.discard_last()
            yield from collector.finished()
    collector.flush()
    yield from collector.finished()
    if cache is not None:
        cache.finish()
    errors.warn()


class _Work:
    """What is known of a clip before its patches: whether it is in the cache, or why that cannot be said."""

    def __init__(self, stream: Iterator[Vectors]) -> None:
        self._stream = stream
        self.n_timepoints = 0
        self.key: ClipKey | None = None
        self.cached: ClipVectors | None = None
        self.error: Exception | None = None

    def blocks(self) -> Iterator[Vectors]:
        """Yield the blocks of the clip, and count the timepoints that have gone by."""
        for block in self._stream:
            self.n_timepoints += len(block)
            yield block


class _Collector:
    """Patches that wait for the network, and the clips they belong to."""

    def __init__(
        self,
        clips: AudioClips,
        load: Callable[[], Forward],
        batch_size: int,
        cache: VectorCache | None,
        errors: ClipErrors,
    ) -> None:
        self._admitted = clips
        self._load = load
        self._errors = errors
        self._n_finished = 0
        self._forward: Forward | None = None
        self._batch_size = batch_size
        self._cache = cache
        self._waiting: dict[tuple[Any, ...], list[tuple[Patch, ClipVectors]]] = {}  # by the shapes of the inputs
        self._clips: deque[tuple[ClipVectors, ClipKey | None]] = deque()
        self._rows: deque[Vectors] = deque()

    def load(self) -> Forward:
        if self._forward is None:
            self._forward = self._load()
        return self._forward

    def add(self, row: int, done: _Work, patches: Iterator[Patch]) -> None:
        if done.cached is not None:
            self._clips.append((done.cached, None))
            for text in done.cached.warnings:
                self._admitted.warn(row, text)
            return
        clip = ClipVectors()
        self._clips.append((clip, done.key))
        if done.error is not None:
            raise done.error
        for patch in patches:
            clip.weights.append(patch.weight)
            self._wait(patch, clip)
        clip.n_timepoints = done.n_timepoints
        clip.warnings = self._admitted.warnings_of(row)

    def _wait(self, patch: Patch, clip: ClipVectors) -> None:
        """Run a forward pass as soon as it is full; and all of them, when too many wait for others of their shape."""
        alike = self._waiting.setdefault(tuple(tensor.shape for tensor in patch.inputs), [])
        alike.append((patch, clip))
        if len(alike) >= self.load().batch:
            self._run(alike)
        elif sum(map(len, self._waiting.values())) >= self._batch_size:
            self.flush()

    def discard_last(self) -> None:
        """Leave the last clip, which failed, without vectors."""
        failed, _ = self._clips[-1]
        for alike in self._waiting.values():
            alike[:] = [(patch, owner) for patch, owner in alike if owner is not failed]
        self._clips[-1] = (ClipVectors(), None)

    def flush(self) -> None:
        for alike in self._waiting.values():
            self._run(alike)
        self._waiting = {}

    def _run(self, alike: list[tuple[Patch, ClipVectors]]) -> None:
        vectors = self.load()([patch for patch, _ in alike])
        for (_, clip), vector in zip(alike, vectors, strict=True):
            clip.vectors.append(self._kept(vector))
        alike.clear()

    def _kept(self, vector: Vectors) -> Vectors:
        """Copy a vector into a row of a larger array.

        An array of its own, where the maps of the network were a moment ago, would keep the C library from using all
        of that memory for the next maps.
        """
        if not self._rows:
            n_rows = max(1, _VALUES_PER_ARRAY // vector.size)
            self._rows = deque(np.empty((n_rows, *vector.shape), dtype=vector.dtype))
        row: Vectors = self._rows.popleft()
        row[...] = vector
        return row

    def finished(self) -> Iterator[ClipVectors]:
        """Hand over the clips, from the first on, all of whose patches went through the network."""
        if len(self._clips) > self._batch_size + _MAX_CACHED:
            self.flush()
        while self._clips and len(self._clips[0][0].vectors) == len(self._clips[0][0].weights):
            clip, key = self._clips.popleft()
            row, self._n_finished = self._n_finished, self._n_finished + 1
            try:
                for vector in clip.vectors:
                    check_output(vector, self._admitted.describe(row))
            except self._errors.caught as error:
                self._errors.add(row, error)
                clip, key = ClipVectors(), None
            if self._cache is not None and key is not None:
                self._cache.keep(key, clip)
            yield clip
