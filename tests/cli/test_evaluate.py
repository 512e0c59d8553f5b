"""``evaluate``: the reports of metrics, for tables, label tracks and folders."""

import io

import pandas as pd
import pytest

from sklearn_audio import annotations, metrics

REFERENCE = pd.DataFrame(
    {"path": ["a.wav", "a.wav", "b.wav"], "start": [1.0, 5.0, 0.0], "end": [2.0, 7.0, 1.0], "label": ["x", "y", "x"]}
)
EVENTS = pd.DataFrame(
    {"path": ["a.wav", "a.wav", "b.wav"], "start": [1.1, 5.0, 0.4], "end": [2.3, 7.0, 1.0], "label": ["x", "x", "x"]}
)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    annotations.write(EVENTS.assign(score=0.5), "events.csv")
    annotations.write(REFERENCE, "reference.csv")


def parsed(text):
    return pd.read_csv(io.StringIO(text)).set_index("label")


@pytest.mark.parametrize(
    ("options", "report"),
    [
        ([], metrics.event_report(REFERENCE, EVENTS)),
        (["--collar", "0.5"], metrics.event_report(REFERENCE, EVENTS, collar=0.5)),
        (["--starts-only", "--collar", "0"], metrics.event_report(REFERENCE, EVENTS, collar=0.0, end_share=None)),
        (["--metric", "segment"], metrics.segment_report(REFERENCE, EVENTS)),
        (["--metric", "segment", "--segment", "0.1"], metrics.segment_report(REFERENCE, EVENTS, segment=0.1)),
    ],
)
def test_reports(options, report, files, run):
    table = parsed(run("evaluate", "events.csv", "reference.csv", *options, "--format", "csv"))
    pd.testing.assert_frame_equal(table, report.astype(float), check_dtype=False, rtol=1e-12)
    text = run("evaluate", "events.csv", "reference.csv", *options)
    assert text.splitlines()[0].split()[:5] == ["precision", "recall", "f1", "error_rate", "reference"]
    assert max(map(len, text.splitlines())) < 120
    assert f"{report.loc['micro', 'f1']:.3f}" in text


def test_folders_of_label_tracks(files, run, tmp_path):
    (tmp_path / "labels").mkdir()
    annotations.write(REFERENCE, "labels", "audacity")
    for name in "ab":
        (tmp_path / "labels" / f"{name}.wav").touch()
    options = ["--by-name", "--format", "csv"]
    table = parsed(run("evaluate", "events.csv", "labels", *options))
    pd.testing.assert_frame_equal(table, metrics.event_report(REFERENCE, EVENTS).astype(float), check_dtype=False)
    annotations.write(EVENTS.assign(path=str(tmp_path / "labels") + "/" + EVENTS["path"]), "absolute.csv")
    assert run("evaluate", "absolute.csv", "reference.csv", "--root", "labels", *options[1:]) == run(
        "evaluate", "absolute.csv", "labels", *options[1:]
    )


def test_what_cannot_be_compared(files, tmp_path, refused):
    refused(["evaluate", "events.csv", "none.csv"], "the annotations 'none.csv' do not exist")
    other = REFERENCE.assign(path="site/" + REFERENCE["path"])
    annotations.write(other, "other.csv")
    refused(["evaluate", "events.csv", "other.csv"], "no recording of 'events.csv', such as", "by --root", "--by-name")
    twice = pd.concat([REFERENCE, other])
    annotations.write(twice, "twice.csv")
    refused(["evaluate", "events.csv", "twice.csv", "--by-name"], "site/a.wav' have the same name")
    annotations.write(REFERENCE.assign(end=None), "open.csv")
    refused(["evaluate", "events.csv", "open.csv"], "reference: the event in row 0 runs from 1.0 to nan s")
    for option in (["--collar", "0.2"], ["--starts-only"]):
        refused(["evaluate", "events.csv", "reference.csv", "--metric", "segment", *option], "is for --metric event")
    refused(["evaluate", "events.csv", "reference.csv", "--segment", "1"], "--segment is for --metric segment")
