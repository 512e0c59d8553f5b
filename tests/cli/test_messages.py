"""Warnings, progress and errors of the command line: a line each, in terms of its options."""

import numpy as np
import pandas as pd
import pytest

from sklearn_audio.cli import main

pytestmark = pytest.mark.usefixtures("few_settings")


def test_warnings_are_one_line_each(tree, tmp_path, capsys):
    left = np.sin(np.arange(4000) * 0.2).astype(np.float32)
    data = tree({"a/cancelling.wav": np.stack([left, -left], axis=1)})
    assert main(["train", str(data), "-o", str(tmp_path / "m")]) == 0
    out, err = capsys.readouterr()
    assert "mono and stereo" in out
    assert err.startswith("sklearn-audio: warning: '")
    assert "cancelling.wav" in err
    assert err.count("\n") == 1  # told once, although five transformers read the file


def test_a_line_a_minute_where_nobody_sees_a_bar(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._messages._LINE_EVERY_S", 0.0)
    assert main(["train", folder, "-o", str(tmp_path / "m")]) == 0
    lines = capsys.readouterr().err.splitlines()
    for line in ("40 of 40 headers", "200 of 200 recordings", "28 of 28 fits"):
        assert f"sklearn-audio: {line}" in lines
    assert main(["train", folder, "-o", str(tmp_path / "n"), "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_messages_speak_of_options(sounds, tmp_path, refused):
    pd.DataFrame({"path": sounds.data, "what": sounds.target}).to_csv(tmp_path / "t.csv", index=False)
    assert "label=" not in refused(["train", tmp_path / "t.csv", "-o", tmp_path / "m"], "--label")
    (tmp_path / "u.csv").write_text("path,label\nno.wav,a\nnone.wav,b\n")
    assert "root=" not in refused(["train", tmp_path / "u.csv", "-o", tmp_path / "m"], "--root")
