"""Audio input of trained networks: frames or waveforms, stored for training, in chunks for prediction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_audio._names import check_name
from sklearn_audio._progress import progress_bar
from sklearn_audio._threads import ordered_map
from sklearn_audio.dsp import PRESETS, FrontEnd
from sklearn_audio.engine import check_output, front_end_frames
from sklearn_audio.engine.training import RowView, store_rows
from sklearn_audio.ragged import Ragged, RaggedBuilder
from sklearn_audio.validation import AudioClips

__all__ = ["AudioInput", "check_powers"]

_WAVEFORM_RATE = 32000
_VALUES_PER_CHUNK = 1 << 22


class AudioInput(NamedTuple):
    """Read recordings into rows."""

    front_end: FrontEnd | None
    rate: int

    @classmethod
    def of(cls, front_end: Any, sample_rate: int | None, waveforms: bool, log_compression: str | None) -> AudioInput:
        """Resolve the parameters of a classifier."""
        if waveforms:
            if front_end is not None:
                raise ValueError("this architecture takes waveforms; leave front_end at None.")
            return cls(None, _WAVEFORM_RATE if sample_rate is None else int(sample_rate))
        if isinstance(front_end, str):
            check_name("front end", front_end, PRESETS)
            front_end = PRESETS[front_end]
        if log_compression is not None:
            front_end = replace(front_end, log=None, mean=0.0, std=1.0)
        return cls(front_end, front_end.sample_rate)

    def row(self, clips: AudioClips, row: int) -> NDArray[np.float32]:
        """Read a clip, and compute its frames if there is a front end.

        Shapes: -> (n_frames, n_features), or (n_timepoints,).
        """
        if self.front_end is None:
            return clips[row]
        frames = np.concatenate(list(front_end_frames(self.front_end, clips.stream(row))))
        self.front_end.finish(torch.from_numpy(frames))
        check_output(frames, clips.describe, row)
        return frames

    def store(self, clips: AudioClips, *, waveforms: bool, **options: Any) -> RowView:
        """Read all clips once."""
        kept = AudioInput(None, self.rate) if waveforms else self
        return store_rows(lambda row: kept.row(clips, row), len(clips), kept.item_shape, **options)

    @property
    def item_shape(self) -> tuple[int, ...]:
        """Shape of one item of a row."""
        return () if self.front_end is None else (self.front_end.n_features,)

    def chunks(self, clips: AudioClips, *, n_jobs: int | None, verbose: int, description: str) -> Iterator[RowView]:
        """Read the clips in chunks that bound the memory."""
        builder, n_values = RaggedBuilder(self.item_shape, np.float32), 0
        with closing(ordered_map(lambda row: self.row(clips, row), range(len(clips)), n_jobs)) as rows:
            for row in progress_bar(rows, description=description, total=len(clips), unit="clip", shown=verbose):
                builder.extend(row)
                builder.close_row()
                n_values += row.size
                if n_values > _VALUES_PER_CHUNK:
                    yield RowView.of(Ragged(*builder.finish()))
                    builder, n_values = RaggedBuilder(self.item_shape, np.float32), 0
        if n_values:
            yield RowView.of(Ragged(*builder.finish()))


def check_powers(rows: RowView) -> None:
    """Raise for negative frames, which are not powers or magnitudes, if the network takes their logarithm."""
    for row in range(len(rows)):
        lowest = rows[row].min()
        if lowest < 0:
            raise ValueError(
                f"row {row} holds {lowest:g}, but log_compression takes the logarithm of powers, which are not "
                "negative. Compute the frames without a logarithm (log=None), or leave log_compression at None."
            )
