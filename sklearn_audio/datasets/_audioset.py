"""AudioSet on disk: segments, their audio files and targets, and splits by video."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.model_selection import GroupShuffleSplit
from sklearn.utils import Bunch

from sklearn_audio._paths import local_path
from sklearn_audio._random_state import own_random_state
from sklearn_audio.datasets._audioset_ontology import AudioSetOntology, read_audioset_ontology
from sklearn_audio.datasets._audioset_tables import SEGMENT_COLUMNS, read_audioset_labels, read_audioset_segments
from sklearn_audio.datasets._audioset_targets import find_columns, first_few, label_matrix
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import list_clips
from sklearn_audio.model_selection import MultilabelStratifiedShuffleSplit

# Times after the id and an underscore, in seconds or milliseconds: 30, 30.000, 30.000_40.000, 30000_40000
_TIMES = re.compile(r"(?P<start>\d+(?:\.\d+)?)(?:[_-]\d+(?:\.\d+)?)?")

Named = dict[str, list[tuple[float | None, str]]]


def match_files(segments: pd.DataFrame, folder: Path, *, are_clips: bool) -> list[str | None]:
    """Return the audio path of each segment, None if missing; empty files (broken downloads) count as missing.

    With `are_clips`, each file holds one segment; otherwise it holds a whole video, and names with a time are ignored.
    """
    named = _by_video(folder, set(segments["ytid"]), are_clips=are_clips)
    pairs = zip(segments["ytid"], segments["start"], strict=True)
    paths = [_choose(ytid, start, named.get(ytid, [])) for ytid, start in pairs]
    if are_clips:
        _check_one_segment_each(segments, paths)
    return paths


def _by_video(folder: Path, known: Set[str], *, are_clips: bool) -> Named:
    if not folder.is_dir():
        raise ValueError(f"the folder of recordings {str(folder)!r} does not exist.")
    named: Named = {}
    for file in list_clips(folder, recursive=True):
        meaning = next((found for found in _readings(file.stem) if found[0] in known), None)
        if meaning is None or (meaning[1] is not None and not are_clips) or os.path.getsize(file) == 0:
            continue
        named.setdefault(meaning[0], []).append((meaning[1], str(file)))
    return named


def _readings(stem: str) -> Iterator[tuple[str, float | None]]:
    """Yield possible readings of a name as (id, start): ids may begin with Y and contain underscores and digits."""
    for name in (stem, stem[1:]) if stem.startswith("Y") else (stem,):
        yield name, None
        for mark in (i for i, letter in enumerate(name) if letter == "_"):
            times = _TIMES.fullmatch(name, mark + 1)
            if times is not None:
                yield name[:mark], float(times["start"])


def _choose(ytid: str, start: float, files: list[tuple[float | None, str]]) -> str | None:
    exact = [path for time, path in files if time is not None and _is_exactly(time, start)]
    floored = [path for time, path in files if time is not None and time == np.floor(start)]
    untimed = [path for time, path in files if time is None]
    found = exact or floored or untimed
    if len(found) > 1:
        raise ValueError(
            f"the segment of {ytid!r} from {start:g} s has {len(found)} files, {found[0]!r} and {found[1]!r}; keep one."
        )
    return found[0] if found else None


def _is_exactly(time: float, start: float) -> bool:
    return bool(abs(time - start) < 5e-4 or abs(time - 1000 * start) < 0.5)


def _check_one_segment_each(segments: pd.DataFrame, paths: list[str | None]) -> None:
    first: dict[str, int] = {}
    for row, path in enumerate(paths):
        if path is not None and first.setdefault(path, row) != row:
            raise ValueError(
                f"rows {first[path]} and {row} are two segments of the video {segments['ytid'].iloc[row]!r}, but the "
                f"name of {path!r} does not say which of them it holds; put the start into the names of the files, or "
                'pass files="videos" if they hold whole videos.'
            )


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
    """Load AudioSet segments with their recordings in a folder and their targets.

    A recording is found by its name, at any depth and with any audio extension: the video id alone (``YTID.wav``),
    after a Y (``YYTID.wav``), or followed by the start in seconds or milliseconds, with or without the end
    (``YTID_30.000_40.000.flac``, ``YTID_30000.wav``). Segments without a recording are dropped from data and targets,
    and counted in a warning. Nothing is decoded.

    Parameters
    ----------
    segments : str, path-like or DataFrame
        A CSV as published, such as ``balanced_train_segments.csv``, or the result of `read_audioset_segments`, or some
        of its rows.
    folder : str or path-like
        The folder of the recordings. Empty files count as missing.
    labels : sequence of str, default=None
        The columns of the target, by id or name. None: all class labels, in their order.
    class_labels : str, path-like or mapping of str to str, default=None
        A CSV of index, mid, display_name, or the name of each id. None: the 527 labels of AudioSet.
    ontology : str, path-like or AudioSetOntology, default=None
        If given, clips also carry the ancestors of their labels, and `labels` may contain such classes.
    files : {"clips", "videos"}, default="clips"
        Whether a file holds one segment, or a whole video from which the segment is cut. With "videos", files with a
        start in their name are ignored.
    negatives : bool, default=True
        Whether to keep clips that carry none of `labels`, with a row of zeros.
    sparse : bool, default=False
        Whether the target is a sparse matrix.
    missing : {"warn", "raise", "ignore"}, default="warn"
        What to do if segments have no recording.

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
        If a parameter has an unknown value, a table has another layout, a label is unknown or can never be positive,
        two files match one segment, one file matches two segments, or no clip is left.
    AudioReadError
        If recordings are missing and `missing` is "raise", or all of them are missing.

    Warns
    -----
    UserWarning
        If recordings are missing (their number and the first three), or if no clip carries some of the labels.

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
    >>> rows = [
    ...     ("-0123456789", 30.0, 40.0, ("/m/09x0r",)),
    ...     ("abcdefghij_", 0.0, 10.0, ("/m/09x0r", "/m/0bt9lr")),
    ... ]
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
    # Targets are made of the existing clips only, or a missing file would leave a row.
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


def _check_segments(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a new index; raise if a column of segments is missing."""
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
    return _check_segments(segments if isinstance(segments, pd.DataFrame) else read_audioset_segments(segments))


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


def split_audioset(
    segments: pd.DataFrame,
    *,
    validation_size: float = 0.1,
    stratify: bool = True,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split segments into training and validation, keeping all segments of a video together.

    Parameters
    ----------
    segments : DataFrame
        The result of `read_audioset_segments`, or the ``frame`` of `load_audioset`, to split existing clips only.
    validation_size : float, default=0.1
        Fraction of the videos for validation, above 0 and below 1.
    stratify : bool, default=True
        Whether to preserve the frequency of every label as far as possible (`MultilabelStratifiedShuffleSplit`);
        otherwise videos are drawn at random.
    random_state : int, RandomState or None, default=None
        An int makes the split reproducible.

    Returns
    -------
    train, validation : DataFrame
        Rows of `segments`, in their order and with their index.

    Raises
    ------
    ValueError
        If the segments lack a column or have no rows, or if a side would be empty.

    See Also
    --------
    shared_videos : Check that two tables share no video.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.datasets import shared_videos, split_audioset
    >>> rows = [
    ...     (f"video{i // 2:06}", 10.0 * i, 10.0 * i + 10, ("/m/09x0r",))
    ...     for i in range(20)
    ... ]
    >>> segments = pd.DataFrame(rows, columns=["ytid", "start", "end", "labels"])
    >>> train, validation = split_audioset(
    ...     segments, validation_size=0.2, random_state=0
    ... )
    >>> len(train), len(validation), shared_videos(train, validation)
    (16, 4, [])
    """
    table = _check_segments(segments)
    kind = MultilabelStratifiedShuffleSplit if stratify else GroupShuffleSplit
    splitter = kind(n_splits=1, test_size=float(validation_size), random_state=own_random_state(random_state))
    occurring = dict.fromkeys(label for labels in table["labels"] for label in labels)
    target = label_matrix(table["labels"], list(occurring), {}, None) if stratify else None
    train, validation = next(splitter.split(np.zeros(len(table)), target, groups=table["ytid"].to_numpy()))
    return segments.iloc[np.sort(train)], segments.iloc[np.sort(validation)]


def shared_videos(first: pd.DataFrame, second: pd.DataFrame) -> list[str]:
    """Return the videos that two tables of segments have in common.

    Parameters
    ----------
    first, second : DataFrame
        Tables as returned by `read_audioset_segments`.

    Returns
    -------
    list of str
        The sorted ids of the videos; empty if the tables share none.

    Raises
    ------
    ValueError
        If a table lacks a column or has no rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_audio.datasets import shared_videos
    >>> segments = pd.DataFrame(
    ...     {
    ...         "ytid": ["-0123456789"],
    ...         "start": [0.0],
    ...         "end": [10.0],
    ...         "labels": [("/m/09x0r",)],
    ...     }
    ... )
    >>> shared_videos(segments, segments)
    ['-0123456789']
    """
    return sorted(set(_check_segments(first)["ytid"]) & set(_check_segments(second)["ytid"]))
