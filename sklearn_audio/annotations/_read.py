"""Reading of annotations: one file, several files or a folder, into one table."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from sklearn_audio._names import check_name
from sklearn_audio._paths import local_path
from sklearn_audio.annotations._check import check_events, check_overlap, check_recordings
from sklearn_audio.annotations._formats import FORMATS, SUFFIXES, format_by_content, recording_name
from sklearn_audio.annotations._schema import COLUMNS, as_events
from sklearn_audio.annotations._source import open_source
from sklearn_audio.files import AUDIO_EXTENSIONS

_Path = str | os.PathLike[str]


def read(
    path: Any,
    format: str = "auto",  # as in pandas and matplotlib
    *,
    audio: _Path | Sequence[_Path] | None = None,
    root: _Path | None = None,
    label: str | None = None,
    encoding: str | None = None,
    check_audio: bool = False,
    allow_overlap: bool = True,
) -> pd.DataFrame:
    r"""Read annotations: recording, start, end and label of events.

    Parameters
    ----------
    path : str, path-like, sequence of them, or pandas object
        A file; a folder, of which all files with the suffixes of the formats are read, also in subfolders; a list of
        files; or a table in memory: a DataFrame, or a Series, DataFrame or MultiIndex with the segmented index of
        audformat.
    format : str, default="auto"
        "csv", "tsv", "audacity" (label track), "raven" (selection table), "kaleidoscope", "textgrid" (Praat, long or
        short text), "rttm", "audformat" (table as CSV) or "label_studio" (JSON). "auto": from the content of each file.
    audio : str, path-like or sequence of them, default=None
        The recording, or one for each file, instead of the one named in the file. None: a file that names none
        (Audacity, TextGrid and others) belongs to the recording of the same name in the same folder, or in `root`; if
        there is none, the path is that of the file without its suffix.
    root : str or path-like, default=None
        The folder of relative paths. None: relative paths are unchanged. Ids in RTTM become the recordings of that name
        in `root`.
    label : str, default=None
        Column of the label in a table. None: label, event_label, class, category, annotation, species or similar, or
        the only remaining column.
    encoding : str, default=None
        Encoding of the text. None: UTF-8, or UTF-16 and UTF-32 with a byte order mark.
    check_audio : bool, default=False
        Whether to check that the recordings exist and no event ends after its recording.
    allow_overlap : bool, default=True
        Whether events of one label may overlap in a recording.

    Returns
    -------
    DataFrame
        One row per event: "path" (str), "start", "end" (seconds; NaN: the end of the recording) and "label" (str),
        then other columns of the format: "low_frequency" and "high_frequency" (Hz; Audacity, Raven), "tier"
        (TextGrid), "channel" (from 1), "score", and all other columns of a table under their own names.

    Raises
    ------
    ValueError
        If a file does not match its format, lacks a column or has an invalid event; the message names the row or line.
    FileNotFoundError
        If a file does not exist.
    AudioReadError
        If `check_audio` and a recording does not exist or cannot be read.
    TypeError
        If `path` is none of these types.

    See Also
    --------
    write : Write a table in any of these formats.
    check : Check a table and its recordings.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_audio import annotations
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     labels = pathlib.Path(folder, "labels.txt")
    ...     _ = labels.write_text("0.5\t1.25\tdog\n2.0\t2.0\tclick\n")
    ...     annotations.read(labels, audio="a.wav")
        path  start   end  label
    0  a.wav    0.5  1.25    dog
    1  a.wav    2.0  2.00  click
    """
    if format != "auto":
        check_name("format", format, ["auto", *FORMATS])
    if isinstance(path, pd.DataFrame | pd.Series | pd.MultiIndex):
        where = "the annotations"
        tables = [as_events(path, where, label=label, whole_files=True)]
        check_events(tables[0], where)
    else:
        files = _files(path)
        where = f"the annotations {str(files[0])!r}" if len(files) == 1 else "the annotations"
        recordings = _Recordings(root)
        read_file = partial(_read_file, format=format, label=label, encoding=encoding, recordings=recordings)
        tables = [read_file(file, audio=one) for file, one in zip(files, _one_each(audio, files), strict=True)]
    events = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
    if root is not None:
        events["path"] = [os.path.join(local_path(root), local_path(name)) for name in events["path"]]
    if not allow_overlap:
        check_overlap(events, where)
    if check_audio:
        check_recordings(events, where, None)
    return events


def _files(path: Any) -> list[Path]:
    if isinstance(path, str | os.PathLike):
        return _in_folder(Path(local_path(path))) or [Path(local_path(path))]
    if not isinstance(path, Sequence):
        raise TypeError(f"path must be a file, a folder, a list of files or a DataFrame, got {type(path).__name__}.")
    if not path:
        raise ValueError("path is an empty list; give the annotation files.")
    return [Path(local_path(one)) for one in path]


def _in_folder(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    inside = (file.relative_to(folder) for file in found)
    files = [folder / file for file in inside if not any(part.startswith(".") for part in file.parts)]
    if not files:
        raise ValueError(
            f"the folder {str(folder)!r} has no annotations; their suffixes are {', '.join(sorted(SUFFIXES))}."
        )
    return files


def _one_each(audio: _Path | Sequence[_Path] | None, files: list[Path]) -> list[Any]:
    given = [audio] if isinstance(audio, str | os.PathLike) else audio
    if given is None:
        return [None] * len(files)
    if len(given) != len(files):
        raise ValueError(
            f"audio= names {len(given)} recordings, but there are {len(files)} annotation files; give one for each."
        )
    return list(given)


def _read_file(
    file: Path, *, format: str, label: str | None, encoding: str | None, audio: Any, recordings: _Recordings
) -> pd.DataFrame:
    if not file.is_file():
        raise FileNotFoundError(f"the annotations {str(file)!r} do not exist; check the path.")
    source = open_source(file, encoding, label)
    kind = format_by_content(source) if format == "auto" else format
    events = FORMATS[kind].read(source)
    if audio is not None:
        if "path" in events.columns and events["path"].nunique() > 1:
            raise ValueError(f"{source.where} name {events['path'].nunique()} recordings; audio= gives one.")
        events = events.assign(path=os.fspath(audio))
    elif "path" not in events.columns:
        events = events.assign(path=recordings.of(file))
    elif kind == "rttm":
        events = events.assign(path=events["path"].map(recordings.named))
    others = [name for name in events.columns if name not in COLUMNS]
    events = events[[*COLUMNS, *others]].astype({"path": str, "start": float, "end": float, "label": str})
    check_events(events, source.where)
    return events


class _Recordings:
    """The recordings of folders, by their names without suffix."""

    def __init__(self, root: _Path | None) -> None:
        self._root = None if root is None else Path(local_path(root))
        self._found: dict[Path, dict[str, list[str]]] = {}

    def of(self, file: Path) -> str:
        """Return the recording of an annotation file."""
        name = self._in(self._root or file.parent, recording_name(file))
        return name if self._root else str(file.parent / name)

    def named(self, name: str) -> str:
        """Return the recording in `root` for a name without suffix."""
        return name if self._root is None else self._in(self._root, name)

    def _in(self, folder: Path, name: str) -> str:
        """Return the name with its suffix, or unchanged if there is no such recording."""
        if folder not in self._found:
            self._found[folder] = _by_name(folder)
        names = self._found[folder].get(name, [name])
        if len(names) > 1:
            raise ValueError(
                f"the annotations of {name!r} may belong to {' or '.join(map(repr, names))} in {str(folder)!r}; pass "
                "audio=."
            )
        return names[0]


def _by_name(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in _audio_in(folder):
        for name in (file.stem, file.name):  # "a.wav.txt" names all of "a.wav"
            found.setdefault(name, []).append(file.name)
    return found


def _audio_in(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(file for file in folder.iterdir() if file.suffix.lower() in AUDIO_EXTENSIONS)
