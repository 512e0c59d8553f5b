"""Archives of data sets: downloaded, verified and unpacked."""

from __future__ import annotations

import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sklearn_audio._atomic import written_whole
from sklearn_audio.downloads import ManualDownload, check_hash, scratch_folder
from sklearn_audio.downloads import download as download_file
from sklearn_audio.exceptions import AudioReadError


@dataclass(frozen=True)
class Archive:
    """A tar archive at a public URL; `members` is a `PurePath.match` pattern of the files to unpack.

    They are unpacked into one folder unless `keeps_folders`.
    """

    url: str
    sha256: str
    name: str
    members: str
    keeps_folders: bool = False


def unpack_archive(archive: Archive, home: Path, folder: Path, *, download: bool, verbose: int) -> None:
    """Unpack an archive into `folder`, atomically.

    An archive that the user placed in `home` is used and kept; otherwise it is downloaded and deleted after unpacking.
    """
    by_hand = home / archive.name
    advice = ManualDownload(by_hand, expected=archive.sha256)
    if not by_hand.is_file() and not download:
        raise AudioReadError(f"{archive.url} has not been downloaded, and download_if_missing=False. {advice}")
    with scratch_folder(home, "unpacking", failure=AudioReadError) as scratch:
        file = by_hand
        if not by_hand.is_file():
            file = scratch / archive.name
            download_file(archive.url, file, advice, failure=AudioReadError, verbose=verbose)
        check_hash(file, str(by_hand) if file == by_hand else archive.url, advice, failure=AudioReadError)
        with written_whole(folder, folder=scratch) as unpacked:
            unpacked.mkdir()
            _unpack(archive, file, unpacked)


def _unpack(archive: Archive, file: Path, folder: Path) -> None:
    with tarfile.open(file) as tar:
        for member in tar:
            # only regular files below the folder: an archive must not write outside it
            name = PurePosixPath(member.name)
            parts = name.parts if archive.keeps_folders else name.parts[-1:]
            is_member = member.isfile() and name.match(archive.members) and not name.is_absolute() and ".." not in parts
            content = tar.extractfile(member) if is_member else None
            if content is not None:
                place = folder.joinpath(*parts)
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("wb") as target:
                    shutil.copyfileobj(content, target)
