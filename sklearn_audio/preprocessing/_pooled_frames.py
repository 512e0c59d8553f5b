"""Statistics of the frames of clips, with a bounded number of frames in memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._isolation import isolated
from sklearn_audio.engine import ClipErrors, ScratchValues, check_output, ordered_streams
from sklearn_audio.preprocessing._frames import FrameExtractor, FrameTransformer
from sklearn_audio.preprocessing._pooling import SequencePooling, part_spans
from sklearn_audio.ragged import RaggedBuilder, find_statistic
from sklearn_audio.validation import AudioClips

# A clip with more values goes to a temporary file: some 22 minutes of 64 bands at 100 Hz.
_MOST_VALUES_IN_MEMORY = 1 << 23
_BLOCK_VALUES = 1 << 20
# Medians and percentiles; all other statistics process the frames of a clip in blocks.
_SORTING = ("median", "p")

Frames = NDArray[np.float32]


def can_pool(reader: Any, pooling: Any) -> bool:
    """Whether `pooled_frames` can replace two steps of a pipeline: nothing between them is learned or labelled."""
    if not isinstance(reader, FrameTransformer) or type(pooling) is not SequencePooling:
        return False
    is_plain = type(reader).__module__.startswith(__package__) and getattr(reader, "normalize", None) != "standard"
    # set_output would make a table between the steps
    if not is_plain or any(hasattr(step, "_sklearn_output_config") for step in (reader, pooling)):
        return False
    names = reader._extractor().names
    return getattr(pooling, "n_features_in_", None) == len(names) and (
        list(getattr(pooling, "feature_names_in_", names)) == names
    )


@isolated()
def pooled_frames(reader: FrameTransformer, pooling: SequencePooling, X: Any) -> NDArray[np.float32]:
    """Compute ``pooling.transform(reader.transform(X))`` without holding all frames of X, or of a long clip."""
    reader._check_fitted()
    clips, extractor = reader._validate_X(X, reset=False), reader._extractor()
    names, width, errors = pooling._names(), len(extractor.names), ClipErrors(reader.on_error)
    pooled = np.full((len(clips), pooling.n_parts * len(names) * width), np.nan, dtype=np.float32)

    def work(row: int) -> tuple[int, Iterator[Frames]]:
        return row, extractor.extract(lambda: clips.stream(row))

    # closed, so that an error here also stops the background threads
    with closing(ordered_streams(work, range(len(clips)), reader.n_jobs)) as streams:
        for row, parts in streams:
            try:
                frames = _collected(parts, extractor, clips, row)
                pooled[row] = np.concatenate([_statistics(part, names) for part in _cut(frames, pooling.n_parts)])
            except errors.caught as error:
                errors.add(row, error)
    errors.warn()
    return pooled


def _collected(parts: Iterator[Frames], extractor: FrameExtractor, clips: AudioClips, row: int) -> Frames | _LongClip:
    """Collect the frames of a clip, and apply the steps that need all of them."""
    builder, long = RaggedBuilder((len(extractor.names),), np.float32), None
    for part in parts:
        if long is not None:
            long.append(part)
            continue
        builder.extend(part)
        if builder.open_row().size > _MOST_VALUES_IN_MEMORY and extractor.complete_block(part[:0], np.float32(0)):
            long = _LongClip(builder.close_row(), extractor)
            builder = RaggedBuilder((len(extractor.names),), np.float32)
    if long is not None:
        check_output(long.block_sums(), clips.describe, row)
        return long
    frames = builder.close_row()
    extractor.complete(frames)
    check_output(frames, clips.describe, row)
    return frames


class _LongClip:
    """The frames of a clip in a temporary file, read in blocks, with the array methods that statistics use."""

    def __init__(self, first: Frames, extractor: FrameExtractor) -> None:
        self._values = ScratchValues(first.shape[1:])
        self._extractor = extractor
        self._highest = np.float32(-np.inf)
        self._span = slice(0, None)
        self._block = max(1, _BLOCK_VALUES // first.shape[1])
        for start in range(0, len(first), self._block):
            self.append(first[start : start + self._block])

    def append(self, frames: Frames) -> None:
        self._highest = max(self._highest, frames.max(initial=-np.inf))
        self._values.append(frames)

    def block_sums(self) -> NDArray[np.float64]:
        """Sum each block: finite if all frames are."""
        return np.array([block.sum(dtype=np.float64) for block in self._blocks()])

    def part(self, span: slice) -> _LongClip:
        """Return a view of adjacent frames."""
        view = copy.copy(self)
        view._span = span
        return view

    def __len__(self) -> int:
        return len(range(*self._span.indices(len(self._values))))

    def __getitem__(self, key: slice | int) -> Frames:
        if not isinstance(key, slice):
            key = key % len(self)
            return np.asarray(self[key : key + 1][0])
        places = range(*self._span.indices(len(self._values)))[key]
        frames: Frames = self._values[places.start : places.stop]
        self._extractor.complete_block(frames, self._highest)
        return frames

    def mean(self, axis: int, dtype: Any) -> NDArray[np.float64]:
        """Sum in NumPy's order, so that the result is bit-identical."""
        sums = np.empty((0, self[:1].shape[1]), dtype=dtype)
        for block in self._blocks():
            sums = np.concatenate([sums, block]).sum(axis=axis, keepdims=True)
        mean: NDArray[np.float64] = sums[0] / len(self)
        return mean

    def min(self, axis: int) -> Frames:
        return np.asarray(np.min([block.min(axis=axis) for block in self._blocks()], axis=axis))

    def max(self, axis: int) -> Frames:
        return np.asarray(np.max([block.max(axis=axis) for block in self._blocks()], axis=axis))

    def by_columns(self, reduce: Callable[[Frames], Any]) -> Frames:
        """Reduce groups of columns, each of which fits in memory."""
        n_columns = self[:1].shape[1]
        step = max(1, min(n_columns, _MOST_VALUES_IN_MEMORY // len(self)))
        groups = range(0, n_columns, step)
        return np.concatenate(
            [reduce(np.concatenate([block[:, k : k + step] for block in self._blocks()])) for k in groups]
        )

    def _blocks(self) -> Iterator[Frames]:
        return (self[start : start + self._block] for start in range(0, len(self), self._block))


def _cut(frames: Frames | _LongClip, n_parts: int) -> list[Any]:
    spans = part_spans(len(frames), n_parts)
    return [frames.part(span) if isinstance(frames, _LongClip) else frames[span] for span in spans]


def _statistics(frames: Any, names: list[str]) -> NDArray[np.float32]:
    found: list[Any] = [find_statistic(name) for name in names]
    parts = [
        frames.by_columns(reduce) if isinstance(frames, _LongClip) and name.startswith(_SORTING) else reduce(frames)
        for name, reduce in zip(names, found, strict=True)
    ]
    return np.concatenate(parts).astype(np.float32)
