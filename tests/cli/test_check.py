"""``check``: a line per problem of a recording, and silence about good ones."""

import csv
import io

import numpy as np
import pytest
import soundfile

from sklearn_audio.cli import _check, main

GOOD = np.sin(np.arange(8000) * 0.1) / 2
BAD = {
    "unreadable": b"RIFF of no use",
    "empty": b"",
    "silent": GOOD * 1e-5,
    "not finite": np.where(np.arange(8000) == 7, np.nan, GOOD),
    "clipped": np.clip(GOOD * 20, -1, 1),
}


@pytest.fixture
def checked(tmp_path, capsys):
    """Write recordings, check their folder, and return the table of problems and the message."""

    def call(contents, *flags, rates=()):
        for name, content in contents.items():
            if isinstance(content, bytes):
                (tmp_path / name).write_bytes(content)
            else:
                soundfile.write(tmp_path / name, content, dict(rates).get(name, 16000), subtype="FLOAT", format="WAV")
        assert main(["check", str(tmp_path), *flags]) == 0
        out, err = capsys.readouterr()
        return [
            (row["path"].removeprefix(f"{tmp_path}/"), row["problem"], row["details"])
            for row in csv.DictReader(io.StringIO(out))
        ], err

    return call


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("kind", list(BAD))
def test_each_problem(checked, kind, jobs):
    rows, err = checked({"good.wav": GOOD, "odd.wav": BAD[kind]}, "--jobs", jobs)
    assert [row[:2] for row in rows] == [("odd.wav", kind)]
    assert err == f"sklearn-audio: 2 recordings, 1 with problems: 1 {kind}\n"


def test_good_recordings(checked):
    assert checked({"a.wav": GOOD, "b.wav": GOOD / 2}) == ([], "sklearn-audio: 2 recordings, 0 with problems\n")


def test_headers_without_sound(checked):
    assert [row[1:] for row in checked({"a.wav": GOOD[:0]})[0]] == [("empty", "no sound in the file")]


def test_a_cut_file(checked, tmp_path):
    soundfile.write(tmp_path / "whole.wav", GOOD, 16000)
    content = (tmp_path / "whole.wav").read_bytes()
    ((path, kind, details),) = checked({"cut.wav": content[:4000]})[0]
    assert (path, kind) == ("cut.wav", "damaged")
    assert "it is cut short" in details


def test_copies_rates_and_names(checked, tmp_path):
    soundfile.write(tmp_path / "flac.wav", GOOD / 5, 16000, format="FLAC")
    rows, _ = checked({"a.wav": GOOD, "b.wav": GOOD, "c.wav": GOOD / 2}, rates={"c.wav": 8000})
    assert rows == [
        ("b.wav", "duplicate", f"same content as {tmp_path}/a.wav"),
        ("c.wav", "other rate", "8000 Hz; most recordings have 16000 Hz"),
        ("flac.wav", "wrong name", "holds FLAC"),
    ]


def test_clipping_of_one_channel_across_blocks(checked, monkeypatch):
    loud = np.stack([GOOD, np.where(np.arange(8000) // 1000 == 3, 1.0, GOOD)], axis=1)
    rows, _ = checked({"a.wav": loud})
    assert rows == [("a.wav", "clipped", "6.2 % of the values are at full scale")]
    rng = np.random.default_rng(0)
    values = rng.choice([0.0, 1.0], 5000, p=[0.4, 0.6]).astype(np.float32)
    for size in (1, 2, 3, 7, 5000):
        clipping = _check._Clipping()
        assert (
            sum(clipping.count(values[i : i + size]) for i in range(0, 5000, size))
            == _check._in_runs(values >= _check._FULL_SCALE).sum()
        )


def test_files_that_are_missing_are_listed(tmp_path, capsys):
    assert main(["check", str(tmp_path / "no.wav")]) == 0
    assert "no.wav,unreadable," in capsys.readouterr().out


def test_folders_without_recordings(tmp_path, refused):
    refused(["check", tmp_path], str(tmp_path))
