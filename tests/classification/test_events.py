"""Events from scores that were computed before."""

import numpy as np
import pandas as pd
import pytest

from sklearn_audio import Ragged
from sklearn_audio.classification import events_from_frames

# two labels along a second of ten frames: one event with a gap of one frame; a single frame
DOG = [0.1, 0.9, 0.8, 0.3, 0.7, 0.9, 0.2, 0.0, 0.0, 0.0]
CAT = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.6, 0.0, 0.0]
SCORES = np.array([DOG, CAT], dtype=np.float32).T
OPTIONS = {"labels": ["dog", "cat"], "frames_per_second": 10}


def spans(table):
    return [(row.label, row.start, row.end) for row in table.itertuples()]


def test_runs_of_frames_above_the_threshold():
    table = events_from_frames([SCORES, SCORES[:3]], 0.5, **OPTIONS)
    assert table.columns.tolist() == ["clip", "start", "end", "label", "score"]
    assert table["clip"].tolist() == [0, 0, 0, 1]
    assert spans(table) == [("dog", 0.1, 0.3), ("dog", 0.4, 0.6), ("cat", 0.7, 0.8), ("dog", 0.1, 0.3)]
    assert table["score"].iloc[0] == pytest.approx(0.85)


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ({"merge_gap": 0.2}, [("dog", 0.1, 0.6), ("cat", 0.7, 0.8)]),
        ({"min_duration": 0.2}, [("dog", 0.1, 0.3), ("dog", 0.4, 0.6)]),
        ({"merge_gap": 0.2, "min_duration": 0.4}, [("dog", 0.1, 0.6)]),
        ({"median": 0.3}, [("dog", 0.1, 0.6)]),
    ],
)
def test_rules_are_in_seconds(rules, wanted):
    assert spans(events_from_frames([SCORES], 0.5, **OPTIONS, **rules)) == wanted


def test_thresholds_by_label():
    cat = [("cat", 0.7, 0.8)]
    assert spans(events_from_frames([SCORES], {"cat": 0.6}, **OPTIONS)) == cat
    assert spans(events_from_frames([SCORES], [2.0, 0.6], **OPTIONS)) == cat
    assert spans(events_from_frames([SCORES], np.array([2.0, 0.6]), **OPTIONS)) == cat


def test_columns_without_names_are_numbered():
    table = events_from_frames(SCORES[None], {1: 0.5}, frames_per_second=10)
    assert spans(table) == [(1, 0.7, 0.8)]


def test_containers_and_clips_that_failed():
    failed = np.full((1, 2), np.nan, dtype=np.float32)
    wanted = events_from_frames([SCORES], **OPTIONS).assign(clip=1)
    for frames in ([failed, SCORES], Ragged.from_list([failed, SCORES])):
        pd.testing.assert_frame_equal(events_from_frames(frames, **OPTIONS), wanted)


def test_no_event():
    assert len(events_from_frames([SCORES], 1.1, **OPTIONS)) == 0


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"labels": ["dog"]}, "labels names 1 columns, but the frames have 2"),
        ({"threshold": {"cow": 0.5}}, r"unknown label 'cow'; choose one of \['dog', 'cat'\]"),
        ({"threshold": {2: 0.5}, "labels": None}, r"unknown label 2; choose one of \[0, 1\]"),
        ({"threshold": [0.1, 0.2, 0.3]}, r"threshold has shape \(3,\); give one number, one for each of the 2 labels"),
        ({"threshold": np.nan}, "threshold=nan holds NaN"),
        ({"frames_per_second": 0}, "frames_per_second must be a number above 0, got 0"),
        ({"median": -1.0}, r"median must be a number of seconds, at least 0, got -1\.0"),
        ({"merge_gap": np.inf}, "merge_gap must be a number of seconds, at least 0, got inf"),
        ({"min_duration": "1"}, "min_duration must be a number of seconds, at least 0, got '1'"),
    ],
)
def test_refused(options, match):
    with pytest.raises(ValueError, match=match):
        events_from_frames([SCORES], **(OPTIONS | options))


def test_clip_with_some_frames_of_nan_is_refused():
    broken = SCORES.copy()
    broken[3, 1] = np.nan
    with pytest.raises(ValueError, match="row 1"):
        events_from_frames([SCORES, broken], **OPTIONS)
