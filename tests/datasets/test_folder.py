"""Class folders."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from sklearn_audio.datasets import load_audio_folder


def touch(folder, *names):
    """Listing decodes nothing, so empty files do."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_class_is_the_first_folder_at_any_depth(tmp_path):
    touch(tmp_path, "dog/b.wav", "dog/2020/may/a.flac", "cat/x.OGG", "cat/notes.txt", "empty/readme.md")
    clips = load_audio_folder(tmp_path)
    names = [os.path.relpath(path, tmp_path).replace(os.sep, "/") for path in clips.data]
    assert names == ["cat/x.OGG", "dog/2020/may/a.flac", "dog/b.wav"]
    assert clips.target.tolist() == ["cat", "dog", "dog"]
    assert clips.target_names.tolist() == ["cat", "dog"]
    assert clips.groups is None
    assert clips.data.dtype == object
    assert all(type(path) is str for path in clips.data)
    assert list(clips.frame) == ["path", "label"]
    assert clips.frame["label"].tolist() == clips.target.tolist()
    assert clips.DESCR.startswith("3 recordings of 2 classes")


@pytest.mark.parametrize("pattern", [r"/(\w+)_\d+\.wav$", r"/(?P<group>[a-z]+)_(\d+)\.wav$"])
def test_groups_from_a_pattern(tmp_path, pattern):
    touch(tmp_path, "no/ann_1.wav", "no/bob_12.wav", "yes/ann_2.wav")
    clips = load_audio_folder(str(tmp_path), group_pattern=pattern)
    assert clips.groups.tolist() == ["ann", "bob", "ann"]
    assert clips.frame["group"].tolist() == ["ann", "bob", "ann"]


def test_some_classes_only(tmp_path):
    touch(tmp_path, "a/1.wav", "b/1.wav", "c/1.wav")
    assert load_audio_folder(tmp_path, classes=["c", "a"]).target.tolist() == ["a", "c"]
    with pytest.raises(ValueError, match=r"no class folder with recordings is called 'd'; there are \['a', 'b', 'c'\]"):
        load_audio_folder(tmp_path, classes=["a", "d"])


def test_missing_folder(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere' does not exist; pass the folder that holds"):
        load_audio_folder(tmp_path / "nowhere")


def test_file_instead_of_a_folder(tmp_path):
    touch(tmp_path, "a.wav")
    with pytest.raises(ValueError, match=r"a\.wav' is a file, not a folder"):
        load_audio_folder(tmp_path / "a.wav")


def test_empty_folder(tmp_path):
    touch(tmp_path, "a/notes.txt")
    with pytest.raises(ValueError, match="holds no recordings"):
        load_audio_folder(tmp_path)


def test_one_class(tmp_path):
    touch(tmp_path, "a/1.wav", "a/2.wav")
    with pytest.raises(ValueError, match=r"holds one class, 'a'; a classifier needs at least two"):
        load_audio_folder(tmp_path)


def test_recordings_beside_the_class_folders(tmp_path):
    touch(tmp_path, "a/1.wav", "b/1.wav", "loose.wav")
    with pytest.raises(ValueError, match=r"1 recording\(s\) lie directly in .* the first 'loose\.wav'"):
        load_audio_folder(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names themselves")
def test_undecodable_name(tmp_path):
    touch(tmp_path, "a/1.wav", "b/1.wav")
    with open(os.fsencode(tmp_path) + b"/a/caf\xe9.wav", "wb"):
        pass
    with pytest.raises(ValueError, match=r"a/caf\\xe9\.wav' is not valid UTF-8; rename the file"):
        load_audio_folder(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "is not a regular expression"),
        (r"\w+", "has 0 groups"),
        (r"(\w+)_(\d+)", "has 2 groups"),
        (r"/(\w+)_\d+\.wav$", r"finds no group in 'b/odd\.wav'"),
        (r"(ann)?_|odd", r"finds no group in 'b/odd\.wav'"),
    ],
)
def test_unusable_group_pattern(tmp_path, pattern, message):
    touch(tmp_path, "a/ann_1.wav", "b/odd.wav")
    with pytest.raises(ValueError, match=message):
        load_audio_folder(tmp_path, group_pattern=pattern)


def test_real_class_folders(shared_data):
    clips = load_audio_folder(shared_data / "commands" / "audio", group_pattern=r"/(\d+)_NO")
    assert len(clips.data) == 540
    assert len(clips.target_names) == 20
    assert len(np.unique(clips.groups)) == 9
