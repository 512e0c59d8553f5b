"""Sources of audio: a path, bytes or a binary file, opened without changing the caller's object."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, cast

import soundfile

from sklearn_audio._forks import ForkSafeLock
from sklearn_audio._paths import local_path
from sklearn_audio.exceptions import AudioReadError

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO

# Rows may share a file object: one of these locks guards its position.
_LOCKS = tuple(ForkSafeLock() for _ in range(64))


@dataclass(frozen=True, slots=True)
class Label:
    """Name of a recording in messages."""

    name: str
    row: int | None = None

    @property
    def where(self) -> str:
        """Prefix of a message about a wrong argument."""
        return self.name if self.row is None else f"row {self.row} ({self.name})"

    def unreadable(self, reason: str, advice: str) -> AudioReadError:
        """Error for a recording that cannot be read, with the reason and advice."""
        prefix = "" if self.row is None else f"row {self.row}: "
        return AudioReadError(f"{prefix}cannot read {self.name}: {reason}; {advice}")


class KeptFailure:
    """Keeps the first exception of its ``with`` blocks instead of raising it."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        if isinstance(error, GeneratorExit):
            return False
        self.keep(kind, error, traceback)
        return True

    def keep(self, kind: object, error: BaseException | None, traceback: object) -> None:
        """Keep an exception, unless there is an earlier one."""
        if self.error is None:
            self.error = error


class OpenSource:
    """An open recording: a binary file at position 0, its size and its label, for decoders written in C.

    Methods that a decoder calls never raise: the first exception is kept, and nothing more is read. An
    exception in a callback from C is printed and dropped, and the recording would end silently. Callers of a decoder
    therefore call `raise_failure` after each call.

    Ctrl-C during C code is raised on entry to the next Python function, before any ``try`` in it. Methods that a
    decoder calls are therefore cffi callbacks, which also catch exceptions on entry, or generators, which resume at a
    ``yield`` within their ``try``.
    """

    def __init__(self, file: Any, label: Label, n_bytes: int) -> None:
        self.raw = file
        self.label = label
        self.n_bytes = n_bytes
        self._kept = KeptFailure()

    def descriptor(self) -> int | None:
        """Return the file descriptor of a regular file, which lets a decoder read without callbacks into Python."""
        return self.raw.fileno() if isinstance(self.raw, io.FileIO) else None

    def peek(self, n: int, at: int = 0) -> bytes:
        """Read n bytes at an offset. Moves the position, so not for use while a decoder reads."""
        data = b""
        with self._kept:
            if type(self.raw) is io.FileIO and hasattr(os, "pread"):
                data = os.pread(self.raw.fileno(), n, at)  # one system call instead of three
            else:
                self.raw.seek(at)
                data = self.raw.read(n)
                self.raw.seek(0)
        self.raise_failure()
        return data

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Raise read errors of the file in place of the decoder error they cause."""
        try:
            yield
        finally:
            self.raise_failure()

    def raise_failure(self) -> None:
        """Raise the exception of a failed read, if any."""
        failure = self._kept.error
        if failure is None:
            return
        if isinstance(failure, Exception):
            raise self.label.unreadable(
                f"reading its bytes failed ({type(failure).__name__}: {failure})", "check where they come from"
            ) from failure
        raise failure  # Ctrl-C is not a fault of the recording

    @cached_property
    def read(self) -> Callable[[int], bytes]:
        """Read up to n bytes."""
        return self._answering(self.raw.read, b"")

    @cached_property
    def readinto(self) -> Callable[[Any], int]:
        """Read into a buffer; returns the number of bytes."""
        return self._answering(self.raw.readinto, 0)

    @cached_property
    def seek(self) -> Callable[[int, int], int]:
        """Seek to an offset; returns the position."""
        return cast("Callable[[int, int], int]", self.callback("long long(long long, int)", self._seek, -errno.EIO))

    def callback(self, signature: str, function: Callable[..., int], if_failed: int = 0) -> Any:
        """Wrap a Python function as a C function; its exceptions are kept."""
        return soundfile._ffi.callback(signature, function, error=if_failed, onerror=self._kept.keep)

    def virtual_io(self) -> dict[str, Any]:
        """Callbacks through which libsndfile reads the file; each has one guard only, as they are called often."""
        raw, buffer, kept = self.raw, soundfile._ffi.buffer, self._kept
        readinto = raw.readinto

        def read(start: Any, n: int, _: Any) -> Any:
            return 0 if kept.error is not None else readinto(buffer(start, n))

        return {
            "get_filelen": self.callback("sf_vio_get_filelen", lambda _: self.n_bytes),
            "seek": self.callback("sf_vio_seek", lambda offset, whence, _: self._seek(offset, whence), -errno.EIO),
            "read": self.callback("sf_vio_read", read),
            "write": self.callback("sf_vio_write", lambda start, n, _: 0),
            "tell": self.callback("sf_vio_tell", lambda _: raw.tell(), -errno.EIO),
        }

    def _answering(self, method: Callable[[Any], Any], if_failed: Any) -> Callable[[Any], Any]:
        answers = self._answers(method, if_failed)
        next(answers)
        return answers.send

    def _answers(self, method: Callable[[Any], Any], if_failed: Any) -> Generator[Any, Any, None]:
        answer = if_failed
        while True:
            with self._kept:
                while True:
                    argument = yield answer
                    answer = if_failed
                    if self._kept.error is None:
                        answer = method(argument)

    def _seek(self, offset: int, whence: int) -> int:
        if self._kept.error is not None:
            return -errno.EIO
        position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.raw.tell(), io.SEEK_END: self.n_bytes}[whence]
        # a damaged header may point before the start: not a failure of the file
        return int(self.raw.seek(position)) if position >= 0 else -errno.EINVAL

    def tell(self) -> int:
        """Return the position."""
        with self._kept:
            return int(self.raw.tell())
        return -errno.EIO

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def seekable(self) -> bool:
        """Whether it can seek: always."""
        return True

    def close(self) -> None:
        """Close the file; a file object of the caller stays open."""
        self.raw.close()


class PositionedFile(io.RawIOBase):
    """A readable file of known size with its own position; subclasses implement ``readinto``."""

    def __init__(self, n_bytes: int) -> None:
        self.n_bytes = n_bytes
        self._position = 0

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


class _SharedFile(PositionedFile):
    """A view of the caller's seekable file object with its own position; the caller's position is restored."""

    def __init__(self, source: Any, n_bytes: int) -> None:
        super().__init__(n_bytes)
        self._source = source
        self._lock = _lock_of(source)

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
    """Open a recording at its first byte."""
    if isinstance(source, (str, os.PathLike)):
        return _open_path(os.fsdecode(source), row)
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = source if isinstance(source, bytes) else bytes(source)
        return _in_memory(data, Label(f"<{len(data)} bytes>", row))
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
    """Return advice, with a leading space, on a missing path with backslashes where the separator is a slash."""
    if os.sep == "\\" or "\\" not in path:
        return ""
    return f" It is written as on Windows; here the separator is a slash: {path.replace(chr(92), '/')!r}."


def _open_file_object(source: Any, label: Label) -> OpenSource:
    kept = KeptFailure()
    with kept:  # a user's object may raise anything
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
