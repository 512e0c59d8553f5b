"""Run a computation over clips: ahead in threads, bounded in memory, with one rule for rows that fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sklearn_audio._caller import warn_caller
from sklearn_audio._progress import progress_bar
from sklearn_audio.engine._outputs import check_output
from sklearn_audio.engine._streams import ordered_streams
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.ragged import Ragged, RaggedBuilder
from sklearn_audio.validation import AudioClips

__all__ = ["ClipErrors", "OnError", "collect_rows"]

OnError = Literal["raise", "nan"]
Parts = Iterator[NDArray[Any]]
_ROW_ERRORS = (AudioReadError, ValueError, TypeError)


class ClipErrors:
    """The rows that failed, and the one warning that lists them.

    Parameters
    ----------
    on_error : {"raise", "nan"}
        Whether the first failure ends the run.

    Examples
    --------
    >>> from sklearn_audio.engine._clips import ClipErrors
    >>> errors = ClipErrors("nan")
    >>> errors.rows
    []
    """

    def __init__(self, on_error: OnError) -> None:
        self.caught: tuple[type[Exception], ...] = _ROW_ERRORS if on_error == "nan" else ()
        self.rows: list[int] = []
        self._reasons: list[str] = []

    def add(self, row: int, error: Exception) -> None:
        """Remember a failed row.

        Parameters
        ----------
        row : int
            Which clip.
        error : Exception
            Why.
        """
        self.rows.append(row)
        self._reasons.append(str(error))

    def warn(self) -> None:
        """Warn once about all failed rows; quiet if there are none."""
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
    """Compute one ragged row per clip.

    Parameters
    ----------
    clips : AudioClips
        What to compute on.
    extract : callable
        Takes a row number and yields the pieces of that row, each of shape (n, *item_shape).
    item_shape : sequence of int
        Shape of one item of a row.
    dtype : dtype, default=numpy.float32
        Type of the values.
    complete : callable, default=None
        Called with the row when all of it is there, to change it in place.
    n_jobs : int, default=None
        Background threads.
    on_error : {"raise", "nan"}, default="raise"
        Whether a row that cannot be read ends the run, or becomes one item of NaN.
    verbose : int, default=0
        1 shows a progress bar.
    description : str, default="clips"
        Label of the progress bar.

    Returns
    -------
    rows : Ragged
        One row per clip.
    failed : list of int
        Rows that became NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.engine._clips import collect_rows
    >>> from sklearn_audio.validation import check_audio
    >>> clips = check_audio([np.zeros(5), np.ones(3)], 16000, bare_rate=16000)
    >>> collect_rows(clips, clips.stream, item_shape=())[0].lengths
    array([5, 3])
    """
    errors = ClipErrors(on_error)
    builder = RaggedBuilder(item_shape, dtype)

    # closed on the way out, so that an error here ends the background threads as well
    with closing(ordered_streams(lambda row: (row, extract(row)), range(len(clips)), n_jobs)) as streams:
        for row, parts in progress_bar(streams, description=description, total=len(clips), unit="clip", shown=verbose):
            try:
                for part in parts:
                    builder.extend(part)
                if complete is not None:
                    complete(builder.open_row())
                check_output(builder.open_row(), clips.describe(row))
            except errors.caught as error:
                errors.add(row, error)
                builder.discard()
                builder.extend(np.full((1, *item_shape), np.nan, dtype=dtype))
            builder.close_row()
    errors.warn()
    return Ragged(*builder.finish()), errors.rows
