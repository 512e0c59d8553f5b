"""Curves of events: equal to sed_scores_eval, and to the events and the report of each threshold."""

import json

import numpy as np
import pandas as pd
import pytest

from sklearn_audio.events import find_events, windows_to_frames
from sklearn_audio.metrics import event_precision_recall_curve, event_report
from tests.metrics.sed_scores_cases import COLLARS, GOLDEN, LABELS, SEEDS, random_case, summary

EXPECTED = json.loads(GOLDEN.read_text())


@pytest.mark.parametrize("seed", SEEDS)
def test_stored_cases_equal_sed_scores_eval(seed):
    """Numbers of sed_scores_eval 0.0.4."""
    table = event_precision_recall_curve(*random_case(seed), **COLLARS[seed % len(COLLARS)])
    for label, expected in zip(LABELS, EXPECTED[seed]["points"], strict=True):
        curve = table[table["label"] == label]
        np.testing.assert_allclose(summary(curve["precision"], curve["recall"]), expected, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_each_row_is_the_report_of_its_threshold(seed):
    reference, scores = random_case(seed)
    table = event_precision_recall_curve(reference, scores)
    for label, threshold, *expected in table.iloc[:: max(1, len(table) // 12)].itertuples(index=False):
        estimated = pd.concat([events_of(part, label, threshold).assign(path=path) for path, part in by_path(scores)])
        row = event_report(reference[reference["label"] == label], estimated[["path", "start", "end", "label"]]).iloc[0]
        found = row[["precision", "recall", "f1"]].tolist() if len(estimated) else [1.0, 0.0, 0.0]
        assert expected == pytest.approx(found)


def by_path(scores):
    return list(scores.groupby("path"))


def events_of(windows, label, threshold):
    frames = windows_to_frames(windows[[label]], windows[["start", "end"]], frames_per_second=1000)
    return find_events([frames], frames_per_second=1000, labels=[label], threshold=threshold)


def test_thresholds_fall_from_infinity():
    table = event_precision_recall_curve(*random_case(0))
    for _, curve in table.groupby("label"):
        assert curve["threshold"].iloc[0] == np.inf
        assert (np.diff(curve["threshold"]) < 0).all()
        assert (curve[["precision", "recall"]].iloc[0] == [1.0, 0.0]).all()


def test_largest_matching_counts():
    """Two detections and two events, of which one detection fits both: a greedy pairing would find one."""
    reference = pd.DataFrame({"clip": 0, "start": [1.0, 1.4], "end": [2.0, 2.4], "label": "dog"})
    scores = pd.DataFrame({"clip": 0, "start": [0.0, 0.8, 0.9, 1.2], "end": [0.8, 0.9, 1.2, 3.0]})
    scores["dog"] = [0.0, 0.5, 0.0, 0.5]
    table = event_precision_recall_curve(reference, scores, collar=0.3, end_share=None)
    assert table.set_index("threshold").loc[0.5, ["precision", "recall"]].tolist() == [1.0, 1.0]


def test_negative_collar():
    with pytest.raises(ValueError, match="collar=-1 and end_share"):
        event_precision_recall_curve(*random_case(0), collar=-1)
