"""``sklearn-audio report``: how a saved classifier does on labelled recordings."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix
from sklearn.multiclass import OneVsRestClassifier
from sklearn.utils import Bunch

from sklearn_audio.cli._data import is_multilabel, labelled
from sklearn_audio.cli._messages import shows_progress
from sklearn_audio.cli._model import load_model
from sklearn_audio.cli._scores import mean_average_precision

__all__ = ["run"]

# A wider confusion matrix fits on no screen; its largest entries are listed instead.
_N_MATRIX = 25
_N_CONFUSIONS = 20


def run(options: Namespace) -> None:
    """Print accuracy, a table per class and the confusion matrix.

    Parameters
    ----------
    options : argparse.Namespace
        Arguments of the command.

    Raises
    ------
    ValueError
        If the labels are not of the kind, or not among those, that the model was trained on.
    """
    model = load_model(Path(options.model))
    clips = labelled(options)
    several = isinstance(model[-1], OneVsRestClassifier)
    if several != is_multilabel(clips):
        counts = ["one label", "several labels"]
        raise ValueError(
            f"the model was trained on {counts[several]} per recording, and {options.data!r} has {counts[not several]}."
        )
    known = list(model.label_names_)
    unknown = sorted(set(map(str, clips.target_names)) - set(known))
    if unknown:
        raise ValueError(f"the model does not know the label {unknown[0]!r}; it knows {', '.join(map(repr, known))}.")
    model[0].set_params(n_jobs=options.jobs, verbose=shows_progress(options.quiet))
    probabilities = model.predict_proba(clips.data)
    sys.stdout.write((_of_label_sets if several else _of_classes)(probabilities, clips, known))


def _of_classes(probabilities: NDArray[Any], clips: Bunch, names: list[str]) -> str:
    truth, predicted = clips.target.astype(str), np.asarray(names)[probabilities.argmax(axis=1)]
    table = classification_report(truth, predicted, labels=names, digits=3, zero_division=0.0)
    confusions = confusion_matrix(truth, predicted, labels=names)
    return (
        f"accuracy {accuracy_score(truth, predicted):.3f} on {len(truth)} recordings\n\n{table}\n"
        f"{_matrix(confusions, names) if len(names) <= _N_MATRIX else _largest(confusions, names)}\n"
        f"{'' if clips.groups is None else _per_group(truth == predicted, clips.groups)}"
    )


def _matrix(confusions: NDArray[np.int64], names: list[str]) -> str:
    matrix = pd.DataFrame(confusions, index=names, columns=names)
    return f"confusion matrix (rows: truth, columns: prediction)\n{matrix.to_string()}"


def _largest(confusions: NDArray[np.int64], names: list[str]) -> str:
    wrong = confusions * (1 - np.eye(len(names), dtype=np.int64))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_N_CONFUSIONS]
    pairs = [(i, j) for i, j in zip(*np.unravel_index(order, wrong.shape), strict=True) if wrong[i, j]]
    lines = [f"{wrong[i, j]:6d}  {names[i]} taken for {names[j]}" for i, j in pairs]
    return "\n".join(["most frequent confusions", *(lines or ["     none"])])


def _per_group(correct: NDArray[np.bool_], groups: NDArray[Any]) -> str:
    table = pd.DataFrame({"accuracy": correct, "recordings": 1}, index=groups).groupby(level=0)
    shown = table.agg({"accuracy": "mean", "recordings": "sum"}).to_string(float_format="{:.3f}".format)
    return f"\naccuracy per group\n{shown}\n"


def _of_label_sets(probabilities: NDArray[Any], clips: Bunch, names: list[str]) -> str:
    table = pd.DataFrame(clips.target, columns=list(map(str, clips.target_names)))
    truth = table.reindex(columns=names, fill_value=0).to_numpy()
    per_label = classification_report(truth, probabilities >= 0.5, target_names=names, digits=3, zero_division=0.0)
    return (
        f"mean average precision {mean_average_precision(truth, probabilities):.3f} over "
        f"{truth.any(axis=0).sum()} labels on {len(truth)} recordings\n\n{per_label}"
        "(a label counts as predicted from a probability of 0.5)\n"
    )
