"""``sklearn-audio info``: description of a saved model."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from sklearn.pipeline import Pipeline

from sklearn_audio._paths import local_path
from sklearn_audio.cli._messages import in_words, say
from sklearn_audio.cli._model import load_model
from sklearn_audio.engine import reading_of

_N_LABELS = 50


def run(options: Namespace) -> None:
    """Print one fact per line."""
    path = Path(local_path(options.model))
    model = load_model(path)
    estimator = model.estimator
    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
    labels = ", ".join(model.names[:_N_LABELS]) + (", ..." if len(model.names) > _N_LABELS else "")
    facts = {
        "file": f"{path} ({path.stat().st_size / 1e3:.0f} kB)",
        "kind": "several labels per recording" if model.several else "one label per recording",
        f"labels ({len(model.names)})": labels,
        "output": "probabilities" if model.has_probabilities else "labels only",
        "sample rate": _rate(estimator),
        "trained on": ""
        if model.lengths is None
        else " to ".join(map(in_words, model.lengths)) + " of sound per recording",
    }
    for name, value in facts.items():
        if value:
            say(f"{name}: {value}")
    for key, value in getattr(estimator, "train_config_", {}).items():
        say(f"config: {key} = {json.dumps(value, ensure_ascii=False, default=str)}")
    for step in steps:
        say(f"step: {' '.join(repr(step).split())}")


def _rate(estimator: Any) -> str:
    try:
        rate = reading_of(estimator).rate
    except ImportError as error:  # of an optional library, which the network needs
        return f"unknown, as {error}"
    return "" if rate is None else f"{rate} Hz"
