"""Archives of data sets: download, compare the hash, unpack what is wanted, and only then give it its name."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pooch

from sklearn_audio.exceptions import AudioReadError

_TIMEOUT = 30  # seconds without an answer before a download is given up


@dataclass(frozen=True)
class Archive:
    """A tar archive at a public address.

    `members` is a pattern (as of `pathlib.PurePath.match`) of the files to unpack; they are put side by side.
    """

    url: str
    sha256: str
    name: str
    members: str


def cache_folder() -> Path:
    """Return the folder for downloads: the environment variable SKLEARN_AUDIO_HOME, else the user's cache."""
    home = os.environ.get("SKLEARN_AUDIO_HOME")
    return Path(home) if home else Path(pooch.os_cache("sklearn-audio"))


def unpack_archive(archive: Archive, home: Path, folder: Path, *, download: bool, verbose: int) -> None:
    """Put the members of an archive into `folder`, which appears whole or not at all.

    An archive that someone put into `home` by hand is used and left there; else it is downloaded and not kept.
    """
    by_hand = home / archive.name
    if not by_hand.is_file() and not download:
        raise AudioReadError(
            f"{archive.url} has not been downloaded, and download_if_missing=False. {_by_hand(archive, by_hand)}"
        )
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".unpacking-") as scratch:
        file = by_hand
        if not by_hand.is_file():
            file = Path(scratch) / archive.name
            _download(archive, file, by_hand, verbose)
        _check_hash(archive, file, by_hand)
        unpacked = Path(scratch) / folder.name
        unpacked.mkdir()
        _unpack(archive, file, unpacked)
        _move(unpacked, folder)


def _download(archive: Archive, file: Path, by_hand: Path, verbose: int) -> None:
    fetch = pooch.HTTPDownloader(progressbar=bool(verbose), timeout=_TIMEOUT, hooks={"response": _close_refusal})
    try:
        fetch(archive.url, str(file), None)
    except OSError as error:  # requests raises no other kind
        raise AudioReadError(f"could not download {archive.url}: {error}. {_by_hand(archive, by_hand)}") from error


def _close_refusal(response: Any, **options: Any) -> None:
    # pooch raises on a refusal without closing the connection
    if not response.ok:
        response.close()


def _check_hash(archive: Archive, file: Path, by_hand: Path) -> None:
    found = pooch.file_hash(str(file), alg="sha256")
    if found != archive.sha256:
        source = str(by_hand) if file == by_hand else archive.url
        raise AudioReadError(
            f"{source} is not the expected archive: its sha256 is {found}. {_by_hand(archive, by_hand)}"
        )


def _unpack(archive: Archive, file: Path, folder: Path) -> None:
    with tarfile.open(file) as tar:
        for member in tar:
            # only plain files, and only their last name: nothing in an archive can choose a place outside the folder
            name = PurePosixPath(member.name)
            content = tar.extractfile(member) if member.isfile() and name.match(archive.members) else None
            if content is not None:
                with (folder / name.name).open("wb") as target:
                    shutil.copyfileobj(content, target)


def _move(unpacked: Path, folder: Path) -> None:
    try:
        os.replace(unpacked, folder)
    except OSError:
        # another process was faster; its copy is as good
        if not folder.is_dir():
            raise


def _by_hand(archive: Archive, by_hand: Path) -> str:
    return f"Fetch it by hand, see that its sha256 is {archive.sha256}, and put it at {by_hand}."
