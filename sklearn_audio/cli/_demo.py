"""``sklearn-audio demo``: train, report and predict on spoken digits or synthetic sounds."""

from __future__ import annotations

import shutil
import sys
import tempfile
from argparse import Namespace
from contextlib import chdir
from pathlib import Path

import pandas as pd
from sklearn.utils import Bunch

from sklearn_audio._progress import can_show_progress
from sklearn_audio.cli._messages import one_line, say, tell
from sklearn_audio.cli._parser import main
from sklearn_audio.datasets import fetch_spoken_digits, write_sound_events
from sklearn_audio.exceptions import AudioReadError

_SPEAKERS = {
    "train": "Each fold tested one speaker who was not in the training set: the hard case.",
    "report": "These were new recordings of the same speakers: the easy case. Which case is yours?",
}
_NEXT = """
That is all. With your own recordings, in one folder per class:
  sklearn-audio train recordings/ -o model.joblib
  sklearn-audio predict model.joblib new/*.wav"""


def run(options: Namespace) -> None:
    """Run train, report and predict, printing each command."""
    with tempfile.TemporaryDirectory(prefix="sklearn-audio-demo-") as folder:
        digits = None if options.synthetic else _digits(options)
        table = _synthetic(Path(folder)) if digits is None else _table(digits)
        _write_parts(table, Path(folder))
        with chdir(folder):
            _show_commands(options, notes={} if digits is None else _SPEAKERS)
    say(_NEXT)


def _show_commands(options: Namespace, notes: dict[str, str]) -> None:
    grouped = ["--groups", "speaker"] if notes else []
    for command in (
        ["train", "train.csv", "-o", "model.joblib", "--method", "statistics", *grouped],
        ["report", "model.joblib", "test.csv"],
        ["predict", "model.joblib", "new"],
    ):
        say("\n$ sklearn-audio " + " ".join(command) + "\n")
        flags = [f"--jobs={options.jobs}", *(["--quiet"] if options.quiet else [])]
        if code := main([*command, *flags, *(["--debug"] if options.debug else [])]):
            raise SystemExit(code)
        if command[0] in notes:
            say(notes[command[0]])


def _write_parts(table: pd.DataFrame, folder: Path) -> None:
    """Write train.csv, test.csv and a folder with the first test recording of three classes."""
    for part in ("train", "test"):
        table[table.split == part].drop(columns="split").to_csv(folder / f"{part}.csv", index=False)
    (folder / "new").mkdir()
    for path in table[table.split == "test"].drop_duplicates("label").path.head(3):
        shutil.copy(path, folder / "new")


def _digits(options: Namespace) -> Bunch | None:
    try:
        digits = fetch_spoken_digits(download_if_missing=False)
    except AudioReadError:
        digits = _downloaded(options)
    if digits is not None:
        where = Path(digits.data[0]).parent
        say(f"Data: {len(digits.data)} real recordings of the Free Spoken Digit Dataset, from {where}")
    return digits


def _downloaded(options: Namespace) -> Bunch | None:
    say("Downloading the Free Spoken Digit Dataset (12 MB) ...")
    try:
        return fetch_spoken_digits(verbose=int(not options.quiet and can_show_progress() and sys.stderr.isatty()))
    except OSError as error:
        tell(f"warning: {one_line(error)}")
        say("The download failed; the demo continues with synthetic sounds.")
        return None


def _table(digits: Bunch) -> pd.DataFrame:
    paths = [str(Path(path).resolve()) for path in digits.data]  # the table is in another folder
    return pd.DataFrame(
        {"path": paths, "label": digits.target, "speaker": digits.groups, "split": digits.official_split}
    )


def _synthetic(folder: Path) -> pd.DataFrame:
    sounds = write_sound_events(folder / "sounds", n_clips=120, random_state=0)
    say(f"Data: {len(sounds.data)} synthetic sounds; the scores say nothing about real recordings")
    split = ["test" if i % 4 == 0 else "train" for i in range(len(sounds.data))]
    return pd.DataFrame({"path": sounds.data, "label": sounds.target, "split": split}).sort_values("split")
