"""Recordings in a folder, found by file extension."""

from __future__ import annotations

import os
from pathlib import Path

from sklearn_audio._paths import local_path

_SNDFILE = "wav wave flac ogg oga opus mp3 mp2 mpga aif aiff aifc au snd caf w64 rf64 voc sph nist"
_FFMPEG = "m4a m4b mp4 aac webm weba mka wma 3gp amr ac3 ape wv tta dsf"

#: File extensions, in lower case, that `list_clips` accepts as recordings.
AUDIO_EXTENSIONS = frozenset(f".{name}" for name in f"{_SNDFILE} {_FFMPEG}".split())


def list_clips(folder: str | os.PathLike[str], *, recursive: bool = True) -> list[Path]:
    """List the recordings in a folder.

    Hidden files and folders (names that start with a dot) are skipped. Links to folders are followed unless they form
    a loop.

    Parameters
    ----------
    folder : str or PathLike
        The folder.
    recursive : bool, default=True
        Whether to search subfolders.

    Returns
    -------
    list of pathlib.Path
        The files whose extension, in any case, is in `AUDIO_EXTENSIONS`, sorted by path; each path starts with
        `folder`.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    NotADirectoryError
        If it is a file.
    ValueError
        If it contains no recording.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from sklearn_audio.files import list_clips
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.WAV", "a.flac", "notes.txt", ".hidden.wav"):
    ...         pathlib.Path(folder, name).touch()
    ...     [clip.name for clip in list_clips(folder)]
    ['a.flac', 'b.WAV']
    """
    folder = Path(local_path(folder))
    if not folder.exists():
        raise FileNotFoundError(f"there is no folder '{folder}'; check the path.")
    if not folder.is_dir():
        raise NotADirectoryError(f"'{folder}' is a file, not a folder; give the folder that holds it.")
    clips = sorted(_walk(folder, recursive, frozenset([os.path.realpath(folder)])))
    if not clips:
        known = ", ".join(sorted(AUDIO_EXTENSIONS))
        raise ValueError(f"the folder '{folder}' holds no recordings; their names must end in one of {known}.")
    return clips


def _walk(folder: Path, recursive: bool, above: frozenset[str]) -> list[Path]:
    clips = []
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            real = os.path.realpath(path)
            if recursive and real not in above:
                clips += _walk(path, recursive, above | {real})
        elif path.suffix.lower() in AUDIO_EXTENSIONS:
            clips.append(path)
    return clips
