"""The polyphonic sound detection score (PSDS).

C. Bilen et al., "A framework for the robust evaluation of sound event detection", ICASSP 2020.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sklearn_audio.metrics._score_tables import (
    Recording,
    ScoredEvents,
    Values,
    counts_below,
    existence,
    read_scores,
)

_DECIMALS = 6  # of seconds that are compared
_HOUR = 3600.0


class _Rules(NamedTuple):
    """Criteria of the PSDS; the one of cross-triggers is None where these do not count."""

    detection: float
    reference: float
    cross_trigger: float | None


def psds(
    reference: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    dtc_threshold: float = 0.7,
    gtc_threshold: float = 0.7,
    cttc_threshold: float | None = None,
    alpha_ct: float = 0.0,
    alpha_st: float = 1.0,
    max_efpr: float = 100.0,
    duration: float | None = None,
) -> float:
    """Compute the polyphonic sound detection score (PSDS), over all thresholds.

    The share of reference events that are found, averaged over the labels, is integrated over the effective rate of
    false positives per hour. At any threshold, the time of a label whose score reaches it is cut into detections:

    - A detection is right if reference events of the label cover at least `dtc_threshold` of it; otherwise, it is a
      false positive, and a cross-trigger of each other label whose events cover at least `cttc_threshold` of it.
    - A reference event is found if right detections cover at least `gtc_threshold` of it.

    The defaults are those of scenario 1 of DCASE task 4; scenario 2 is ``dtc_threshold=0.1, gtc_threshold=0.1,
    cttc_threshold=0.3, alpha_ct=0.5``. The result is exact, without a grid of thresholds, and equals that of
    sed_scores_eval.

    Parameters
    ----------
    reference : DataFrame
        Columns "path" or "clip", "start", "end" (seconds) and "label"; one row per event, as from
        `sklearn_audio.annotations.read`.
    scores : DataFrame
        Scores of windows or frames, as from `sklearn_audio.inspection.predict_segments`: "path" or "clip", "start" and
        "end", with either "label" and "score", or one column per label. Between their edges, the windows that overlap
        are averaged; where there is none, nothing is detected.
    dtc_threshold, gtc_threshold : float, default=0.7
        Criteria of detections and of reference events, above 0 and at most 1.
    cttc_threshold : float, default=None
        Criterion of cross-triggers, above 0 and at most 1; needed if `alpha_ct` is not 0, and None otherwise.
    alpha_ct : float, default=0.0
        Weight of the rates of cross-triggers, per hour of the other label, in the effective rate of false positives.
    alpha_st : float, default=1.0
        How many standard deviations between the labels are subtracted from their mean.
    max_efpr : float, default=100.0
        Effective false positives per hour up to which is integrated.
    duration : float, default=None
        Seconds of all recordings. None: the time that windows cover.

    Returns
    -------
    float
        Score, between 0 and 1.

    Raises
    ------
    ValueError
        If a table lacks a column or holds invalid values, an event or a label has nothing to compare with, or a
        parameter is out of range.

    See Also
    --------
    event_report : Precision and recall of events at one threshold.
    sklearn_audio.inspection.predict_segments : Scores of windows.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.metrics import psds
    >>> reference = pd.DataFrame(
    ...     {
    ...         "clip": 0,
    ...         "start": [1.0, 5.0],
    ...         "end": [2.0, 7.0],
    ...         "label": ["dog", "cat"],
    ...     }
    ... )
    >>> scores = pd.DataFrame({"clip": 0, "start": range(8), "end": range(1, 9)})
    >>> scores["dog"] = [0.1, 0.9, 0.1, 0.1, 0.1, 0.6, 0.1, 0.1]
    >>> scores["cat"] = [0.1, 0.2, 0.1, 0.1, 0.1, 0.7, 0.8, 0.1]
    >>> psds(reference, scores)
    1.0
    """
    rules = _Rules(dtc_threshold, gtc_threshold, cttc_threshold)
    _check(rules, alpha_ct, alpha_st, max_efpr, duration)
    events, found = read_scores(reference, scores)
    _check_reference(events, list(found), alpha_ct)
    parts = [part for part, _ in next(iter(found.values()))]
    seconds = sum(map(_covered, parts)) if duration is None else duration
    curves = [_curve(label, found, rules, seconds, alpha_ct) for label in found]
    return _area(curves, alpha_st, max_efpr)


def _check(rules: _Rules, alpha_ct: float, alpha_st: float, max_efpr: float, duration: float | None) -> None:
    names = ("dtc_threshold", "gtc_threshold", "cttc_threshold")
    for name, value in zip(names, rules, strict=True):
        if value is not None and not 0 < value <= 1:
            raise ValueError(f"{name}={value!r} must be above 0 and at most 1.")
    for name, value in (("alpha_ct", alpha_ct), ("alpha_st", alpha_st)):
        if not 0 <= value < np.inf:
            raise ValueError(f"{name}={value!r} must be a number of at least 0.")
    for name, value in (("max_efpr", max_efpr), ("duration", duration)):
        if value is not None and not 0 < value < np.inf:
            raise ValueError(f"{name}={value!r} must be a number above 0.")
    if (alpha_ct == 0) != (rules.cross_trigger is None):
        raise ValueError(
            f"alpha_ct={alpha_ct} and cttc_threshold={rules.cross_trigger} do not fit: cross-triggers need both a "
            "weight and a criterion, or neither."
        )


def _check_reference(events: pd.DataFrame, labels: list[Any], alpha_ct: float) -> None:
    empty = events.index[events["end"] <= events["start"]].tolist()
    if empty:
        raise ValueError(f"reference: the event in row {empty[0]} has no duration; PSDS compares durations.")
    ordered = events.sort_values(["clip", "label", "start"])
    before = ordered.groupby(["clip", "label"])["end"].shift()
    overlapping = ordered.index[ordered["start"] < before].tolist()
    if overlapping:
        raise ValueError(
            f"reference: the event in row {overlapping[0]} begins before an earlier one of its label has ended; join "
            "them."
        )
    if alpha_ct and len(labels) < 2:
        raise ValueError(f"alpha_ct={alpha_ct}: cross-triggers need at least two labels, got {labels}.")


def _covered(part: Recording) -> float:
    return float(np.diff(part.edges)[part.scores[:, 0] > -np.inf].sum())


def _curve(
    label: Any, found: dict[Any, list[tuple[Recording, ScoredEvents]]], rules: _Rules, seconds: float, alpha_ct: float
) -> tuple[Values, Values]:
    """Return the effective false positives per hour of one label, and the share of events found at each threshold."""
    others = [other for other in found if other != label]
    _, counts = counts_below(change for entry in found[label] for change in _changes(label, others, *entry, rules))
    parts = [part for part, _ in found[label]]
    rate = counts[:, 1] / seconds
    if rules.cross_trigger is not None:
        lengths = [sum(np.diff(part.events(other)).sum() for part in parts) for other in others]
        rate = rate + alpha_ct * np.mean(counts[:, 2:] / lengths, axis=1)
    return rate * _HOUR, counts[:, 0] / sum(len(part.events(label)) for part in parts)


def _changes(
    label: Any, others: list[Any], part: Recording, events: ScoredEvents, rules: _Rules
) -> Iterator[tuple[Values, Values]]:
    """Yield the changes of the counts of events found, of false positives, and of cross-triggers of the other labels.

    Shapes: -> (n,), (n, 2 + n_others) each.
    """
    length = events.end - events.start
    right = _overlap(part, label, events) >= np.round(rules.detection * length, _DECIMALS)
    counted = np.zeros((len(right), 2 + len(others)))
    counted[:, 1] = ~right
    if rules.cross_trigger is not None:
        enough = np.round(rules.cross_trigger * length, _DECIMALS)
        for column, other in enumerate(others, start=2):
            if other in part.reference:
                counted[:, column] = ~right & (_overlap(part, other, events) >= enough)
    yield existence(events, counted)
    rights = ScoredEvents(*(values[right] for values in events))
    for start, end in part.events(label):
        thresholds, times = _times_found(start, end, rights)
        is_found = np.round(times, _DECIMALS) >= np.round(rules.reference * (end - start), _DECIMALS)
        change = np.zeros((len(thresholds), counted.shape[1]))
        change[:, 0] = np.diff(is_found.astype(np.float64), prepend=0.0)
        yield thresholds, change


def _times_found(start: float, end: float, events: ScoredEvents) -> tuple[Values, Values]:
    """Return the seconds of a reference event that events cover, at each threshold from infinity down."""
    overlap = np.minimum(events.end, end) - np.maximum(events.start, start)
    near = overlap > 0
    change = existence(ScoredEvents(*(values[near] for values in events)), overlap[near, None])
    thresholds, times = counts_below([change])
    return thresholds, times[:, 0]


def _overlap(part: Recording, label: Any, events: ScoredEvents) -> Values:
    """Return the seconds of each event that reference events of a label cover, summed over these."""
    before = np.zeros(len(part.edges))  # how much of them lies before each edge
    for start, end in part.events(label):
        before += np.clip(part.edges - start, 0.0, end - start)
    first, last = (np.searchsorted(part.edges, times) for times in (events.start, events.end))
    overlap: Values = np.round(before[last] - before[first], _DECIMALS)
    return overlap


def _area(curves: list[tuple[Values, Values]], alpha_st: float, max_efpr: float) -> float:
    """Integrate the mean of staircases over the labels, less their deviation."""
    rates = np.unique(np.concatenate([rate[rate <= max_efpr] for rate, _ in curves]))
    shares = np.stack([_staircase(rates, *curve) for curve in curves])  # (n_labels, n_rates)
    heights = np.maximum(shares.mean(axis=0) - alpha_st * shares.std(axis=0), 0.0)
    return float(heights @ np.diff(rates, append=max_efpr) / max_efpr)


def _staircase(at: Values, rate: Values, share: Values) -> Values:
    """Return the best share at any rate up to each given one."""
    order = np.argsort(rate, kind="stable")
    best = np.maximum.accumulate(share[order])
    return np.asarray(best[np.searchsorted(rate[order], at, side="right") - 1])
