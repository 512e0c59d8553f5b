"""Folders of parts: a part counts if it is whole and its recordings are the same."""

import os
from argparse import Namespace

import pytest

from sklearn_audio.cli._parts import PartFolder


def opened(path, *, resume=False, force=False, **settings):
    folder = PartFolder(path, ".txt")
    folder.open({"kind": "a", **settings}, Namespace(output=str(path), resume=resume, force=force))
    return folder


def write(folder, number, clips, text):
    with folder.part(number, clips) as file:
        file.write_text(text)


def contents(path):
    return [file.read_text() for file in sorted(path.glob("part-*"))]


def test_parts_of_changed_recordings_are_written_anew(tmp_path):
    clip = tmp_path / "a.wav"
    clip.write_bytes(b"1")
    folder = opened(tmp_path / "v")
    write(folder, 0, [str(clip)], "old")
    assert folder.is_done(0, [str(clip)])
    assert not folder.is_done(1, [str(clip)])
    assert not folder.is_done(0, [(str(clip), 0.0, 1.0)])
    os.utime(clip, ns=(1, 1))
    folder = opened(tmp_path / "v", resume=True)
    assert not folder.is_done(0, [str(clip)])
    write(folder, 0, [str(clip)], "new")
    assert contents(tmp_path / "v") == ["new"]


def test_a_part_that_fails_leaves_nothing(tmp_path):
    folder = opened(tmp_path / "v")

    def fail():
        with folder.part(0, ["a"]) as file:
            file.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert [file.name for file in (tmp_path / "v").iterdir()] == ["settings.json"]
    opened(tmp_path / "v", kind="b")  # a run without parts may be begun anew


def test_force_and_close_remove_parts(tmp_path):
    folder = opened(tmp_path / "v")
    for number in range(3):
        write(folder, number, [str(number)], str(number))
    folder.close(2)
    assert contents(tmp_path / "v") == ["0", "1"]
    with pytest.raises(ValueError, match=r"had another kind \(a, now b\); give the same, or start anew with --force"):
        opened(tmp_path / "v", kind="b", resume=True)
    opened(tmp_path / "v", kind="b", force=True)
    assert contents(tmp_path / "v") == []
