"""A link, as Ogg calls each of several recordings in one file: its bytes, and the length that its header states."""

from __future__ import annotations

from typing import NamedTuple

from sklearn_audio.files._views import Pieces

__all__ = ["MAGICS", "Link"]

# How the containers of recordings begin that may follow each other in one file.
MAGICS = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"caff", b"riff", b".snd", b"dns.", b"NIST", b"fLaC", b"OggS")


class Link(NamedTuple):
    """The bytes of one recording within a file, which mostly holds only one.

    Attributes
    ----------
    stop : int
        Where it ends; another may follow.
    pieces : Pieces or None
        What a decoder is given; None gives the bytes as they are.
    n_timepoints : int or None
        If given, the bytes are tried as they are first: the pieces are needed only where a decoder takes them for
        fewer timepoints.
    promised : int or None
        Length in timepoints by the header, where that is not what decoders go by.
    flaw : str
        How the bytes fall short of what the header says, such as "it is cut short".
    surplus : str
        How the bytes go beyond what the header says, where it is not certain that they are sound.
    is_mpeg : bool
        Whether it consists of MPEG frames.
    is_estimate : bool
        Whether the length that a decoder finds in the pieces is an estimate.
    """

    stop: int
    pieces: Pieces | None = None
    n_timepoints: int | None = None
    promised: int | None = None
    flaw: str = ""
    surplus: str = ""
    is_mpeg: bool = False
    is_estimate: bool = False
