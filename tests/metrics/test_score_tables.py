"""Every event that scores can make: those of each threshold, and nothing else."""

import numpy as np
import pytest

from sklearn_audio.events import find_events
from sklearn_audio.metrics._score_tables import scored_events


@pytest.mark.parametrize("seed", range(5))
def test_events_of_each_threshold(seed):
    scores = np.random.default_rng(seed).integers(0, 6, 40) / 10
    events = scored_events(scores, np.arange(41) / 10)
    for threshold in [0.05, *np.unique(scores)]:
        expected = find_events([scores], frames_per_second=10, threshold=threshold)[["start", "end"]].to_numpy()
        exists = (events.base < threshold) & (threshold <= events.top)
        found = np.column_stack([events.start, events.end])[exists]
        np.testing.assert_allclose(found[np.argsort(found[:, 0])], expected)


def test_nothing_exists_where_scores_are_minus_infinity():
    events = scored_events(np.array([-np.inf, 0.5, -np.inf]), np.arange(4.0))
    assert [values.tolist() for values in events] == [[1.0], [2.0], [0.5], [-np.inf]]
    assert scored_events(np.full(3, -np.inf), np.arange(4.0)).start.size == 0
