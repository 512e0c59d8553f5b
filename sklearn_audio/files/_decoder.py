"""The interface of decoders, and the check of the decoded length against the header."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._caller import warn_caller
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files._sources import Label


class Promise(NamedTuple):
    """Length of a recording according to its header and its number of bytes."""

    n_timepoints: int | None = None
    tolerance: int = 0
    flaw: str = ""
    surplus: str = ""


class Decoder(Protocol):
    """Header fields, one seek before the first read, and sequential reading."""

    sample_rate: int
    n_channels: int
    n_timepoints: int | None
    length_is_exact: bool  # never more timepoints than n_timepoints; possibly fewer
    format: str
    promise: Promise

    def seek(self, timepoint: int) -> int:
        """Seek to a timepoint or to one before it; returns the position."""

    def read(self, n: int) -> NDArray[np.float32]:
        """Read up to n timepoints, shape (n, n_channels); fewer only at the end."""

    def close(self) -> None:
        """Close the decoder and what it opened."""


class Layout(NamedTuple):
    """Rate in Hz and number of channels."""

    sample_rate: int
    n_channels: int


def changed_on_the_way(label: Label, before: Decoder | Layout, after: Decoder | Layout) -> AudioReadError:
    """Error for a recording whose rate or number of channels changes midway."""
    return label.unreadable(
        f"it changes from {_layout(before)} to {_layout(after)} on the way",
        "split it there, or convert it to one rate and number of channels with: ffmpeg -i OLD NEW.wav",
    )


def _layout(part: Decoder | Layout) -> str:
    return f"{part.n_channels} channel{'s'[: part.n_channels > 1]} at {part.sample_rate} Hz"


class Delivery:
    """Compares the length that was read with the length in the header."""

    def __init__(self, label: Label, decoder: Decoder, strict: bool) -> None:
        self._label = label
        self._decoder = decoder
        self._strict = strict

    def _seconds(self, n_timepoints: int) -> str:
        return f"{n_timepoints / self._decoder.sample_rate:.3f} s"

    def is_short_of(self, wanted: float, n_timepoints: int) -> bool:
        """Whether the recording ends at a timepoint before the requested one although its header promises more."""
        promise = self._decoder.promise  # some decoders update it while reading
        if n_timepoints >= wanted or promise.flaw:
            return n_timepoints < wanted
        promised = promise.n_timepoints
        return promised is not None and n_timepoints + promise.tolerance < min(promised, wanted)

    def check(self, wanted: float, n_timepoints: int, on_warning: Callable[[str], None] | None) -> None:
        """Warn, or raise if strict, when the recording ends too early or continues past the length in its header."""
        if self.is_short_of(wanted, n_timepoints):
            if self._strict or not n_timepoints:
                raise self.refusal(n_timepoints)
            self._warn(f"{self._shortfall(n_timepoints)}. Replace the recording", on_warning)
        elif self._decoder.promise.surplus and n_timepoints < wanted:
            surplus = f"{self._decoder.promise.surplus}; all {self._seconds(n_timepoints)} were read"
            if self._strict:
                raise self._label.unreadable(surplus, "check its end")
            self._warn(f"{surplus}. Check its end", on_warning)

    def refusal(self, n_timepoints: int) -> AudioReadError:
        """Error for a recording that ends before the length in its header."""
        return self._label.unreadable(self._shortfall(n_timepoints), "replace the recording")

    def _shortfall(self, n_timepoints: int) -> str:
        promise, seconds = self._decoder.promise, f"{self._seconds(n_timepoints)} were read"
        reason = promise.flaw or "it holds less than its header says"
        if promise.n_timepoints is None:
            return f"{reason}; {seconds}"
        return f"{reason}; its header promises {self._seconds(promise.n_timepoints)}, and {seconds}"

    def _warn(self, finding: str, on_warning: Callable[[str], None] | None) -> None:
        text = f"{finding}, or refuse such recordings: AudioLoader(strict=True)."
        if on_warning is not None:
            on_warning(text)
        else:
            warn_caller(f"{self._label.where}: {text}")
