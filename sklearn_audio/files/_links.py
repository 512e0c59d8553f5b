"""A link, as Ogg calls each of several recordings in one file: its bytes, and the length that its header states."""

from __future__ import annotations

from typing import NamedTuple

from sklearn_audio.files._views import Pieces

__all__ = ["MAGICS", "Link"]

# How the containers of recordings begin that may follow each other in one file.
MAGICS = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"caff", b"riff", b".snd", b"dns.", b"NIST", b"fLaC", b"OggS")


class Link(NamedTuple):
    """The bytes of one recording within a file, which mostly holds only one."""

    stop: int
    pieces: Pieces | None = None
    n_timepoints: int | None = None
    promised: int | None = None
    flaw: str = ""
    surplus: str = ""
    is_mpeg: bool = False
    is_estimate: bool = False
