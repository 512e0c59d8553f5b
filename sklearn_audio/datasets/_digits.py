"""The Free Spoken Digit Dataset."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from sklearn_audio._paths import local_path, new_folder
from sklearn_audio.datasets._archives import Archive, unpack_archive
from sklearn_audio.datasets._published import hold_out
from sklearn_audio.datasets._table import load_audio_table
from sklearn_audio.downloads import cache_folder

# URL, size (11 975 353 bytes) and sha256 are those listed by TensorFlow Datasets for `spoken_digit`
# (tensorflow_datasets/audio/spoken_digit/checksums.tsv).
_ARCHIVE = Archive(
    url="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.9.tar.gz",
    sha256="8bc44cde129d505cbbb6b365c09f80c663f2aa77578afc634e6141a2f87100c0",
    name="free-spoken-digit-dataset-1.0.9.tar.gz",
    members="recordings/*.wav",
)
_UNPACKED = "free-spoken-digit-dataset-1.0.9"
_RECORDING = re.compile(r"(?P<label>\d)_(?P<speaker>[^_]+)_(?P<take>\d+)\.wav")
_N_TEST_TAKES = 5  # takes 0 to 4 are the official test set

_DESCR = """Free Spoken Digit Dataset: {n_clips} recordings of the English digits 0 to 9 by {n_speakers} speakers
({speakers}), trimmed of silence, 8 kHz. Takes 0 to 4 of each digit and speaker are the official test part; scores on it
are scores on known voices. For unknown voices, split by speaker (`groups`).
Zohar Jackson et al., https://github.com/Jakobovski/free-spoken-digit-dataset, doi:10.5281/zenodo.1342401, CC BY-SA 4.0.
"""


def fetch_spoken_digits(
    *, data_home: str | os.PathLike[str] | None = None, download_if_missing: bool = True, verbose: int = 0
) -> Bunch:
    """Load the Free Spoken Digit Dataset, downloading it if necessary.

    The folder searched holds either ``digits/labels.csv`` (path, label, speaker, take, official_split) or the unpacked
    version 1.0.9 of the original (12 MB, verified by hash).

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder to search and to download to. None: the folder named by the environment variable
        ``SKLEARN_AUDIO_DATA``, if set, then the cache: the folder named by ``SKLEARN_AUDIO_HOME``, or the cache folder
        of the operating system.
    download_if_missing : bool, default=True
        Whether to download missing recordings; False raises instead.
    verbose : int, default=0
        1 shows a progress bar for the download.

    Returns
    -------
    Bunch
        ``data`` and ``filenames`` : ndarray of object (str), shape (n_clips,); ``target`` : ndarray of str, ``"0"`` to
        ``"9"``; ``target_names`` : ndarray of str; ``groups`` : ndarray of str, the speakers; ``takes`` : ndarray of
        int64; ``official_split`` : ndarray of str, ``"train"`` or ``"test"``; ``splits`` : PredefinedSplit of one fold,
        the official test set; ``frame`` : DataFrame of path, label, speaker, take, official_split; ``DESCR`` : str.

    Raises
    ------
    AudioReadError
        If the recordings are missing and are not downloaded, or the archive has another hash; the message says where to
        place a manual download.

    References
    ----------
    .. [1] Z. Jackson et al., "Free Spoken Digit Dataset", https://doi.org/10.5281/zenodo.1342401.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_audio.datasets import fetch_spoken_digits
    >>> with (
    ...     TemporaryDirectory() as folder
    ... ):  # three empty files in the layout of the archive
    ...     recordings = Path(folder, "free-spoken-digit-dataset-1.0.9")
    ...     recordings.mkdir()
    ...     for name in ("7_jackson_0.wav", "7_jackson_5.wav", "9_theo_12.wav"):
    ...         (recordings / name).touch()
    ...     digits = fetch_spoken_digits(
    ...         data_home=folder, download_if_missing=False
    ...     )
    >>> digits.frame[["label", "speaker", "take", "official_split"]]
      label  speaker  take official_split
    0     7  jackson     0           test
    1     7  jackson     5          train
    2     9     theo    12          train
    """
    table = next((table for home in _homes(data_home) if (table := _table(home)) is not None), None)
    if table is None:
        home = cache_folder() if data_home is None else new_folder(data_home, "data_home")
        folder = home / _UNPACKED
        unpack_archive(_ARCHIVE, home, folder, download=download_if_missing, verbose=verbose)
        table = _recordings(folder)
    return _bunch(load_audio_table(table, group="speaker"))


def _homes(data_home: str | os.PathLike[str] | None) -> Iterator[Path]:
    if data_home is not None:
        yield new_folder(data_home, "data_home")
        return
    if named := os.environ.get("SKLEARN_AUDIO_DATA"):
        yield Path(local_path(named))
    yield cache_folder()


def _table(home: Path) -> Path | pd.DataFrame | None:
    """Return the recordings in `home`, or None."""
    labels, folder = home / "digits" / "labels.csv", home / _UNPACKED
    if labels.is_file():
        return labels
    if not folder.is_dir():
        return None
    found = _recordings(folder)
    return found if len(found) else None


def _recordings(folder: Path) -> pd.DataFrame:
    matches = [match for name in sorted(os.listdir(folder)) if (match := _RECORDING.fullmatch(name))]
    rows = [{"path": str(folder / match[0]), **match.groupdict()} for match in matches]
    frame = pd.DataFrame(rows, columns=["path", "label", "speaker", "take"])
    frame["take"] = frame["take"].astype(np.int64)
    frame["official_split"] = np.where(frame["take"] < _N_TEST_TAKES, "test", "train")
    return frame


def _bunch(clips: Bunch) -> Bunch:
    speakers = np.unique(clips.groups)
    clips.takes = clips.frame["take"].to_numpy(dtype=np.int64)
    clips.official_split = clips.frame["official_split"].to_numpy(dtype=np.str_)
    clips.splits = hold_out(clips.official_split == "test")
    clips.DESCR = _DESCR.format(n_clips=len(clips.data), n_speakers=len(speakers), speakers=", ".join(speakers))
    return clips
