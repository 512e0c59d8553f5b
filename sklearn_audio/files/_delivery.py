"""The length that a header promises, held against what was read: a warning, or a refusal."""

from __future__ import annotations

from collections.abc import Callable

from sklearn_audio._caller import warn_caller
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files._decoder import Decoder, Promise
from sklearn_audio.files._sources import Label

__all__ = ["Delivery"]


class Delivery:
    """Compares what came of a recording with what its header promises."""

    def __init__(self, label: Label, decoder: Decoder, strict: bool) -> None:
        self._label = label
        self._decoder = decoder
        self._strict = strict

    @property
    def _promise(self) -> Promise:
        return self._decoder.promise  # some learn of it on the way

    def _seconds(self, n_timepoints: int) -> str:
        return f"{n_timepoints / self._decoder.sample_rate:.3f} s"

    def is_short_of(self, wanted: float, n_timepoints: int) -> bool:
        """Whether the recording ends at a timepoint before the wanted one although it should go on."""
        if n_timepoints >= wanted:
            return False
        if self._promise.flaw:
            return True
        promised = self._promise.n_timepoints
        return promised is not None and n_timepoints + self._promise.tolerance < min(promised, wanted)

    def check(self, wanted: float, n_timepoints: int, on_warning: Callable[[str], None] | None) -> None:
        """Warn, or raise, if the recording ends at a timepoint before the wanted one, or goes on beyond its header."""
        if self.is_short_of(wanted, n_timepoints):
            if self._strict or not n_timepoints:
                raise self.refusal(n_timepoints)
            self._warn(f"{self._shortfall(n_timepoints)}. Replace the recording", on_warning)
        elif self._promise.surplus and n_timepoints < wanted:
            surplus = f"{self._promise.surplus}; all {self._seconds(n_timepoints)} were read"
            if self._strict:
                raise self._label.unreadable(surplus, "check its end")
            self._warn(f"{surplus}. Check its end", on_warning)

    def refusal(self, n_timepoints: int) -> AudioReadError:
        """Make the error for a recording that ends at a timepoint although it should go on."""
        return self._label.unreadable(self._shortfall(n_timepoints), "replace the recording")

    def _shortfall(self, n_timepoints: int) -> str:
        reason = self._promise.flaw or "it holds less than its header says"
        seconds = f"{self._seconds(n_timepoints)} were read"
        if self._promise.n_timepoints is None:
            return f"{reason}; {seconds}"
        return f"{reason}; its header promises {self._seconds(self._promise.n_timepoints)}, and {seconds}"

    def _warn(self, finding: str, on_warning: Callable[[str], None] | None) -> None:
        text = f"{finding}, or refuse such recordings: AudioLoader(strict=True)."
        if on_warning is not None:
            on_warning(text)
        else:
            warn_caller(f"{self._label.where}: {text}")
