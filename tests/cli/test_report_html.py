"""`report --html`: one file with pictures, scores and the worst recordings, and players that find them."""

import html.parser
import io
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest


class Page(html.parser.HTMLParser):
    """Collects the pictures, the players and the text of cells, and checks that tags are closed."""

    def __init__(self, file):
        super().__init__()
        self.images, self.players, self.open, self.rows = [], [], [], []
        self.feed(Path(file).read_text(encoding="utf-8"))
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.images += [values["alt"]] if tag == "img" else []
        self.players += [values["src"]] if tag == "audio" else []
        self.rows += [[]] if tag == "tr" else []
        self.open += [] if tag in ("img", "meta") else [tag]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1].append(data)


@pytest.fixture
def page(tmp_path, run):
    def write(*arguments):
        run("report", *arguments, "--html", tmp_path / "sub" / "report.html", "--force")
        return Page(tmp_path / "sub" / "report.html")

    (tmp_path / "sub").mkdir()
    return write


def test_classes_and_groups(model, table, tmp_path, page, run):
    path = table(tmp_path / "t.csv", site=[f"s{i % 4}" for i in range(40)])
    found = page(model, path, "--groups", "site")
    pictures = ["f1 per label", "confusion", "accuracy per group", "precision recall", "calibration"]
    assert found.images == pictures
    assert len(found.players) == 30
    for player in found.players:
        assert (tmp_path / "sub" / unquote(player)).is_file()
    run("report", model, path, "--plots", tmp_path / "p", "--groups", "site")
    assert {file.stem.replace("_", " ") for file in (tmp_path / "p").glob("*.png")} == set(pictures)
    worst = pd.read_csv(tmp_path / "p" / "recordings.csv").head(30)
    assert [row[0] for row in found.rows[-30:]] == worst["path"].tolist()
    scores = {row[0]: row[1:] for row in found.rows[1:4]}
    assert sorted(scores) == ["chirp", "noise", "tone"]
    table = pd.read_csv(io.StringIO(run("report", model, path, "--format", "csv")), index_col="label")
    assert table.columns.tolist() == ["precision", "recall", "f1", "average_precision", "recordings"]
    for label, values in scores.items():
        assert list(map(float, values)) == pytest.approx(table.loc[label].tolist(), abs=5e-4)


def test_it_needs_no_other_file(model, folder, tmp_path, page):
    page(model, folder)
    text = (tmp_path / "sub" / "report.html").read_text(encoding="utf-8")
    assert set(re.findall(r'src="(.{5})', text)) == {"data:", "../.."} or 'src="data:' in text
    assert "http" not in text
    assert "40 of these recordings are exact copies of recordings that the model was trained on" in text


def test_several_labels_and_parts(tagger, tags, tmp_path, page):
    table = pd.read_csv(tags).assign(start=0.0, end=0.3)
    table.to_csv(tmp_path / "parts.csv", index=False)
    found = page(tagger, tmp_path / "parts.csv")
    assert found.images == ["f1 per label", "precision recall", "calibration"]
    assert found.players[0].endswith("#t=0,0.3")
    assert found.rows[-1][1:3] == ["0.000", "0.300"]


def test_names_are_escaped(model, sounds, tmp_path, page):
    odd = tmp_path / "<b>&'\" #1?.wav"
    odd.write_bytes(Path(sounds.data[0]).read_bytes())
    pd.DataFrame({"path": [odd, sounds.data[-1]], "label": sounds.target[[0, -1]]}).to_csv(
        tmp_path / "t.csv", index=False
    )
    found = page(model, tmp_path / "t.csv")
    assert any((tmp_path / "sub" / unquote(player)).resolve() == odd.resolve() for player in found.players)
    assert "<b>&" in "".join(cell for row in found.rows for cell in row)


def test_files_that_are_refused(model, folder, tmp_path, refused, monkeypatch):
    (tmp_path / "r.html").write_text("mine")
    refused(["report", model, folder, "--html", tmp_path / "r.html"], "exists; name another file, or replace it")
    assert (tmp_path / "r.html").read_text() == "mine"
    refused(["report", model, folder, "--html", tmp_path / "r.wav"], "the name of a recording")
    refused(["report", model, folder, "--html", tmp_path], "it is a folder")
    refused(["report", model, folder, "--html", ""], "--html is empty; name a file such as report.html")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused(["report", model, folder, "--html", tmp_path / "q.html"], "--html needs the package 'matplotlib'")
