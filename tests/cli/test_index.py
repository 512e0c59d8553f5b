"""``index``: what is written, and outputs that exist."""

import json
import os

import numpy as np
import pytest

from sklearn_audio import AudioIndex, SpeechEmbedder
from sklearn_audio.cli import main


@pytest.fixture
def index(speech_weights):
    """The arguments of a command that writes an index."""

    def arguments(target, *files):
        return ["index", *files, "-o", target, "--embedder", "speech", "--weights", speech_weights, "--quiet"]

    return arguments


def test_an_index_of_recordings(sounds, speech_weights, tmp_path, run, index):
    paths = list(sounds.data[:6])
    out = run(*index(tmp_path / "i", *paths, paths[0]), "--metric", "euclidean", "--kind", "hnsw")
    assert out == f"6 vectors of 6 recordings by speech_embedding in {tmp_path / 'i'}\n"
    loaded = AudioIndex.load(tmp_path / "i", SpeechEmbedder(weights=speech_weights, pooling="mean"))
    expected = AudioIndex(loaded.embedder, "euclidean", index="hnsw").fit(paths)
    assert (loaded.metric, loaded.index) == ("euclidean", "hnsw")
    np.testing.assert_array_equal(loaded.vectors_, expected.vectors_)
    assert loaded.items_["path"].tolist() == paths
    chosen = json.loads((tmp_path / "i" / "embedder.json").read_text())
    assert chosen["weights"] == os.path.abspath(speech_weights)
    assert chosen["embedder"] == "speech"


def test_an_index_of_windows(night, tmp_path, run, index):
    run(*index(tmp_path / "i", night), "--hop", "1")
    items = AudioIndex.load(tmp_path / "i").items_
    assert items["path"].nunique() == 10
    assert len(items) > 20


def test_outputs_that_exist(sounds, tmp_path, run, index, refused):
    paths = list(sounds.data[:3])
    run(*index(tmp_path / "i", *paths))
    refused(index(tmp_path / "i", *paths), "i' exists; name another folder, or replace it with --force")
    run(*index(tmp_path / "i", *paths[:2]), "--force")
    assert len(AudioIndex.load(tmp_path / "i").items_) == 2
    (tmp_path / "i" / "index.json").write_text("damaged")
    run(*index(tmp_path / "i", *paths), "--force")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    refused([*index(tmp_path / "other", *paths), "--force"], "other' holds no index")
    refused(index("", *paths), "--output is empty; name a folder such as collection.index")


def test_what_cannot_be_read(sounds, tmp_path, index, refused, capsys):
    (tmp_path / "text.wav").write_text("this is text")
    command = index(tmp_path / "i", tmp_path / "text.wav", *sounds.data[:2])
    assert "row" not in refused(command, "cannot read", "text.wav'")
    assert main([str(part) for part in [*command, "--on-error", "skip"]]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("2 vectors of 2 recordings")
    assert err.startswith("sklearn-audio: warning: skipped: cannot read ")
    refused([*index(tmp_path / "j", sounds.data[0]), "--embedder", "speach"], "unknown --embedder 'speach'")
