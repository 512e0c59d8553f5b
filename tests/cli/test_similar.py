"""``similar``: the nearest items, and indexes that cannot be searched."""

import io
import json
import shutil

import pandas as pd
import pytest

from sklearn_audio import AudioIndex, SpeechEmbedder
from sklearn_audio.cli import main


@pytest.fixture(scope="module")
def index(sounds, speech_weights, tmp_path_factory):
    """An index of windows of twelve sounds."""
    folder = tmp_path_factory.mktemp("index") / "sounds.index"
    options = ["--embedder", "speech", "--weights", str(speech_weights), "--hop", "0.4", "--quiet"]
    assert main(["index", *sounds.data[:12], "-o", str(folder), *options]) == 0
    return folder


def parsed(text):
    return pd.read_csv(io.StringIO(text))


def test_the_nearest_items(sounds, speech_weights, index, run, monkeypatch):
    queries = list(sounds.data[:3])
    table = parsed(run("similar", index, *queries, "-k", 4))
    embedder = SpeechEmbedder(weights=speech_weights, hop=0.4, pooling=None)
    expected = AudioIndex.load(index, embedder).query(queries, 4)
    assert table["query"].tolist() == [queries[row] for row in expected["query"]]
    assert table["path"].tolist() == expected["path"].tolist()
    for name in ("rank", "start", "end", "distance", "query_start", "query_end"):
        assert table[name].tolist() == pytest.approx(expected[name].tolist(), abs=1e-6)
    first = table[table["rank"] == 1]
    assert first["path"].tolist() == first["query"].tolist()  # each is in the index
    lines = [json.loads(line) for line in run("similar", index, *queries, "-k", 4, "--format", "jsonl").splitlines()]
    assert pd.DataFrame(lines).equals(table)
    monkeypatch.setattr("sklearn_audio.cli._compute._MAX_CLIPS", 1)
    assert parsed(run("similar", index, *queries, "-k", 4)).equals(table)


def test_weights_that_were_moved(sounds, speech_weights, index, tmp_path, run, refused):
    moved = shutil.copytree(index, tmp_path / "moved.index")
    chosen = json.loads((moved / "embedder.json").read_text())
    (moved / "embedder.json").write_text(json.dumps({**chosen, "weights": str(tmp_path / "none.safetensors")}))
    refused(["similar", moved, sounds.data[0]], "none.safetensors': there is no")
    assert run("similar", moved, sounds.data[0], "--weights", speech_weights) == run("similar", index, sounds.data[0])


def test_indexes_that_cannot_be_searched(sounds, speech_weights, index, tmp_path, refused):
    refused(["similar", tmp_path, sounds.data[0]], "holds no index")
    other = shutil.copytree(index, tmp_path / "other.index")
    chosen = json.loads((other / "embedder.json").read_text())
    (other / "embedder.json").write_text(json.dumps({**chosen, "layer": "conv10"}))
    refused(
        ["similar", other, sounds.data[0]], "SpeechEmbedder makes vectors of 72 numbers, and those of the index have 96"
    )
    (other / "embedder.json").unlink()
    refused(["similar", other, sounds.data[0]], "was not written by sklearn-audio index")
    (other / "index.json").write_text("{}")
    refused(["similar", other, sounds.data[0]], "is damaged")
    (other / "index.json").write_text(json.dumps({"format": 99}))
    refused(["similar", other, sounds.data[0]], "has version 99 of the format")


def test_queries_that_cannot_be_read(sounds, index, tmp_path, refused, capsys):
    (tmp_path / "text.wav").write_text("this is text")
    command = ["similar", index, tmp_path / "text.wav", sounds.data[0]]
    assert "row" not in refused(command, "cannot read", "text.wav'")
    assert main([str(part) for part in [*command, "--on-error", "skip", "-k", "1"]]) == 0
    out, err = capsys.readouterr()
    assert parsed(out)["query"].tolist() == [sounds.data[0]]
    assert err.startswith("sklearn-audio: warning: skipped: cannot read ")
