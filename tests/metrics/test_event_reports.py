"""Reports of events and segments: equal to sed_eval, consistent with the F1 functions, and clear about bad tables."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sklearn_audio.metrics import event_f1, event_report, segment_f1, segment_report

COLUMNS = ["path", "start", "end", "label"]
LABELS = ["dog", "cat", "bird"]
RATES = ["precision", "recall", "f1", "error_rate", "substitution_rate", "deletion_rate", "insertion_rate"]
GOLDEN = json.loads(Path(__file__).with_name("sed_eval_cases.json").read_text())
REPORTS = {"event": event_report, "segment": segment_report}
EVENT = ("a.wav", 2.0, 4.0, "dog")


def table(*rows):
    return pd.DataFrame(list(rows), columns=COLUMNS)


REFERENCE = table(EVENT, ("a.wav", 6.0, 7.0, "cat"), ("b.wav", 0.0, 3.0, "dog"))


def random_case(seed):
    """Tables of two recordings: sparse to dense events, some of the estimates near a reference event."""
    rng = np.random.default_rng(seed)
    length, (n, m) = rng.choice([3.0, 10.0, 30.0]), rng.integers(6, 20, 2)
    starts, durations = rng.uniform(0, length, n), rng.uniform(0.05, 3, n)
    near = rng.integers(0, n, m)
    guess = np.where(rng.random(m) < 0.7, starts[near] + rng.normal(0, 0.15, m), rng.uniform(0, length, m)).clip(0)
    labels = [*LABELS, *rng.choice(LABELS, n - 3)]
    guessed = np.where(rng.random(m) < 0.6, np.array(labels)[near], rng.choice(LABELS, m))
    lasting = durations[near] * rng.uniform(0.6, 1.6, m)
    paths = [rng.choice(["a.wav", "b.wav"], size) for size in (n, m)]
    columns = [(paths[0], starts, starts + durations, labels), (paths[1], guess, guess + lasting, guessed)]
    return [pd.DataFrame(dict(zip(COLUMNS, values, strict=True))) for values in columns]


def numbers(report):
    """The numbers that sed_eval reports, too."""
    rows = report.loc[[*LABELS, "micro", "macro"], RATES].copy()
    rows.loc[[*LABELS, "macro"], "substitution_rate"] = 0.0
    return rows.to_numpy()


def numbers_of_sed_eval(kind, reference, estimated, options):
    sed_eval = pytest.importorskip("sed_eval")
    classes = {"event": sed_eval.sound_event.EventBasedMetrics, "segment": sed_eval.sound_event.SegmentBasedMetrics}
    metrics = classes[kind](LABELS, **options)
    metrics.empty_system_output_handling = "zero_score"  # otherwise labels that were never found are NaN and skipped
    names = {"path": "filename", "start": "event_onset", "end": "event_offset", "label": "event_label"}
    for path in ("a.wav", "b.wav"):
        lists = [t[t["path"] == path].rename(columns=names).to_dict("records") for t in (reference, estimated)]
        metrics.evaluate(*lists)
    results = metrics.results()
    parts = [*(results["class_wise"][label] for label in LABELS), results["overall"], results["class_wise_average"]]
    keys = [("f_measure", key) for key in ("precision", "recall", "f_measure")]
    keys += [("error_rate", f"{kind}_rate") for kind in ("error", "substitution", "deletion", "insertion")]
    return np.array([[part[group].get(key, 0.0) for group, key in keys] for part in parts])


OPTIONS = [
    ("event", {}, {}),
    ("event", {"collar": 0.5, "end_share": 0.2}, {"t_collar": 0.5, "percentage_of_length": 0.2}),
    ("event", {"collar": 0.5, "end_share": None}, {"t_collar": 0.5, "evaluate_offset": False}),
    ("segment", {}, {}),
    ("segment", {"segment": 0.1}, {"time_resolution": 0.1}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "options", "theirs"), OPTIONS)
def test_200_random_cases_equal_sed_eval(kind, options, theirs):
    pytest.importorskip("sed_eval")
    for seed in range(200):
        tables = random_case(seed)
        expected = numbers_of_sed_eval(kind, *tables, theirs)
        np.testing.assert_allclose(numbers(REPORTS[kind](*tables, **options)), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['kind']}-{case['seed']}")
def test_stored_cases_equal_sed_eval(case):
    """Numbers of sed_eval 0.2.1."""
    tables = [table(*case[name]) for name in ("reference", "estimated")]
    np.testing.assert_allclose(numbers(REPORTS[case["kind"]](*tables, **case["options"])), case["numbers"], atol=1e-12)


def test_columns_and_rows():
    estimated = table(EVENT, ("a.wav", 6.0, 7.0, "dog"), ("b.wav", 8.0, 9.0, "dog"))
    report = event_report(REFERENCE, estimated)
    assert report.index.tolist() == ["cat", "dog", "micro", "macro"]
    assert report.index.name == "label"
    counts = ["n_reference", "n_estimated", "n_correct", "n_substitutions", "n_deletions", "n_insertions"]
    assert report.columns.tolist() == [*RATES, *counts]
    assert report.loc["micro", counts].tolist() == [3, 3, 1, 1, 1, 1]
    assert report.loc["dog", counts].tolist() == [2, 3, 1, 0, 1, 2]
    assert report.loc["macro", counts].isna().all()
    assert report.loc["micro", "error_rate"] == pytest.approx(1.0)


@pytest.mark.parametrize(("report", "f1"), [(event_report, event_f1), (segment_report, segment_f1)])
def test_f1_equals_that_of_the_function(report, f1):
    for seed in range(5):
        tables = random_case(seed)
        for average in ("micro", "macro"):
            assert report(*tables).loc[average, "f1"] == pytest.approx(f1(*tables, average=average), abs=1e-15)


def test_long_chains_of_matches():
    """Each event is near the previous and the following one, so that paths of the matching are long."""
    starts = np.arange(3000) * 0.1
    tables = [pd.DataFrame({"clip": 0, "start": s, "end": s + 1, "label": "x"}) for s in (starts + 0.05, starts[::-1])]
    report = event_report(*tables, collar=0.06, end_share=None)
    assert report.loc["x", "n_correct"] == 3000


@pytest.mark.parametrize("report", REPORTS.values())
def test_no_estimates_and_labels_without_events(report):
    empty = report(REFERENCE, table(), labels=["dog", "cat", "bird"])
    assert empty.loc["micro", ["precision", "recall", "f1", "error_rate"]].tolist() == [0, 0, 0, 1]
    assert empty.index.tolist() == ["dog", "cat", "bird", "micro", "macro"]
    assert empty.loc["bird", ["precision", "recall", "f1"]].tolist() == [0, 0, 0]
    assert np.isnan(empty.loc["bird", "error_rate"])
    assert empty.loc["macro", "error_rate"] == 1.0


@pytest.mark.parametrize("report", REPORTS.values())
def test_a_column_of_paths_without_paths_does_not_count(report):
    rows = REFERENCE.rename(columns={"path": "clip"}).assign(path=None)
    assert report(rows, rows).loc["micro", "f1"] == 1.0


@pytest.mark.parametrize("report", REPORTS.values())
@pytest.mark.parametrize(
    ("reference", "estimated", "options", "match"),
    [
        (table(), REFERENCE, {}, "reference has no events, so there is nothing to compare with"),
        (REFERENCE, table(EVENT), {"labels": ["dog"]}, r"reference: row 1 has 'cat', which is not in labels; add it"),
        (
            table(EVENT),
            REFERENCE,
            {"recordings": ["a.wav"]},
            r"estimated: row 2 has 'b\.wav', which is not in recordings",
        ),
        (REFERENCE, REFERENCE, {"labels": ["dog", "cat", "dog"]}, "labels must be unique, and none 'micro' or 'macro'"),
        (
            table(("a.wav", 0.0, 1.0, "micro")),
            table(),
            {},
            r"labels must be unique, and none 'micro' or 'macro', got \['micro'\]",
        ),
        (REFERENCE, table(("a.wav", 0.0, 1.0, None)), {}, "estimated: row 0 has no label in 'label'; fill it in"),
        (table(EVENT, (None, 0.0, 1.0, "dog")), REFERENCE, {}, "reference: row 1 has no recording in 'path'; fill"),
        (REFERENCE, REFERENCE.assign(end=-1.0), {}, r"estimated: the event in row 0 runs from 2\.0 to -1\.0 s"),
        (REFERENCE.drop(columns="label"), REFERENCE, {}, r"reference lacks the column\(s\) \['label'\]"),
    ],
)
def test_mistakes(report, reference, estimated, options, match):
    with pytest.raises(ValueError, match=match):
        report(reference, estimated, **options)


def test_bad_tolerances():
    with pytest.raises(ValueError, match=r"collar=-1 and end_share=0\.5 must be at least 0"):
        event_report(REFERENCE, REFERENCE, collar=-1)
    with pytest.raises(ValueError, match="segment=0 must be a positive number of seconds"):
        segment_report(REFERENCE, REFERENCE, segment=0)
