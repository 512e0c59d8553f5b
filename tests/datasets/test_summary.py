"""Counts and durations per class."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from sklearn_audio.datasets import load_audio_table, make_sound_events, summarize_clips
from sklearn_audio.exceptions import AudioReadError


@pytest.fixture
def recordings(tmp_path):
    """Three files: 1 s mono, 2 s stereo, 4 s mono at another rate."""
    shapes = {"a.wav": (8000, (8000,)), "b.wav": (8000, (16000, 2)), "c.wav": (16000, (64000,))}
    for name, (rate, shape) in shapes.items():
        soundfile.write(tmp_path / name, np.zeros(shape), rate)
    return [str(tmp_path / name) for name in shapes]


def test_durations_rates_and_channels_per_class(recordings):
    summary = summarize_clips(recordings, ["x", "y", "x"], n_jobs=2)
    expected = {
        "class": ["x", "y"],
        "n_clips": [2, 1],
        "total_s": [5.0, 2.0],
        "min_s": [1.0, 2.0],
        "median_s": [2.5, 2.0],
        "max_s": [4.0, 2.0],
        "sample_rates": [(8000, 16000), (8000,)],
        "channels": [(1,), (2,)],
    }
    pd.testing.assert_frame_equal(summary, pd.DataFrame(expected))


def test_without_a_target_there_is_one_row(recordings):
    summary = summarize_clips(recordings)
    assert summary["class"].tolist() == ["all"]
    assert summary["total_s"].tolist() == [7.0]


def test_a_clip_counts_for_each_of_its_labels(recordings):
    target = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]])
    summary = summarize_clips(recordings, target, target_names=["p", "q", "r"])
    assert summary["class"].tolist() == ["p", "q", "r"]
    assert summary["n_clips"].tolist() == [1, 2, 0]
    assert summary["total_s"].tolist() == [1.0, 3.0, 0.0]
    assert np.isnan(summary["max_s"][2])
    assert summarize_clips(recordings, target)["class"].tolist() == ["0", "1", "2"]


def test_spans_count_as_far_as_the_file_goes(recordings):
    spans = pd.DataFrame({"path": recordings, "start": [0.5, 0.0, 3.0], "end": [0.75, 9.0, 5.0]})
    assert summarize_clips(spans)["total_s"].tolist() == [0.25 + 2.0 + 1.0]
    assert summarize_clips(list(spans.itertuples(index=False, name=None)))["total_s"].tolist() == [3.25]


def test_every_kind_of_clip(recordings):
    path = recordings[0]
    clips = [
        Path(path),
        Path(path).read_bytes(),
        io.BytesIO(Path(path).read_bytes()),
        (np.zeros(8000), 8000),
        {"array": np.zeros((8000, 2)), "sampling_rate": 8000},
        np.zeros(8000),
    ]
    summary = summarize_clips(clips, sample_rate=8000)
    assert summary["total_s"].tolist() == [6.0]
    assert summary["channels"].tolist() == [(1, 2)]
    assert summarize_clips(pd.DataFrame({"path": recordings}))["n_clips"].tolist() == [3]


PATHS_IN = {
    "Series": pd.Series,
    "string array": lambda paths: pd.Series(paths).array,
    "categorical": lambda paths: pd.Series(paths).astype("category"),
    "index": pd.Index,
    "column": lambda paths: np.array(paths)[:, None],
    "bytes": lambda paths: [path.encode() for path in paths],
    "dicts": lambda paths: [{"path": path} for path in paths],
    "columns of other names": lambda paths: pd.DataFrame({"file": paths, "onset": 0, "offset": [9, None, None]}),
    "MultiIndex": lambda paths: pd.MultiIndex.from_arrays([paths, [0.0] * 3], names=["file", "start"]),
}


@pytest.mark.parametrize("form", PATHS_IN)
def test_every_container(recordings, form):
    summary = summarize_clips(PATHS_IN[form](recordings), pd.Series(["x", "y", "x"], dtype="category"))
    assert summary["total_s"].tolist() == [5.0, 2.0]


def test_parts_in_dicts(recordings):
    clips = [
        {"path": recordings[1], "offset": 0.5, "duration": 1.0},
        {"path": recordings[2], "start": "3.5"},
        {"array": np.zeros(8000), "sampling_rate": 8000, "start": 0.25},
        [recordings[0], 0.5, None],
    ]
    assert summarize_clips(clips)["total_s"].tolist() == [1.0 + 0.5 + 0.75 + 0.5]


def test_rows_of_an_array_are_clips():
    summary = summarize_clips(np.zeros((3, 4000)), sample_rate=8000)
    assert summary[["n_clips", "total_s"]].to_numpy().tolist() == [[3, 1.5]]


def test_what_is_no_clip_or_no_label(recordings):
    with pytest.raises(TypeError, match=r"row 1: expected a path, .* The clip is missing"):
        summarize_clips([recordings[0], None])
    with pytest.raises(ValueError, match=r"X is one clip \(dict\) where a sequence of clips is expected"):
        summarize_clips({"path": recordings[0]})
    with pytest.raises(ValueError, match=r"row 1 of y is missing \(None\)"):
        summarize_clips(recordings, ["x", None, "x"])


def test_a_bunch_brings_labels_and_rate():
    sounds = make_sound_events(10, random_state=0, duration=0.5)
    summary = summarize_clips(sounds)
    assert summary["class"].tolist() == sounds.target_names.tolist()
    assert summary["total_s"].tolist() == [1.0] * 5


def test_progress_goes_to_stderr_when_asked(recordings, capsys):
    summarize_clips(recordings)
    assert capsys.readouterr() == ("", "")
    summarize_clips(recordings, verbose=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert "3/3" in err


def test_array_without_a_rate():
    with pytest.raises(ValueError, match="row 1 is an array without a sample rate"):
        summarize_clips([(np.zeros(5), 8000), np.zeros(5)])


def test_target_of_another_length(recordings):
    with pytest.raises(ValueError, match="there are 3 clips but 2 rows of target"):
        summarize_clips(recordings, ["a", "b"])


def test_unreadable_header_names_row_and_file(recordings, tmp_path):
    (tmp_path / "bad.wav").write_text("no sound")
    with pytest.raises(AudioReadError, match=r"row 1.*bad\.wav"):
        summarize_clips([recordings[0], str(tmp_path / "bad.wav")])


def test_real_multilabel_table(shared_data):
    clips = load_audio_table(shared_data / "multilabel" / "labels.csv")
    summary = summarize_clips(clips, n_jobs=2)
    assert len(summary) == 12
    assert summary["n_clips"].tolist() == clips.target.sum(axis=0).tolist()
    assert summary["median_s"].between(4.9, 5.1).all()
