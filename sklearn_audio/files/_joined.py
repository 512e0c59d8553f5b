"""Decoding of several links in one file, such as concatenated MP3 or Ogg files, as one recording."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

import numpy as np
import soundfile
from numpy.typing import NDArray

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files._decoder import Decoder, Promise, changed_on_the_way
from sklearn_audio.files._sources import OpenSource
from sklearn_audio.files._views import Link


class JoinedDecoder:
    """Reads the links of a file in order, with only one open at a time."""

    def __init__(self, opened: OpenSource, links: list[Link], open_link: Callable[[Link], Decoder]) -> None:
        self._opened = opened
        self._open_link = open_link
        self._streams = links
        first = self._facts(links[0])
        facts = [first, *(self._facts(link) for link in links[1:-1]), *self._facts_of_last(links[-1])]
        self._streams = links[: len(facts)]
        self.sample_rate, self.n_channels, self.format = first.sample_rate, first.n_channels, first.format
        for fact in facts:
            if (fact.sample_rate, fact.n_channels) != (self.sample_rate, self.n_channels):
                raise changed_on_the_way(opened.label, first, fact)
        lengths = [fact.n_timepoints for fact in facts]
        known = [length for length in lengths if length is not None]
        self.length_is_exact = len(known) == len(lengths) and all(fact.length_is_exact for fact in facts)
        self.n_timepoints = sum(known) if len(known) == len(lengths) else None
        self._starts = list(accumulate(known, initial=0))[:-1] if self.length_is_exact else [0]
        self.promise = _sum_of([fact.promise for fact in facts], len(links) - len(facts))
        self._current = 0
        self._decoder: Decoder | None = None

    def _facts(self, link: Link) -> Decoder:
        """Open a link, read its header fields, and close it."""
        decoder = self._open_link(link)
        decoder.close()
        return decoder

    def _facts_of_last(self, link: Link) -> list[Decoder]:
        """Header fields of the last link; empty if the file ends within its header."""
        try:
            return [self._facts(link)]
        except AudioReadError as error:
            if not isinstance(error.__cause__, soundfile.LibsndfileError | AudioReadError):
                raise  # unreadable, or a missing dependency
            return []

    def seek(self, timepoint: int) -> int:
        """Seek to a timepoint or to one before it; returns the position."""
        self._current = min(bisect_right(self._starts, timepoint), len(self._starts)) - 1
        start = self._starts[self._current]
        if not self.length_is_exact:
            return 0
        return start + self._opened_decoder().seek(timepoint - start)

    def _opened_decoder(self) -> Decoder:
        if self._decoder is None:
            self._decoder = self._open_link(self._streams[self._current])
        return self._decoder

    def read(self, n: int) -> NDArray[np.float32]:
        """Read up to n timepoints, shape (n, n_channels); fewer only at the end of the last link."""
        pieces = [self._opened_decoder().read(n)]
        n_read = len(pieces[0])
        while n_read < n and self._current + 1 < len(self._streams):
            self._close_current()
            self._current += 1
            pieces.append(self._opened_decoder().read(n - n_read))
            n_read += len(pieces[-1])
        return np.concatenate(pieces)

    def _close_current(self) -> None:
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None

    def close(self) -> None:
        """Close the decoder and what it opened."""
        self._close_current()
        self._opened.close()


def _sum_of(promises: list[Promise], n_unread: int) -> Promise:
    """Sum of the promises of several links."""
    lengths = [promise.n_timepoints for promise in promises]
    flaws = [promise.flaw for promise in promises if promise.flaw] + ["it ends within the header of a link"] * n_unread
    known = [length for length in lengths if length is not None]
    total = sum(known) if len(known) == len(lengths) and not n_unread else None
    surplus = next((promise.surplus for promise in promises if promise.surplus), "")
    return Promise(total, sum(promise.tolerance for promise in promises), flaws[0] if flaws else "", surplus)
