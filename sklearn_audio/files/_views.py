"""Views of a recording: stretches of its bytes, with some bytes replaced, as a file that decoders read."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

from sklearn_audio.files._sources import OpenSource

__all__ = ["ByteReader", "Inserted", "Pieces", "overlaid", "shifted", "view_of"]

# Bytes of a view in order: those at (start, stop) of the recording, or others in their place.
Pieces = tuple[tuple[int, int] | bytes, ...]

_HEAD_BYTES = 4096
_WINDOW_BYTES = 1024
_FIRST_BLOCK_BYTES, _BLOCK_BYTES = 1 << 14, 1 << 18


class ByteReader:
    """Reads the bytes of a recording from an offset on; those at its head, and near those read last, are read once."""

    def __init__(self, opened: OpenSource, base: int = 0) -> None:
        self.base = base
        self.size = opened.n_bytes - base
        self._opened = opened
        self._head = opened.peek(_HEAD_BYTES, at=base)
        self._window, self._window_start = b"", 0

    def at(self, offset: int, n: int) -> bytes:
        """Return up to n bytes at an offset; fewer at the end, and none where a damaged header points elsewhere."""
        if offset < 0 or n <= 0:
            return b""
        if offset + n <= len(self._head):
            return self._head[offset : offset + n]
        skipped = offset - self._window_start
        if skipped >= 0 and skipped + n <= len(self._window):
            return self._window[skipped : skipped + n]
        return self._peek(offset, n)

    def _peek(self, offset: int, n: int) -> bytes:
        """Read bytes and, where there are few, some more, as what is asked for next mostly lies among these."""
        n_bytes = min(max(n, _WINDOW_BYTES), self.size - offset)
        data = self._opened.peek(n_bytes, at=self.base + offset) if n_bytes > 0 else b""
        if n <= _BLOCK_BYTES:
            self._window, self._window_start = data, offset
        return data[:n]

    def blocks(self, offset: int = 0) -> Iterator[bytes]:
        """Iterate over all bytes from an offset on, a block at a time; the first are small, as they may suffice."""
        n_bytes = _FIRST_BLOCK_BYTES
        while block := self.at(offset, n_bytes):
            yield block
            offset += len(block)
            n_bytes = min(4 * n_bytes, _BLOCK_BYTES)

    def view(self, pieces: Pieces) -> OpenSource:
        """Open a view of the bytes from offset 0 on."""
        return view_of(self._opened, shifted(pieces, self.base))

    def finds(self, pattern: bytes, offset: int = 0) -> Iterator[int]:
        """Iterate over the offsets of a pattern at or after an offset; each byte is read once, however many follow."""
        kept = b""
        for block in self.blocks(offset):
            joined = kept + block
            found = joined.find(pattern)
            while found >= 0:
                yield offset - len(kept) + found
                found = joined.find(pattern, found + 1)
            offset += len(block)
            kept = joined[-(len(pattern) - 1) :]


class Inserted(bytes):
    """Bytes that are put in front of others, and replace none."""


def overlaid(start: int, stop: int, replaced: Mapping[int, bytes]) -> Pieces:
    """Make the pieces of the bytes from start to stop, with those at some offsets replaced by as many others.

    What lies beyond the stop, or within what was replaced before, is left out.
    """
    pieces: list[tuple[int, int] | bytes] = []
    for offset, content in sorted(replaced.items()):
        following = offset + (0 if isinstance(content, Inserted) else len(content))
        if start <= offset and following <= stop:
            pieces += [(start, offset), content]
            start = following
    return (*pieces, (start, stop))


def shifted(pieces: Pieces, base: int) -> Pieces:
    """Move pieces by an offset."""
    return tuple(piece if isinstance(piece, bytes) else (piece[0] + base, piece[1] + base) for piece in pieces)


def view_of(opened: OpenSource, pieces: Pieces, *, owns: bool = False) -> OpenSource:
    """Open a view of a recording, without what lies beyond its end; closing it closes that only if it owns it."""
    n_bytes = opened.n_bytes
    pieces = tuple(
        piece if isinstance(piece, bytes) else (max(0, piece[0]), min(piece[1], n_bytes)) for piece in pieces
    )
    file = _PieceFile(opened.file.raw, pieces, owns)
    return OpenSource(file, opened.label, file.n_bytes)


class _PieceFile(io.RawIOBase):
    """A file whose bytes are pieces of another, with a position of its own."""

    def __init__(self, source: Any, pieces: Pieces, owns: bool) -> None:
        self._source = source
        self._owns = owns
        self._pieces = [piece for piece in pieces if len(piece) and (isinstance(piece, bytes) or piece[0] < piece[1])]
        lengths = [len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in self._pieces]
        self._starts = list(accumulate(lengths, initial=0))
        self.n_bytes = self._starts[-1]
        self._position = 0

    def close(self) -> None:
        if self._owns and not self.closed:
            self._source.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.n_bytes}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        n_read = 0
        while n_read < len(view) and self._position < self.n_bytes:
            part = self._read_piece(len(view) - n_read)
            if not part:
                break
            view[n_read : n_read + len(part)] = part
            n_read += len(part)
            self._position += len(part)
        return n_read

    def _read_piece(self, n: int) -> bytes:
        """Read up to n bytes from the piece at the position."""
        i = bisect_right(self._starts, self._position) - 1
        piece, offset = self._pieces[i], self._position - self._starts[i]
        if isinstance(piece, bytes):
            return piece[offset : offset + n]
        self._source.seek(piece[0] + offset)
        part: bytes = self._source.read(min(n, piece[1] - piece[0] - offset))
        return part
