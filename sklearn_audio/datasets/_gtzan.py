"""GTZAN: music of ten genres, with its fault-filtered split.

The lists of the split are those that J. Pons and others publish with their code (train_filtered.txt,
valid_filtered.txt, test_filtered.txt).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd
from sklearn.utils import Bunch

from sklearn_audio.datasets._published import hold_out, published_bunch, published_root
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import list_clips

PARTS = ("train", "valid", "test")

_NUMBERS = {
    "train": {
        "blues": "29-49 73-97",
        "classical": "30-33 43-48 50-67 80-99",
        "country": "19-26 28-29 65-99",
        "disco": "5 15-20 22-37 39-45 47 49 53-54 56-57 59 61 70 73-74 89",
        "hiphop": "2-25 28-29 31-38 41-42 55-61 77-80",
        "jazz": "0-1 11-24 41 47-72",
        "metal": "2-3 5 21 24 35 46-57 59-66 69 71-72 79-80 84 86 89-99",
        "pop": "2-9 11-12 16-20 23-29 31-36 38-42 44 46 49-50 80 97-99",
        "reggae": "0-2 4 6 9 11-12 14-32 42-45 49-51 54-60 63 69",
        "rock": "0-9 16-26 57-70 91-99",
    },
    "valid": {
        "blues": "0-11 50-60",
        "classical": "0-10 68-76",
        "country": "0-7 9-18 27 41-42 45 49",
        "disco": "0 2-4 6-14 46 48 52 67-68 72 75 90 95",
        "hiphop": "81-98",
        "jazz": "2-10 25-32",
        "metal": "0-1 6-11 16-20 36-37 68 76-77 81-82",
        "pop": "10 53 55 58-62 81 83-86",
        "reggae": "61-62 70 72 74 76-78 85 92-99",
        "rock": "38 49-56 71-85",
    },
    "test": {
        "blues": "12-28 61-72 98-99",
        "classical": "11-29 34-41 49 77-79",
        "country": "30-40 43-44 46-48 50-51 53-64",
        "disco": "1 21 58 62-66 69 76-88 91-94 96-97 99",
        "hiphop": "0 26-27 30 40 43-45 51-54 62-75 99",
        "jazz": "73-99",
        "metal": "12-15 22-23 25-33 38-39 67 70 73-75 78 83 85 87-88",
        "pop": "0-1 13-14 43 63-66 69-79 82 88-96",
        "reggae": "34-40 46-48 52-53 64-68 71 79 82-84 87-90",
        "rock": "10-15 27-37 39-48 86-90",
    },
}


def part_of_clips() -> dict[tuple[str, int], str]:
    """Return the part of each clip by genre and number; clips outside the split are faulty."""
    return {
        (genre, number): part
        for part, genres in _NUMBERS.items()
        for genre, spans in genres.items()
        for span in spans.split()
        for number in _numbers(span)
    }


def _numbers(span: str) -> range:
    first, _, last = span.partition("-")
    return range(int(first), int(last or first) + 1)


_FOLDERS = ("genres", "genres_original", "Data/genres_original", "gtzan/genres")
_CLIP = re.compile(r"(?P<genre>[a-z]+)\.(?P<number>\d{5})\.\w+")
_DESCR = """GTZAN: 30-second excerpts of ten genres of music, 100 each, 22 050 Hz. The fault-filtered
split of Kereliuk, Sturm and Larsen (2015) excludes faulty clips and keeps each artist in one part.
G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE TSAP 10(5), 2002. No licence is
published with it."""


def load_gtzan(path: str | os.PathLike[str], *, filtered: bool = True) -> Bunch:
    """Load GTZAN from a folder, with its fault-filtered split.

    Many of the 1000 excerpts share an artist, are repeated, distorted or mislabelled, so scores on random splits are
    much too high. The fault-filtered split keeps 930 clips and separates artists: 443 for training, 197 for validation,
    290 for test.

    GTZAN has no licence, so there is no download. The layout is one folder per genre: ``blues/blues.00000.au`` (or
    ``.wav``) and so on.

    Parameters
    ----------
    path : str or path-like
        The folder of the genres, or its parent (subfolder ``genres`` or ``genres_original``).
    filtered : bool, default=True
        Whether to exclude the clips outside the fault-filtered split; otherwise their part is ``"faulty"``.

    Returns
    -------
    Bunch
        ``data`` and ``filenames`` : ndarray of object (str), shape (n_clips,); ``target`` : ndarray of str, the genres;
        ``target_names`` : ndarray of str; ``official_split`` : ndarray of str, ``"train"``, ``"valid"`` or ``"test"``;
        ``splits`` : PredefinedSplit of one fold, the official one: trains on "train" and "valid", tests on "test"
        (absent with ``filtered=False``); ``groups`` : same as `official_split`, so that a split by groups tests each
        part in turn; ``frame`` : DataFrame of path, label, number, official_split; ``DESCR`` : str.

    Raises
    ------
    AudioReadError
        If the folder does not hold GTZAN, or clips of the split are missing.

    References
    ----------
    C. Kereliuk, B. L. Sturm and J. Larsen, "Deep learning and music adversaries", IEEE Transactions on Multimedia
    17(11), 2015.
    B. L. Sturm, "The state of the art ten years after a state of the art: Future research in music information
    retrieval", Journal of New Music Research 43(2), 2014.

    Examples
    --------
    >>> from collections import Counter
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_audio.datasets import load_gtzan
    >>> genres = [
    ...     "blues",
    ...     "classical",
    ...     "country",
    ...     "disco",
    ...     "hiphop",
    ...     "jazz",
    ...     "metal",
    ...     "pop",
    ...     "reggae",
    ...     "rock",
    ... ]
    >>> with (
    ...     TemporaryDirectory() as folder
    ... ):  # a thousand empty files in the layout of the archive
    ...     for genre in genres:
    ...         Path(folder, genre).mkdir()
    ...         for number in range(100):
    ...             Path(folder, genre, f"{genre}.{number:05d}.au").touch()
    ...     clips = load_gtzan(folder)
    >>> sorted(Counter(clips.official_split.tolist()).items())
    [('test', 290), ('train', 443), ('valid', 197)]
    """
    root = published_root(path, "blues", _FOLDERS, name="GTZAN")
    parts = part_of_clips()
    files = _files(root)
    missing = sorted(set(parts) - set(files))
    if missing:
        genre, number = missing[0]
        raise AudioReadError(
            f"{len(missing)} clip(s) of the fault-filtered split are missing in {str(root)!r}, the first "
            f"'{genre}/{genre}.{number:05d}'. Unpack the whole archive."
        )
    rows = [
        {"path": str(file), "label": genre, "number": number, "official_split": parts.get((genre, number), "faulty")}
        for (genre, number), file in sorted(files.items())
    ]
    frame = pd.DataFrame(rows)
    if filtered:
        frame = frame[frame["official_split"] != "faulty"].reset_index(drop=True)
    splits = hold_out(frame["official_split"].to_numpy() == "test") if filtered else None
    return published_bunch(frame, group="official_split", description=_DESCR, splits=splits)


def _files(root: Path) -> dict[tuple[str, int], Path]:
    matches = {file: _CLIP.fullmatch(file.name) for file in list_clips(root, recursive=True)}
    # ignore copies outside the folder of their genre
    return {
        (match["genre"], int(match["number"])): file
        for file, match in matches.items()
        if match is not None and file.parent.name == match["genre"]
    }
