"""``durations``: what the headers say."""

import io

import numpy as np
import pandas as pd
import pytest
import soundfile

from sklearn_audio.cli import main


def test_they_are_those_of_libsndfile(sounds, folder, run):
    table = pd.read_csv(io.StringIO(run("durations", folder)))
    assert table.columns.tolist() == ["path", "seconds", "sample_rate", "channels"]
    assert sorted(table["path"]) == sorted(sounds.data)
    for row in table.itertuples():
        info = soundfile.info(row.path)
        assert row.seconds == pytest.approx(info.frames / info.samplerate, abs=1e-6)
        assert (row.sample_rate, row.channels) == (info.samplerate, info.channels)


def test_sums_on_standard_error(tree, capsys):
    data = tree({"a/stereo.wav": np.zeros((8000, 2))}, n_good=1)
    assert main(["durations", str(data)]) == 0
    err = capsys.readouterr().err
    assert "3 recordings, 1.0 s in all: shortest 0.2 s, median 0.2 s, longest 0.5 s; 3 of 16000 Hz; " in err
    assert err.endswith("2 with 1 channel, 1 with 2 channels\n")


def test_parts_of_recordings(sounds, tmp_path, run):
    pd.DataFrame({"path": list(sounds.data[:2]), "start": [0.1, 0.0], "end": [0.3, ""]}).to_csv(tmp_path / "t.csv")
    table = pd.read_csv(io.StringIO(run("durations", tmp_path / "t.csv")))
    assert table.columns.tolist() == ["path", "start", "end", "seconds", "sample_rate", "channels"]
    assert table["seconds"].tolist() == [0.2, pytest.approx(soundfile.info(sounds.data[1]).duration, abs=1e-6)]


def test_unreadable_recordings(tree, refused, capsys):
    data = tree({"a/bad.wav": b"RIFF"})
    refused(["durations", data], "bad.wav")
    assert main(["durations", str(data), "--on-error", "skip"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 7
    assert "warning: skipped: " in err
    refused(["durations", data / "a" / "bad.wav"], "bad.wav")
    capsys.readouterr()
    assert main(["durations", str(data / "a" / "bad.wav"), "--on-error", "skip"]) == 2
    assert "none of the 1 recordings can be used" in capsys.readouterr().err
