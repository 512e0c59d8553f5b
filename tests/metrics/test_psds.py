"""PSDS: equal to sed_scores_eval, exact in cases worked out by hand, and clear about bad tables."""

import json

import numpy as np
import pandas as pd
import pytest

from sklearn_audio.metrics import psds
from tests.metrics.sed_scores_cases import GOLDEN, SEEDS, psds_options, random_case

EXPECTED = json.loads(GOLDEN.read_text())
REFERENCE = pd.DataFrame({"clip": 0, "start": [1.0, 5.0], "end": [2.0, 7.0], "label": ["dog", "cat"]})
SCORES = pd.DataFrame({"clip": 0, "start": np.arange(8.0), "end": np.arange(1.0, 9.0), "dog": 0.1, "cat": 0.1})
SCORES.loc[1, "dog"] = 0.9
SCORES.loc[5:6, "cat"] = [0.7, 0.8]


def changed(table, **columns):
    return table.assign(**columns)


@pytest.mark.parametrize("seed", SEEDS)
def test_stored_cases_equal_sed_scores_eval(seed):
    """Numbers of sed_scores_eval 0.0.4."""
    assert psds(*random_case(seed), **psds_options(seed)) == pytest.approx(EXPECTED[seed]["psds"], abs=2e-9)


def test_long_and_wide_tables_in_any_order():
    reference, scores = random_case(1)
    long = scores.melt(["path", "start", "end"], var_name="label", value_name="score")
    for table in (long, long.sample(frac=1, random_state=0), scores.iloc[::-1]):
        assert psds(reference.iloc[::-1], table, **psds_options(1)) == psds(reference, scores, **psds_options(1))


def test_one_false_positive_costs_what_lies_before_it():
    """In an hour, the only false positive comes before the event: up to 1 per hour, nothing is found."""
    scores = pd.DataFrame({"clip": 0, "start": [0.0, 10.0, 20.0, 30.0], "end": [10.0, 20.0, 30.0, 3600.0]})
    scores["dog"] = [0.9, 0.0, 0.5, 0.0]
    reference = pd.DataFrame({"clip": 0, "start": [20.0], "end": [30.0], "label": ["dog"]})
    assert psds(reference, scores, max_efpr=4.0) == pytest.approx(0.75)
    assert psds(reference, scores, max_efpr=4.0, duration=7200.0) == pytest.approx(1 - 0.5 / 4)


def test_deviation_between_labels():
    silent = changed(SCORES, cat=0.1)
    assert psds(REFERENCE, silent, alpha_st=0.0) == pytest.approx(0.5)
    assert psds(REFERENCE, silent, alpha_st=0.5) == pytest.approx(0.25)
    assert psds(REFERENCE, silent) == 0.0


def test_time_without_windows_has_no_detections_and_does_not_count():
    reference = pd.DataFrame({"clip": 0, "start": [20.0], "end": [30.0], "label": ["dog"]})
    scores = pd.DataFrame({"clip": 0, "start": [0.0, 20.0], "end": [10.0, 30.0], "dog": [0.9, 0.5]})
    assert psds(reference, scores, max_efpr=360.0) == pytest.approx(0.5)  # 1 false positive in 20 s: 180 per hour
    assert psds(reference, changed(scores, dog=0.5), max_efpr=360.0) == pytest.approx(0.5)


def test_edges_that_differ_by_rounding_are_one():
    starts = np.arange(8) * 0.1
    reference = pd.DataFrame({"clip": 0, "start": [0.1], "end": [0.3], "label": ["dog"]})
    scores = pd.DataFrame({"clip": 0, "start": starts, "end": starts + 0.1, "dog": [0, 1, 1, 0, 0, 0, 0, 0.0]})
    assert psds(reference, scores) == 1.0


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"dtc_threshold": 0}, "dtc_threshold=0 must be above 0 and at most 1"),
        ({"gtc_threshold": 1.1}, "gtc_threshold=1.1 must be above 0"),
        ({"cttc_threshold": np.nan, "alpha_ct": 1.0}, "cttc_threshold=nan must be above 0"),
        ({"alpha_st": -1}, "alpha_st=-1 must be a number of at least 0"),
        ({"alpha_ct": np.inf}, "alpha_ct=inf must be a number of at least 0"),
        ({"max_efpr": 0}, "max_efpr=0 must be a number above 0"),
        ({"duration": -1.0}, r"duration=-1\.0 must be a number above 0"),
        ({"alpha_ct": 0.5}, "cttc_threshold=None do not fit"),
        ({"cttc_threshold": 0.3}, r"alpha_ct=0\.0 and cttc_threshold=0\.3 do not fit"),
    ],
)
def test_invalid_options(options, match):
    with pytest.raises(ValueError, match=match):
        psds(REFERENCE, SCORES, **options)


LONG = SCORES.melt(["clip", "start", "end"], var_name="label", value_name="score")
BAD_TABLES = [
    (changed(REFERENCE, end=[2.0, 5.0]), SCORES, "the event in row 1 has no duration"),
    (pd.concat([REFERENCE, REFERENCE.assign(start=1.5, end=3.0)], ignore_index=True), SCORES, "row 2 begins before"),
    (REFERENCE.iloc[:0], SCORES, "reference has no events"),
    (changed(REFERENCE, label="cow"), SCORES, "reference: row 0 has 'cow', which is not in scores"),
    (changed(REFERENCE, clip=1), SCORES, "reference: row 0 has 1, which is not in scores"),
    (REFERENCE.iloc[:1], SCORES, r"no events of \['cat'\]; leave these labels out"),
    (REFERENCE.iloc[:1], SCORES.drop(columns="cat").assign(note="x"), "'note' does not hold numbers"),
    (REFERENCE, SCORES.drop(columns="end"), r"scores lacks the column\(s\) \['end'\]"),
    (REFERENCE, SCORES.iloc[:0], "scores has no scores"),
    (REFERENCE, SCORES[["clip", "start", "end"]], "scores has no scores"),
    (REFERENCE, changed(SCORES, dog=[np.nan] * 8), r"'dog' is missing or infinite in the window \[0.0, 0.0, 1.0"),
    (REFERENCE, changed(SCORES, end=SCORES["start"]), "a window of .* runs from 0.0 to 0.0 s"),
    (REFERENCE, pd.concat([LONG, LONG.iloc[:1]]), "row 16 has a window and label that another row has"),
    (REFERENCE, LONG.iloc[1:], "'dog' is missing or infinite in the window"),
]


@pytest.mark.parametrize(("reference", "scores", "match"), BAD_TABLES)
def test_bad_tables(reference, scores, match):
    with pytest.raises(ValueError, match=match):
        psds(reference, scores)


def test_cross_triggers_need_another_label():
    with pytest.raises(ValueError, match="cross-triggers need at least two labels"):
        psds(REFERENCE.iloc[:1], SCORES.drop(columns="cat"), cttc_threshold=0.3, alpha_ct=0.5)
