"""``sklearn-audio report``: how a saved classifier does on labelled recordings."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, average_precision_score, classification_report, confusion_matrix
from sklearn.utils import Bunch

from sklearn_audio.cli._data import is_multilabel, labelled, shows_progress
from sklearn_audio.cli._model import load_model

__all__ = ["run"]


def run(options: Namespace) -> None:
    """Print accuracy, a table per class and the confusion matrix.

    Parameters
    ----------
    options : argparse.Namespace
        Arguments of the command.
    """
    model = load_model(Path(options.model))
    clips = labelled(options)
    known, present = list(map(str, model.label_names_)), list(map(str, clips.target_names))
    unknown = sorted(set(present) - set(known))
    if unknown:
        raise ValueError(f"the model does not know the label {unknown[0]!r}; it knows {known}.")
    model[0].set_params(n_jobs=options.jobs, verbose=shows_progress(options))
    probabilities = model.predict_proba(clips.data)
    text = _multilabel(probabilities, clips, known) if is_multilabel(clips) else _single(probabilities, clips, known)
    sys.stdout.write(text)


def _single(probabilities: NDArray[Any], clips: Bunch, names: list[str]) -> str:
    truth, predicted = clips.target.astype(str), np.asarray(names)[probabilities.argmax(axis=1)]
    table = classification_report(truth, predicted, labels=names, digits=3, zero_division=0.0)
    matrix = pd.DataFrame(confusion_matrix(truth, predicted, labels=names), index=names, columns=names)
    return (
        f"accuracy {accuracy_score(truth, predicted):.3f} on {len(truth)} recordings\n\n{table}\n"
        f"confusion matrix (rows: truth, columns: prediction)\n{matrix.to_string()}\n"
    )


def _multilabel(probabilities: NDArray[Any], clips: Bunch, names: list[str]) -> str:
    table = pd.DataFrame(clips.target, columns=list(map(str, clips.target_names)))
    truth = table.reindex(columns=names, fill_value=0).to_numpy()
    with_positives = truth.any(axis=0)
    precision = average_precision_score(truth[:, with_positives], probabilities[:, with_positives], average="macro")
    per_label = classification_report(truth, probabilities >= 0.5, target_names=names, digits=3, zero_division=0.0)
    return (
        f"mean average precision {precision:.3f} over {with_positives.sum()} labels on {len(truth)} recordings\n\n"
        f"{per_label}"
    )
