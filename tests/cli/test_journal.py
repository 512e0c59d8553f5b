"""The journal of finished recordings: whole lines count, wherever a run was killed."""

import pytest

from sklearn_audio.cli._journal import Journal

SETTINGS = {"model": "1f", "hop": "0.5"}


def test_a_journal_cut_anywhere_has_its_whole_lines(tmp_path):
    clips = [("a.wav", 0.0, float("inf")), ("ü.wav", 1.0, 2.0), ("\udcff.wav", 0.0, 1.0)]
    journal = Journal(tmp_path / "journal")
    journal.begin(SETTINGS)
    for n, clip in enumerate(clips):
        journal.add(clip, [["x", n]])
    whole = journal.file.read_bytes()
    for size in range(len(whole) + 1):
        journal.file.write_bytes(whole[:size])
        resumed = Journal(journal.file)
        resumed.resume(SETTINGS, clips)
        n_lines = whole[:size].count(b"\n")
        assert [resumed.rows(clip) for clip in clips] == [[["x", n]] if n < n_lines else None for n in range(3)]
        for n in range(n_lines, 3):
            resumed.add(clips[n], [["x", n]])
        assert journal.file.read_bytes() == whole


def test_other_settings(tmp_path):
    journal = Journal(tmp_path / "journal")
    journal.resume(SETTINGS, ["a.wav"])  # there is none yet
    journal.add("a.wav", [])
    for name, words in {"model": "had another model; give the same", "hop": r"another hop \(0.5, now 1\)"}.items():
        with pytest.raises(ValueError, match=words):
            Journal(journal.file).resume({**SETTINGS, name: "1"}, ["a.wav"])
    Journal(journal.file).resume({**SETTINGS, "hop": "1"}, ["b.wav"])  # concerns another recording
    journal.begin(SETTINGS)
    assert journal.rows("a.wav") is None
    assert not journal.file.exists()
