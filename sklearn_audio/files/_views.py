"""Views of a recording: parts of its bytes, with some bytes replaced, as a file that decoders read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any, NamedTuple

from sklearn_audio.files._sources import OpenSource, PositionedFile

# Bytes of a view in order: (start, stop) of the recording, or replacement bytes.
Pieces = tuple[tuple[int, int] | bytes, ...]

_HEAD_BYTES = 4096
_WINDOW_BYTES = 1024
_FIRST_BLOCK_BYTES, _BLOCK_BYTES = 1 << 14, 1 << 18


class ByteReader:
    """Random access to the bytes of a recording from an offset, with its head and the last window cached."""

    def __init__(self, opened: OpenSource, base: int = 0) -> None:
        self.base = base
        self.size = opened.n_bytes - base
        self._opened = opened
        self._head = opened.peek(_HEAD_BYTES, at=base)
        self._window, self._window_start = b"", 0

    def at(self, offset: int, n: int) -> bytes:
        """Return up to n bytes at an offset; fewer at the end, none outside the file."""
        n = min(n, self.size - offset)
        if offset < 0 or n <= 0:
            return b""
        if offset + n <= len(self._head):
            return self._head[offset : offset + n]
        skipped = offset - self._window_start
        if skipped >= 0 and skipped + n <= len(self._window):
            return self._window[skipped : skipped + n]
        return self._peek(offset, n)

    def _peek(self, offset: int, n: int) -> bytes:
        """Read bytes, at least one window, as the next access is mostly nearby."""
        data = self._opened.peek(min(max(n, _WINDOW_BYTES), self.size - offset), at=self.base + offset)
        if n <= _BLOCK_BYTES:
            self._window, self._window_start = data, offset
        return data[:n]

    def blocks(self, offset: int = 0) -> Iterator[bytes]:
        """Iterate over the bytes from an offset in blocks; the first are small, as they may suffice."""
        n_bytes = _FIRST_BLOCK_BYTES
        while block := self.at(offset, n_bytes):
            yield block
            offset += len(block)
            n_bytes = min(4 * n_bytes, _BLOCK_BYTES)

    def view(self, pieces: Pieces) -> OpenSource:
        """Open a view relative to the reader's base."""
        return view_of(self._opened, shifted(pieces, self.base))

    def finds(self, pattern: bytes, offset: int = 0) -> Iterator[int]:
        """Iterate over the offsets of a pattern, from an offset on; each byte is read once."""
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
    """Bytes inserted at an offset, replacing none."""


def overlaid(start: int, stop: int, replaced: Mapping[int, bytes]) -> Pieces:
    """Pieces of the bytes from start to stop with replacements by offset; overlapping or later ones are dropped."""
    pieces: list[tuple[int, int] | bytes] = []
    for offset, content in sorted(replaced.items()):
        following = offset + (0 if isinstance(content, Inserted) else len(content))
        if start <= offset and following <= stop:
            pieces += [(start, offset), content]
            start = following
    return (*pieces, (start, stop))


def shifted(pieces: Pieces, base: int) -> Pieces:
    """Shift pieces by an offset."""
    return tuple(piece if isinstance(piece, bytes) else (piece[0] + base, piece[1] + base) for piece in pieces)


def view_of(opened: OpenSource, pieces: Pieces, *, owns: bool = False) -> OpenSource:
    """Open a view of a recording, clipped to its size; closing the view closes the recording only if it owns it."""
    n_bytes = opened.n_bytes
    pieces = tuple(
        piece if isinstance(piece, bytes) else (max(0, piece[0]), min(piece[1], n_bytes)) for piece in pieces
    )
    file = _PieceFile(opened.raw, pieces, owns)
    return OpenSource(file, opened.label, file.n_bytes)


class _PieceFile(PositionedFile):
    """A file made of pieces of another, with its own position."""

    def __init__(self, source: Any, pieces: Pieces, owns: bool) -> None:
        self._source = source
        self._owns = owns
        self._pieces = [piece for piece in pieces if len(piece) and (isinstance(piece, bytes) or piece[0] < piece[1])]
        lengths = [len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in self._pieces]
        self._starts = list(accumulate(lengths, initial=0))
        super().__init__(self._starts[-1])

    def close(self) -> None:
        if self._owns and not self.closed:
            self._source.close()
        super().close()

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


# Magic bytes of containers that may follow each other in one file.
MAGICS = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"caff", b"riff", b".snd", b"dns.", b"NIST", b"fLaC", b"OggS")


class Link(NamedTuple):
    """The bytes of one recording within a file (Ogg's term); most files hold only one."""

    stop: int
    pieces: Pieces | None = None
    n_timepoints: int | None = None
    promised: int | None = None
    flaw: str = ""
    surplus: str = ""
    is_mpeg: bool = False
    is_estimate: bool = False
