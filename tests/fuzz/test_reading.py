"""A few dozen mutations in this process, and that faults would be seen; ``python -m tests.fuzz`` reads 30,000."""

from __future__ import annotations

import io
from collections import Counter

import numpy as np
import pytest
import soundfile

pytest.importorskip("av")

from tests.fuzz import reading
from tests.fuzz.mutations import CONTAINERS, damaged, recording


@pytest.mark.parametrize("name", CONTAINERS)
def test_recordings_are_read_before_they_are_damaged(name, tmp_path):
    for form in range(3):
        assert reading.outcome(recording(name), form, tmp_path) == "array"


@pytest.mark.parametrize("first", [0, 20, 40, 60])
def test_damage_ends_in_an_array_or_a_named_row(first, tmp_path):
    outcomes = {index: reading.outcome(damaged(0, index)[1], index, tmp_path) for index in range(first, first + 20)}
    assert {index: ended for index, ended in outcomes.items() if ended not in ("array", "named")} == {}


def test_a_seed_gives_the_same_damage():
    assert damaged(3, 14) == damaged(3, 14)
    assert damaged(3, 14) != damaged(4, 14)
    assert [damaged(0, index)[0] for index in range(10)] == list(CONTAINERS)


@pytest.mark.parametrize("error", [MemoryError("too much"), KeyError("s64p"), OSError(22, "Invalid argument")])
def test_an_exception_is_a_fault(error, tmp_path, monkeypatch):
    def fail(self, X):
        raise error

    monkeypatch.setattr(reading.AudioLoader, "fit_transform", fail)
    assert reading.outcome(recording("wav"), 0, tmp_path).startswith(type(error).__name__)


def test_nan_that_nobody_speaks_of_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(reading.AudioLoader, "fit_transform", lambda self, X: [np.array([np.nan]), X[1]])
    assert reading.outcome(recording("wav"), 0, tmp_path) == "NaN, and 0 warnings name the row"
    monkeypatch.setattr(reading.AudioLoader, "fit_transform", lambda self, X: [np.array([0.0]), X[1] + 1])
    assert reading.outcome(recording("wav"), 0, tmp_path) == "another row has changed"


def test_nothing_at_all_is_named(tmp_path):
    file = io.BytesIO()
    soundfile.write(file, np.zeros(0), 16000, format="WAV")
    assert [reading.outcome(data, 0, tmp_path) for data in (b"", b"RIFF", file.getvalue())] == ["named"] * 3


@pytest.mark.slow
def test_children_read_what_is_damaged():
    report = reading.run(1, 30, per_child=20)
    assert report.faults == []
    assert sum(report.outcomes.values()) == 30


def test_a_child_that_dies_or_hangs_is_a_fault(tmp_path, monkeypatch):
    script = tmp_path / "child.sh"
    script.write_text('#!/bin/sh\necho "$7 array"\ncase $7 in 0) kill -11 $$;; 2) exec sleep 60;; esac\n')
    script.chmod(0o755)
    monkeypatch.setattr(reading.sys, "executable", str(script))
    monkeypatch.setattr(reading, "_START", 2)
    told = []
    report = reading.run(0, 6, timeout=0.5, per_child=4, progress=lambda n_read, report: told.append(n_read))
    assert told == [4, 6]
    assert report.outcomes == Counter(array=3, fault=3)
    assert "mutation 1 (aiff): the process died with -11" in report.faults[0]
    assert "mutation 3 (flac): the process hung" in report.faults[1]
