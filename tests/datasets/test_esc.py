"""ESC-50, in its layout."""

import pytest

from sklearn_audio.datasets import load_esc50
from sklearn_audio.exceptions import AudioReadError
from tests.datasets.trees import touch, write

ROWS = [
    ("1-100032-A-0.wav", "1", "0", "dog", "True", "100032", "A"),
    ("1-100038-A-14.wav", "1", "14", "chirping_birds", "False", "100038", "A"),
    ("2-100648-A-43.wav", "2", "43", "car_horn", "False", "100648", "A"),
    ("2-102435-B-10.wav", "2", "10", "rain", "True", "102435", "B"),
    ("5-9032-A-0.wav", "5", "0", "dog", "True", "9032", "A"),
]


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "ESC-50-master"
    write(root / "meta/esc50.csv", "filename,fold,target,category,esc10,src_file,take", *map(",".join, ROWS))
    touch(root / "audio", (row[0] for row in ROWS))
    return tmp_path


def test_fifty(folder):
    clips = load_esc50(folder)
    assert clips.data.tolist() == [str(folder / "ESC-50-master" / "audio" / row[0]) for row in ROWS]
    assert clips.target.tolist() == ["dog", "chirping_birds", "car_horn", "rain", "dog"]
    assert clips.groups.tolist() == ["1", "1", "2", "2", "5"]
    assert clips.frame["source"].tolist() == [row[5] for row in ROWS]
    assert [test.tolist() for _, test in clips.splits.split()] == [[0, 1], [2, 3], [4]]
    assert "ESC-50: environmental" in clips.DESCR
    assert load_esc50(folder / "ESC-50-master").data.tolist() == clips.data.tolist()


def test_ten(folder):
    clips = load_esc50(folder, subset="esc10")
    assert clips.target.tolist() == ["dog", "rain", "dog"]
    assert clips.groups.tolist() == ["1", "2", "5"]
    assert "ESC-10: environmental" in clips.DESCR


def test_refused(folder):
    with pytest.raises(ValueError, match="subset='esc20' must be 'esc10' or None"):
        load_esc50(folder, subset="esc20")
    (folder / "ESC-50-master/audio/5-9032-A-0.wav").unlink()
    with pytest.raises(AudioReadError, match=r"1 recording\(s\) of the table do not exist"):
        load_esc50(folder)
