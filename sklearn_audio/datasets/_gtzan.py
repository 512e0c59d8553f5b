"""GTZAN: music of ten genres."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd
from sklearn.utils import Bunch

from sklearn_audio.datasets._gtzan_split import part_of_clips
from sklearn_audio.datasets._published import hold_out, published_bunch, published_root
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import list_clips

__all__ = ["load_gtzan"]

_FOLDERS = ("genres", "genres_original", "Data/genres_original", "gtzan/genres")
_CLIP = re.compile(r"(?P<genre>[a-z]+)\.(?P<number>\d{5})\.\w+")
_DESCR = """GTZAN: 30-second excerpts of ten genres of music, 100 each, 22 050 Hz. The fault-filtered
split of Kereliuk, Sturm and Larsen (2015) leaves out faulty clips and has no artist in two parts.
G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE TSAP 10(5), 2002. No licence is
published with it."""
_SPLIT = (
    "The fault-filtered split of Kereliuk, Sturm and Larsen (2015): no artist is in two parts, faulty clips left out."
)


def load_gtzan(path: str | os.PathLike[str], *, filtered: bool = True) -> Bunch:
    """Load GTZAN from a folder, with its fault-filtered split.

    Of the 1000 excerpts, many are of one artist, repeated, distorted or in the wrong genre, so that scores on random
    splits are much too high. The fault-filtered split keeps 930 and parts artists: 443 for training, 197 for
    validation, 290 for test.

    GTZAN has no licence, so it is not downloaded here. Its layout is one folder per genre,
    ``blues/blues.00000.au`` (or ``.wav``) and so on.

    Parameters
    ----------
    path : str or path-like
        The folder of the genres, or one that holds it as ``genres`` or ``genres_original``.
    filtered : bool, default=True
        Whether to leave out the clips that the fault-filtered split leaves out; else they are there, with the part
        ``"faulty"``.

    Returns
    -------
    Bunch
        ``data`` and ``filenames`` : ndarray of object (str), shape (n_clips,); ``target`` : ndarray of str, the genres;
        ``target_names`` : ndarray of str; ``official_split`` : ndarray of str, ``"train"``, ``"valid"`` or ``"test"``;
        ``splits`` : PredefinedSplit of one fold, the official one: trains on "train" and "valid" and tests on "test"
        (not with ``filtered=False``, as no part has the faulty clips); ``groups`` : the same as `official_split`, as no
        artist is in two parts, but a split by groups tests each part in turn; ``frame`` : DataFrame of path, label,
        number, official_split; ``DESCR`` : str.

    Raises
    ------
    AudioReadError
        If the folder is not that of GTZAN, or clips of the split are missing.

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
    >>> genres = ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"]
    >>> with TemporaryDirectory() as folder:  # a thousand empty files in the layout of the archive
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
    # a clip is in the folder of its genre, whatever else lies there
    return {
        (match["genre"], int(match["number"])): file
        for file, match in matches.items()
        if match is not None and file.parent.name == match["genre"]
    }
