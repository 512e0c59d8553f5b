"""TUT Acoustic Scenes 2017, in its layout."""

import pytest

from sklearn_audio.datasets import load_tut_scenes_2017
from sklearn_audio.exceptions import AudioReadError
from tests.datasets.trees import touch, write

NAME = "TUT-acoustic-scenes-2017"
DEVELOPMENT = [
    ("audio/b020_90_100.wav", "beach", "b020"),
    ("audio/b020_0_10.wav", "beach", "b020"),
    ("audio/a001_0_10.wav", "residential_area", "a001"),
    ("audio/b030_0_10.wav", "tram", "b030"),
]
FOLDS = [(DEVELOPMENT[0], DEVELOPMENT[1]), (DEVELOPMENT[2],), (DEVELOPMENT[3],), ()]
EVALUATION = [("audio/1.wav", "beach"), ("audio/2.wav", "tram")]


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / f"{NAME}-development"
    write(root / "meta.txt", *map("\t".join, DEVELOPMENT))
    for fold, rows in enumerate(FOLDS, 1):
        write(root / f"evaluation_setup/fold{fold}_evaluate.txt", *("\t".join(row[:2]) for row in rows))
    touch(root, (row[0] for row in DEVELOPMENT))
    # unzipping tools like to make one more folder
    root = tmp_path / f"{NAME}-evaluation" / f"{NAME}-evaluation"
    write(root / "evaluation_setup/evaluate.txt", *map("\t".join, EVALUATION))
    touch(root, (row[0] for row in EVALUATION))
    return tmp_path


def test_development(folder):
    clips = load_tut_scenes_2017(folder)
    assert clips.target.tolist() == ["beach", "beach", "residential_area", "tram"]
    assert clips.groups.tolist() == ["1", "1", "2", "3"]
    assert clips.data[0] == str(folder / f"{NAME}-development" / "audio/b020_90_100.wav")
    assert set(clips.official_split) == {"development"}
    assert [test.tolist() for _, test in clips.splits.split()] == [[0, 1], [2], [3]]
    assert load_tut_scenes_2017(folder / f"{NAME}-development").groups.tolist() == clips.groups.tolist()


def test_evaluation_and_all(folder):
    assert load_tut_scenes_2017(folder / f"{NAME}-evaluation", part="evaluation").target.tolist() == ["beach", "tram"]
    clips = load_tut_scenes_2017(folder, part="all")
    assert clips.official_split.tolist() == ["development"] * 4 + ["evaluation"] * 2
    assert clips.groups.tolist() == ["1", "1", "2", "3", "evaluation", "evaluation"]
    assert [[part.tolist() for part in split] for split in clips.splits.split()] == [[[0, 1, 2, 3], [4, 5]]]
    assert "splits" not in load_tut_scenes_2017(folder / f"{NAME}-evaluation", part="evaluation")
    assert clips.DESCR.startswith("6 recordings of 3 classes")


def test_refused(folder):
    with pytest.raises(ValueError, match="part='test' must be 'development', 'evaluation' or 'all'"):
        load_tut_scenes_2017(folder, part="test")
    setup = folder / f"{NAME}-development/evaluation_setup"
    write(setup / "fold2_evaluate.txt")
    with pytest.raises(AudioReadError, match=r"1 recording\(s\) of .* are in no fold .*'audio/a001_0_10.wav'"):
        load_tut_scenes_2017(folder)
    (setup / "fold2_evaluate.txt").unlink()
    with pytest.raises(AudioReadError, match=r"fold2_evaluate\.txt' is missing"):
        load_tut_scenes_2017(folder)


def test_missing_recording(folder):
    (folder / f"{NAME}-development/audio/b030_0_10.wav").unlink()
    with pytest.raises(AudioReadError, match=r"1 recording\(s\) of the table do not exist"):
        load_tut_scenes_2017(folder)
