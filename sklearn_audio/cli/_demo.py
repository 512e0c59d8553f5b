"""``sklearn-audio demo``: the main job on spoken digits, or on made-up sounds where there are none."""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from pathlib import Path

import pandas as pd
from sklearn.utils import Bunch

from sklearn_audio.cli._parser import main
from sklearn_audio.datasets import fetch_spoken_digits, write_sound_events

__all__ = ["run"]


def run(options: Namespace) -> None:
    """Train, report and predict, showing each command.

    Parameters
    ----------
    options : argparse.Namespace
        Arguments of the command.
    """
    with tempfile.TemporaryDirectory(prefix="sklearn-audio-demo-") as folder:
        digits = None if options.synthetic else _digits()
        table = _synthetic(folder) if digits is None else _table(digits)
        train, test = Path(folder) / "train.csv", Path(folder) / "test.csv"
        table[table.split == "train"].drop(columns="split").to_csv(train, index=False)
        table[table.split == "test"].drop(columns="split").to_csv(test, index=False)
        model = Path(folder) / "model.joblib"
        grouped = [] if digits is None else ["--groups", "speaker"]
        flags = [f"--jobs={options.jobs}", *(["--quiet"] if options.quiet else [])]
        _show("train", str(train), "-o", str(model), *grouped, *flags)
        if digits is not None:
            _say("(each fold tests one speaker whom the classifier never heard: the hard case)")
        _show("report", str(model), str(test), *grouped, *flags)
        if digits is not None:
            _say("(the report is on new recordings of speakers it knows: the easy case)")
        _show("predict", str(model), *table[table.split == "test"].path.head(3), *flags)


def _digits() -> Bunch | None:
    try:
        digits = fetch_spoken_digits()
    except OSError as error:
        _say(f"Spoken digits are neither on this machine nor to be had from the network ({type(error).__name__}).")
        return None
    _say(f"Data: {len(digits.data)} real recordings, the Free Spoken Digit Dataset, from {Path(digits.data[0]).parent}")
    return digits


def _table(digits: Bunch) -> pd.DataFrame:
    paths = [str(Path(path).resolve()) for path in digits.data]  # the table lies elsewhere
    return pd.DataFrame(
        {"path": paths, "label": digits.target, "speaker": digits.groups, "split": digits.official_split}
    )


def _synthetic(folder: str) -> pd.DataFrame:
    sounds = write_sound_events(Path(folder) / "sounds", n_clips=120, random_state=0)
    _say(f"Data: {len(sounds.data)} synthetic sounds, made on the spot; the scores say nothing about real recordings")
    split = ["test" if i % 4 == 0 else "train" for i in range(len(sounds.data))]
    return pd.DataFrame({"path": sounds.data, "label": sounds.target, "split": split}).sort_values("split")


def _show(*arguments: str) -> None:
    shown = [Path(argument).name if argument.startswith(tempfile.gettempdir()) else argument for argument in arguments]
    _say("\n$ sklearn-audio " + " ".join(shown))
    code = main(arguments)
    if code:
        raise SystemExit(code)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
