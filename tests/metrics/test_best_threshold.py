import numpy as np

from sklearn_audio.metrics._best_threshold import best_threshold


def test_the_threshold_is_midway_to_the_next_lower_score():
    assert best_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.8])) == (0.4, 1.0)


def test_a_label_on_every_row_is_always_found():
    threshold, f1 = best_threshold(np.ones(3), np.array([-3.0, -1.0, 2.0]))
    assert threshold <= -3.0
    assert f1 == 1.0


def test_a_label_without_rows():
    assert best_threshold(np.zeros(3), np.arange(3.0)) == (0.5, 0.0)
