"""GTZAN, in its layout: all thousand clips, empty."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sklearn_audio.datasets import load_gtzan
from sklearn_audio.datasets._gtzan import PARTS, part_of_clips
from sklearn_audio.exceptions import AudioReadError
from tests.datasets.trees import touch

GENRES = ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"]


def make(folder, ending="au"):
    touch(folder, (f"{genre}/{genre}.{number:05d}.{ending}" for genre in GENRES for number in range(100)))


@pytest.mark.parametrize(("below", "ending"), [("", "au"), ("genres", "au"), ("Data/genres_original", "wav")])
def test_fault_filtered_split(tmp_path, below, ending):
    make(tmp_path / below, ending)
    clips = load_gtzan(tmp_path)
    assert len(clips.data) == 930
    assert Counter(clips.official_split) == {"train": 443, "valid": 197, "test": 290}
    assert clips.target_names.tolist() == GENRES
    assert clips.groups.tolist() == clips.official_split.tolist()
    first = clips.frame.iloc[0]
    assert (first["label"], first["number"], first["official_split"]) == ("blues", 0, "valid")
    assert clips.data[0] == str(tmp_path / below / "blues" / f"blues.00000.{ending}")
    assert all(Path(name).name.startswith(label) for name, label in zip(clips.data, clips.target, strict=True))
    ((train, test),) = clips.splits.split()
    assert set(clips.official_split[train]) == {"train", "valid"}
    assert set(clips.official_split[test]) == {"test"}
    assert clips.DESCR.startswith("930 recordings of 10 classes")


def test_faulty_clips_too(tmp_path):
    make(tmp_path)
    clips = load_gtzan(tmp_path, filtered=False)
    assert len(clips.data) == 1000
    assert (clips.official_split == "faulty").sum() == 70
    assert "splits" not in clips


def test_missing_clip(tmp_path):
    make(tmp_path)
    (tmp_path / "jazz" / "jazz.00054.au").unlink()
    with pytest.raises(
        AudioReadError, match=r"1 clip\(s\) of the fault-filtered split are missing .*'jazz/jazz\.00054'"
    ):
        load_gtzan(tmp_path)


def test_other_files_are_left_alone(tmp_path):
    make(tmp_path)
    touch(tmp_path, ["blues/._blues.00000.au", "copies/blues.00001.wav", "blues/notes.txt", "mix.wav"])
    assert len(load_gtzan(tmp_path, filtered=False).data) == 1000


def test_parts_are_apart():
    parts = part_of_clips()
    assert len(parts) == 930
    assert set(parts.values()) == set(PARTS)
    assert {genre for genre, _ in parts} == set(GENRES)


def test_lists_are_those_of_the_published_features(shared_data):
    parts = part_of_clips()
    for part in ("train", "test"):
        with np.load(shared_data / "gtzan_taggram" / f"{part}.npz") as published:
            wanted = published["clips"].tolist()
        assert sorted(wanted) == sorted(f"{g}/{g}.{n:05d}.au" for (g, n), p in parts.items() if p == part)
