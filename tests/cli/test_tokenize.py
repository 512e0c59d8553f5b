"""``tokenize``: tokens by a saved vocabulary or one that is learned."""

import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_audio import KMeansAudioTokenizer, MelSpectrogramTransformer, TokenCounts
from sklearn_audio.cli import main


@pytest.fixture(scope="module")
def words(sounds, tmp_path_factory):
    """A classifier with a vocabulary of ten tokens."""
    frames = MelSpectrogramTransformer(16000, n_fft=640, hop_length=320, n_mels=32)
    tokenizer = KMeansAudioTokenizer(10, random_state=0)
    model = make_pipeline(frames, tokenizer, TokenCounts(), LogisticRegression(max_iter=1000))
    path = tmp_path_factory.mktemp("words") / "words.joblib"
    joblib.dump(model.fit(list(sounds.data), sounds.target), path)
    return path


def test_the_tokens_of_a_model(words, sounds, run, capsys):
    paths = list(sounds.data[:5])
    out = run("tokenize", words, *paths, "--format", "jsonl")
    wanted = joblib.load(words)[:2].transform(paths)
    for line, path, tokens in zip(out.splitlines(), paths, wanted, strict=True):
        assert json.loads(line) == {"path": path, "tokens": tokens.tolist()}
    lines = run("tokenize", words, *paths).splitlines()
    assert lines[0] == "path,tokens"
    assert lines[1].split(",")[1] == " ".join(map(str, wanted[0]))
    main(["tokenize", str(words), *paths])
    assert f"{len(wanted.values)} tokens; " in capsys.readouterr().err


def test_a_vocabulary_that_is_learned(folder, tmp_path, run, capsys):
    target = tmp_path / "w.joblib"
    assert main(["tokenize", str(target), folder, "--learn", "12", "--seed", "3", "--sample-rate", "8000"]) == 0
    out, err = capsys.readouterr()
    assert "learned 12 tokens from " in err
    assert run("tokenize", target, folder) == out
    assert joblib.load(target)[0].front_end.sample_rate == 8000
    again = run("tokenize", tmp_path / "v.joblib", folder, "--learn", "12", "--seed", "3", "--sample-rate", "8000")
    assert again == out


def test_it_is_learned_in_chunks(folder, tmp_path, run, monkeypatch):
    monkeypatch.setattr("sklearn_audio.cli._compute._MAX_SECONDS", 5.0)
    run("tokenize", tmp_path / "w.joblib", folder, "--learn", "8")
    frames, tokenizer = joblib.load(tmp_path / "w.joblib")
    assert tokenizer.token_counts_.sum() == len(frames.transform(sorted(map(str, Path(folder).rglob("*.wav")))).values)


def test_parquet_and_parts(words, sounds, tmp_path, run):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"path": list(sounds.data[:2]), "start": 0.0, "end": 0.3}).to_csv(tmp_path / "t.csv")
    run("tokenize", words, tmp_path / "t.csv", "-o", tmp_path / "tokens.parquet")
    table = pd.read_parquet(tmp_path / "tokens.parquet")
    assert table.columns.tolist() == ["path", "start", "end", "tokens"]
    wanted = joblib.load(words)[:2].transform([(path, 0.0, 0.3) for path in sounds.data[:2]])
    for found, tokens in zip(table["tokens"], wanted, strict=True):
        np.testing.assert_array_equal(found, tokens)


def test_unreadable_recordings(words, tree, tmp_path, refused, capsys):
    data = tree({"a/bad.wav": b"RIFF"})
    refused(["tokenize", words, data], "bad.wav")
    assert main(["tokenize", str(words), str(data), "--on-error", "skip"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 7
    assert err.count("warning: skipped: ") == 1
    learned = ["tokenize", str(tmp_path / "w.joblib"), str(data), "--learn", "4", "--on-error", "skip"]
    assert main(learned) == 0
    assert capsys.readouterr().err.count("warning: skipped: ") == 1
    refused(["tokenize", words, data / "a" / "bad.wav", "--on-error", "skip"][:3], "bad.wav")
    assert main(["tokenize", str(words), str(data / "a" / "bad.wav"), "--on-error", "skip"]) == 2
    assert "none of the 1 recordings can be used" in capsys.readouterr().err


def test_what_is_refused(words, model, folder, tmp_path, refused):
    refused(["tokenize", words, folder, "--seed", "1"], "--seed is for --learn N; leave it out")
    refused(["tokenize", words, folder, "--sample-rate", "8000"], "--sample-rate is for --learn N")
    refused(["tokenize", model, folder], "holds a Pipeline without a KMeansAudioTokenizer after its first step")
    refused(["tokenize", tmp_path / "no.joblib", folder], "no model file at")
    before = words.read_bytes()
    refused(
        ["tokenize", words, folder, "--learn", "5"], "MODEL ", "exists; name another file, or replace it with --force"
    )
    assert words.read_bytes() == before
    refused(["tokenize", words, folder, "--force"], "--force needs --output FILE")
    assert main(["tokenize", str(tmp_path / "own.joblib"), folder, "--learn", "5", "--force"]) == 0
    refused(["tokenize", tmp_path / "t.csv", folder, "--learn", "5"], "is the name of a table")
