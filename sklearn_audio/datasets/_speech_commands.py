"""Speech Commands: single words by thousands of speakers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import pandas as pd
from sklearn.utils import Bunch

from sklearn_audio._paths import new_folder
from sklearn_audio.datasets._archives import Archive, unpack_archive
from sklearn_audio.datasets._published import hold_out, published_bunch, published_root
from sklearn_audio.downloads import cache_folder
from sklearn_audio.files import list_clips

# The hashes are those listed by torchaudio for these URLs (torchaudio/datasets/speechcommands.py).
_SHA256 = {
    "0.01": "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
    "0.02": "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
}
_ARCHIVES = {
    version: Archive(
        url=f"http://download.tensorflow.org/data/speech_commands_v{version}.tar.gz",
        sha256=sha256,
        name=f"speech_commands_v{version}.tar.gz",
        members="*",
        keeps_folders=True,
    )
    for version, sha256 in _SHA256.items()
}
_TEST, _VALIDATION = "testing_list.txt", "validation_list.txt"
_NOISE = "_background_noise_"
_DESCR = """Speech Commands: single English words of up to 1 s by thousands of speakers, 16 kHz. The official
lists assign speakers to training, validation and test.
P. Warden, "Speech commands: A dataset for limited-vocabulary speech recognition", arXiv:1804.03209, 2018. CC BY 4.0."""


def load_speech_commands(path: str | os.PathLike[str]) -> Bunch:
    """Load Speech Commands (either version) from a folder.

    The layout is that of its archives: one folder per word with ``<speaker>_nohash_<take>.wav``, and
    ``testing_list.txt`` and ``validation_list.txt``. The background noises are excluded.

    Parameters
    ----------
    path : str or path-like
        The folder of the words.

    Returns
    -------
    Bunch
        ``data`` and ``filenames`` : ndarray of object (str), shape (n_clips,); ``target`` : ndarray of str, the words;
        ``target_names`` : ndarray of str; ``groups`` : ndarray of str, the speakers; ``official_split`` : ndarray of
        str, ``"train"``, ``"valid"`` or ``"test"``; ``splits`` : PredefinedSplit of one fold, which trains on "train"
        and "valid" and tests on "test"; ``frame`` : DataFrame of path, label, speaker, official_split; ``DESCR`` :
        str.

    Raises
    ------
    AudioReadError
        If the folder does not hold Speech Commands.

    See Also
    --------
    fetch_speech_commands : Download first.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_audio.datasets import load_speech_commands
    >>> with (
    ...     TemporaryDirectory() as folder
    ... ):  # three empty files in the layout of the archive
    ...     root = Path(folder, "speech_commands_v0.02")
    ...     for name in (
    ...         "cat/00176480_nohash_0.wav",
    ...         "cat/0135f3f2_nohash_0.wav",
    ...         "dog/0135f3f2_nohash_0.wav",
    ...     ):
    ...         (root / name).parent.mkdir(parents=True, exist_ok=True)
    ...         (root / name).touch()
    ...     _ = (root / "testing_list.txt").write_text("cat/00176480_nohash_0.wav")
    ...     (root / "validation_list.txt").touch()
    ...     words = load_speech_commands(root)
    >>> words.frame[["label", "speaker", "official_split"]]
      label   speaker official_split
    0   cat  00176480           test
    1   cat  0135f3f2          train
    2   dog  0135f3f2          train
    """
    folders = [archive.name.removesuffix(".tar.gz") for archive in _ARCHIVES.values()]
    root = published_root(path, _TEST, folders, name="Speech Commands")
    parts = dict.fromkeys(_listed(root / _VALIDATION), "valid") | dict.fromkeys(_listed(root / _TEST), "test")
    names = [clip.relative_to(root).as_posix() for clip in list_clips(root, recursive=True)]
    rows = [
        {
            "path": str(root / name),
            "label": name.split("/")[0],
            "speaker": name.split("/")[1].split("_")[0],
            "official_split": parts.get(name, "train"),
        }
        for name in names
        if name.count("/") == 1 and not name.startswith(_NOISE)
    ]
    frame = pd.DataFrame(rows, columns=["path", "label", "speaker", "official_split"])
    splits = hold_out(frame["official_split"].to_numpy() == "test")
    return published_bunch(frame, group="speaker", description=_DESCR, splits=splits)


def fetch_speech_commands(
    *,
    version: Literal["0.01", "0.02"] = "0.02",
    data_home: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    verbose: int = 0,
) -> Bunch:
    """Load Speech Commands, downloading it if necessary.

    The folder is ``speech_commands_v<version>`` in `data_home`. The archive (1.5 GB for version 0.01, 2.4 GB for 0.02)
    is verified by hash.

    Parameters
    ----------
    version : {"0.01", "0.02"}, default="0.02"
        Thirty words, or thirty-five.
    data_home : str or path-like, default=None
        Folder to search and to download to. None: the cache, which is the folder named by the environment variable
        ``SKLEARN_AUDIO_HOME``, or the cache folder of the operating system.
    download_if_missing : bool, default=True
        Whether to download missing recordings; False raises instead.
    verbose : int, default=0
        1 shows a progress bar for the download.

    Returns
    -------
    Bunch
        See `load_speech_commands`.

    Raises
    ------
    ValueError
        If there is no such version.
    AudioReadError
        If the recordings are missing and are not downloaded, or the archive has another hash; the message says where to
        place a manual download.

    See Also
    --------
    load_speech_commands : Load from an existing folder.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_audio.datasets import fetch_speech_commands
    >>> with TemporaryDirectory() as folder:
    ...     fetch_speech_commands(data_home=folder, download_if_missing=False)
    Traceback (most recent call last):
        ...
    sklearn_audio.exceptions.AudioReadError: http://download.tensorflow.org/... has not been downloaded, and ...
    """
    if version not in _ARCHIVES:
        raise ValueError(f"version={version!r} of Speech Commands is not known; choose one of {list(_ARCHIVES)}.")
    archive = _ARCHIVES[version]
    home = cache_folder() if data_home is None else new_folder(data_home, "data_home")
    folder = home / archive.name.removesuffix(".tar.gz")
    if not (folder / _TEST).is_file():
        unpack_archive(archive, home, folder, download=download_if_missing, verbose=verbose)
    return load_speech_commands(folder)


def _listed(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").split() if file.is_file() else []
