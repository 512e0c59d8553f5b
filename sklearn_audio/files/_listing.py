"""The recordings in a folder, by the extension of their names."""

from __future__ import annotations

import os
from pathlib import Path

from sklearn_audio._paths import local_path

__all__ = ["AUDIO_EXTENSIONS", "list_clips"]

_SNDFILE = "wav wave flac ogg oga opus mp3 mp2 mpga aif aiff aifc au snd caf w64 rf64 voc sph nist"
_FFMPEG = "m4a m4b mp4 aac webm weba mka wma 3gp amr ac3 ape wv tta dsf"

#: Extensions, in lower case, of the files that `list_clips` takes for recordings.
AUDIO_EXTENSIONS = frozenset(f".{name}" for name in f"{_SNDFILE} {_FFMPEG}".split())


def list_clips(folder: str | os.PathLike[str], *, recursive: bool = True) -> list[Path]:
    """List the recordings in a folder.

    Hidden files and folders (whose names start with a dot) are left out; links to folders are followed, except into
    a folder that holds them.

    Parameters
    ----------
    folder : str or PathLike
        The folder.
    recursive : bool, default=True
        Whether to look into the folders within it.

    Returns
    -------
    list of pathlib.Path
        The recordings whose extension is in `AUDIO_EXTENSIONS` in whatever case, sorted by path; each starts with
        `folder`.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    NotADirectoryError
        If it is a file.
    ValueError
        If it holds no recording.

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
