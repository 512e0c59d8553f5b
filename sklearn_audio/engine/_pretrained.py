"""`PretrainedModel`: vectors of clips by a pretrained network, batched across clips, or from the cache."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sklearn_audio._progress import progress_bar
from sklearn_audio._version import __version__
from sklearn_audio.engine._cache import CacheKey, ClipKey, VectorCache, open_cache, weights_identity
from sklearn_audio.engine._clips import ClipErrors, OnError, check_output, ordered_streams
from sklearn_audio.engine._inference import forward_pass, in_fixed_batches
from sklearn_audio.engine._networks import Precision, WeightsSource, load_network, resolve_device
from sklearn_audio.engine._patches import ClipVectors, Patch, PatchOptions, iter_patches, patch_spans
from sklearn_audio.engine._window_patches import window_patches
from sklearn_audio.engine._window_values import Window
from sklearn_audio.engine.models import FramePatching, ModelCard, layer_width
from sklearn_audio.nets import LayeredNetwork
from sklearn_audio.validation import AudioClips

__all__ = ["Forward", "Postprocess", "PretrainedModel"]

Vectors = NDArray[np.float32]

# Clips from the cache wait for earlier ones; if more than this many wait, these go through in an incomplete batch.
_MAX_CACHED = 256
_VALUES_PER_BLOCK = 1 << 18
# A batch that keeps a CPU busy leaves an accelerator idle.
_ACCELERATOR_BATCHES = 16


class Postprocess(Protocol):
    """A computation on the vectors of a batch, after the network."""

    def identity(self) -> tuple[object, ...]:
        """Return everything that the result depends on, for the cache key."""

    def load(self) -> Callable[[Vectors], Vectors]:
        """Read the data that the computation needs, and return it as a function.

        Shapes: (n_patches, n_features) -> (n_patches, n_features).
        """


class PretrainedModel:
    """Layers of a pretrained network as a function of clips: concatenated vectors of patches, with their spans.

    A forward pass computes the requested layers, and those to be cached in addition (`also_cached`).
    """

    def __init__(
        self,
        card: ModelCard,
        source: WeightsSource,
        layers: Sequence[str],
        patches: PatchOptions,
        *,
        also_cached: Sequence[str] = (),
        device: str | torch.device = "auto",
        precision: Precision = "float32",
        postprocess: Postprocess | None = None,
        verbose: int = 0,
    ) -> None:
        self.card = card
        self.patches = patches
        self.device = resolve_device(device)
        self._source = source
        self.layers = tuple(layers)
        self.computed = (*self.layers, *(name for name in also_cached if name not in layers))
        self._precision: Precision = precision
        self._postprocess = postprocess
        self._verbose = verbose

    def identities(self) -> dict[str, str]:
        """Return for each layer everything that the vectors of a clip depend on, except for the clip."""
        card = self.card
        model = (__version__, card.name, card.front_end, card.patching, card.reads)
        weights = weights_identity(card, self._source, verbose=self._verbose)
        after = self._postprocess.identity() if self._postprocess else ()
        return {
            layer: repr((model, weights, (layer, self.patches, self._precision, () if i else after)))
            for i, layer in enumerate(self.computed)
        }

    @cached_property
    def forward(self) -> Forward:
        """Load the network."""
        network = load_network(self.card, self._source, self.device, self._precision, verbose=self._verbose)
        finish = self._postprocess.load() if self._postprocess else None
        return Forward(network, self.card, self.computed, self.device, self._precision, finish)

    @cached_property
    def columns(self) -> dict[str, slice]:
        """Return the columns of each layer in the vectors of a forward pass."""
        if len(self.computed) == 1:
            return {self.computed[0]: slice(None)}
        ends = np.cumsum([0, *(layer_width(self.card, layer) for layer in self.computed)]).tolist()
        return {layer: slice(*bounds) for layer, bounds in zip(self.computed, pairwise(ends), strict=True)}

    def vectors(
        self,
        clips: AudioClips,
        *,
        cache: Any = None,
        cache_key: CacheKey = "content",
        batch_size: int = 32,
        n_jobs: int | None = None,
        on_error: OnError = "raise",
        description: str = "clips",
    ) -> Iterator[ClipVectors]:
        """Yield the vectors of each clip; clips are decoded and framed in background threads."""
        errors = ClipErrors(on_error)
        vector_cache = open_cache(cache, cache_key, self.identities)
        queue = _Queue(self, clips, batch_size, vector_cache, errors)
        if vector_cache is None:
            _ = self.forward  # fail on missing weights before decoding anything

        def start(row: int) -> tuple[_Job, Iterator[Patch]]:
            job = _Job()
            if vector_cache is not None:
                try:
                    job.key, job.cached = vector_cache.get(clips, row, self.layers)
                except errors.caught as error:
                    job.error = error
            if not job.needs_network:
                return job, iter(())
            return job, iter_patches(self.card, job.counted(clips.stream(row)), self.patches, self.device)

        with closing(ordered_streams(start, range(len(clips)), n_jobs)) as streams:
            bar = progress_bar(streams, description=description, total=len(clips), unit="clip", shown=self._verbose)
            for row, (job, patches) in enumerate(bar):
                if job.needs_network:
                    _ = self.forward  # outside the try block: a loading error is not the clip's fault
                try:
                    queue.add(row, job, patches)
                except errors.caught as error:
                    errors.add(row, error)
                    queue.discard_last()
                yield from queue.finished()
        queue.flush()
        yield from queue.finished()
        if vector_cache is not None:
            vector_cache.finish()
        errors.warn()

    def of_windows(self, windows: Sequence[Window]) -> Iterator[ClipVectors]:
        """Yield the vectors of each window, as if it were a clip of its own; they fill batches together."""
        cut = list(window_patches(self.card, windows, self.patches, self.device))
        patches = [patch for of_window in cut for patch in of_window]
        vectors = iter(self.forward(patches))
        for row, of_window in enumerate(cut):
            clip = ClipVectors()
            for patch, found in zip(of_window, vectors, strict=False):
                clip.weights.extend(patch.weights)
                clip.vectors.extend(found[: len(patch.weights)])
            for vector in clip.vectors:
                check_output(vector, "row {}".format, row)
            yield clip


@dataclass
class _Job:
    """A clip in progress: its cache key, and its cached vectors or the error of the lookup."""

    clip: ClipVectors = field(default_factory=ClipVectors)
    key: ClipKey | None = None
    cached: ClipVectors | None = None
    error: Exception | None = None

    @property
    def needs_network(self) -> bool:
        return self.cached is None and self.error is None

    def counted(self, blocks: Iterator[Vectors]) -> Iterator[Vectors]:
        """Yield the blocks of the clip, and count their timepoints."""
        for block in blocks:
            self.clip.n_timepoints += len(block)
            yield block


class _Queue:
    """Patches that wait for a full batch, and their clips in the order of X."""

    def __init__(
        self,
        model: PretrainedModel,
        clips: AudioClips,
        batch_size: int,
        cache: VectorCache | None,
        errors: ClipErrors,
    ) -> None:
        self._model = model
        self._input = clips
        self._batch_size = batch_size
        self._cache = cache
        self._errors = errors
        self._n_finished = 0
        self._waiting: dict[tuple[Any, ...], list[tuple[Patch, ClipVectors]]] = {}  # by the shapes of the inputs
        self._jobs: deque[_Job] = deque()
        self._block: Vectors = np.empty(0, dtype=np.float32)

    def add(self, row: int, job: _Job, patches: Iterator[Patch]) -> None:
        self._jobs.append(job)
        if job.cached is not None:
            for text in job.cached.warnings:
                self._input.warn(row, text)
            return
        if job.error is not None:
            raise job.error
        for patch in patches:
            job.clip.weights.extend(patch.weights)
            batch = self._waiting.setdefault(patch.shapes, [])
            batch.append((patch, job.clip))
            # a batch of one shape once it is full, and all batches if too many patches wait
            if len(batch) >= self._model.forward.batch:
                self._run(batch)
            elif sum(map(len, self._waiting.values())) >= self._batch_size:
                self.flush()
        job.clip.warnings = self._input.warnings_of(row)

    def discard_last(self) -> None:
        """Discard the vectors of the last clip, which failed."""
        failed = self._jobs[-1].clip
        for batch in self._waiting.values():
            batch[:] = [(patch, owner) for patch, owner in batch if owner is not failed]
        self._jobs[-1] = _Job()

    def flush(self) -> None:
        for batch in self._waiting.values():
            self._run(batch)
        self._waiting = {}

    def _run(self, batch: list[tuple[Patch, ClipVectors]]) -> None:
        vectors = self._model.forward([patch for patch, _ in batch])
        for (patch, clip), found in zip(batch, vectors, strict=True):
            clip.vectors.extend(self._stored(found[: len(patch.weights)]))
        batch.clear()

    def _stored(self, vectors: Vectors) -> Vectors:
        """Copy vectors into a preallocated block.

        Many small arrays, allocated between forward passes, would fragment the heap and raise peak memory.
        """
        if len(self._block) < vectors.size:
            self._block = np.empty(max(_VALUES_PER_BLOCK, vectors.size), dtype=vectors.dtype)
        rows = self._block[: vectors.size].reshape(vectors.shape)
        self._block = self._block[vectors.size :]
        rows[...] = vectors
        return rows

    def finished(self) -> Iterator[ClipVectors]:
        """Yield the completed clips at the front of the queue."""
        if len(self._jobs) > self._batch_size + _MAX_CACHED:
            self.flush()
        while self._jobs and len(self._jobs[0].clip.vectors) == len(self._jobs[0].clip.weights):
            job = self._jobs.popleft()
            row, self._n_finished = self._n_finished, self._n_finished + 1
            clip = job.cached or job.clip
            if job.cached is None and self._model.computed != self._model.layers:
                last = self._model.columns[self._model.layers[-1]].stop  # followed by the layers for the cache only
                clip = replace(clip, vectors=[vector[..., :last] for vector in clip.vectors])
            try:
                if clip.vectors:
                    check_output(np.concatenate(clip.vectors, axis=None), self._input.describe, row)
                if self._cache is not None and job.key is not None and job.cached is None:
                    self._keep(self._cache, job.key, job.clip)
            except self._errors.caught as error:
                self._errors.add(row, error)
                clip = ClipVectors()
            if clip.vectors:
                clip.spans = patch_spans(self._model.card, clip.n_timepoints, self._model.patches)
            yield clip

    def _keep(self, cache: VectorCache, key: ClipKey, clip: ClipVectors) -> None:
        for layer, columns in self._model.columns.items():
            part = replace(clip, vectors=[vector[..., columns] for vector in clip.vectors])
            if all(np.isfinite(vector).all() for vector in part.vectors):
                cache.put(key, layer, part)


class Forward:
    """Runs patches through a network in batches of a fixed size, padded with zeros."""

    def __init__(
        self,
        network: nn.Module,
        card: ModelCard,
        layers: tuple[str, ...],
        device: torch.device,
        precision: Precision = "float32",
        finish: Callable[[Vectors], Vectors] | None = None,
    ) -> None:
        self._network = network
        self.batch = card.patching.batch * (1 if device.type == "cpu" else _ACCELERATOR_BATCHES)
        self._is_joint = isinstance(card.patching, FramePatching) and card.patching.joint != (1,)
        self._layers = layers
        self._device = device
        self._precision = precision
        self._finish = finish

    def __call__(self, patches: list[Patch]) -> list[Vectors]:
        """Compute the vectors of some patches.

        Shapes: -> (n_joint, ...).
        """
        shapes = [patch.shapes for patch in patches]
        return in_fixed_batches(lambda rows, _: self._run([patches[row] for row in rows]), shapes, lambda _: self.batch)

    def _run(self, patches: list[Patch]) -> Vectors:
        inputs = []
        for tensors in zip(*(patch.inputs for patch in patches), strict=True):
            stacked = torch.zeros((self.batch, *tensors[0].shape), dtype=torch.float32, device=self._device)
            inputs.append(stacked)
            torch.stack(tensors, out=stacked[: len(tensors)])
        with forward_pass(self._device, self._precision):
            by_layer: Sequence[Tensor]
            if isinstance(self._network, LayeredNetwork):
                by_layer = self._network(*inputs, layer=self._layers)
            else:  # a network of the user computes one layer at a time
                by_layer = [self._network(*inputs, layer=layer) for layer in self._layers]
            # (B, ...) -> (B, W, ...), where W is the number of patches in a joint input, or 1
            by_patch = [values if self._is_joint else values.unsqueeze(1) for values in by_layer]
            values = [tensor.float().cpu().numpy() for tensor in by_patch]
        if self._finish:
            first = values[0]  # (B, W, d)
            values[0] = self._finish(first.reshape(-1, first.shape[-1])).reshape(*first.shape[:2], -1)
        return values[0] if len(values) == 1 else np.concatenate(values, axis=-1)
