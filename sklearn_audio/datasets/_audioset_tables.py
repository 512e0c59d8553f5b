"""The published tables of AudioSet: segments of videos with their labels, and the names of the labels."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_audio._paths import local_path
from sklearn_audio.datasets._table_files import read_class_labels

SEGMENT_COLUMNS = ("ytid", "start", "end", "labels")


def read_audioset_segments(path: str | os.PathLike[str]) -> pd.DataFrame:
    r"""Read a published table of AudioSet segments, such as ``balanced_train_segments.csv``.

    Lines that start with ``#`` are comments; the others are ``YTID, start_seconds, end_seconds, positive_labels``, with
    comma-separated labels in quotes. Video ids are always text.

    Parameters
    ----------
    path : str or path-like
        The CSV file.

    Returns
    -------
    DataFrame
        A row per segment: ``ytid`` : str; ``start`` and ``end`` : float, seconds within the video; ``labels`` : tuple
        of str, the ids of the labels.

    Raises
    ------
    ValueError
        If the file is missing, has no segments, or has a line of another layout.

    See Also
    --------
    load_audioset : Segments together with their audio files and targets.

    References
    ----------
    J. F. Gemmeke et al., "Audio Set: an ontology and human-labeled dataset for audio events", ICASSP 2017.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_audio.datasets import read_audioset_segments
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "segments.csv")
    ...     _ = file.write_text(
    ...         '# a comment\n-0123456789, 30.000, 40.000, "/m/09x0r,/m/0bt9lr"\n'
    ...     )
    ...     segments = read_audioset_segments(file)
    >>> segments.to_dict("list")
    {'ytid': ['-0123456789'], 'start': [30.0], 'end': [40.0], 'labels': [('/m/09x0r', '/m/0bt9lr')]}
    """
    file = Path(local_path(path))
    if not file.is_file():
        raise ValueError(f"the table of segments {str(file)!r} does not exist.")
    rows = list(_rows(file))
    if not rows:
        raise ValueError(f"the table of segments {str(file)!r} is empty: it has no rows.")
    return pd.DataFrame(rows, columns=list(SEGMENT_COLUMNS))


def _rows(file: Path) -> Iterator[tuple[str, float, float, tuple[str, ...]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip() and not line.startswith("#"):
                    yield _row(line, f"line {number} of {str(file)!r}")
    except UnicodeDecodeError as error:
        raise ValueError(f"{str(file)!r} is not a table of text: {error}.") from error


def _row(line: str, where: str) -> tuple[str, float, float, tuple[str, ...]]:
    # The published files have a space after each comma; without skipinitialspace the quotes would be part of the cell.
    cells = next(csv.reader([line], skipinitialspace=True))
    if len(cells) != 4:
        raise ValueError(
            f"{where} has {len(cells)} fields, expected 4: YTID, start_seconds, end_seconds, positive_labels (the "
            "labels in quotes)."
        )
    ytid, labels = cells[0].strip(), tuple(part for label in cells[3].split(",") if (part := label.strip()))
    try:
        start, end = float(cells[1]), float(cells[2])
    except ValueError as error:
        raise ValueError(f"{where} has the times {cells[1]!r} and {cells[2]!r}, expected seconds.") from error
    if not ytid or not labels:
        raise ValueError(f"{where} has no {'label' if ytid else 'YTID'}; every segment has both.")
    if not 0 <= start < end < np.inf:
        raise ValueError(f"{where} runs from {start:g} s to {end:g} s; the end must be later than the start.")
    return ytid, start, end, labels


def read_audioset_labels(path: str | os.PathLike[str] | None = None) -> dict[str, str]:
    """Read the names of the labels, in the output order of published networks.

    Parameters
    ----------
    path : str or path-like, default=None
        A CSV of index, mid, display_name, such as ``class_labels_indices.csv``. None: the 527 labels of AudioSet, which
        are part of the library.

    Returns
    -------
    dict of str to str
        The name of each label id, in the order of the index.

    Raises
    ------
    ValueError
        If the file is missing or has another layout.

    Examples
    --------
    >>> from sklearn_audio.datasets import read_audioset_labels
    >>> labels = read_audioset_labels()
    >>> len(labels), labels["/m/09x0r"]
    (527, 'Speech')
    """
    if path is not None:
        file = Path(local_path(path))
        if not file.is_file():
            raise ValueError(f"the class labels {str(file)!r} do not exist.")
        return read_class_labels(file)
    with as_file(files("sklearn_audio.engine.models") / "audioset_labels.csv") as shipped:
        return read_class_labels(shipped)
