"""UrbanSound8K, in its layout."""

import pytest

from sklearn_audio.datasets import load_urbansound8k
from sklearn_audio.exceptions import AudioReadError
from tests.datasets.trees import touch, write

ROWS = [
    ("100032-3-0-0.wav", "100032", "0.0", "0.317551", "1", "5", "3", "dog_bark"),
    ("100263-2-0-117.wav", "100263", "58.5", "62.5", "1", "5", "2", "children_playing"),
    ("7061-6-0-0.wav", "7061", "0.0", "0.4", "2", "10", "6", "gun_shot"),
]


@pytest.fixture
def folder(tmp_path):
    header = "slice_file_name,fsID,start,end,salience,fold,classID,class"
    write(tmp_path / "UrbanSound8K/metadata/UrbanSound8K.csv", header, *map(",".join, ROWS))
    touch(tmp_path / "UrbanSound8K/audio", (f"fold{row[5]}/{row[0]}" for row in ROWS))
    return tmp_path


def test_folds_are_groups(folder):
    clips = load_urbansound8k(folder)
    assert clips.target.tolist() == ["dog_bark", "children_playing", "gun_shot"]
    assert clips.groups.tolist() == ["5", "5", "10"]
    assert [test.tolist() for _, test in clips.splits.split()] == [[0, 1], [2]]
    assert clips.data[2] == str(folder / "UrbanSound8K" / "audio" / "fold10" / "7061-6-0-0.wav")
    # the times are those of the original recording: a clip is the whole of its file
    assert clips.data.shape == (3,)
    assert clips.frame["source_start"].tolist() == [0.0, 58.5, 0.0]
    assert clips.frame["salience"].tolist() == [1, 1, 2]
    assert load_urbansound8k(folder / "UrbanSound8K").groups.tolist() == ["5", "5", "10"]


def test_missing_recording(folder):
    (folder / "UrbanSound8K/audio/fold10/7061-6-0-0.wav").unlink()
    with pytest.raises(AudioReadError, match=r"1 recording\(s\) of the table do not exist: .*fold10"):
        load_urbansound8k(folder)
