"""`predict_segments`: the scores of a classifier of clips along long recordings."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_audio._sklearn import Interval, StrOptions, validate_parameter_constraints
from sklearn_audio.base import AUDIO_CONSTRAINTS
from sklearn_audio.engine import ClipWindows, WindowGrid, Windowing, labels_of, score_windows, scores_of, windowing_of

__all__ = ["iter_segments", "predict_segments"]

_SECONDS = Interval(Real, 0, None, closed="neither")
_CONSTRAINTS: dict[str, list[Any]] = {
    "window": [_SECONDS],
    "hop": [_SECONDS],
    "labels": ["array-like", None],
    "form": [StrOptions({"long", "wide"})],
    "sample_rate": [None, *AUDIO_CONSTRAINTS["sample_rate"]],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "n_jobs": AUDIO_CONSTRAINTS["n_jobs"],
    "on_error": AUDIO_CONSTRAINTS["on_error"],
    "verbose": AUDIO_CONSTRAINTS["verbose"],
}
_PLACES = ["clip", "path", "start", "end"]


def predict_segments(
    estimator: Any,
    X: Any,
    window: float = 1.0,
    hop: float = 0.5,
    *,
    labels: Any = None,
    form: Literal["long", "wide"] = "long",
    sample_rate: int | None = None,
    batch_size: int = 64,
    n_jobs: int | None = None,
    on_error: Literal["raise", "nan"] = "raise",
    verbose: int = 0,
) -> pd.DataFrame:
    """Score windows of recordings with a classifier of clips.

    Each recording is read once, in blocks, so that its length does not matter, and at the rate that the first step of
    the estimator reads at. Windows of several recordings go to the estimator together, as rows of their own.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier of audio, or a pipeline that ends in one, with ``predict_proba`` or ``decision_function``:
        of one label per clip, or of several.
    X : sequence of clips
        Paths, arrays, parts of files, ...; see the user guide.
    window : float, default=1.0
        Seconds of a window.
    hop : float, default=0.5
        Seconds between the starts of windows.
    labels : array-like of shape (n_labels,), default=None
        Names of the columns of the scores. None: the estimator's ``classes_`` where it has one per column, else
        numbers.
    form : {"long", "wide"}, default="long"
        "long": a row per window and label; "wide": a row per window, a column per label.
    sample_rate : int, default=None
        Rate in Hz of arrays without one. None: the `sample_rate` of the estimator's first step.
    batch_size : int, default=64
        Windows that go to the estimator together, at most.
    n_jobs : int, default=None
        Number of threads that read ahead; None: 1, -1: one per core.
    on_error : {"raise", "nan"}, default="raise"
        "raise": raise at the first clip that cannot be read; "nan": it has no rows, and one warning at the end lists
        such clips.
    verbose : int, default=0
        1: show the progress in seconds of sound.

    Returns
    -------
    DataFrame
        Columns "clip" (row of X), "path" (None where X holds no path), "start" and "end" (seconds of the recording),
        then "label" and "score", or one column per label. Rows go by clip, time and label. The last window ends with
        the clip, and may be shorter.

    Raises
    ------
    AudioReadError
        If a recording cannot be read and `on_error` is "raise".
    NotFittedError
        If the estimator is not fitted.
    TypeError, ValueError
        If a parameter, X or a clip is invalid, or the estimator raises for a window; the message names the row.

    Warns
    -----
    UserWarning
        If clips are shorter than a window: each is one window, which the estimator fills by its own rule.

    See Also
    --------
    iter_segments : The same, clip by clip.
    sklearn_audio.classification.SoundEventDetector : Events from the scores of windows.
    sklearn_audio.events.windows_to_frames : Mean of overlapping windows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_audio import MFCCTransformer, SequencePooling
    >>> from sklearn_audio.inspection import predict_segments
    >>> rng = np.random.default_rng(0)
    >>> hiss, hum = rng.normal(size=16000), np.sin(0.1 * np.arange(16000))
    >>> model = make_pipeline(
    ...     MFCCTransformer(16000), SequencePooling(), LogisticRegression()
    ... )
    >>> model = model.fit(
    ...     [hiss, hum, hiss / 2, hum / 2], ["hiss", "hum", "hiss", "hum"]
    ... )
    >>> table = predict_segments(
    ...     model, [np.concatenate([hum, hiss])], window=1.0, hop=1.0, form="wide"
    ... )
    >>> table.round(2)[["start", "end", "hiss", "hum"]]
       start  end  hiss  hum
    0    0.0  1.0   0.0  1.0
    1    1.0  2.0   1.0  0.0
    """
    options = {"labels": labels, "form": form, "sample_rate": sample_rate, "batch_size": batch_size}
    tables = list(
        iter_segments(estimator, X, window, hop, **options, n_jobs=n_jobs, on_error=on_error, verbose=verbose)
    )
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def iter_segments(
    estimator: Any,
    X: Any,
    window: float = 1.0,
    hop: float = 0.5,
    *,
    labels: Any = None,
    form: Literal["long", "wide"] = "long",
    sample_rate: int | None = None,
    batch_size: int = 64,
    n_jobs: int | None = None,
    on_error: Literal["raise", "nan"] = "raise",
    verbose: int = 0,
) -> Iterator[pd.DataFrame]:
    """Score windows of recordings as `predict_segments` does, clip by clip.

    Only the scores of the clips in a batch are in memory.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier of audio, or a pipeline that ends in one.
    X : sequence of clips
        Paths, arrays, parts of files, ...; see the user guide.
    window : float, default=1.0
        Seconds of a window.
    hop : float, default=0.5
        Seconds between the starts of windows.
    labels : array-like of shape (n_labels,), default=None
        Names of the columns of the scores. None: those of the classes, else numbers.
    form : {"long", "wide"}, default="long"
        "long": a row per window and label; "wide": a row per window, a column per label.
    sample_rate : int, default=None
        Rate in Hz of arrays without one. None: the `sample_rate` of the estimator's first step.
    batch_size : int, default=64
        Windows that go to the estimator together, at most.
    n_jobs : int, default=None
        Number of threads that read ahead; None: 1, -1: one per core.
    on_error : {"raise", "nan"}, default="raise"
        "raise": raise at the first clip that cannot be read; "nan": its table is empty, and one warning at the end
        lists such clips.
    verbose : int, default=0
        1: show the progress in seconds of sound.

    Yields
    ------
    DataFrame
        One table per row of X, in their order, as from `predict_segments`.

    Raises
    ------
    AudioReadError
        If a recording cannot be read and `on_error` is "raise".
    NotFittedError
        If the estimator is not fitted.
    TypeError, ValueError
        If a parameter, X or a clip is invalid, or the estimator raises for a window; the message names the row.

    See Also
    --------
    predict_segments : One table of all clips.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import AudioTagger
    >>> from sklearn_audio.inspection import iter_segments
    >>> tagger = AudioTagger(
    ...     "efficientat_mn04_as", weights=None, sample_rate=32000
    ... )
    >>> [
    ...     table.shape
    ...     for table in iter_segments(
    ...         tagger, [np.zeros(32000), np.zeros(64000)], form="wide"
    ...     )
    ... ]
    [(1, 531), (3, 531)]
    """
    validate_parameter_constraints(
        _CONSTRAINTS,
        {
            "window": window,
            "hop": hop,
            "labels": labels,
            "form": form,
            "sample_rate": sample_rate,
            "batch_size": batch_size,
            "n_jobs": n_jobs,
            "on_error": on_error,
            "verbose": verbose,
        },
        caller_name="predict_segments",
    )
    scores_of(estimator)  # fail before anything is read
    grid = WindowGrid(float(window), float(hop))
    reading = {"n_jobs": n_jobs, "on_error": on_error, "verbose": verbose}
    windowing = windowing_of(estimator, X, grid, sample_rate=sample_rate, **reading)
    return _tables(estimator, windowing, batch_size, labels, form)


def _tables(estimator: Any, windowing: Windowing, batch_size: int, labels: Any, form: str) -> Iterator[pd.DataFrame]:
    for row, clip in enumerate(score_windows(estimator, windowing, batch_size)):
        n_labels = len(clip.values[0]) if clip.values else 0
        names = labels_of(estimator, n_labels, labels) if n_labels else np.array([])
        places = _places(clip, row, *windowing.clips.place(row))
        scores = np.stack(clip.values) if clip.values else np.empty((0, 0))  # (n_windows, n_labels)
        yield _long(places, scores, names) if form == "long" else _wide(places, scores, names)


def _places(clip: ClipWindows, row: int, path: str | None, offset: float) -> dict[str, Any]:
    spans = np.array(clip.spans, dtype=np.float64).reshape(-1, 2) + offset
    paths = np.full(len(spans), path, dtype=object)
    return {"clip": np.full(len(spans), row), "path": paths, "start": spans[:, 0], "end": spans[:, 1]}


def _long(places: dict[str, Any], scores: NDArray[Any], names: NDArray[Any]) -> pd.DataFrame:
    repeated = {name: np.repeat(values, len(names)) for name, values in places.items()}
    return pd.DataFrame({**repeated, "label": np.tile(names, len(scores)), "score": scores.ravel()})


def _wide(places: dict[str, Any], scores: NDArray[Any], names: NDArray[Any]) -> pd.DataFrame:
    both = sorted(set(_PLACES) & set(names.tolist()))
    if both:
        raise ValueError(f"the label {both[0]!r} has the name of a column; rename it by labels=, or use form='long'.")
    return pd.concat([pd.DataFrame(places), pd.DataFrame(scores, columns=names)], axis=1)
