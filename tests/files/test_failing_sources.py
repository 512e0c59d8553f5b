"""Errors raised while a decoder written in C reads: nothing is lost, nothing is cut, and nothing is printed."""

from __future__ import annotations

import _thread
import asyncio
import builtins
import errno
import io
import operator
from functools import cache, partial

import numpy as np
import pytest
import soundfile

from sklearn_audio import AudioLoader
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import audio_info, read_audio
from sklearn_audio.files._sources import Label, OpenSource

RATE = 44100
FORMATS = ["WAV", "FLAC", "OGG", "MP3", "asf", "mp4"]


def by_ffmpeg(samples, container: str) -> bytes:
    av = pytest.importorskip("av")
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream("wmav2" if container == "asf" else "aac", rate=RATE, layout="mono")
        stream.bit_rate = 128000
        for first in range(0, len(samples), 1024):
            frame = av.AudioFrame.from_ndarray(samples[None, first : first + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, first
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


@cache
def recording(format) -> bytes:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 300_000).astype(np.float32)
    if format.islower():
        return by_ffmpeg(samples, format)
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=format)
    return file.getvalue()


class Failing(io.BytesIO):
    """A file object one method of which raises, once `when` bytes were read."""

    def __init__(self, data, method, error, when):
        super().__init__(data)
        self.method, self.error, self.left = method, error, when

    def check(self, method):
        if self.left <= 0 and method == self.method:
            raise self.error

    def read(self, size=-1):
        self.check("read")
        data = super().read(size)
        self.left -= len(data)
        return data

    def seek(self, offset, whence=0):
        self.check("seek")
        return super().seek(offset, whence)

    def tell(self):
        self.check("tell")
        return super().tell()


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("method", ["read", "seek", "tell"])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_is_no_error_is_raised_as_it_is(format, method, kind, capfd):
    data, error = recording(format), kind("stop")
    for when in (1, 40_000):
        with pytest.raises(kind, match="stop") as caught:
            AudioLoader(on_error="nan").transform([Failing(data, method, error, when)])
        assert caught.value is error
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("method", ["read", "seek", "tell"])
@pytest.mark.parametrize("kind", [RuntimeError, OSError, EOFError])
def test_an_error_names_the_row(format, method, kind, capfd):
    data, error = recording(format), kind("the line is dead")
    for when in (1, 40_000):
        with pytest.raises(
            AudioReadError, match=rf"^row 0: .*{kind.__name__}: the line .*; check where they"
        ) as caught:
            AudioLoader().transform([Failing(data, method, error, when)])
        assert caught.value.__cause__ is error
        with pytest.warns(UserWarning, match="1 clip"):
            assert np.isnan(AudioLoader(on_error="nan").transform([Failing(data, method, error, when)])[0]).all()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("method", ["read", "seek", "tell", "seekable"])
def test_an_error_before_the_first_byte(method):
    class Dead(io.BytesIO):
        pass

    def fail(*args):
        raise LookupError("no such object in the store")

    setattr(Dead, method, fail)
    with pytest.raises(AudioReadError, match=r"row 7: .*\(LookupError: no such object in the store\); open it again"):
        audio_info(Dead(b"RIFF"), row=7)


@pytest.mark.parametrize("format", ["asf", "mp4"])
@pytest.mark.parametrize("method", ["read", "seek"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE])
def test_a_disk_that_fails_under_ffmpeg(tmp_path, monkeypatch, format, method, code, capfd):
    (tmp_path / "a.bin").write_bytes(recording(format))

    class Disk(io.FileIO):
        left = 3

        def failing(self, *args):
            self.left -= 1
            if self.left < 0:
                raise OSError(code, "the disk is gone")
            return getattr(io.FileIO, method)(self, *args)

    setattr(Disk, method, Disk.failing)
    monkeypatch.setattr(builtins, "open", lambda path, mode, buffering: Disk(path, mode))
    with pytest.raises(AudioReadError, match=r"row 0: cannot read '.*a.bin': reading its bytes failed \(OSError: "):
        AudioLoader().transform([str(tmp_path / "a.bin")])
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("byte", [46, 47, 48, 49])
@pytest.mark.parametrize("value", [0x80, 0xFF])
def test_a_header_that_points_before_the_start(tmp_path, byte, value, capfd):
    data = bytearray(recording("asf"))
    data[byte] = value
    (tmp_path / "a.wma").write_bytes(data)
    for source in (str(tmp_path / "a.wma"), bytes(data), io.BufferedReader(io.BytesIO(data))):
        try:
            assert np.isfinite(read_audio(source, row=4)[0]).all()
        except AudioReadError as error:
            assert str(error).startswith("row 4: cannot read ")  # noqa: PT017 - either is right
    assert capfd.readouterr().err == ""


def interrupted_before(function, *args):
    """Call a function while Ctrl-C is waiting to be handled, with no line of Python in between."""
    try:
        return [*map(operator.call, [_thread.interrupt_main, partial(function, *args)])][1]
    except KeyboardInterrupt:
        return "raised"


def test_ctrl_c_on_entry_is_kept(capfd):
    for method, args, wanted in [("read", (4,), b""), ("readinto", (bytearray(4),), 0), ("seek", (2, 0), -errno.EIO)]:
        file = OpenSource(io.BytesIO(b"12345678"), Label("clip"), 8)
        assert interrupted_before(getattr(file, method), *args) == wanted
        assert isinstance(file._kept.error, KeyboardInterrupt)
        assert (file.read(4), file.readinto(bytearray(4)), file.seek(0, 0)) == (b"", 0, -errno.EIO)
    assert capfd.readouterr().err == ""


def test_ctrl_c_on_entry_of_a_callback_is_kept(capfd):
    file = OpenSource(io.BytesIO(b"12345678"), Label("clip"), 8)
    callback = file.callback("int(int)", lambda n: n, -1)
    assert callback(5) == 5
    assert interrupted_before(callback, 5) == -1
    assert isinstance(file._kept.error, KeyboardInterrupt)
    assert capfd.readouterr().err == ""


def test_the_first_failure_counts():
    file = OpenSource(Failing(b"12345678", "read", ValueError("first"), 0), Label("clip"), 8)
    assert file.read(3) == b""
    file.raw.method, file.raw.error = "tell", ValueError("second")
    assert file.tell() == -errno.EIO
    assert str(file._kept.error) == "first"


def test_positions_of_an_open_source():
    file = OpenSource(io.BytesIO(b"12345678"), Label("clip"), 8)
    assert (file.seek(2, 0), file.seek(3, 1), file.seek(-1, 2), file.tell()) == (2, 5, 7, 7)
    assert (file.seek(-3, 0), file.seek(-9, 2)) == (-errno.EINVAL, -errno.EINVAL)
    assert (file._kept.error, file.tell(), file.read(5)) == (None, 7, b"8")
    assert file.readable()
    assert file.seekable()
