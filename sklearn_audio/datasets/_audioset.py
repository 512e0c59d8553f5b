"""AudioSet on this machine: segments, their audio files and their targets."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils import Bunch

from sklearn_audio._paths import local_path
from sklearn_audio.datasets._audioset_files import match_files
from sklearn_audio.datasets._audioset_ontology import AudioSetOntology, read_audioset_ontology
from sklearn_audio.datasets._audioset_tables import SEGMENT_COLUMNS, read_audioset_labels, read_audioset_segments
from sklearn_audio.datasets._audioset_targets import find_columns, first_few, label_matrix
from sklearn_audio.exceptions import AudioReadError

__all__ = ["load_audioset"]


def load_audioset(
    segments: str | os.PathLike[str] | pd.DataFrame,
    folder: str | os.PathLike[str],
    *,
    labels: Sequence[str] | None = None,
    class_labels: str | os.PathLike[str] | Mapping[str, str] | None = None,
    ontology: str | os.PathLike[str] | AudioSetOntology | None = None,
    files: Literal["clips", "videos"] = "clips",
    negatives: bool = True,
    sparse: bool = False,
    missing: Literal["warn", "raise", "ignore"] = "warn",
) -> Bunch:
    """Bring the segments of AudioSet, the recordings in a folder and the targets together.

    A recording is found by its name, at any depth and with any extension of audio: the id of the video alone
    (``YTID.wav``), after a Y (``YYTID.wav``), or followed by the start, in seconds or milliseconds, with or without
    the end (``YTID_30.000_40.000.flac``, ``YTID_30000.wav``). Segments whose recording is not there are left out, of
    the targets as of the data, and counted in a warning. Nothing is decoded.

    Parameters
    ----------
    segments : str, path-like or DataFrame
        A CSV as published, such as ``balanced_train_segments.csv``, or what `read_audioset_segments` returns, or some
        rows of it.
    folder : str or path-like
        Where the recordings are. Files of no bytes count as missing.
    labels : sequence of str, default=None
        The columns of the target, by id or by name. None takes all class labels, in their order.
    class_labels : str, path-like or mapping of str to str, default=None
        A CSV of index, mid, display_name, or the name of each id. None takes the 527 labels of AudioSet.
    ontology : str, path-like or AudioSetOntology, default=None
        Where it is given, clips also carry the classes above their labels; and `labels` may hold such classes.
    files : {"clips", "videos"}, default="clips"
        Whether each file holds one segment, or a whole video that the segment is to be cut from. With "videos", files
        whose name has a start are not looked at.
    negatives : bool, default=True
        Whether clips that carry none of `labels` stay, with a row of zeros.
    sparse : bool, default=False
        Whether the target is a sparse matrix.
    missing : {"warn", "raise", "ignore"}, default="warn"
        What to do where segments have no recording.

    Returns
    -------
    Bunch
        ``data`` : ndarray of object (str), shape (n_clips,), the paths; or, of videos, a DataFrame of path, start, end;
        ``target`` : ndarray or csr_array of int8, shape (n_clips, n_labels); ``target_names`` : ndarray of str, the
        names of the columns; ``label_ids`` : ndarray of str, their ids; ``groups`` : ndarray of object (str), the ids
        of the videos, for splitters; ``filenames`` : ndarray of object (str); ``frame`` : DataFrame, the rows of
        `segments` with a column path; ``missing`` : DataFrame, the rows without a recording; ``DESCR`` : str.

    Raises
    ------
    ValueError
        If a parameter has none of its values, a table is not of its layout, a label is not known or can never be
        positive, two files are one segment, one file is two segments, or no clip is left.
    AudioReadError
        If recordings are missing and `missing` is "raise", or all of them are missing.

    Warns
    -----
    UserWarning
        If recordings are missing, with their number and the first three; or if no clip carries some of the labels.

    See Also
    --------
    split_audioset : Training and validation segments that share no video.
    load_audio_table : Any table of paths and labels.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import pandas as pd
    >>> from sklearn_audio.datasets import load_audioset
    >>> rows = [("-0123456789", 30.0, 40.0, ("/m/09x0r",)), ("abcdefghij_", 0.0, 10.0, ("/m/09x0r", "/m/0bt9lr"))]
    >>> segments = pd.DataFrame(rows, columns=["ytid", "start", "end", "labels"])
    >>> with TemporaryDirectory() as folder:
    ...     for name in ("Y-0123456789.wav", "abcdefghij__0_10.wav"):
    ...         _ = Path(folder, name).write_bytes(b"RIFF")
    ...     clips = load_audioset(segments, folder, labels=["Speech", "Dog"])
    >>> [Path(path).name for path in clips.data]
    ['Y-0123456789.wav', 'abcdefghij__0_10.wav']
    >>> clips.target.tolist()
    [[1, 0], [1, 1]]
    """
    _check_choice("files", files, ("clips", "videos"))
    _check_choice("missing", missing, ("warn", "raise", "ignore"))
    table = _segments(segments)
    names = dict(class_labels) if isinstance(class_labels, Mapping) else read_audioset_labels(class_labels)
    tree = read_audioset_ontology(ontology) if isinstance(ontology, str | os.PathLike) else ontology
    columns = find_columns(labels, names, tree)
    paths = match_files(table, Path(local_path(folder)), are_clips=files == "clips")
    found = np.array([path is not None for path in paths])
    _report_missing(table[~found], len(table), Path(local_path(folder)), missing)
    # Targets are made of the clips that are there: a missing file must not leave a row behind.
    there = table[found].assign(path=[path for path in paths if path is not None]).reset_index(drop=True)
    target = label_matrix(there["labels"], columns, names, tree)
    if not negatives:
        carries = target.sum(axis=1) > 0
        there, target = there[carries].reset_index(drop=True), target[carries]
    if len(there) == 0:
        raise ValueError("no clip carries any of the labels; pass others, or negatives=True.")
    target_names = [names[label] if label in names or tree is None else tree.names[label] for label in columns]
    _report_unused(target, target_names)
    return _bunch(there, table[~found], target, columns, target_names, files, sparse)


def check_segments(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a fresh index; refuse a table without the columns of segments."""
    lacking = [name for name in SEGMENT_COLUMNS if name not in table.columns]
    if lacking:
        raise ValueError(
            f"the segments have no column {lacking[0]!r}; expected {', '.join(SEGMENT_COLUMNS)}, as "
            f"read_audioset_segments returns, found {[str(name) for name in table.columns]}."
        )
    if len(table) == 0:
        raise ValueError("the table of segments is empty: it has no rows.")
    return table.reset_index(drop=True)


def _segments(segments: str | os.PathLike[str] | pd.DataFrame) -> pd.DataFrame:
    return check_segments(segments if isinstance(segments, pd.DataFrame) else read_audioset_segments(segments))


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, choices))}.")


def _report_missing(gone: pd.DataFrame, n_segments: int, folder: Path, missing: str) -> None:
    if len(gone) == 0:
        return
    names = [f"{ytid!r} at {start:g} s" for ytid, start in zip(gone["ytid"], gone["start"], strict=True)]
    message = f"{len(gone)} of {n_segments} segments have no recording below {str(folder)!r}: {first_few(names)}"
    if len(gone) == n_segments:
        raise AudioReadError(
            f"{message}. Recordings are found by name: YTID, YYTID or YTID_<start>; of videos, the first two only."
        )
    if missing == "raise":
        raise AudioReadError(f'{message}. Pass missing="ignore" to leave them out.')
    if missing == "warn":
        warnings.warn(f"{message}. They are left out.", UserWarning, stacklevel=3)


def _report_unused(target: csr_array, names: Sequence[str]) -> None:
    unused = np.flatnonzero(np.asarray(target.sum(axis=0)).ravel() == 0)
    if len(unused):
        warnings.warn(
            f"{len(unused)} of {len(names)} labels are on none of the {target.shape[0]} clips: "
            f"{first_few([repr(names[int(j)]) for j in unused])}. A classifier cannot learn them; pass labels= without "
            "them.",
            UserWarning,
            stacklevel=3,
        )


def _bunch(
    there: pd.DataFrame,
    gone: pd.DataFrame,
    target: csr_array,
    columns: Sequence[str],
    target_names: Sequence[str],
    files: str,
    sparse: bool,
) -> Bunch:
    paths: NDArray[np.object_] = there["path"].to_numpy(dtype=object)
    return Bunch(
        data=paths if files == "clips" else there[["path", "start", "end"]],
        filenames=paths,
        target=target if sparse else target.toarray(),
        target_names=np.array(target_names),
        label_ids=np.array(columns),
        groups=there["ytid"].to_numpy(dtype=object),
        frame=there,
        missing=gone.reset_index(drop=True),
        DESCR=f"{len(there)} segments of AudioSet with {len(columns)} labels; {len(gone)} more have no recording.",
    )
