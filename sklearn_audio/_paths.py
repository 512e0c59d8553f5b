"""Paths as users write them: a leading ``~`` is the home folder, wherever a path comes in."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["local_path", "new_folder"]


def local_path(path: str | bytes | os.PathLike[str]) -> str:
    """Expand a leading ``~`` or ``~user``; that of an unknown user stays, and is then reported as missing.

    Parameters
    ----------
    path : str, bytes or path
        As the user gave it.

    Returns
    -------
    str
        The same path, expanded as a shell expands it.

    Examples
    --------
    >>> import os
    >>> from sklearn_audio._paths import local_path
    >>> local_path("~/dog.wav") == os.path.join(os.path.expanduser("~"), "dog.wav")
    True
    >>> local_path("clips/~dog.wav")
    'clips/~dog.wav'
    """
    text = os.fsdecode(path)
    return os.path.expanduser(text) if text.startswith("~") else text


def new_folder(path: str | os.PathLike[str], name: str) -> Path:
    """Expand the path of a folder that will be made, and refuse the home folder of an unknown user.

    Parameters
    ----------
    path : str or path
        As the user gave it.
    name : str
        Of the parameter or the variable, for the error.

    Returns
    -------
    Path
        Where the folder goes.

    Raises
    ------
    ValueError
        If the path begins with "~" and a name that is no user's: a folder of that very name would be made.

    Examples
    --------
    >>> from sklearn_audio._paths import new_folder
    >>> new_folder("results/cache", "cache").name
    'cache'
    """
    folder = local_path(path)
    if folder.startswith("~"):
        raise ValueError(
            f"{name}={os.fspath(path)!r}: there is no home folder of that user. Give the path of a folder."
        )
    return Path(folder)
