"""File stamps, which change when a file changes, without reading it."""

from __future__ import annotations

import os

# Path without symbolic links, size, time of modification, inode, time of change of the inode.
Stamp = tuple[str, int, int, int, int]


def stamp_of(file: str | os.PathLike[str]) -> Stamp:
    """Return a stamp that changes when the file does.

    The real path detects a redirected symbolic link, the inode a file replaced by renaming, and the change time, which
    programs cannot set, a file whose modification time was restored.
    """
    status = os.stat(file)
    return os.path.realpath(file), status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns
