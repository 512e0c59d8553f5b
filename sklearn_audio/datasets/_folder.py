"""Class folders: recordings labelled by the name of their top-level folder."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from sklearn_audio._paths import local_path
from sklearn_audio.datasets._columns import class_names
from sklearn_audio.datasets._recorders import recorder_columns
from sklearn_audio.files import list_clips


def load_audio_folder(
    path: str | os.PathLike[str], *, group_pattern: str | None = None, classes: Sequence[str] | None = None
) -> Bunch:
    r"""List the recordings of a folder whose subfolders are the classes.

    The class of a recording is its top-level folder below `path`, whatever its depth. Nothing is decoded: `data` holds
    paths, which every estimator of this library reads.

    Parameters
    ----------
    path : str or path-like
        The folder that holds one folder per class.
    group_pattern : str, default=None
        A regular expression searched in the path of each recording relative to `path` (with ``/`` between folders).
        Its only group, or the one named ``group``, is the group of the recording (speaker, session, ...) that a split
        must keep together. None: no groups.
    classes : sequence of str, default=None
        The class folders to read; None: all.

    Returns
    -------
    Bunch
        ``data`` and ``filenames`` : ndarray of object (str), shape (n_clips,); ``target`` : ndarray of str, shape
        (n_clips,); ``target_names`` : ndarray of str, the sorted classes; ``groups`` : ndarray of str or None;
        ``frame`` : DataFrame with the columns path, label, with groups, group, and, from names that AudioMoth or Song
        Meter gave, recorded_at (the recorder's clock) and site (the prefix); ``DESCR`` : str. Rows are sorted by path.

    Raises
    ------
    ValueError
        If the folder is missing, is empty or holds fewer than two classes, if recordings are outside the class folders
        or have names that are not valid UTF-8, or if `group_pattern` is invalid or does not match every recording.

    See Also
    --------
    load_audio_table : Load from a CSV, TSV or JSON file.
    summarize_clips : Rates, channels and durations of the clips, and unreadable files.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_audio.datasets import load_audio_folder, write_sound_events
    >>> with TemporaryDirectory() as folder:
    ...     _ = write_sound_events(folder, 10, random_state=0)
    ...     clips = load_audio_folder(folder, group_pattern=r"/(\w+)_\d+\.wav$")
    >>> clips.target_names.tolist()
    ['chirp', 'click', 'harmonic', 'noise', 'tone']
    >>> sorted(set(clips.groups.tolist()))
    ['source0', 'source1']
    """
    folder = Path(local_path(path))
    pattern = None if group_pattern is None else _compile(group_pattern)
    relative = _recordings(folder, classes)
    target = np.array([name.split("/", 1)[0] for name in relative])
    names = class_names(target, where=f"the folder {str(folder)!r}")
    data = np.array([str(folder / name) for name in relative], dtype=object)
    columns: dict[str, Any] = {"path": data, "label": target}
    groups = None
    if pattern is not None:
        groups = columns["group"] = np.array([_group(pattern, name) for name in relative])
    return Bunch(
        data=data,
        filenames=data,
        target=target,
        target_names=names,
        groups=groups,
        frame=pd.DataFrame(columns | recorder_columns(relative)),
        DESCR=f"{len(data)} recordings of {len(names)} classes below {folder}.",
    )


def _recordings(folder: Path, classes: Sequence[str] | None) -> list[str]:
    if not folder.is_dir():
        kind = "is a file, not a folder" if folder.exists() else "does not exist"
        raise ValueError(f"{str(folder)!r} {kind}; pass the folder that holds one folder of recordings per class.")
    names = [clip.relative_to(folder).as_posix() for clip in list_clips(folder, recursive=True)]
    for name in names:
        _check_text(name)
    if not names:
        raise ValueError(
            f"the folder {str(folder)!r} holds no recordings; expected one folder of audio files per class."
        )
    loose = [name for name in names if "/" not in name]
    if loose:
        raise ValueError(
            f"{len(loose)} recording(s) lie directly in {str(folder)!r}, the first {loose[0]!r}, where no folder names "
            "their class. Move them into class folders, or use load_audio_table."
        )
    return names if classes is None else _of_classes(names, classes)


def _of_classes(names: list[str], classes: Sequence[str]) -> list[str]:
    found = sorted({name.split("/", 1)[0] for name in names})
    unknown = sorted(set(classes) - set(found))
    if unknown:
        raise ValueError(f"no class folder with recordings is called {unknown[0]!r}; there are {found}.")
    return [name for name in names if name.split("/", 1)[0] in set(classes)]


def _check_text(name: str) -> None:
    # Python decodes invalid bytes as lone surrogates, which cannot be written to a table.
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"the file name {os.fsencode(name)!r} is not valid UTF-8; rename the file.") from error


def _compile(group_pattern: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(group_pattern)
    except re.error as error:
        raise ValueError(f"group_pattern={group_pattern!r} is not a regular expression: {error}.") from error
    if pattern.groups != 1 and "group" not in pattern.groupindex:
        raise ValueError(
            f"group_pattern={group_pattern!r} has {pattern.groups} groups; give it one pair of parentheses around the "
            "group of the recording, or name one (?P<group>...)."
        )
    return pattern


def _group(pattern: re.Pattern[str], name: str) -> str:
    match = pattern.search(name)
    group = match["group" if "group" in pattern.groupindex else 1] if match else None
    if group is None:
        raise ValueError(f"group_pattern={pattern.pattern!r} finds no group in {name!r}; every recording needs one.")
    return str(group)
