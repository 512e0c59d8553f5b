"""Speech Commands, in its layout, and fetched from a server on this machine."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import replace

import pytest

from sklearn_audio.datasets import _speech_commands, fetch_speech_commands, load_speech_commands
from sklearn_audio.exceptions import AudioReadError
from tests.datasets.trees import touch, write

CLIPS = ["yes/ann_nohash_0.wav", "yes/bob_nohash_0.wav", "no/ann_nohash_0.wav", "no/eve_nohash_1.wav"]
FOLDER = "speech_commands_v0.02"


def archive() -> bytes:
    members = {f"./{name}": name.encode() for name in CLIPS}
    members |= {"./testing_list.txt": b"no/eve_nohash_1.wav\n", "./validation_list.txt": b"yes/bob_nohash_0.wav\n"}
    members |= {"./_background_noise_/hum.wav": b"", "../outside.wav": b"", "/tmp/absolute.wav": b""}
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    return content.getvalue()


ARCHIVE = archive()
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()


@pytest.fixture
def serve(loopback, home, monkeypatch):
    loopback.serve("/good", ARCHIVE)

    def use(sha256=SHA256):
        served = replace(_speech_commands._ARCHIVES["0.02"], url=loopback.url("/good"), sha256=sha256)
        monkeypatch.setitem(_speech_commands._ARCHIVES, "0.02", served)

    return use


def test_layout(tmp_path):
    root = tmp_path / FOLDER
    touch(root, [*CLIPS, "_background_noise_/hum.wav", "stray.wav"])
    write(root / "testing_list.txt", "no/eve_nohash_1.wav")
    write(root / "validation_list.txt", "yes/bob_nohash_0.wav")
    for path in (tmp_path, root):
        clips = load_speech_commands(path)
        assert clips.target.tolist() == ["no", "no", "yes", "yes"]
        assert clips.groups.tolist() == ["ann", "eve", "ann", "bob"]
        assert clips.official_split.tolist() == ["train", "test", "train", "valid"]
    assert [[part.tolist() for part in split] for split in clips.splits.split()] == [[[0, 2, 3], [1]]]
    assert clips.DESCR.startswith("4 recordings of 2 classes")


def test_download_keeps_the_folders(serve, home, tmp_path):
    serve()
    clips = fetch_speech_commands()
    assert clips.target.tolist() == ["no", "no", "yes", "yes"]
    assert (home / FOLDER / CLIPS[0]).read_bytes() == CLIPS[0].encode()
    assert not list(tmp_path.parent.rglob("outside.wav"))
    assert not list(tmp_path.rglob("absolute.wav"))
    assert sorted(path.name for path in home.iterdir()) == [FOLDER]


def test_second_time_nothing_is_downloaded(serve, loopback, tmp_path):
    serve()
    fetch_speech_commands(data_home=tmp_path / "mine")
    fetch_speech_commands(data_home=tmp_path / "mine", download_if_missing=False)
    assert loopback.paths == ["/good"]


def test_refused(serve, home):
    with pytest.raises(ValueError, match=r"version='0.03' of Speech Commands is not known"):
        fetch_speech_commands(version="0.03")
    with pytest.raises(AudioReadError, match="has not been downloaded, and download_if_missing=False"):
        fetch_speech_commands(download_if_missing=False)
    serve(sha256="0" * 64)
    with pytest.raises(AudioReadError, match="is not the expected file"):
        fetch_speech_commands()
    assert not (home / FOLDER).exists()


def test_published_addresses_and_hashes():
    for version, published in _speech_commands._ARCHIVES.items():
        assert published.url.endswith(f"speech_commands_v{version}.tar.gz")
        assert len(bytes.fromhex(published.sha256)) == 32
