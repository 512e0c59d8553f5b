"""The interface of decoders, and the length that is known before anything is decoded."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files._sources import Label

__all__ = ["Decoder", "Layout", "Promise", "changed_on_the_way"]


class Promise(NamedTuple):
    """What the header of a recording and the number of its bytes say about its length."""

    n_timepoints: int | None = None
    tolerance: int = 0
    flaw: str = ""
    surplus: str = ""


class Decoder(Protocol):
    """Facts from the header, a jump before the first read, and reading on."""

    sample_rate: int
    n_channels: int
    n_timepoints: int | None
    length_is_exact: bool  # whether nothing follows after that many timepoints; there may be fewer
    format: str
    promise: Promise

    def seek(self, timepoint: int) -> int:
        """Go to a timepoint or before it, and say where."""

    def read(self, n: int) -> NDArray[np.float32]:
        """Read up to n timepoints, shape (n, n_channels); fewer only at the end."""

    def close(self) -> None:
        """Close the decoder and what was opened for it."""


class Layout(NamedTuple):
    """Rate in Hz and number of channels."""

    sample_rate: int
    n_channels: int


def changed_on_the_way(label: Label, before: Decoder | Layout, after: Decoder | Layout) -> AudioReadError:
    """Make the error for a recording whose rate or number of channels changes within it."""
    return label.unreadable(
        f"it changes from {before.n_channels} channels at {before.sample_rate} Hz to {after.n_channels} channels at "
        f"{after.sample_rate} Hz on the way",
        "split it there",
    )
