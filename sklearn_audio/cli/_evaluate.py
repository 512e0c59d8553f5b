"""``sklearn-audio evaluate``: precision, recall, F1 and error rate of events."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import PurePath
from typing import Any

import pandas as pd

from sklearn_audio._paths import local_path
from sklearn_audio.annotations import read
from sklearn_audio.cli._messages import output, utf8_output
from sklearn_audio.metrics import event_report, segment_report

# Options by the metric that they are for, and the parameters that they are.
_OF_METRIC = {"collar": "event", "starts_only": "event", "segment": "segment"}
_ONLY_IN_CSV = ["substitution_rate", "deletion_rate", "insertion_rate"]  # the sum is enough on a screen


def run(options: Namespace) -> None:
    """Print a row per label, then those of all labels."""
    for name, metric in _OF_METRIC.items():
        if getattr(options, name) not in (None, False) and options.metric != metric:
            raise ValueError(f"--{name.replace('_', '-')} is for --metric {metric}; leave it out.")
    events = read(local_path(options.events))
    reference = read(local_path(options.reference), root=options.root)
    events, reference = (_with_keys(table, options.by_name) for table in (events, reference))
    _check_recordings(events, reference, options)
    report = _report(reference, events, options)
    with utf8_output():
        if options.format == "csv":
            report.to_csv(output(), lineterminator="\n")
        else:
            shown = report.drop(columns=_ONLY_IN_CSV).rename(columns=lambda name: name.removeprefix("n_"))
            output().write(shown.to_string(float_format="{:.3f}".format, na_rep="-") + "\n")


def _with_keys(table: pd.DataFrame, by_name: bool) -> pd.DataFrame:
    """Name each recording by its absolute path, or by its file name; raise if two have the same."""
    keys = {path: os.path.abspath(path) for path in table["path"].unique()}
    if by_name:
        paths: dict[str, str] = {}
        for path in keys.values():
            if paths.setdefault(PurePath(path).name, path) != path:
                raise ValueError(f"--by-name: {paths[PurePath(path).name]!r} and {path!r} have the same name.")
        keys = {path: PurePath(key).name for path, key in keys.items()}
    return table[["start", "end", "label"]].assign(path=table["path"].map(keys))


def _check_recordings(events: pd.DataFrame, reference: pd.DataFrame, options: Namespace) -> None:
    if len(events) and len(reference) and not set(events["path"]) & set(reference["path"]):
        raise ValueError(
            f"no recording of {options.events!r}, such as {events['path'].iloc[0]!r}, is in {options.reference!r}, "
            f"which names {reference['path'].iloc[0]!r}; give the folder of its relative paths by --root, or compare "
            "only the names of files by --by-name."
        )


def _report(reference: pd.DataFrame, events: pd.DataFrame, options: Namespace) -> pd.DataFrame:
    chosen: dict[str, Any] = {}
    if options.metric == "segment":
        chosen |= {} if options.segment is None else {"segment": options.segment}
        return segment_report(reference, events, **chosen)
    chosen |= {} if options.collar is None else {"collar": options.collar}
    chosen |= {"end_share": None} if options.starts_only else {}
    return event_report(reference, events, **chosen)
