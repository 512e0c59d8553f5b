"""Computation over clips: in background threads, with bounded memory, and one rule for rows that fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sklearn_audio._caller import warn_caller
from sklearn_audio._progress import progress_bar
from sklearn_audio.engine._streams import ordered_streams
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import all_finite
from sklearn_audio.ragged import Ragged, RaggedBuilder
from sklearn_audio.validation import AudioClips

__all__ = ["ClipErrors", "OnError", "check_output", "collect_rows"]

OnError = Literal["raise", "nan"]
Parts = Iterator[NDArray[Any]]
_ROW_ERRORS = (AudioReadError, ValueError, TypeError)


class ClipErrors:
    """Failed rows, and the warning that lists them."""

    def __init__(self, on_error: OnError) -> None:
        self.caught: tuple[type[Exception], ...] = _ROW_ERRORS if on_error == "nan" else ()
        self.rows: list[int] = []
        self._reasons: list[str] = []

    def add(self, row: int, error: Exception) -> None:
        """Remember a failed row."""
        self.rows.append(row)
        self._reasons.append(str(error))

    def warn(self) -> None:
        """Warn once about all failed rows, if there are any."""
        if self.rows:
            listed = "\n".join(f"  {reason}" for _, reason in sorted(zip(self.rows, self._reasons, strict=True)))
            warn_caller(f"{len(self.rows)} clip(s) could not be used and became NaN:\n{listed}")


def collect_rows(
    clips: AudioClips,
    extract: Callable[[int], Parts],
    *,
    item_shape: Sequence[int],
    dtype: DTypeLike = np.float32,
    complete: Callable[[NDArray[Any]], None] | None = None,
    n_jobs: int | None = None,
    on_error: OnError = "raise",
    verbose: int = 0,
    description: str = "clips",
) -> tuple[Ragged, list[int]]:
    """Compute one ragged row per clip."""
    errors = ClipErrors(on_error)
    builder = RaggedBuilder(item_shape, dtype)

    # an error in this loop must end the background threads as well
    with closing(ordered_streams(lambda row: (row, extract(row)), range(len(clips)), n_jobs)) as streams:
        for row, parts in progress_bar(streams, description=description, total=len(clips), unit="clip", shown=verbose):
            try:
                for part in parts:
                    builder.extend(part)
                if complete is not None:
                    complete(builder.open_row())
                check_output(builder.open_row(), clips.describe, row)
            except errors.caught as error:
                errors.add(row, error)
                builder.discard()
                builder.extend(np.full((1, *item_shape), np.nan, dtype=dtype))
            builder.close_row()
    errors.warn()
    return Ragged(*builder.finish()), errors.rows


def check_output(values: NDArray[Any], describe: Callable[[int], str], row: int) -> None:
    """Raise if the output for a clip is not finite, such as the power of huge samples."""
    if not all_finite(values):
        raise ValueError(
            f"{describe(row)}: the output for the clip is NaN or infinite, though its samples are finite: "
            "samples far beyond [-1, 1] leave the range of float32. Repair it or leave it out."
        )
