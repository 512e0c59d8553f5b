"""Finding the recordings in a folder."""

from __future__ import annotations

import os

import pytest

from sklearn_audio.files import AUDIO_EXTENSIONS, list_clips

NAMES = ["b.wav", "A.WAV", "notes.txt", ".hidden.wav", "dogs/a.flac", "dogs/deep/z.Mp3", ".git/c.wav", "cats/n.ogg"]


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def names(clips, folder):
    return [clip.relative_to(folder).as_posix() for clip in clips]


def test_recordings_in_order(folder):
    assert names(list_clips(folder), folder) == ["A.WAV", "b.wav", "cats/n.ogg", "dogs/a.flac", "dogs/deep/z.Mp3"]
    assert list_clips(str(folder)) == list_clips(folder)


def test_the_folder_alone(folder):
    assert names(list_clips(folder, recursive=False), folder) == ["A.WAV", "b.wav"]


def test_links_are_followed_but_not_in_a_circle(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "x.wav").touch()
    os.symlink(other, folder / "link")
    os.symlink(folder, folder / "dogs" / "round")
    found = names(list_clips(folder), folder)
    assert "link/x.wav" in found
    assert not [name for name in found if "round" in name]


def test_extensions_are_lower_case():
    assert all(extension == extension.lower() and extension.startswith(".") for extension in AUDIO_EXTENSIONS)
    assert {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a"} <= AUDIO_EXTENSIONS


def test_no_such_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder '.*nowhere'; check the path"):
        list_clips(tmp_path / "nowhere")


def test_a_file_is_no_folder(folder):
    with pytest.raises(NotADirectoryError, match=r"b.wav' is a file, not a folder"):
        list_clips(folder / "b.wav")


def test_no_recordings(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"holds no recordings; their names must end in one of .3gp, .aac"):
        list_clips(tmp_path)
