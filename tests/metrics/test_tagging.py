"""Scores of tagging against their definitions."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from sklearn_audio.metrics import d_prime, lwlrap, mean_average_precision

RNG = np.random.default_rng(0)
TRUTH = (RNG.uniform(size=(60, 7)) < 0.3).astype(int)
SCORES = np.clip(0.4 * TRUTH + RNG.uniform(size=TRUTH.shape), 0, 1)
TRUTH[:, 3] = 0
ALL = [mean_average_precision, d_prime, lwlrap]


def test_labels_that_no_clip_has_do_not_count():
    there = [0, 1, 2, 4, 5, 6]
    wanted = np.mean([average_precision_score(TRUTH[:, i], SCORES[:, i]) for i in there])
    assert mean_average_precision(TRUTH, SCORES) == pytest.approx(wanted)
    assert mean_average_precision(TRUTH[:, there], SCORES[:, there]) == pytest.approx(wanted)


def test_d_prime_separates_two_normal_distributions():
    distance = 1.3
    n = 200_000
    scores = np.concatenate([RNG.normal(size=n), RNG.normal(loc=distance, size=n)])[:, None]
    truth = np.repeat([0, 1], n)[:, None]
    assert d_prime(truth, scores) == pytest.approx(distance, abs=0.02)
    assert d_prime(truth, -scores) == pytest.approx(-distance, abs=0.02)


def test_d_prime_of_the_published_network():
    # Kong et al. 2020, table 3: an AUC of 0.973 is a d' of 2.732
    n = 1_000_000
    positives = int(0.973 * n)
    scores = np.concatenate([np.zeros(n), [1.0]])
    scores[positives:n] = 2.0
    truth = np.zeros(n + 1)
    truth[-1] = 1
    assert roc_auc_score(truth, scores) == pytest.approx(0.973)
    assert d_prime(truth[:, None], scores[:, None]) == pytest.approx(2.732, abs=0.02)


def test_lwlrap_is_the_mean_precision_at_each_label():
    precisions = []
    for truth, scores in zip(TRUTH, SCORES, strict=True):
        for label in np.flatnonzero(truth):
            above = scores >= scores[label]
            precisions.append(truth[above].sum() / above.sum())
    assert lwlrap(TRUTH, SCORES) == pytest.approx(np.mean(precisions))


@pytest.mark.parametrize("score", ALL)
@pytest.mark.parametrize(
    ("truth", "scores", "match"),
    [
        (TRUTH, SCORES[:, :-1], r"must both have shape \(n_clips, n_labels\), got \(60, 7\) and \(60, 6\)"),
        (TRUTH[:, 0], SCORES[:, 0], r"got \(60,\) and \(60,\)"),
        (TRUTH * 2, SCORES, "y_true must hold 0 and 1 only"),
        (TRUTH, np.where(SCORES > 0.9, np.nan, SCORES), "y_score contains NaN or infinity"),
        (TRUTH * 0, SCORES, "no clip has any label, so there is nothing to score"),
    ],
)
def test_mistakes(score, truth, scores, match):
    with pytest.raises(ValueError, match=match):
        score(truth, scores)


def test_no_area_without_both_kinds():
    with pytest.raises(ValueError, match="no label is on some clips and not on others, so there is no AUC"):
        d_prime(np.ones((3, 2)), np.ones((3, 2)))


def test_the_mean_over_all_labels_counts_empty_ones_as_zero():
    with pytest.warns(UserWarning, match="No positive class found"):
        wanted = np.mean([average_precision_score(TRUTH[:, i], SCORES[:, i]) for i in range(7)])
    assert mean_average_precision(TRUTH, SCORES, empty_labels="zero") == pytest.approx(wanted)
    assert mean_average_precision(TRUTH, SCORES) == pytest.approx(wanted * 7 / 6)
    with pytest.raises(ValueError, match="empty_labels='nan' must be 'skip' or 'zero'"):
        mean_average_precision(TRUTH, SCORES, empty_labels="nan")
