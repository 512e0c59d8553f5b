"""What can be read: a path, bytes or a binary file; each opened in a way that leaves the caller's object untouched."""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from typing import Any, BinaryIO

from sklearn_audio._forks import ForkSafeLock
from sklearn_audio._paths import local_path
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files._guard import GuardedFile, KeptFailure

__all__ = ["Label", "OpenSource", "Source", "backslash_hint", "open_source"]

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO

# A file object that several rows share is read under one of these locks, so that its position moves for one reader.
_LOCKS = tuple(ForkSafeLock() for _ in range(64))


@dataclass(frozen=True, slots=True)
class Label:
    """How messages name one recording."""

    name: str
    row: int | None = None

    @property
    def where(self) -> str:
        """The opening of a message about a wrong argument."""
        return self.name if self.row is None else f"row {self.row} ({self.name})"

    def unreadable(self, reason: str, advice: str) -> AudioReadError:
        """Make the error that says why this recording cannot be read, and what to do."""
        prefix = "" if self.row is None else f"row {self.row}: "
        return AudioReadError(f"{prefix}cannot read {self.name}: {reason}; {advice}")


class OpenSource:
    """An opened recording: a binary file at position 0, its size, and its name for messages."""

    def __init__(self, file: Any, label: Label, n_bytes: int) -> None:
        self.file = GuardedFile(file, n_bytes)
        self.label = label
        self.n_bytes = n_bytes

    def descriptor(self) -> int | None:
        """Return that of a file of the system, which spares a decoder the way through Python for each few kilobytes."""
        return self.file.raw.fileno() if isinstance(self.file.raw, io.FileIO) else None

    def peek(self, n: int, at: int = 0) -> bytes:
        """Read n bytes at a position, before or between decoders: the position moves."""
        head = self.file.peek(n, at)
        self.raise_failure()
        return head

    def watched(self) -> _Watch:
        """Raise what went wrong in reading the file meanwhile, rather than what a decoder made of that."""
        return _Watch(self)

    def raise_failure(self) -> None:
        """Raise what went wrong in reading the file, if anything did."""
        failure = self.file.failure
        if failure is None:
            return
        if isinstance(failure, Exception):
            raise self.label.unreadable(
                f"reading its bytes failed ({type(failure).__name__}: {failure})", "check where they come from"
            ) from failure
        raise failure  # Ctrl-C, which is no property of the recording

    def close(self) -> None:
        """Close what was opened here; a file object of the caller stays open."""
        self.file.close()


class _Watch:
    """Looks after its ``with`` block at what went wrong."""

    def __init__(self, opened: OpenSource) -> None:
        self._opened = opened

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        self._opened.raise_failure()


class _SharedFile(io.RawIOBase):
    """A view of the caller's seekable file object with a position of its own.

    The position of the file object is restored after each read, so that it looks untouched, and two views of one
    object do not disturb each other.
    """

    def __init__(self, source: Any, n_bytes: int) -> None:
        self._source = source
        self._n_bytes = n_bytes
        self._position = 0
        self._lock = _lock_of(source)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._n_bytes}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        with self._lock:
            before = self._source.tell()
            try:
                self._source.seek(self._position)
                data = self._source.read(len(view))
            finally:
                self._source.seek(before)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


def _lock_of(source: object) -> ForkSafeLock:
    return _LOCKS[id(source) // 16 % len(_LOCKS)]


def open_source(source: Source, row: int | None = None) -> OpenSource:
    """Open a recording for reading from its first byte."""
    if isinstance(source, (str, os.PathLike)):
        return _open_path(os.fsdecode(source), row)
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = source if isinstance(source, bytes) else bytes(source)
        return OpenSource(io.BytesIO(data), Label(f"<{len(data)} bytes>", row), len(data))
    if not hasattr(source, "read"):
        where = "" if row is None else f"row {row}: "
        raise TypeError(
            f"{where}expected a path, bytes or a binary file object, got {type(source).__name__}; "
            "give the recording as one of these."
        )
    return _open_file_object(source, Label(_file_name(source), row))


def _file_name(source: object) -> str:
    name = getattr(source, "name", None)
    return repr(name) if isinstance(name, str) else f"<{type(source).__name__}>"


def _open_path(path: str, row: int | None) -> OpenSource:
    label, found = Label(repr(path), row), local_path(path)
    try:
        status = os.stat(found)
        if stat.S_ISDIR(status.st_mode):
            raise label.unreadable("it is a folder", "give the files in it: list_clips(folder)")
        if not stat.S_ISREG(status.st_mode):
            raise label.unreadable("it is not a regular file", "copy its content into a file first")
        return OpenSource(open(found, "rb", buffering=0), label, status.st_size)
    except FileNotFoundError as error:
        raise label.unreadable("there is no such file", _missing_advice(path)) from error
    except PermissionError as error:
        raise label.unreadable("reading it is not permitted", "change the permissions of the file") from error
    except AudioReadError:
        raise
    except (OSError, ValueError) as error:
        raise label.unreadable(f"it cannot be opened ({error})", "check the path") from error


def _missing_advice(path: str) -> str:
    if "://" in path:
        return "download it first, as a path names a local file"
    advice = "check the path" if os.path.isabs(path) else "check the path, which is relative to the working directory"
    hint = backslash_hint(path)
    return f"{advice}.{hint}" if hint else advice


def backslash_hint(path: str) -> str:
    """Say what to do about a path as Windows writes it, on a system where a backslash separates nothing.

    Parameters
    ----------
    path : str
        A path that does not exist.

    Returns
    -------
    str
        A sentence to append, with a space before it; empty where it does not apply.

    Examples
    --------
    >>> from sklearn_audio.files import backslash_hint
    >>> backslash_hint("data/dog.wav")
    ''
    """
    if os.sep == "\\" or "\\" not in path:
        return ""
    return f" It is written as on Windows; here the separator is a slash: {path.replace(chr(92), '/')!r}."


def _open_file_object(source: Any, label: Label) -> OpenSource:
    kept = KeptFailure()
    with kept:  # the object may be of anybody's making, and raise anything
        if isinstance(source.read(0), bytes):
            return _opened(source, label)
    error = kept.error
    if error is None:
        raise TypeError(f"{label.where}: a file object must be opened in binary mode; open it with mode 'rb'.")
    if not isinstance(error, Exception):
        raise error
    complaint = str(error) if isinstance(error, (OSError, ValueError)) else f"{type(error).__name__}: {error}"
    raise label.unreadable(f"the file object cannot be read ({complaint})", "open it again") from error


def _opened(source: Any, label: Label) -> OpenSource:
    if type(source) is io.BytesIO:
        return _in_memory(source.getvalue(), label)  # shares its memory
    if not (hasattr(source, "seekable") and source.seekable()):
        return _in_memory(source.read(), label)
    with _lock_of(source):
        before = source.tell()
        n_bytes = source.seek(0, io.SEEK_END)
        source.seek(before)
    return OpenSource(_SharedFile(source, n_bytes), label, n_bytes)


def _in_memory(data: bytes, label: Label) -> OpenSource:
    return OpenSource(io.BytesIO(data), label, len(data))
