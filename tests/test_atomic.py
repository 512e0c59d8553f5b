"""Atomic writing of files and folders."""

import os
import time
from pathlib import Path

import pytest

from sklearn_audio._atomic import remove_unfinished, written_whole


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_takes_the_place_of_the_one_before(tmp_path, durable):
    target = tmp_path / "file"
    target.write_text("old")
    with written_whole(target, durable=durable) as unfinished:
        unfinished.write_text("new")
        assert unfinished.parent == tmp_path
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def folder(path, content):
    path.mkdir()
    (path / "a").write_text(content)


def write_half(target, error, write=Path.write_text):
    with written_whole(target) as unfinished:
        write(unfinished, "half")
        raise error


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_an_error_leaves_the_one_before(tmp_path, error):
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(type(error)):
        write_half(target, error)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_unfinished_may_lie_elsewhere(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with written_whole(tmp_path / "file", folder=scratch) as unfinished:
        unfinished.write_text("new")
        assert unfinished.parent == scratch
    assert list(scratch.iterdir()) == []
    assert (tmp_path / "file").read_text() == "new"


def test_an_error_leaves_no_folder(tmp_path):
    with pytest.raises(ValueError, match="halfway"):
        write_half(tmp_path / "folder", ValueError("halfway"), folder)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_appears_whole(tmp_path):
    with written_whole(tmp_path / "folder") as unfinished:
        folder(unfinished, "mine")
    assert (tmp_path / "folder" / "a").read_text() == "mine"


def test_the_folder_of_a_faster_process_stays(tmp_path):
    with written_whole(tmp_path / "folder") as unfinished:
        folder(unfinished, "mine")
        folder(tmp_path / "folder", "theirs")
    assert (tmp_path / "folder" / "a").read_text() == "theirs"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_does_not_replace_a_folder(tmp_path):
    (tmp_path / "target").mkdir()
    with pytest.raises(OSError, match="target"), written_whole(tmp_path / "target") as unfinished:
        unfinished.write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_the_bytes_reach_the_disk_before_the_name(tmp_path, monkeypatch):
    calls, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr("os.fsync", lambda descriptor: (calls.append("sync"), sync(descriptor)))
    monkeypatch.setattr("os.replace", lambda *names: (calls.append("replace"), replace(*names)))
    with written_whole(tmp_path / "file", durable=True) as unfinished:
        unfinished.write_text("new")
    assert calls[:2] == ["sync", "replace"]


def test_what_killed_processes_left_is_removed(tmp_path):
    left = {}
    for name in ("a", "b.c", "b"):
        with written_whole(tmp_path / name) as unfinished:
            unfinished.write_text("whole")
            left[name] = unfinished
    for unfinished in left.values():
        unfinished.write_text("half")
    others = {tmp_path / name for name in ("a", "b.c", "b", ".a.partial", ".a.1.partial", "mine.txt")}
    for other in others:
        other.touch()
    remove_unfinished(tmp_path, "b", older_than=3600)
    assert left["b"].exists()
    os.utime(left["b"], (time.time() - 7200,) * 2)
    remove_unfinished(tmp_path, "b", older_than=3600)
    assert set(tmp_path.iterdir()) == others | {left["a"], left["b.c"]}
    remove_unfinished(tmp_path)
    assert set(tmp_path.iterdir()) == others
    remove_unfinished(tmp_path / "missing")


def test_another_process_may_remove_it_first(tmp_path, monkeypatch):
    path = tmp_path / f".a.{'0' * 16}.partial"
    path.touch()

    def late(found):
        os.unlink(found)
        raise FileNotFoundError(str(found))

    monkeypatch.setattr(Path, "unlink", late)
    remove_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == []
