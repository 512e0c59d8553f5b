"""Random tables of scores and reference events, and what sed_scores_eval says about them.

Run this file where sed_scores_eval is installed, which needs pandas 2, and pytest, to write its numbers anew.
"""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

LABELS = ["dog", "cat", "bird"]
PSDS_OPTIONS = [
    {"dtc_threshold": 0.7, "gtc_threshold": 0.7, "alpha_st": 1.0},
    {"dtc_threshold": 0.1, "gtc_threshold": 0.1, "cttc_threshold": 0.3, "alpha_ct": 0.5, "alpha_st": 1.0},
    {"dtc_threshold": 0.5, "gtc_threshold": 0.3, "cttc_threshold": 0.2, "alpha_ct": 1.0, "alpha_st": 0.0},
    {"dtc_threshold": 0.3, "gtc_threshold": 1.0, "alpha_st": 0.5},
]
MAX_EFPRS = [100.0, 500.0, 2000.0]
COLLARS = [{"collar": 0.2, "end_share": 0.5}, {"collar": 0.5, "end_share": 0.2}]
N_CASES = 100
SEEDS = [pytest.param(seed, marks=pytest.mark.slow) if seed % 5 else seed for seed in range(N_CASES)]
GOLDEN = Path(__file__).with_suffix(".json")


def random_case(seed):
    """Reference events, and scores of windows that overlap, rise in the events, and repeat some values."""
    rng = np.random.default_rng(seed)
    hop, n = rng.choice([0.1, 0.25, 0.5]), rng.integers(4, 12)
    window = hop * rng.integers(1, 5)
    seconds = {"a.wav": 20.0, "b.wav": 12.5}
    paths, starts = rng.choice(list(seconds), n + 3), rng.uniform(0, 10, n + 3).round(2)
    labels = [*LABELS, *rng.choice(LABELS, n)]
    ends = (starts + rng.uniform(0.1, 4, n + 3)).round(2)
    reference = pd.DataFrame({"path": paths, "start": starts, "end": ends, "label": labels})
    reference = reference.sort_values(["path", "label", "start"], ignore_index=True)
    latest = reference.groupby(["path", "label"])["end"].cummax().groupby([reference["path"], reference["label"]])
    reference = reference[~(reference["start"] <= latest.shift())]  # sed_scores_eval refuses events that touch
    tables = []
    for path, length in seconds.items():
        first = np.arange(0, length, hop).round(3)
        table = pd.DataFrame({"path": path, "start": first, "end": np.minimum(first + window, length).round(3)})
        for label in LABELS:
            table[label] = (0.5 * rng.random(len(first)) + 0.25 * inside(table, reference, label)).round(seed % 3 + 1)
        tables.append(table)
    return reference, pd.concat(tables, ignore_index=True)


def inside(windows, reference, label):
    events = reference[(reference["path"] == windows["path"].iloc[0]) & (reference["label"] == label)]
    middle = (windows["start"] + windows["end"]).to_numpy() / 2
    return ((events["start"].to_numpy()[:, None] <= middle) & (middle < events["end"].to_numpy()[:, None])).any(axis=0)


def psds_options(seed):
    return {**PSDS_OPTIONS[seed % len(PSDS_OPTIONS)], "max_efpr": MAX_EFPRS[seed % len(MAX_EFPRS)]}


def judge_tables(seed):
    """The case in the form of sed_scores_eval, whose frames do not overlap: the mean of the windows around each."""
    from sed_scores_eval.base_modules.scores import create_score_dataframe

    reference, windows = random_case(seed)
    scores = {}
    for path, table in windows.groupby("path"):
        edges = np.unique(table[["start", "end"]].to_numpy())
        means = [
            table.loc[(table["start"] <= start) & (table["end"] >= end), LABELS].to_numpy().sum(axis=0)
            / ((table["start"] <= start) & (table["end"] >= end)).sum()
            for start, end in pairwise(edges)
        ]
        scores[path] = create_score_dataframe(np.array(means), edges, LABELS)
    events = {
        path: [tuple(row) for row in reference.loc[reference["path"] == path, ["start", "end", "label"]].to_numpy()]
        for path in scores
    }
    return scores, events


def judge_psds(seed):
    from sed_scores_eval import intersection_based

    scores, events = judge_tables(seed)
    durations = {path: table["offset"].iloc[-1] for path, table in scores.items()}
    return float(intersection_based.psds(scores, events, durations, **psds_options(seed))[0])


def judge_points(seed):
    """The distinct pairs of precision and recall of each label."""
    from sed_scores_eval import collar_based

    collar, share = COLLARS[seed % len(COLLARS)].values()
    curves = collar_based.precision_recall_curve(
        *judge_tables(seed), onset_collar=collar, offset_collar=collar, offset_collar_rate=share
    )
    return [summary(*curves[label][:2]) for label in LABELS]


def summary(precision, recall):
    """The number of distinct pairs, and their sums."""
    pairs = np.unique(np.round([precision, recall], 9), axis=1)
    return [pairs.shape[1], *np.round([*pairs.sum(axis=1), pairs.prod(axis=0).sum()], 9).tolist()]


if __name__ == "__main__":
    numbers = [{"psds": round(judge_psds(seed), 9), "points": judge_points(seed)} for seed in range(N_CASES)]
    GOLDEN.write_text("[\n" + ",\n".join(map(json.dumps, numbers)) + "\n]\n")
