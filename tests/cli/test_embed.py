"""``embed``: vectors of recordings and windows, and runs that were killed."""

import sys

import numpy as np
import pandas as pd
import pytest
import soundfile

from sklearn_audio.cli import _embed, main
from sklearn_audio.embedding import SpeechEmbedder
from tests import forked


@pytest.fixture
def embed(speech_weights):
    """The arguments of a command that embeds."""

    def arguments(target, *files):
        network = ["--embedder", "speech", "--weights", speech_weights]
        return ["embed", *files, "-o", target, *network, "--quiet"]

    return arguments


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._compute._MAX_CLIPS", 4)


def read(folder):
    parts = [np.load(file) for file in sorted(folder.glob("part-*.npz"))]
    return {name: np.concatenate([part[name] for part in parts]) for name in ("path", "start", "end", "vectors")}


@pytest.mark.usefixtures("small_parts")
def test_a_vector_per_recording(sounds, speech_weights, tmp_path, run, embed):
    paths = list(sounds.data[:10])
    out = run(*embed(tmp_path / "v", *paths), "--layer", "conv10,embedding", "--pooling", "mean_max")
    assert out == f"10 recordings embedded by speech_embedding: 4 file(s) in {tmp_path / 'v'}\n"
    found = read(tmp_path / "v")
    embedder = SpeechEmbedder(weights=speech_weights, layer=["conv10", "embedding"], pooling="mean_max")
    assert found["path"].tolist() == paths
    assert np.isnan(found["start"]).all()
    np.testing.assert_array_equal(found["vectors"], embedder.fit_transform(paths))


def test_windows_of_parts_of_recordings(speech_weights, tmp_path, run, embed):
    soundfile.write(tmp_path / "long.wav", np.random.default_rng(0).normal(size=80000) / 9, 16000)
    path = str(tmp_path / "long.wav")
    table = pd.DataFrame({"path": path, "start": [0.5, 0.0, 2.0], "end": [2.5, 0.5, 5.0]})
    table.to_csv(tmp_path / "t.csv", index=False)
    run(*embed(tmp_path / "v", tmp_path / "t.csv"), "--hop", "0.4", "--format", "csv")
    found = pd.concat([pd.read_csv(file) for file in sorted((tmp_path / "v").glob("part-*"))], ignore_index=True)
    embedder = SpeechEmbedder(weights=speech_weights, hop=0.4, pooling=None)
    spans, vectors = embedder.fit(list(table.itertuples(index=False, name=None))).segments(
        list(table.itertuples(index=False, name=None)), return_vectors=True
    )
    assert found["path"].tolist() == [path] * len(spans)
    assert len(spans) > 6
    np.testing.assert_allclose(found["start"], spans["start"] + table["start"].to_numpy()[spans["clip"]])
    np.testing.assert_allclose(found["end"], spans["end"] + table["start"].to_numpy()[spans["clip"]])
    np.testing.assert_allclose(found.iloc[:, 3:], vectors.values, rtol=1e-6)


def test_parquet(sounds, tmp_path, run, embed):
    pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    run(*embed(tmp_path / "v", *sounds.data[:3]), "--format", "parquet")
    assert len(pd.concat(map(pd.read_parquet, (tmp_path / "v").glob("part-*")))) == 3


def test_an_extra_that_is_missing(sounds, tmp_path, refused, embed, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(
        [*embed(tmp_path / "v", sounds.data[0]), "--format", "parquet"], "--format parquet needs the package 'pyarrow'"
    )


def test_unreadable_recordings(sounds, tmp_path, refused, embed, capsys):
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    arguments = embed(tmp_path / "v", sounds.data[0], tmp_path / "bad.wav", sounds.data[1])
    refused(arguments, "bad.wav")
    assert main([*map(str, arguments), "--resume", "--on-error", "skip"]) == 0
    assert "warning: skipped: " in capsys.readouterr().err
    assert read(tmp_path / "v")["path"].tolist() == list(sounds.data[:2])


@pytest.mark.usefixtures("small_parts")
def test_resumed_and_changed_runs(sounds, tmp_path, run, embed, refused, monkeypatch):
    paths, folder = list(sounds.data[:9]), tmp_path / "v"
    run(*embed(folder, *paths))
    refused(embed(folder, *paths), "exists; go on with --resume, or replace it with --force")
    refused([*embed(folder, *paths), "--resume", "--pooling", "max"], "had another embedder", "--force")
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir() if file.name != "settings.json"}
    monkeypatch.setattr(_embed, "_table", None)
    run(*embed(folder, *paths), "--resume")
    assert {file.name: file.stat().st_mtime_ns for file in folder.glob("part-*")} == before
    monkeypatch.undo()
    run(*embed(folder, *paths[:3]), "--resume")
    assert read(folder)["path"].tolist() == paths[:3]
    run(*embed(folder, *paths[3:]), "--force")
    assert read(folder)["path"].tolist() == paths[3:]


def test_folders_that_are_refused(sounds, tmp_path, refused, embed):
    refused(embed("", sounds.data[0]), "--output is empty; name a folder")
    (tmp_path / "file").write_text("mine")
    refused(embed(tmp_path / "file", sounds.data[0]), "is a file; name a folder")
    refused(embed(tmp_path, sounds.data[0]), "holds other files; name a new folder")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_options_that_are_refused(sounds, tmp_path, refused, embed):
    arguments = embed(tmp_path / "v", sounds.data[0])
    refused([*arguments, "--pooling", "max", "--window", "0.2"], "--pooling is for a vector per recording")
    arguments[arguments.index("speech")] = "spech"
    refused(arguments, "unknown --embedder 'spech'; did you mean 'speech'?")
    assert list(tmp_path.iterdir()) == []


_SLOW = """
import sys, time
from sklearn_audio.cli import _compute, _embed, main
_compute._MAX_CLIPS = 2
embedded = _embed._embedded
def slow(*arguments):
    time.sleep(0.05)
    print("part", flush=True)
    return embedded(*arguments)
_embed._embedded = slow
sys.exit(main(sys.argv[1:]))
"""


def test_a_killed_run_loses_and_repeats_nothing(sounds, tmp_path, run, embed, monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._compute._MAX_CLIPS", 2)
    paths = list(sounds.data[:16])
    run(*embed(tmp_path / "whole", *paths))
    arguments = [str(argument) for argument in embed(tmp_path / "v", *paths)]
    with forked.reading(["-c", _SLOW, *arguments]) as (process, out):
        for _ in range(3):
            out.readline()
        process.kill()
    run(*arguments, "--resume")
    found, whole = read(tmp_path / "v"), read(tmp_path / "whole")
    assert found["path"].tolist() == paths
    np.testing.assert_array_equal(found["vectors"], whole["vectors"])
