"""Tables on standard output and in files: the same rows in every format, and outputs that are refused."""

import json
import sys
from argparse import Namespace

import numpy as np
import pandas as pd
import pytest

from sklearn_audio.cli._table_output import TableOutput, places


def test_all_formats_have_the_same_rows(folder, tmp_path, run):
    printed = run("durations", folder)
    for form in ("csv", "jsonl"):
        run("durations", folder, "-o", tmp_path / f"t.{form}")
    assert (tmp_path / "t.csv").read_text() == printed
    wanted = pd.read_csv(tmp_path / "t.csv")
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    pd.testing.assert_frame_equal(pd.DataFrame(lines), wanted)
    pytest.importorskip("pyarrow")
    run("durations", folder, "-o", tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), wanted, check_dtype=False)


def test_the_format_may_differ_from_the_name(folder, tmp_path, run):
    run("durations", folder, "-o", tmp_path / "t.txt", "--format", "jsonl")
    assert json.loads((tmp_path / "t.txt").read_text().splitlines()[0])["sample_rate"] == 16000


def test_outputs_that_are_refused(folder, tmp_path, refused, run, monkeypatch):
    (tmp_path / "t.csv").write_text("mine")
    refused(["durations", folder, "-o", tmp_path / "t.csv"], "exists; name another file, or replace it with --force")
    assert (tmp_path / "t.csv").read_text() == "mine"
    run("durations", folder, "-o", tmp_path / "t.csv", "--force")
    assert (tmp_path / "t.csv").read_text().startswith("path,seconds")
    refused(["durations", folder, "-o", tmp_path / "t.dat"], "has no known format; give --format, or end it with .csv")
    refused(["durations", folder, "-o", tmp_path / "t.wav"], "the name of a recording, which a table must not replace")
    refused(["durations", folder, "-o", tmp_path / "no" / "t.csv"], "does not exist")
    refused(["durations", folder, "--format", "parquet"], "--format parquet needs --output FILE")
    refused(["durations", folder, "--force"], "--force needs --output FILE")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(["durations", folder, "-o", tmp_path / "t.parquet"], "--format parquet needs the package 'pyarrow'")


def test_places_of_recordings_and_parts():
    assert places(["a.wav"], has_spans=False).to_dict("list") == {"path": ["a.wav"]}
    found = places(["a.wav", ("b.wav", 1.0, 2.0), ("b.wav", 3.0, np.inf)], has_spans=True)
    assert found.to_dict("list") == {
        "path": ["a.wav", "b.wav", "b.wav"],
        "start": [None, 1.0, 3.0],
        "end": [None, 2.0, None],
    }


def test_a_part_without_an_end_is_null(sounds, tmp_path, run):
    pd.DataFrame({"path": list(sounds.data[:1]), "start": [0.1]}).to_csv(tmp_path / "t.csv")
    line = json.loads(run("durations", tmp_path / "t.csv", "--format", "jsonl"), parse_constant=pytest.fail)
    assert (line["start"], line["end"]) == (0.1, None)


@pytest.mark.parametrize(("form", "is_text"), [("csv", True), ("jsonl", False)])
def test_only_csv_is_text(form, is_text):
    assert TableOutput(Namespace(output=None, format=form, force=False)).is_text is is_text
