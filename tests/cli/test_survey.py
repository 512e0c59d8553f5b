"""Recordings that train cannot use: all are listed at once, or skipped with a warning."""

import numpy as np
import pytest
import soundfile

from sklearn_audio.cli import main

pytestmark = pytest.mark.usefixtures("few_settings")


def corrupt_flac(tmp_path):
    soundfile.write(tmp_path / "x.flac", np.random.default_rng(0).uniform(-1, 1, 100_000), 16000)
    whole = bytearray((tmp_path / "x.flac").read_bytes())
    whole[60_000:61_000] = bytes(1000)
    return bytes(whole)


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("a/bad.wav", b"this is text", ("bad.wav", "text")),
        ("a/bad.wav", b"", ("bad.wav", "empty")),
        ("a/bad.wav", np.empty(0, dtype=np.float32), ("bad.wav", "no samples")),
        ("a/bad.wav", np.full(100, np.nan, dtype=np.float32), ("bad.wav", "NaN")),
        ("a/bad.wav", np.full(100, np.inf, dtype=np.float32), ("bad.wav", "infinit")),
        ("a/bad.flac", corrupt_flac, ("bad.flac",)),
    ],
)
def test_a_recording_that_cannot_be_used(tree, tmp_path, refused, name, content, parts):
    data = tree({name: content(tmp_path) if callable(content) else content})
    message = refused(["train", data, "-o", tmp_path / "m.joblib"], *parts, "skip it with --on-error skip")
    assert "row" not in message
    assert not (tmp_path / "m.joblib").exists()


@pytest.mark.parametrize(
    "name", ["broken/text.wav", "broken/corrupt_middle.flac", "broken/header_only.wav", "edge/nan_inf.wav"]
)
def test_a_real_recording_that_cannot_be_used(shared_data, tree, tmp_path, refused, name):
    file = shared_data / "formats" / name
    data = tree({f"b/{file.name}": file.read_bytes()})
    refused(["train", data, "-o", tmp_path / "m.joblib"], file.name)
    assert not (tmp_path / "m.joblib").exists()


def test_all_recordings_that_cannot_be_used_are_listed_at_once(tree, tmp_path, capsys):
    data = tree(
        {"a/text.wav": b"this is text", "b/nothing.wav": b"", "b/nan.wav": np.full(100, np.nan, dtype=np.float32)}
    )
    assert main(["train", str(data), "-o", str(tmp_path / "m.joblib")]) == 2
    *lines, last = capsys.readouterr().err.splitlines()
    assert [("text.wav" in line, "nothing.wav" in line) for line in lines] == [(True, False), (False, True)]
    assert all(line.startswith("sklearn-audio: unusable: ") for line in lines)
    assert last.startswith(
        "sklearn-audio: error: 2 of 9 recordings cannot be used. Repair them, or skip them with --on"
    )
    assert main(["train", str(data), "-o", str(tmp_path / "m.joblib"), "--on-error", "skip"]) == 0
    out, err = capsys.readouterr()
    assert [line.split(": ")[1] for line in err.splitlines()] == ["warning"] * 3
    assert all(name in err for name in ("text.wav", "nothing.wav", "nan.wav"))
    assert "7 recordings" in out  # that NaN lies in it shows only when it is decoded


def test_a_recording_that_is_cut_is_used_with_a_warning(tree, tmp_path, capsys):
    data = tree()
    whole = (data / "a" / "2.wav").read_bytes()
    (data / "a" / "2.wav").write_bytes(whole[: len(whole) // 2])
    assert main(["train", str(data), "-o", str(tmp_path / "m")]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("sklearn-audio: warning: '")
    assert "2.wav': it is cut short" in line
    assert line.endswith("were read. Replace the recording.")


def test_long_lists_end(tree, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._survey._N_LISTED", 2)
    data = tree({f"a/{i}.flac": b"" for i in range(5)})
    assert main(["train", str(data), "-o", str(tmp_path / "m")]) == 2
    assert "... and 3 more" in capsys.readouterr().err


def test_nothing_but_what_cannot_be_used(tree, tmp_path, capsys):
    data = tree({"a/1.wav": b"", "b/1.wav": b""}, n_good=0)
    assert main(["train", str(data), "-o", str(tmp_path / "m"), "--on-error", "skip"]) == 2
    assert "none of the 2 recordings can be used" in capsys.readouterr().err
