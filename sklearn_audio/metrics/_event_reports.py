"""Reports of sound event detection: precision, recall, F1 and error rate, label by label.

A. Mesaros, T. Heittola & T. Virtanen, "Metrics for polyphonic sound event detection", Applied Sciences 6(6), 2016.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from sklearn_audio.metrics._event_counts import (
    Counts,
    LabelCounts,
    check_any,
    check_collar,
    check_known,
    check_segment,
    checked_tables,
    count_events,
    count_segments,
)

_OVERALL = ("micro", "macro")
_NUMBERS = ["n_reference", "n_estimated", "n_correct", "n_substitutions", "n_deletions", "n_insertions"]


def event_report(
    reference: pd.DataFrame,
    estimated: pd.DataFrame,
    *,
    collar: float = 0.2,
    end_share: float | None = 0.5,
    labels: Any = None,
    recordings: Any = None,
) -> pd.DataFrame:
    """Compute event-based precision, recall, F1 and error rate, for each label and overall.

    Two events match if they have the same clip and label, their starts differ by at most the collar, and their ends by
    at most the collar or the given fraction of the length. The largest one-to-one matching counts. Of the events that
    it leaves, a pair that matches but for the labels is a substitution; the others are deletions and insertions.

    Parameters
    ----------
    reference, estimated : DataFrame
        Columns "path" or "clip", "start", "end" (seconds) and "label", or other usual names such as "filename",
        "onset", "offset" and "event_label"; one row per event, as from `sklearn_audio.annotations.read`. Other columns
        are ignored. Where both tables have paths, "clip" is ignored, too.
    collar : float, default=0.2
        Seconds by which starts and ends may differ, at least 0.
    end_share : float or None, default=0.5
        Fraction of the length of the reference event by which ends may differ, if that exceeds the collar. None:
        compare starts only.
    labels : array-like, default=None
        The labels to report, in this order; any other label raises. None: the labels of both tables.
    recordings : array-like, default=None
        The recordings that were searched for events; any other recording raises. None: not checked.

    Returns
    -------
    DataFrame
        A row for each label, then "micro" (over all events) and "macro" (mean of the labels). The columns are
        "precision", "recall" and "f1", which are 0 if undefined; "error_rate", the sum of "substitution_rate",
        "deletion_rate" and "insertion_rate", in fractions of the number of reference events and NaN without these; and
        the counts "n_reference", "n_estimated", "n_correct", "n_substitutions", "n_deletions" and "n_insertions",
        missing in the row "macro". The row of a label has no substitutions, only deletions and insertions; the means
        skip NaN.

    Raises
    ------
    ValueError
        If a table lacks a column, the reference has no events, an event ends before it starts, a label or recording is
        unknown, or a parameter is out of range.

    See Also
    --------
    event_f1 : Only the F1.
    segment_report : The same for segments.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.metrics import event_report
    >>> reference = pd.DataFrame(
    ...     {
    ...         "clip": 0,
    ...         "start": [1.0, 5.0],
    ...         "end": [2.0, 7.0],
    ...         "label": ["dog", "cat"],
    ...     }
    ... )
    >>> estimated = pd.DataFrame(
    ...     {
    ...         "clip": 0,
    ...         "start": [1.1, 5.0],
    ...         "end": [2.3, 7.0],
    ...         "label": ["dog", "dog"],
    ...     }
    ... )
    >>> event_report(reference, estimated)[
    ...     ["precision", "recall", "f1", "error_rate", "n_correct"]
    ... ].round(2)
           precision  recall    f1  error_rate  n_correct
    label
    cat         0.00     0.0  0.00         1.0          0
    dog         0.50     1.0  0.67         1.0          1
    micro       0.50     0.5  0.50         0.5          1
    macro       0.25     0.5  0.33         1.0       <NA>
    """
    check_collar(collar, end_share)
    tables = _checked(reference, estimated, labels, recordings)
    return _report(count_events(*tables, collar, end_share), labels)


def segment_report(
    reference: pd.DataFrame,
    estimated: pd.DataFrame,
    *,
    segment: float = 1.0,
    labels: Any = None,
    recordings: Any = None,
) -> pd.DataFrame:
    """Compute segment-based precision, recall, F1 and error rate, for each label and overall.

    A missed label and an added label of one segment are a substitution; the others are deletions and insertions.

    Parameters
    ----------
    reference, estimated : DataFrame
        Columns "path" or "clip", "start", "end" (seconds) and "label", or other usual names such as "filename",
        "onset", "offset" and "event_label"; one row per event, as from `sklearn_audio.annotations.read`. Other columns
        are ignored. Where both tables have paths, "clip" is ignored, too.
    segment : float, default=1.0
        Length of a segment in seconds; a label is active in every segment that overlaps one of its events.
    labels : array-like, default=None
        The labels to report, in this order; any other label raises. None: the labels of both tables.
    recordings : array-like, default=None
        The recordings that were searched for events; any other recording raises. None: not checked.

    Returns
    -------
    DataFrame
        The rows and columns of `event_report`; the counts are numbers of segments in which a label is active.

    Raises
    ------
    ValueError
        If a table lacks a column, the reference has no events, an event ends before it starts, a label or recording is
        unknown, or a parameter is out of range.

    See Also
    --------
    segment_f1 : Only the F1.
    event_report : The same for events.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.metrics import segment_report
    >>> reference = pd.DataFrame(
    ...     {"clip": 0, "start": [0.0], "end": [4.0], "label": ["dog"]}
    ... )
    >>> estimated = pd.DataFrame(
    ...     {"clip": 0, "start": [2.0], "end": [6.0], "label": ["dog"]}
    ... )
    >>> segment_report(reference, estimated).loc[
    ...     "micro", ["f1", "deletion_rate", "insertion_rate"]
    ... ].tolist()
    [0.5, 0.5, 0.5]
    """
    check_segment(segment)
    return _report(count_segments(*_checked(reference, estimated, labels, recordings), segment), labels)


def _checked(
    reference: pd.DataFrame, estimated: pd.DataFrame, labels: Any, recordings: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    tables = checked_tables(reference, estimated)
    check_any(tables[0])
    for option, column, known in (("labels", "label", labels), ("recordings", "clip", recordings)):
        for name, table in zip(("reference", "estimated"), tables, strict=True):
            check_known(name, table, column, table[column] if known is None else known, option)
    return tables


def _report(counts: LabelCounts, labels: Any) -> pd.DataFrame:
    names = list(counts.by_label) if labels is None else list(labels)
    taken = [name for name in names if name in _OVERALL]
    if taken or len(set(names)) < len(names):
        raise ValueError(f"labels must be unique, and none 'micro' or 'macro', got {names}.")
    rows = [_row(counts.by_label.get(name, Counts(0, 0, 0))) for name in names]
    table = pd.DataFrame([*rows, _row(counts.total)], index=pd.Index([*names, "micro"], name="label", dtype=object))
    table.loc["macro"] = table.iloc[:-1].drop(columns=_NUMBERS).mean()
    return table.astype(dict.fromkeys(_NUMBERS, "Int64"))


def _row(counts: Counts) -> dict[str, float]:
    n_reference, n_estimated, n_correct, n_substitutions = counts
    deletions, insertions = (n - n_correct - n_substitutions for n in (n_reference, n_estimated))
    errors = {"error": n_substitutions + deletions + insertions, "substitution": n_substitutions}
    errors |= {"deletion": deletions, "insertion": insertions}
    return {
        "precision": n_correct / n_estimated if n_estimated else 0.0,
        "recall": n_correct / n_reference if n_reference else 0.0,
        "f1": counts.f1,
        **{f"{kind}_rate": n / n_reference if n_reference else float("nan") for kind, n in errors.items()},
        **dict(zip(_NUMBERS, (*counts, deletions, insertions), strict=True)),
    }
