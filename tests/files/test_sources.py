"""The forms in which a recording may be given, and the errors for everything else."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import audio_info, open_audio, read_audio


@pytest.fixture(scope="module")
def recording() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(0).uniform(-1, 1, 30000), 16000, format="WAV")
    return file.getvalue()


class Stubborn(io.BytesIO):
    """A file object that stops working in the midst of it."""

    def read(self, size=-1):
        if self.tell() > 20000:
            raise RuntimeError("the line is dead")
        return super().read(size)


def test_a_file_object_is_read_from_its_start_and_looks_untouched(recording, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(recording)
    whole, _ = read_audio(recording)
    with path.open("rb") as file:
        for source in (io.BytesIO(recording), file, io.BufferedReader(io.BytesIO(recording))):
            source.seek(123)
            np.testing.assert_array_equal(read_audio(source)[0], whole)
            assert audio_info(source).n_timepoints == 30000
            assert source.tell() == 123
            assert not source.closed


def test_the_stream_leaves_the_file_object_open(recording):
    source = io.BufferedReader(io.BytesIO(recording))
    with open_audio(source) as stream:
        first = next(stream.blocks())
    assert len(first) == 30000
    assert not source.closed


def test_a_file_object_that_cannot_seek(recording, tmp_path):
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as source, os.fdopen(writer, "wb") as sink:
        sink.write(recording[:40000])
        sink.flush()
        sink.close()
        with pytest.warns(UserWarning, match="it is cut short"):
            assert len(read_audio(source)[0]) == (40000 - 44) // 2


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_every_kind(recording, kind):
    assert len(read_audio(kind(recording))[0]) == 30000


def test_path_in_text_and_object(recording, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("ä b.wav").write_bytes(recording)
    for path in ("ä b.wav", Path("ä b.wav"), tmp_path / "ä b.wav"):
        assert len(read_audio(path)[0]) == 30000


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such a name")
def test_path_that_is_no_unicode(recording, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path / "a") + b"\xff.wav")
    Path(path).write_bytes(recording)
    assert len(read_audio(path)[0]) == 30000


@pytest.mark.parametrize(
    ("source", "match"),
    [
        ("nowhere/a.wav", r"cannot read 'nowhere/a.wav': there is no such file; check the path, which is relative"),
        ("https://example.org/a.wav", "there is no such file; download it first"),
        ("a\0.wav", "it cannot be opened .*; check the path"),
        (b"", "cannot read <0 bytes>: the file is empty"),
        (b"RIFF", "cannot read <4 bytes>: libsndfile says: .*; the file is damaged"),
        (io.BytesIO(b"hello"), "cannot read <BytesIO>: it is text"),
        (io.BufferedReader(io.BytesIO(b"hello")), "cannot read <BufferedReader>: it is text"),
    ],
)
def test_nothing_to_read(source, match):
    with pytest.raises(AudioReadError, match=match):
        read_audio(source)
    with pytest.raises(AudioReadError, match=f"^row 4: cannot read .*{match.removeprefix('cannot read ')}"):
        audio_info(source, row=4)


def test_absolute_path_to_nothing(tmp_path):
    with pytest.raises(AudioReadError, match=r"there is no such file; check the path$") as caught:
        read_audio(tmp_path / "a.wav")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_folder(tmp_path):
    with pytest.raises(AudioReadError, match=r"it is a folder; give the files in it: list_clips\(folder\)"):
        read_audio(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_named_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(AudioReadError, match="it is not a regular file; copy its content"):
        read_audio(tmp_path / "a.wav")


def test_not_permitted(tmp_path, recording, monkeypatch):
    path = tmp_path / "a.wav"
    path.write_bytes(recording)

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(AudioReadError, match="reading it is not permitted; change the permissions"):
        read_audio(path)


@pytest.mark.parametrize("source", [3, None, np.zeros(3), ["a.wav"]])
def test_what_is_no_source(source):
    with pytest.raises(TypeError, match=rf"row 6: expected a path, bytes or a binary file .*{type(source).__name__}"):
        read_audio(source, row=6)
    with pytest.raises(TypeError, match=r"^expected a path"):
        audio_info(source)


def test_text_file_object(tmp_path):
    with pytest.raises(TypeError, match=r"<StringIO>: a file object must be opened in binary mode; .* 'rb'"):
        read_audio(io.StringIO("hello"))


def test_closed_file_object():
    source = io.BytesIO(b"x")
    source.close()
    with pytest.raises(
        AudioReadError, match=r"cannot read <BytesIO>: the file object cannot be read .*; open it again"
    ):
        read_audio(source)


def test_file_object_that_fails_on_the_way(recording, capfd):
    with pytest.raises(AudioReadError, match=r"failed \(RuntimeError: the line is dead\); check") as caught:
        read_audio(Stubborn(recording), start=1.0)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert capfd.readouterr().err == ""


def test_file_object_that_fails_at_once(recording, capfd):
    class Dead(Stubborn):
        def read(self, size=-1):
            if size:
                raise ValueError("nobody is there")
            return b""

    with pytest.raises(AudioReadError, match=r"ValueError: nobody is there"):
        read_audio(Dead(recording))
    assert capfd.readouterr().err == ""


FORMATS = {"mp3": "MPEG_LAYER_III", "wav": "PCM_16", "flac": "PCM_16", "ogg": "VORBIS", "aiff": "FLOAT"}


def sound_designer_fork(folder):
    soundfile.write(folder / "other.sd2", np.zeros((100, 2)), 44100, format="SD2")
    content = (folder / "._other.sd2").read_bytes()
    for path in folder.iterdir():
        path.unlink()
    return content


@pytest.mark.parametrize("fork", ["empty", "a byte", "AppleDouble", "Sound Designer II", "a folder"])
def test_files_of_macos_beside_a_recording_change_nothing(fork, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = {"empty": b"", "a byte": b"x", "AppleDouble": b"\0\5\x16\7\0\2\0\0Mac OS X" + bytes(300)}.get(fork)
    content = sound_designer_fork(tmp_path) if fork == "Sound Designer II" else content
    samples = np.random.default_rng(0).normal(scale=0.1, size=30000)
    for ending, subtype in FORMATS.items():
        soundfile.write(f"a.{ending}", samples, 16000, format=ending.upper(), subtype=subtype)
        wanted, _ = read_audio(f"a.{ending}")
        np.testing.assert_allclose(wanted, soundfile.read(f"a.{ending}", dtype="float32")[0], atol=1e-6)
        for path in map(Path, ["._", f"._a.{ending}", ".AppleDouble"]):
            if fork == "a folder" or path.name == ".AppleDouble":
                path.mkdir(exist_ok=True)
            else:
                path.write_bytes(content)
        with open(f"a.{ending}", "rb") as file:
            data = file.read()
            for source in (f"a.{ending}", f"./a.{ending}", tmp_path / f"a.{ending}", data, file, io.BytesIO(data)):
                np.testing.assert_array_equal(read_audio(source)[0], wanted)
                assert audio_info(source).n_timepoints == len(wanted)
        for path in [*tmp_path.glob("._*"), tmp_path / ".AppleDouble"]:
            path.rmdir() if path.is_dir() else path.unlink()


def test_no_recording_is_refused_alike_beside_files_of_macos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("._").touch()
    Path("a.mp3").write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(AudioReadError, match="its bytes are no recording in a known format"):
        read_audio("a.mp3")
