"""Folds of train: groups stay together, copies are counted, and the seed decides."""

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.usefixtures("few_settings")


def test_the_seed_moves_the_folds(folder, tmp_path, run, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "sklearn_audio.cli._train.copies_on_both_sides", lambda digests, splits: seen.append(splits[0][1].tolist())
    )
    for seed in "010":
        run("train", folder, "-o", tmp_path / "m", "--seed", seed, "--force")
    assert seen[0] == seen[2] != seen[1]


def test_copies_on_both_sides_are_counted(tree, tmp_path, run):
    """Five of the six recordings of a class are one: two folds of three cannot keep them apart."""
    data = tree(n_good=6)
    for i in range(1, 5):
        (data / "a" / f"{i}.wav").write_bytes((data / "a" / "0.wav").read_bytes())
    for i in range(6):
        soundfile.write(data / "b" / f"{i}.wav", np.sin(np.arange(3000) * 0.02 * (i + 1)), 16000)
    out = run("train", data, "-o", tmp_path / "m.joblib", "--folds", "2")
    assert "\n  5 of 12 held-out recordings are exact copies of training recordings" in out


def test_random_folds_say_so_and_propose_a_column(sounds, table, folder, tmp_path, run):
    out = run("train", folder, "-o", tmp_path / "1")
    assert "the folds are random" in out
    assert "--groups COLUMN or --group-pattern REGEX keeps them together" in out
    path = table(tmp_path / "table.csv", Recordist=sounds.groups)
    assert "--groups Recordist keeps them together" in run("train", path, "-o", tmp_path / "2")
    assert "folds are random" not in run("train", path, "-o", tmp_path / "3", "--groups", "Recordist")


def test_groups_that_cannot_be_used(sounds, table, tmp_path, refused):
    path, arguments = tmp_path / "table.csv", ["-o", tmp_path / "m.joblib", "--groups", "speaker"]
    table(path, speaker="x")
    refused(["train", path, *arguments], "all recordings are of one group, 'x'")
    table(path, speaker=sounds.target)
    refused(["train", path, *arguments], "all recordings of the class", "from 1 group(s)")
