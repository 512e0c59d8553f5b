"""Pictures and a table of the recordings, which ``report --plots`` writes to a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import ConfusionMatrixDisplay, f1_score
from sklearn.utils import Bunch

from sklearn_audio._atomic import written_whole
from sklearn_audio.cli._compute import Prediction
from sklearn_audio.cli._data import path_of
from sklearn_audio.cli._model import Model
from sklearn_audio.cli._survey import clip_rows
from sklearn_audio.optional import require

# Inches per label of a picture, and around the labels.
_PER_LABEL, _AROUND = 0.28, 2.2
_DPI = 150


def check_folder(folder: Path, *, force: bool) -> None:
    """Raise, before any work is done, for a folder that cannot or must not be written."""
    require("matplotlib", needed_by="--plots", extra="plot")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--plots {str(folder)!r} is a file; name a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise ValueError(f"--plots {str(folder)!r} is not empty; name another folder, or write into it with --force.")


def write_folder(folder: Path, model: Model, clips: Bunch, answers: list[Prediction], truth: NDArray[np.bool_]) -> None:
    """Write pictures, and the recordings from the worst to the best.

    Shapes: truth (n_clips, n_labels).
    """
    folder.mkdir(parents=True, exist_ok=True)
    predicted = np.array([np.isin(model.names, answer.labels or ()) for answer in answers])
    with written_whole(folder / "recordings.csv") as unfinished:
        _recordings(model, clips, answers, truth).to_csv(unfinished, index=False, lineterminator="\n")
    _save(folder / "f1_per_label.png", _bars(model.names, truth, predicted))
    if not model.several:
        _save(folder / "confusion.png", _confusion(model.names, truth, predicted))
    if model.has_probabilities:
        _save(folder / "precision_recall.png", _precision_recall(model.names, truth, answers))


def _recordings(model: Model, clips: Bunch, answers: list[Prediction], truth: NDArray[np.bool_]) -> pd.DataFrame:
    names = np.asarray(model.names)
    table = pd.DataFrame(
        {
            "path": list(map(path_of, clip_rows(clips.data))),
            "truth": [";".join(names[row]) for row in truth],
            "predicted": [";".join(answer.labels or ()) for answer in answers],
        }
    )
    if not model.has_probabilities:
        return table.sort_values("path", key=lambda _: table["truth"] == table["predicted"], kind="stable")
    scores = np.array([answer.probabilities for answer in answers])
    # of labels that are there their probability, of the others the rest
    table["probability"] = np.where(truth, scores, 1 - scores).mean(axis=1) if model.several else scores[truth]
    return table.sort_values("probability", kind="stable").round({"probability": 6})


def _save(file: Path, figure: Any) -> None:
    with written_whole(file) as unfinished:
        figure.savefig(unfinished, format="png", dpi=_DPI)


def _axes(n_rows: int, n_columns: int) -> Any:
    from matplotlib.figure import Figure  # without pyplot, which holds figures and may need a screen

    width, height = (max(4.0, _AROUND + _PER_LABEL * n) for n in (n_columns, n_rows))
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def _bars(names: list[str], truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Any:
    axes = _axes(len(names), 10)
    axes.barh(names, f1_score(truth, predicted, average=None, zero_division=0.0), height=0.7)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="F1", title="F1 per label")
    return axes.figure


def _confusion(names: list[str], truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Any:
    axes = _axes(len(names), len(names))
    of_truth, of_prediction = (np.asarray(names)[table.argmax(axis=1)] for table in (truth, predicted))
    ConfusionMatrixDisplay.from_predictions(
        of_truth, of_prediction, labels=names, ax=axes, xticks_rotation="vertical", colorbar=False, cmap="Blues"
    )
    axes.set_title("Number of recordings")
    return axes.figure


def _precision_recall(names: list[str], truth: NDArray[np.bool_], answers: list[Prediction]) -> Any:
    from sklearn_audio.display import PrecisionRecallPerLabelDisplay

    scores = np.array([answer.probabilities for answer in answers])
    there = truth.any(axis=0)
    labels = list(np.asarray(names)[there])
    display = PrecisionRecallPerLabelDisplay.from_predictions(
        truth[:, there].astype(int), scores[:, there], labels=labels, ax=_axes(14, 18)
    )
    return display.figure_
