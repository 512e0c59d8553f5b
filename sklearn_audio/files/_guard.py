"""Files for decoders written in C: exceptions are kept instead of being raised into C code."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Generator
from functools import cached_property
from typing import Any, cast

import soundfile


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


class GuardedFile:
    """A binary file that never raises: the first exception is kept in `failure`, and nothing more is read.

    An exception in a callback from C is printed and dropped, and the recording would end silently. Callers of a decoder
    therefore check `failure` after each call.

    Ctrl-C during C code is raised on entry to the next Python function, before any ``try`` in it. Methods that a
    decoder calls are therefore cffi callbacks, which also catch exceptions on entry, or generators, which resume at a
    ``yield`` within their ``try``.
    """

    def __init__(self, file: Any, n_bytes: int) -> None:
        self.raw = file
        self.n_bytes = n_bytes
        self._kept = KeptFailure()

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

    @property
    def failure(self) -> BaseException | None:
        """The first exception, or None."""
        return self._kept.error

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

    def peek(self, n: int, at: int) -> bytes:
        """Read n bytes at an offset; empty on failure. Moves the position, so not for use while a decoder reads."""
        with self._kept:
            if type(self.raw) is io.FileIO and hasattr(os, "pread"):
                return os.pread(self.raw.fileno(), n, at)  # one system call instead of three
            self.raw.seek(at)
            data: bytes = self.raw.read(n)
            self.raw.seek(0)
            return data
        return b""

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
                    if self.failure is None:
                        answer = method(argument)

    def _seek(self, offset: int, whence: int) -> int:
        if self.failure is not None:
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
        """Close the file."""
        self.raw.close()
