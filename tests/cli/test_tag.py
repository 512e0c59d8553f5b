"""``tag``: the table of `AudioTagger.tag`, recording by recording."""

import io
import json
import math

import pandas as pd
import pytest

from sklearn_audio import AudioTagger
from sklearn_audio.cli import main

MODEL = "efficientat_mn04_as"


def parsed(text):
    return pd.read_csv(io.StringIO(text))


def test_the_highest_scores(night, checkpoint, run):
    options = ["--model", MODEL, "--weights", checkpoint, "--top", 3]
    paths = [str(night / f"{i}.wav") for i in range(3)]
    table = parsed(run("tag", *paths, *options))
    expected = AudioTagger(MODEL, weights=checkpoint, top_k=3).tag(paths)
    assert table["path"].tolist() == [path for path in paths for _ in range(3)]
    assert table["label"].tolist() == expected["label"].tolist()
    assert table["score"].tolist() == pytest.approx(expected["score"].tolist(), abs=1e-6)
    lines = [json.loads(line) for line in run("tag", *paths, *options, "--format", "jsonl").splitlines()]
    assert lines == table.to_dict("records")


def test_parts_of_recordings(night, checkpoint, tmp_path, run):
    (tmp_path / "parts.csv").write_text(f"path,start,end\n{night}/1.wav,0.5,2.5\n{night}/1.wav,2.5,\n")
    table = parsed(run("tag", tmp_path / "parts.csv", "--model", MODEL, "--weights", checkpoint, "--top", 1))
    assert table[["start", "end"]].values.tolist() == [[0.5, 2.5], [2.5, math.inf]]


def test_what_cannot_be_read(night, checkpoint, tmp_path, capsys, refused):
    (tmp_path / "text.wav").write_text("this is text")
    command = ["tag", tmp_path / "text.wav", night / "0.wav", "--model", MODEL, "--weights", checkpoint]
    assert "row" not in refused(command, "cannot read", "text.wav'")
    assert main([str(part) for part in [*command, "--on-error", "skip", "--top", "1"]]) == 0
    out, err = capsys.readouterr()
    assert len(parsed(out)) == 1
    assert err.startswith("sklearn-audio: warning: skipped: cannot read ")


def test_models_and_weights_that_are_none(night, tmp_path, refused):
    refused(["tag", night, "--model", "efficientat_mn4"], "unknown model 'efficientat_mn4'", "did you mean")
    refused(["tag", night, "--model", MODEL, "--weights", tmp_path / "none.pt"], "none.pt': there is no")
