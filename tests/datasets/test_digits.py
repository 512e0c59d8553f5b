"""The Free Spoken Digit Dataset, fetched from a server on this machine."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from sklearn_audio.datasets import _digits, fetch_spoken_digits
from sklearn_audio.exceptions import AudioReadError

NAMES = [f"{digit}_{speaker}_{take}.wav" for digit in (0, 7) for speaker in ("ann", "bob") for take in (0, 4, 5, 12)]


def small_archive() -> bytes:
    """An archive laid out as the original, with other things in it and one name that points elsewhere."""
    members = {f"fsdd-1.0/recordings/{name}": name.encode() for name in reversed(NAMES)}
    members |= {"fsdd-1.0/README.md": b"read", "fsdd-1.0/../../recordings/9_eve_1.wav": b"eve"}
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
        link = tarfile.TarInfo("fsdd-1.0/recordings/1_link_0.wav")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    return content.getvalue()


ARCHIVE = small_archive()
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()


@pytest.fixture(autouse=True)
def empty_homes(tmp_path, monkeypatch):
    """No recordings anywhere."""
    monkeypatch.setenv("SKLEARN_AUDIO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SKLEARN_AUDIO_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def serve(loopback, monkeypatch):
    loopback.serve("/good", ARCHIVE)
    loopback.serve("/cut", ARCHIVE, sent=len(ARCHIVE) // 2)

    def use(path="/good", sha256=SHA256):
        archive = replace(_digits._ARCHIVE, url=loopback.url(path), sha256=sha256)
        monkeypatch.setattr(_digits, "_ARCHIVE", archive)
        return archive

    return use


def left_over(folder):
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def test_download_unpacks_the_recordings(serve, loopback, tmp_path, capsys):
    serve()
    digits = fetch_spoken_digits()
    assert [path.rsplit("/", 1)[1] for path in digits.data] == sorted([*NAMES, "9_eve_1.wav"])
    assert digits.target[:3].tolist() == ["0", "0", "0"]
    assert digits.target_names.tolist() == ["0", "7", "9"]
    assert sorted(set(digits.groups.tolist())) == ["ann", "bob", "eve"]
    assert digits.takes[:4].tolist() == [0, 12, 4, 5]
    assert digits.takes.dtype == np.int64
    assert digits.official_split[:4].tolist() == ["test", "train", "test", "train"]
    ((train, test),) = digits.splits.split()
    assert set(digits.takes[test].tolist()) == {0, 1, 4}
    assert set(digits.takes[train].tolist()) == {5, 12}
    assert "17 recordings" in digits.DESCR
    assert "3 speakers\n(ann, bob, eve)" in digits.DESCR
    # nothing but the recordings, all of them in their folder
    assert left_over(tmp_path / "cache") == sorted([_digits._UNPACKED, *NAMES, "9_eve_1.wav"])
    assert (tmp_path / "cache" / _digits._UNPACKED / NAMES[0]).read_bytes() == NAMES[0].encode()
    assert not list(tmp_path.parent.rglob("1_link_0.wav"))
    assert capsys.readouterr() == ("", "")


def test_folder_beside_the_working_folder_is_not_looked_at(tmp_path, monkeypatch):
    monkeypatch.delenv("SKLEARN_AUDIO_DATA")
    beside = tmp_path / "shared" / "data" / _digits._UNPACKED
    beside.mkdir(parents=True)
    for name in NAMES:
        (beside / name).write_bytes(b"")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with pytest.raises(AudioReadError, match="has not been downloaded"):
        fetch_spoken_digits(download_if_missing=False)
    monkeypatch.setenv("SKLEARN_AUDIO_DATA", str(tmp_path / "shared" / "data"))
    assert len(fetch_spoken_digits(download_if_missing=False).data) == len(NAMES)


def test_second_time_nothing_is_downloaded(serve, loopback):
    serve()
    first, second = fetch_spoken_digits(), fetch_spoken_digits(download_if_missing=False)
    assert loopback.paths == ["/good"]
    assert first.data.tolist() == second.data.tolist()


def test_data_home_is_the_only_place_looked_at(serve, loopback, tmp_path):
    serve()
    fetch_spoken_digits()
    digits = fetch_spoken_digits(data_home=tmp_path / "mine")
    assert loopback.paths == ["/good", "/good"]
    assert digits.data[0].startswith(str(tmp_path / "mine"))


def test_progress_when_asked(serve, capsys):
    serve()
    fetch_spoken_digits(verbose=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert "%" in err


@pytest.mark.parametrize(
    ("path", "reason"), [("/missing", "404"), ("/cut", "could not download"), ("/good", "not the expected file")]
)
def test_download_that_fails_leaves_nothing(serve, tmp_path, path, reason):
    archive = serve(path, sha256="0" * 64)
    with pytest.raises(AudioReadError, match=reason) as caught:
        fetch_spoken_digits()
    message = str(caught.value)
    assert archive.url in message
    assert archive.sha256 in message
    assert str(tmp_path / "cache" / archive.name) in message
    assert left_over(tmp_path / "cache") == []


def test_server_that_is_not_there(serve, loopback, tmp_path):
    archive = serve()
    loopback.close()
    with pytest.raises(AudioReadError, match=f"could not download {archive.url}"):
        fetch_spoken_digits()
    assert left_over(tmp_path / "cache") == []


def test_download_can_be_forbidden(tmp_path):
    with pytest.raises(
        AudioReadError, match=r"v1\.0\.9\.tar\.gz has not been downloaded, and download_if_missing=False"
    ):
        fetch_spoken_digits(download_if_missing=False)
    assert left_over(tmp_path) == []


def test_archive_put_there_by_hand(serve, loopback, tmp_path):
    archive = serve()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / archive.name).write_bytes(ARCHIVE)
    assert len(fetch_spoken_digits(download_if_missing=False).data) == 17
    assert loopback.paths == []
    assert (tmp_path / "cache" / archive.name).exists()


def test_wrong_archive_put_there_by_hand(serve, tmp_path):
    archive = serve()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / archive.name).write_bytes(b"something else")
    with pytest.raises(AudioReadError, match=rf"{archive.name} is not the expected file: its sha256 is"):
        fetch_spoken_digits()
    assert left_over(tmp_path / "cache") == [archive.name]


def test_home_that_cannot_be_written(serve, tmp_path):
    serve()
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(AudioReadError, match=r"cannot write to .*cache'.* SKLEARN_AUDIO_HOME is '.*cache'; it must"):
        fetch_spoken_digits()


def test_folder_without_recordings_is_filled(serve, tmp_path):
    serve()
    (tmp_path / "cache" / _digits._UNPACKED).mkdir(parents=True)
    assert len(fetch_spoken_digits().data) == 17


def test_archive_without_recordings(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(_digits, "_ARCHIVE", replace(serve(), members="*.mp3"))
    with pytest.raises(ValueError, match="the table is empty"):
        fetch_spoken_digits()


def test_file_where_the_recordings_should_go(serve, tmp_path):
    serve()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / _digits._UNPACKED).write_text("in the way")
    with pytest.raises(NotADirectoryError, match=_digits._UNPACKED):
        fetch_spoken_digits()
    assert left_over(tmp_path / "cache") == [_digits._UNPACKED]


def test_another_process_was_faster(serve, tmp_path, monkeypatch):
    serve()
    folder = tmp_path / "cache" / _digits._UNPACKED
    unpack = _digits.unpack_archive

    def slower(*args, **kwargs):
        folder.mkdir(parents=True)
        (folder / "3_zoe_1.wav").write_bytes(b"")
        unpack(*args, **kwargs)

    monkeypatch.setattr(_digits, "unpack_archive", slower)
    with pytest.raises(ValueError, match="holds one class, '3'"):
        fetch_spoken_digits()
    assert left_over(folder) == ["3_zoe_1.wav"]


def test_published_address_and_hash():
    assert _digits._ARCHIVE.url.startswith("https://github.com/Jakobovski/free-spoken-digit-dataset/")
    assert len(bytes.fromhex(_digits._ARCHIVE.sha256)) == 32


def test_real_digits(shared_data, monkeypatch):
    monkeypatch.setenv("SKLEARN_AUDIO_DATA", str(shared_data))
    digits = fetch_spoken_digits(download_if_missing=False)
    assert digits.data.shape == (800,)
    assert digits.target_names.tolist() == list("0123456789")
    assert len(np.unique(digits.groups)) == 4
    assert (digits.official_split == "test").sum() == 200
    assert np.array_equal(digits.official_split == "test", digits.takes < 5)
