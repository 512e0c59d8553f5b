"""The columns of the schema."""

import numpy as np
import pandas as pd
import pytest

from sklearn_audio.annotations._schema import as_events, duration_text, end_after, number_text, seconds, typed
from tests.annotations.texts import rows, table


def test_columns_are_found_and_others_kept():
    given = pd.DataFrame({"extra": [1], "onset": [0.5], "event_label": [7], "offset": ["1.5"], "filename": ["a.wav"]})
    events = as_events(given, "the table")
    assert list(events.columns) == ["path", "start", "end", "label", "extra"]
    assert rows(events) == [("a.wav", 0.5, 1.5, "7")]


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([1, 2], TypeError, r"the table must be a DataFrame, or a pandas index .*; got list"),
        (table().drop(columns="path").assign(clip=0), ValueError, r"have no column 'path'.*pass recordings=X"),
        (table(("a", 0.0, 1.0, None)), ValueError, r"row 0 of the table has no label; fill it or drop the row"),
        (pd.concat([table(), table()[["label"]]], axis=1), ValueError, r"the table have two columns 'label'"),
        (table(("a", [0], 1.0, "x")), ValueError, r"row 0 of the table has \[0\] in the column 'start'"),
    ],
)
def test_tables_that_are_none(given, error, message):
    with pytest.raises(error, match=message):
        as_events(given, "the table")


def test_times_of_all_kinds():
    assert seconds(pd.Series(["1.5", "", "00:01:00.25", "0 days 00:00:00.1"]), "x", missing=0.0).tolist() == [
        1.5,
        0.0,
        60.25,
        0.1,
    ]
    durations = pd.to_timedelta(pd.Series([0.1, None, 0.3], dtype=float), unit="s")
    np.testing.assert_array_equal(seconds(durations, "x"), [0.1, np.nan, 0.3])
    np.testing.assert_array_equal(seconds(durations.astype(object), "x"), [0.1, np.nan, 0.3])


def test_sums_of_decimals():
    rng = np.random.default_rng(0)
    times = np.concatenate([rng.uniform(0, 1e4, 200), np.round(rng.uniform(0, 1e4, 200), 3), [0.0, 1e-9]])
    for start, end in zip(times[:-1], np.sort(times)[1:], strict=True):
        assert end_after(start, duration_text(start, end)) == end
    assert end_after(0.1, 0.2) == 0.3
    assert np.isnan(end_after(0.1, np.nan))


def test_numbers_are_as_short_as_they_can_be():
    assert [number_text(x, 6) for x in (0.0, 1.5, 1 / 3)] == ["0.000000", "1.500000", "0.3333333333333333"]
    assert [number_text(x) for x in (3.0, 1e-7, 1e16)] == ["3", "0.0000001", "10000000000000000"]


def test_types_of_text():
    cells = {
        "whole": ["1", "-2"],
        "number": ["1.5", ""],
        "code": ["1", "02"],
        "flag": ["True", "False"],
        "none": ["", ""],
    }
    found = typed(pd.DataFrame(cells, dtype=object).assign(kept=["1", "2"]), keep=["kept"])
    assert found["whole"].tolist() == [1, -2]
    assert found["number"].isna().tolist() == [False, True]
    assert found["flag"].tolist() == [True, False]
    assert [found[name].tolist() for name in ("code", "none", "kept")] == [["1", "02"], ["", ""], ["1", "2"]]
