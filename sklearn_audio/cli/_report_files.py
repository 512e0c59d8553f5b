"""Pictures and a table of the recordings, which ``report --plots`` writes to a folder, and ``--html`` to a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.calibration import CalibrationDisplay
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


class Scored(NamedTuple):
    """A model, recordings, its answers, and the true labels.

    Shapes: truth (n_clips, n_labels).
    """

    model: Model
    clips: Bunch
    answers: list[Prediction]
    truth: NDArray[np.bool_]

    @property
    def predicted(self) -> NDArray[np.bool_]:
        return np.array([np.isin(self.model.names, answer.labels or ()) for answer in self.answers])

    @property
    def scores(self) -> NDArray[np.float64]:
        return np.array([answer.probabilities for answer in self.answers])


def write_folder(folder: Path, scored: Scored) -> None:
    """Write pictures, and the recordings from the worst to the best."""
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / "recordings.csv") as unfinished:
        table = recordings(scored)
        table = table.drop(columns=["start", "end"]) if table["start"].isna().all() else table
        table.to_csv(unfinished, index=False, lineterminator="\n")
    for name, figure in pictures(scored):
        with written_whole(folder / f"{name}.png") as unfinished:
            figure.savefig(unfinished, format="png", dpi=_DPI)


def pictures(scored: Scored) -> Iterator[tuple[str, Any]]:
    """Draw the pictures that the model and the recordings allow, each with its name."""
    model, _, _, truth = scored
    yield "f1_per_label", _bars(model.names, f1_score(truth, scored.predicted, average=None, zero_division=0.0), "F1")
    if not model.several:
        yield "confusion", _confusion(model.names, truth, scored.predicted)
    if scored.clips.groups is not None:
        correct = pd.Series((truth == scored.predicted).all(axis=1)).groupby(list(map(str, scored.clips.groups)))
        yield (
            "accuracy_per_group",
            _bars(list(map(str, correct.groups)), correct.mean().to_numpy(), "accuracy", "group"),
        )
    if model.has_probabilities:
        yield "precision_recall", _precision_recall(model.names, truth, scored.scores)
        yield "calibration", _calibration(scored)


def recordings(scored: Scored) -> pd.DataFrame:
    """List the recordings, the worst first; `start` and `end` are those of parts."""
    model, clips, answers, truth = scored
    names, rows = np.asarray(model.names), clip_rows(clips.data)
    spans = [row[1:] if isinstance(row, tuple) else (np.nan, np.nan) for row in rows]
    table = pd.DataFrame(spans, columns=["start", "end"], dtype=float)
    table.insert(0, "path", pd.Series(list(map(path_of, rows)), dtype=object))
    table["truth"] = [";".join(names[row]) for row in truth]
    table["predicted"] = [";".join(answer.labels or ()) for answer in answers]
    if not model.has_probabilities:
        return table.sort_values("path", key=lambda _: table["truth"] == table["predicted"], kind="stable")
    scores = scored.scores
    # of labels that are there their probability, of the others the rest
    table["probability"] = np.where(truth, scores, 1 - scores).mean(axis=1) if model.several else scores[truth]
    return table.sort_values("probability", kind="stable").round({"probability": 6})


def _axes(n_rows: int, n_columns: int) -> Any:
    from matplotlib.figure import Figure  # without pyplot, which holds figures and may need a screen

    width, height = (max(4.0, _AROUND + _PER_LABEL * n) for n in (n_columns, n_rows))
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def _bars(names: list[str], values: NDArray[np.float64], what: str, per: str = "label") -> Any:
    axes = _axes(len(names), 10)
    axes.barh(names, values, height=0.7)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel=what, title=f"{what[:1].upper()}{what[1:]} per {per}")
    return axes.figure


def _confusion(names: list[str], truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Any:
    axes = _axes(len(names), len(names))
    of_truth, of_prediction = (np.asarray(names)[table.argmax(axis=1)] for table in (truth, predicted))
    ConfusionMatrixDisplay.from_predictions(
        of_truth, of_prediction, labels=names, ax=axes, xticks_rotation="vertical", colorbar=False, cmap="Blues"
    )
    axes.set_title("Number of recordings")
    return axes.figure


def _precision_recall(names: list[str], truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> Any:
    from sklearn_audio.display import PrecisionRecallPerLabelDisplay

    there = truth.any(axis=0)
    labels = list(np.asarray(names)[there])
    display = PrecisionRecallPerLabelDisplay.from_predictions(
        truth[:, there].astype(int), scores[:, there], labels=labels, ax=_axes(14, 18)
    )
    return display.figure_


def _calibration(scored: Scored) -> Any:
    """Draw how often an answer is right over its probability: of the label given, or of all labels if several are."""
    scores, truth = scored.scores, scored.truth
    if not scored.model.several:
        best = scores.argmax(axis=1)[:, None]
        scores, truth = np.take_along_axis(scores, best, axis=1), np.take_along_axis(truth, best, axis=1)
    axes = _axes(14, 14)
    CalibrationDisplay.from_predictions(truth.ravel(), scores.ravel(), n_bins=10, pos_label=True, ax=axes, name="model")
    axes.set(title="Calibration", xlabel="probability", ylabel="share that is right")
    return axes.figure
