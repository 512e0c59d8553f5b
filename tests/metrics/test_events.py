"""Scores of events: cases worked out by hand, and the best pairing by trying all."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from sklearn_audio.metrics import event_f1, segment_f1

EVENT = ("a", 2.0, 4.0, "dog")


def table(*rows):
    return pd.DataFrame(list(rows), columns=["clip", "start", "end", "label"])


REFERENCE = table(EVENT, ("a", 6.0, 7.0, "cat"), ("b", 0.0, 3.0, "dog"))


@pytest.mark.parametrize("score", [event_f1, segment_f1])
@pytest.mark.parametrize("average", ["micro", "macro"])
def test_a_table_equals_itself(score, average):
    shuffled = REFERENCE.sample(frac=1, random_state=1)
    assert score(REFERENCE, shuffled, average=average) == 1.0
    assert score(REFERENCE, table(), average=average) == score(table(), REFERENCE, average=average) == 0.0
    assert score(table(), table(), average=average) == 0.0


@pytest.mark.parametrize(
    ("event", "options", "found"),
    [
        (("a", 2.2, 4.0, "dog"), {}, True),
        (("a", 2.21, 4.0, "dog"), {}, False),
        (("a", 1.8, 4.0, "dog"), {}, True),
        (("a", 2.3, 4.0, "dog"), {"collar": 0.3}, True),
        (("a", 2.0, 5.0, "dog"), {}, True),  # half of its length
        (("a", 2.0, 5.01, "dog"), {}, False),
        (("a", 2.0, 9.0, "dog"), {"end_share": None}, True),
        (("a", 2.0, 4.2, "dog"), {"end_share": 0.0}, True),  # the collar is more
        (("a", 2.0, 4.3, "dog"), {"end_share": 0.0}, False),
        (("b", 2.0, 4.0, "dog"), {}, False),
        (("a", 2.0, 4.0, "cat"), {}, False),
    ],
)
def test_when_an_event_is_found(event, options, found):
    assert event_f1(table(EVENT), table(event), **options) == float(found)


def test_an_event_is_found_once():
    twice = table(EVENT, EVENT)
    assert event_f1(table(EVENT), twice) == pytest.approx(2 / 3)
    assert event_f1(twice, table(EVENT)) == pytest.approx(2 / 3)


def test_averages():
    estimated = table(EVENT, ("a", 9.0, 9.5, "cat"), ("b", 0.0, 3.0, "dog"))
    assert event_f1(REFERENCE, estimated) == pytest.approx(2 * 2 / 6)
    assert event_f1(REFERENCE, estimated, average="macro") == pytest.approx((1 + 0) / 2)


def test_the_best_of_all_pairings_is_taken():
    rng = np.random.default_rng(0)
    for _ in range(30):
        starts = [np.round(rng.uniform(0, 1.5, 4), 2) for _ in range(2)]
        tables = [table(*(("a", s, s + 1, "dog") for s in start)) for start in starts]
        close = np.abs(starts[0][:, None] - starts[1]) <= 0.2 + 1e-9
        wanted = max(sum(close[i, j] for i, j in enumerate(order)) for order in permutations(range(4)))
        assert event_f1(*tables) == pytest.approx(wanted / 4)


def test_segments():
    assert segment_f1(table(EVENT), table(("a", 3.0, 5.0, "dog"))) == pytest.approx(0.5)
    assert segment_f1(table(EVENT), table(("a", 2.0, 4.001, "dog"))) == pytest.approx(2 * 2 / 5)
    assert segment_f1(table(EVENT), table(("a", 2.9, 3.1, "dog"))) == 1.0
    assert segment_f1(table(EVENT), table(("a", 2.9, 3.1, "dog")), segment=0.1) == pytest.approx(2 * 2 / 22)
    overlapping = table(EVENT, ("a", 2.5, 3.5, "dog"))
    assert segment_f1(overlapping, table(EVENT)) == 1.0
    assert segment_f1(REFERENCE, table(("b", 0.0, 3.0, "dog"), ("b", 0.0, 1.0, "cat")), average="macro") == (
        pytest.approx((2 * 3 / 8 + 0) / 2)
    )


@pytest.mark.parametrize("score", [event_f1, segment_f1])
@pytest.mark.parametrize(
    ("reference", "estimated", "options", "match"),
    [
        (table(EVENT).drop(columns="end"), table(EVENT), {}, r"reference lacks the column\(s\) \['end'\]; it needs"),
        (
            table(EVENT),
            table(EVENT).rename(columns={"start": "onset"}),
            {},
            r"estimated lacks the column\(s\) \['start'",
        ),
        (table(EVENT), table(EVENT, ("a", 3.0, 2.0, "dog")), {}, r"the event in row 1 runs from 3\.0 to 2\.0 s"),
        (table(("a", 3.0, np.nan, "dog")), table(EVENT), {}, r"reference: the event in row 0 runs from 3\.0 to nan"),
        (table(EVENT), table(EVENT), {"average": "none"}, "average must be 'micro' or 'macro', got 'none'"),
    ],
)
def test_mistakes(score, reference, estimated, options, match):
    with pytest.raises(ValueError, match=match):
        score(reference, estimated, **options)


@pytest.mark.parametrize("options", [{"collar": -1.0}, {"collar": np.nan}, {"end_share": -0.1}])
def test_bad_collars(options):
    with pytest.raises(ValueError, match=r"collar=.* and end_share=.* must be at least 0"):
        event_f1(REFERENCE, REFERENCE, **options)


@pytest.mark.parametrize("segment", [0.0, -1.0, np.nan])
def test_bad_segments(segment):
    with pytest.raises(ValueError, match="must be a positive number of seconds"):
        segment_f1(REFERENCE, REFERENCE, segment=segment)


@pytest.mark.parametrize("score", [event_f1, segment_f1])
@pytest.mark.parametrize(
    "names",
    [
        {"clip": "filename", "start": "onset", "end": "offset", "label": "event_label"},
        {"clip": "File", "start": "Begin Time (s)", "end": "End Time (s)"},
        {"clip": "path", "start": "start_time", "end": "end_time"},
    ],
)
def test_the_usual_names_of_columns(score, names):
    reference, estimated = table(EVENT, ("b", 0.0, 2.0, "cat")), table(EVENT, ("b", 1.0, 2.0, "cat"))
    assert 0 < score(reference, estimated) < 1
    assert score(reference, estimated.rename(columns=names)) == score(reference, estimated)


@pytest.mark.parametrize("score", [event_f1, segment_f1])
def test_paths_count_where_both_tables_have_them(score):
    reference = REFERENCE.rename(columns={"clip": "path"})
    estimated = reference.iloc[::-1].reset_index(drop=True).assign(clip=[7, 8, 9])
    assert score(reference, estimated) == score(estimated, reference) == 1.0
    assert score(REFERENCE, reference) == 1.0
    rows = REFERENCE.assign(clip=[0, 0, 1])
    for tables in ((reference, rows), (rows, reference)):
        with pytest.raises(ValueError, match=r"names recordings in '(path|clip)' and .* rows and paths. Give both"):
            score(*tables)
