"""File stamps: what changes when a file does, without reading it."""

from __future__ import annotations

import os

__all__ = ["Stamp", "stamp_of"]

# Path without symbolic links, size, time of modification, inode, time of change of the inode.
Stamp = tuple[str, int, int, int, int]


def stamp_of(file: str | os.PathLike[str]) -> Stamp:
    """Describe a file so that the description changes when the file does, without reading it.

    The real path tells a symbolic link that was turned. The inode tells a file that was replaced by renaming another
    over it. The time of change, which programs cannot set, tells one whose time of modification was put back.
    """
    status = os.stat(file)
    return os.path.realpath(file), status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns
