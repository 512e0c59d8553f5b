"""Archives of data sets: download, compare the hash, unpack what is wanted, and only then give it its name."""

from __future__ import annotations

import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sklearn_audio.downloads import ByHand, check_hash, scratch_folder
from sklearn_audio.downloads import download as download_file
from sklearn_audio.exceptions import AudioReadError


@dataclass(frozen=True)
class Archive:
    """A tar archive at a public address.

    `members` is a pattern (as of `pathlib.PurePath.match`) of the files to unpack; they are put side by side unless the
    archive `keeps_folders`.
    """

    url: str
    sha256: str
    name: str
    members: str
    keeps_folders: bool = False


def unpack_archive(archive: Archive, home: Path, folder: Path, *, download: bool, verbose: int) -> None:
    """Put the members of an archive into `folder`, which appears whole or not at all.

    An archive that someone put into `home` by hand is used and left there; else it is downloaded and not kept.
    """
    by_hand = home / archive.name
    advice = ByHand(by_hand, expected=archive.sha256)
    if not by_hand.is_file() and not download:
        raise AudioReadError(f"{archive.url} has not been downloaded, and download_if_missing=False. {advice}")
    with scratch_folder(home, "unpacking", failure=AudioReadError) as scratch:
        file = by_hand
        if not by_hand.is_file():
            file = scratch / archive.name
            download_file(archive.url, file, advice, failure=AudioReadError, verbose=verbose)
        check_hash(file, str(by_hand) if file == by_hand else archive.url, advice, failure=AudioReadError)
        unpacked = scratch / folder.name
        unpacked.mkdir()
        _unpack(archive, file, unpacked)
        _move(unpacked, folder)


def _unpack(archive: Archive, file: Path, folder: Path) -> None:
    with tarfile.open(file) as tar:
        for member in tar:
            # only plain files, and only names below the folder: nothing in an archive can choose a place outside of it
            name = PurePosixPath(member.name)
            parts = name.parts if archive.keeps_folders else name.parts[-1:]
            is_wanted = member.isfile() and name.match(archive.members) and not name.is_absolute() and ".." not in parts
            content = tar.extractfile(member) if is_wanted else None
            if content is not None:
                place = folder.joinpath(*parts)
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("wb") as target:
                    shutil.copyfileobj(content, target)


def _move(unpacked: Path, folder: Path) -> None:
    try:
        os.replace(unpacked, folder)
    except OSError:
        # another process was faster; its copy is as good
        if not folder.is_dir():
            raise
