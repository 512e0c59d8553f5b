"""The page that ``report --html`` writes: scores, pictures, and the worst recordings with players, in one file."""

from __future__ import annotations

import base64
import io
import os
from argparse import Namespace
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from sklearn_audio._atomic import written_whole
from sklearn_audio._version import __version__
from sklearn_audio.cli._model import check_writable, recording_kind
from sklearn_audio.cli._report_files import Scored, pictures, recordings
from sklearn_audio.optional import require

_N_WORST = 30
_DPI = 110
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; overflow-wrap: anywhere }
img { max-width: 100%; height: auto } figure { margin: 0 0 2rem; overflow-x: auto }
table { border-collapse: collapse; display: block; overflow-x: auto; margin-bottom: 2rem }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; border-bottom: 1px solid #ddd; overflow-wrap: anywhere }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums } audio { width: 15rem; height: 2rem }
.warning { background: #fff3cd; padding: .5rem 1rem }
"""


def check_page(file: Path, *, force: bool) -> None:
    """Raise, before any work is done, for a file that cannot or must not be written."""
    require("matplotlib", needed_by="--html", extra="plot")
    check_writable(file, "the report", "report.html", "--html")
    if kind := recording_kind(file):
        raise ValueError(f"--html {str(file)!r} is {kind}, which a report must not replace; name a file.html.")
    if file.exists() and not force:
        raise ValueError(f"--html {str(file)!r} exists; name another file, or replace it with --force.")


def write_page(file: Path, scored: Scored, facts: Mapping[str, Any], options: Namespace) -> None:
    """Write the page; players find recordings by paths relative to it."""
    title = f"{options.model} on {options.data}"
    body = "\n".join(
        [*_head(title, facts), *_figures(scored), *_labels(facts, scored.model.names), *_worst(scored, file)]
    )
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n"
        f"<p>sklearn-audio {__version__}</p>\n</body></html>\n"
    )
    with written_whole(file) as unfinished:
        unfinished.write_text(page, encoding="utf-8")


def _head(title: str, facts: Mapping[str, Any]) -> Iterator[str]:
    name = "accuracy" if "accuracy" in facts else "mean_average_precision"
    yield f"<h1>{_text(title)}</h1>"
    yield f"<p><strong>{name.replace('_', ' ')} {facts[name]:.3f}</strong> on {facts['recordings']} recordings</p>"
    if facts["copies_of_training"]:
        yield (
            f'<p class="warning">{facts["copies_of_training"]} of these recordings are exact copies of recordings that '
            "the model was trained on; the scores say little about new recordings.</p>"
        )


def _figures(scored: Scored) -> Iterator[str]:
    for name, figure in pictures(scored):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=_DPI)
        data = base64.b64encode(buffer.getvalue()).decode()
        yield f'<figure><img src="data:image/png;base64,{data}" alt="{name.replace("_", " ")}"></figure>'


def _labels(facts: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    yield "<h2>Labels</h2>"
    yield _table(label_table(facts, names).reset_index())


def label_table(facts: Mapping[str, Any], names: list[str]) -> pd.DataFrame:
    """Return the scores of each label and its number of recordings; average precision where there are probabilities."""
    table = pd.DataFrame([facts["labels"][name] for name in names], index=pd.Index(names, name="label"))
    table = table.rename(columns={"f1-score": "f1", "support": "recordings"}).astype({"recordings": int})
    order = ["precision", "recall", "f1", "average_precision", "recordings"]
    return table[[name for name in order if name in table]]


def _worst(scored: Scored, file: Path) -> Iterator[str]:
    table = recordings(scored).head(_N_WORST)
    players = [_player(row.path, row.start, row.end, file) for row in table.itertuples()]
    shown = table.drop(columns=["start", "end"]) if table["start"].isna().all() else table
    yield "<h2>The worst recordings</h2>"
    yield _table(shown, {"listen": players})


def _player(path: Any, start: Any, end: Any, file: Path) -> str:
    source = quote(os.fsencode(Path(os.path.relpath(path, file.parent)).as_posix()))
    part = "" if np.isnan(start) else f"#t={start:g}" + (f",{end:g}" if np.isfinite(end) else "")
    return f'<audio controls preload="none" src="{source}{part}"></audio>'


def _table(table: pd.DataFrame, markup: Mapping[str, list[str]] | None = None) -> str:
    """Write a table; columns of `markup` are HTML already."""
    numbers = {name for name in table.columns if pd.api.types.is_numeric_dtype(table[name])}
    names = [*table.columns, *(markup or {})]
    head = "".join(f"<th{_class(name in numbers)}>{_text(name)}</th>" for name in names)
    rows = []
    for i, row in enumerate(table.itertuples(index=False)):
        cells = [f"<td{_class(name in numbers)}>{_cell(value)}</td>" for name, value in zip(table, row, strict=True)]
        rows.append(
            "<tr>" + "".join([*cells, *(f"<td>{column[i]}</td>" for column in (markup or {}).values())]) + "</tr>"
        )
    return f"<table><tr>{head}</tr>\n" + "\n".join(rows) + "</table>"


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.3f}"
    return _text(value)


def _text(value: object) -> str:
    """Escape text; bytes of a file name that are not UTF-8 become question marks."""
    return escape(str(value).encode("utf-8", "replace").decode())
