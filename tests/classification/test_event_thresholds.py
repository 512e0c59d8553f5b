import numpy as np
import pandas as pd

from sklearn_audio.classification._event_thresholds import best_thresholds, fold_of_groups, out_of_fold


def test_each_label_is_in_as_many_folds_as_can_be():
    presence = np.zeros((20, 3), dtype=bool)
    presence[:2, 0], presence[2:8, 1], presence[8:14, 2] = True, True, True  # the last six have none
    presence[0, 1] = True
    for seed in range(5):
        fold = fold_of_groups(presence, 3, np.random.RandomState(seed))
        assert len(set(fold[:2])) == 2
        assert np.bincount(fold[2:8]).min() >= 1
        assert np.bincount(fold[8:14]).tolist() == [2, 2, 2]
        assert np.bincount(fold[14:]).tolist() == [2, 2, 2]


def test_every_window_is_scored_by_what_has_not_seen_it():
    fold = np.array([0, 1, 0, 2])
    seen = []

    def score(is_left_out):
        seen.append(np.flatnonzero(is_left_out).tolist())
        return np.full((is_left_out.sum(), 1), 0.25 * len(seen)), [1]

    scores = out_of_fold(fold, 2, score)
    assert seen == [[0, 2], [1], [3]]
    assert scores[:, 1].tolist() == [0.25, 0.5, 0.25, 0.75]
    assert scores[:, 0].tolist() == [0] * 4


def test_thresholds_part_the_frames():
    spans = np.column_stack([np.arange(4.0), np.arange(4.0) + 1])
    scores = np.array([[0.1, 0.5], [0.2, 0.5], [0.6, 0.5], [0.8, 0.5]] * 2)
    events = pd.DataFrame({"clip": [0, 1], "start": 2.0, "end": 4.0, "label": "dog"})
    found = best_thresholds(scores, np.repeat([0, 1], 4), np.tile(spans, (2, 1)), events, ["dog", "cat"], 1.0)
    assert found[0] == 0.4
    assert np.isnan(found[1])
