"""``sklearn-audio report``: scores of a saved classifier on labelled recordings."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, average_precision_score, classification_report, confusion_matrix
from sklearn.utils import Bunch

from sklearn_audio._paths import local_path
from sklearn_audio.cli._compute import Prediction, predictions
from sklearn_audio.cli._data import is_multilabel, labelled
from sklearn_audio.cli._messages import Progress, output, utf8_output
from sklearn_audio.cli._model import Model, load_model
from sklearn_audio.cli._report_files import Scored, check_folder, write_folder
from sklearn_audio.cli._report_html import check_page, label_table, write_page
from sklearn_audio.cli._survey import Survey, clip_rows, keep_rows, report_unusable, survey
from sklearn_audio.metrics import mean_average_precision

# For more classes, the largest confusions are listed instead of the matrix.
_N_MATRIX = 25
_N_CONFUSIONS = 20


def run(options: Namespace) -> None:
    """Print accuracy, a table per class and the confusion matrix."""
    folder = None if options.plots is None else Path(local_path(options.plots))
    if folder is not None:
        check_folder(folder, force=options.force)
    page = None if options.html is None else Path(local_path(options.html))
    if page is not None:
        check_page(page, force=options.force)
    model = load_model(Path(local_path(options.model)))
    clips = labelled(options)
    _check_labels(model, clips, options)
    surveyed = survey(clips, options)
    report_unusable(surveyed.errors, len(clips.data), options)
    clips, answers, kept = _answers(model, clips, surveyed, options)
    facts = _facts(model, clips, answers, surveyed.digests[kept])
    if options.format == "json":
        output().write(json.dumps(facts, ensure_ascii=False, indent=1) + "\n")
    elif options.format == "csv":
        with utf8_output():
            label_table(facts, model.names).to_csv(output(), lineterminator="\n")
    else:
        show = _of_label_sets if model.several else _of_classes
        output().write(_seen_in_training(model, surveyed.digests[kept]) + show(answers, clips, model.names))
    scored = Scored(model, clips, answers, _truth(clips, model.names))
    if folder is not None:
        write_folder(folder, scored)
    if page is not None:
        write_page(page, scored, facts, options)


def _check_labels(model: Model, clips: Bunch, options: Namespace) -> None:
    if model.several != is_multilabel(clips):
        counts = ["one label", "several labels"]
        raise ValueError(
            f"the model was trained on {counts[model.several]} per recording, and {options.data!r} has "
            f"{counts[not model.several]}."
        )
    if model.several and model.names == list(map(str, range(len(model.names)))):
        raise ValueError(
            f"the model does not name its {len(model.names)} labels; set label_names_, in the order of the columns of "
            "y, on the fitted model before joblib.dump."
        )
    unknown = sorted(set(map(str, clips.target_names)) - set(model.names))
    if unknown:
        known = ", ".join(map(repr, model.names))
        raise ValueError(f"the model was not trained on the label {unknown[0]!r}; its labels are {known}.")
    if model.several and not model.has_probabilities:
        raise ValueError(
            "multi-label scores need probabilities, and the model has no predict_proba; train one that has."
        )


def _answers(
    model: Model, clips: Bunch, surveyed: Survey, options: Namespace
) -> tuple[Bunch, list[Prediction], NDArray[np.int64]]:
    """Predict the readable clips: these clips, their answers, and their rows."""
    rows = np.setdiff1d(np.arange(len(clips.data)), list(surveyed.errors))
    usable = clip_rows(keep_rows(clips, rows).data)
    found = []
    with Progress(len(usable), "recordings", quiet=options.quiet) as progress:
        for _, answers in predictions(model, usable, n_jobs=options.jobs, skip=options.on_error == "skip"):
            found += answers
            progress.advance(len(answers))
    answered = [i for i, answer in enumerate(found) if answer.labels is not None]
    if not answered:
        raise ValueError("none of the recordings can be used, so there is nothing to score.")
    kept = rows[answered]
    return keep_rows(clips, kept), [found[i] for i in answered], kept


def _truth(clips: Bunch, names: list[str]) -> NDArray[np.bool_]:
    """Return the indicator matrix of the labels, in the order of the model."""
    members = clips.target if is_multilabel(clips) else clips.target[:, None] == clips.target_names
    table = pd.DataFrame(members, columns=list(map(str, clips.target_names)))
    return table.reindex(columns=names, fill_value=0).to_numpy(dtype=bool)


def _facts(model: Model, clips: Bunch, answers: list[Prediction], digests: NDArray[np.uint64]) -> dict[str, Any]:
    truth = _truth(clips, model.names)
    predicted = np.array([np.isin(model.names, answer.labels or ()) for answer in answers])
    facts: dict[str, Any] = {
        "recordings": len(truth),
        "copies_of_training": int(np.isin(digests, model.digests).sum()),
        "labels": classification_report(
            truth, predicted, target_names=model.names, output_dict=True, zero_division=0.0
        ),
    }
    if model.has_probabilities:
        probabilities = np.array([answer.probabilities for answer in answers])
        for column in np.flatnonzero(truth.any(axis=0)):
            facts["labels"][model.names[column]]["average_precision"] = average_precision_score(
                truth[:, column], probabilities[:, column]
            )
    correct = (truth == predicted).all(axis=1)
    if model.several:
        facts["mean_average_precision"] = mean_average_precision(truth, [one.probabilities for one in answers])
    else:
        facts["accuracy"] = float(correct.mean())
        facts["confusion"] = confusion_matrix(
            truth.argmax(axis=1), predicted.argmax(axis=1), labels=range(len(model.names))
        ).tolist()
    if clips.groups is not None:
        facts["groups"] = pd.Series(correct).groupby(list(map(str, clips.groups))).mean().to_dict()
    return facts


def _seen_in_training(model: Model, digests: NDArray[np.uint64]) -> str:
    n_seen = int(np.isin(digests, model.digests).sum())
    if not n_seen:
        return ""
    return (
        f"{n_seen} of these {len(digests)} recordings are exact copies of recordings that the model was trained on; "
        "the scores say little about new recordings\n\n"
    )


def _of_classes(answers: list[Prediction], clips: Bunch, names: list[str]) -> str:
    predicted = np.array([label for answer in answers for label in answer.labels or ()])
    truth = clips.target.astype(str)
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
    lines = [f"{wrong[i, j]:6d}  {names[i]} predicted as {names[j]}" for i, j in pairs]
    return "\n".join(["most frequent confusions", *(lines or ["     none"])])


def _per_group(correct: NDArray[np.bool_], groups: NDArray[Any]) -> str:
    table = pd.DataFrame({"accuracy": correct, "recordings": 1}, index=groups).groupby(level=0)
    shown = table.agg({"accuracy": "mean", "recordings": "sum"}).to_string(float_format="{:.3f}".format)
    return f"\naccuracy per group\n{shown}\n"


def _of_label_sets(answers: list[Prediction], clips: Bunch, names: list[str]) -> str:
    probabilities = np.array([answer.probabilities for answer in answers])
    predicted = np.array([np.isin(names, answer.labels or ()) for answer in answers])
    truth = _truth(clips, names)
    per_label = classification_report(truth, predicted, target_names=names, digits=3, zero_division=0.0)
    return (
        f"mean average precision {mean_average_precision(truth, probabilities):.3f} over "
        f"{truth.any(axis=0).sum()} labels on {len(truth)} recordings\n\n{per_label}"
    )
