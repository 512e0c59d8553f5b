"""Scores of frames to events."""

import numpy as np
import pytest

from sklearn_audio.classification._timeline import EventRules, find_events


def events(scores, *, threshold=0.5, median=1, min_frames=0, merge_frames=0):
    scores = np.asarray(scores, dtype=np.float32)
    scores = scores[:, None] if scores.ndim == 1 else scores
    rules = EventRules(np.broadcast_to(threshold, scores.shape[1]), median, min_frames, merge_frames)
    return [(event.label, event.first, event.last) for event in find_events(scores, rules)]


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        ([0, 1, 1, 0, 1], [(0, 1, 3), (0, 4, 5)]),
        ([1, 1, 1], [(0, 0, 3)]),
        ([0, 0], []),
        ([0.49, 0.5], [(0, 1, 2)]),
    ],
)
def test_runs(scores, wanted):
    assert events(scores) == wanted


def test_each_label_has_its_threshold():
    scores = [[0.3, 0.3], [0.3, 0.3]]
    assert events(scores, threshold=[0.2, 0.4]) == [(0, 0, 2)]


def test_short_events_are_dropped_after_gaps_are_closed():
    scores = [1, 0, 1, 0, 0, 0, 1, 0]
    assert events(scores, min_frames=2) == []
    assert events(scores, merge_frames=2) == [(0, 0, 3), (0, 6, 7)]
    assert events(scores, merge_frames=2, min_frames=2) == [(0, 0, 3)]
    assert events(scores, merge_frames=4) == [(0, 0, 7)]


def test_a_gap_as_long_as_the_limit_stays():
    assert events([1, 0, 0, 1], merge_frames=2) == [(0, 0, 1), (0, 3, 4)]
    assert events([1, 0, 0, 1], merge_frames=3) == [(0, 0, 4)]


def test_the_median_removes_what_is_alone():
    assert events([0, 1, 0, 0, 1, 1, 0, 1, 1, 0], median=3) == [(0, 4, 9)]


def test_the_score_is_the_mean_within():
    (event,) = find_events(np.array([[0.1], [0.6], [0.8]], dtype=np.float32), EventRules(np.array([0.5]), 1, 0, 0))
    assert event.score == pytest.approx(0.7)
