"""``demo``: the whole way, on real recordings or with the word that they are not."""

import os
import tempfile

import pytest

from sklearn_audio.cli import main
from sklearn_audio.exceptions import AudioReadError


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Whatever the demo writes lands here."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_synthetic_sounds(run, temporary):
    here = os.getcwd()
    out = run("demo", "--synthetic")
    assert "120 synthetic sounds" in out
    assert "say nothing about real recordings" in out
    assert "$ sklearn-audio train train.csv -o model.joblib --method statistics\n" in out
    assert "held-out recordings" in out
    assert "confusion matrix" in out
    assert "new/source" in out
    assert out.count("$ sklearn-audio ") == 3
    assert "With your own recordings" in out
    assert os.getcwd() == here
    assert list(temporary.iterdir()) == []


def test_without_network(capsys, monkeypatch, temporary):
    monkeypatch.setenv("SKLEARN_AUDIO_DATA", str(temporary / "nothing"))
    monkeypatch.setenv("SKLEARN_AUDIO_HOME", str(temporary / "home"))

    def offline(*_, **__):
        raise OSError("no network,\n  sorry")

    monkeypatch.setattr("pooch.HTTPDownloader.__call__", offline)
    assert main(["demo"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Downloading the Free Spoken Digit Dataset (12 MB) ...\n")
    assert "continues with synthetic sounds" in out
    assert "120 synthetic sounds" in out
    assert err.startswith("sklearn-audio: warning: could not download ")
    assert "no network, sorry" in err
    assert err.count("\n") == 1


def test_a_download_is_used(shared_data, run, monkeypatch):
    from sklearn_audio.datasets import fetch_spoken_digits

    digits = fetch_spoken_digits(data_home=shared_data)

    def fetch(*, download_if_missing=True, verbose=0):
        if download_if_missing:
            return digits
        raise AudioReadError("not yet")

    monkeypatch.setattr("sklearn_audio.cli._demo.fetch_spoken_digits", fetch)
    monkeypatch.setattr("sklearn_audio.cli._demo._show_commands", lambda options, notes: None)
    out = run("demo")
    assert out.startswith("Downloading")
    assert "800 real recordings" in out


def test_real_digits(shared_data, run, monkeypatch):
    monkeypatch.setenv("SKLEARN_AUDIO_DATA", str(shared_data))
    out = run("demo")
    assert "800 real recordings of the Free Spoken Digit Dataset" in out
    assert "4-fold cross-validation by groups: each of the 4 is in one fold" in out
    assert float(out.split("\naccuracy ")[1].split()[0]) >= 0.85  # new recordings of known speakers
    assert "the hard case" in out
    assert "the easy case" in out


def test_it_stops_where_a_command_fails(monkeypatch, temporary):
    monkeypatch.setattr("sklearn_audio.cli._demo.main", lambda arguments: 2)
    with pytest.raises(SystemExit) as stopped:
        main(["demo", "--synthetic"])
    assert stopped.value.code == 2
    assert list(temporary.iterdir()) == []
