"""Recognises a file by its first bytes: as a container for FFmpeg, or as something other than a recording."""

from __future__ import annotations

from typing import NamedTuple

HEAD_BYTES = 4096


class Container(NamedTuple):
    """A container that FFmpeg reads: its title, and FFmpeg's name for it (None: FFmpeg probes)."""

    title: str
    demuxer: str | None


# (offset, bytes) -> container. None of these is read by libsndfile.
_CONTAINERS: tuple[tuple[int, bytes, Container], ...] = (
    (4, b"ftyp", Container("MP4 (M4A, AAC, ALAC)", "mov")),
    (4, b"moov", Container("QuickTime", "mov")),
    (0, b"\x1aE\xdf\xa3", Container("WebM (Matroska)", "matroska")),
    (0, b"0&\xb2u\x8ef\xcf\x11", Container("WMA (ASF)", "asf")),
    (28, b"\x7fFLAC", Container("FLAC in Ogg", "ogg")),
    (28, b"Speex   ", Container("Speex in Ogg", "ogg")),
    (28, b"\x80theora", Container("Ogg with video", "ogg")),
    (0, b"#!AMR", Container("AMR", "amr")),
    (0, b"\x0bw", Container("AC-3", "ac3")),
    (0, b"MAC ", Container("Monkey's Audio", "ape")),
    (0, b"wvpk", Container("WavPack", "wv")),
    (0, b"TTA1", Container("True Audio", "tta")),
    (0, b"MPCK", Container("Musepack", "mpc8")),
    (0, b"MP+", Container("Musepack", "mpc")),
    (0, b"DSD ", Container("DSD", "dsf")),
    (0, b"FLV\x01", Container("Flash video", "flv")),
    (8, b"AVI ", Container("AVI", "avi")),
    (0, b".RMF", Container("RealMedia", "rm")),
)

_AGAIN = "download or record it again"
_UNPACK = "unpack it and give the recordings inside"
_NO_AUDIO = "give a recording"

# (offset, bytes) -> reason, advice.
_IMPOSTORS: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"version https://git-lfs", "it is a Git LFS pointer instead of the recording", "fetch it with: git lfs pull"),
    (0, b"PK\x03\x04", "it is a zip archive", _UNPACK),
    (0, b"PK\x05\x06", "it is an empty zip archive", _AGAIN),
    (0, b"\x1f\x8b", "it is gzip-compressed", _UNPACK),
    (0, b"BZh", "it is bzip2-compressed", _UNPACK),
    (0, b"\xfd7zXZ", "it is xz-compressed", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "it is a 7z archive", _UNPACK),
    (0, b"Rar!", "it is a rar archive", _UNPACK),
    (257, b"ustar", "it is a tar archive", _UNPACK),
    (0, b"%PDF", "it is a PDF document", _NO_AUDIO),
    (0, b"\x89PNG", "it is a PNG image", _NO_AUDIO),
    (0, b"\xff\xd8\xff", "it is a JPEG image", _NO_AUDIO),
    (0, b"GIF8", "it is a GIF image", _NO_AUDIO),
    (0, b"MThd", "it is a MIDI file, which holds notes and no sound", "render it to audio first"),
    (0, b"\x93NUMPY", "it is a NumPy array", "load it with numpy.load and give (array, sample_rate)"),
)

# Containers that FFmpeg may probe for. Playlists, images, text and raw samples are excluded: FFmpeg would open the
# files that a playlist names, and accept any bytes as raw samples.
PROBED_DEMUXERS = (
    "aac,ac3,act,adx,aea,aiff,amr,ape,asf,au,avi,avr,bonk,caf,dsf,dss,dts,dtshd,eac3,flac,flv,gxf,hcom,"
    "iff,ircam,loas,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,msf,mxf,nistsphere,nut,ogg,oma,osq,paf,pvf,"
    "qcp,qoa,rka,rm,rso,sds,shn,sox,swf,tak,truehd,tta,voc,vqf,w64,wav,wsd,wtv,wv,xa,xwma"
)

# Formats that libsndfile knows, so that its own error is more specific than "not recognised".
_AUDIO_MAGICS = (b"RIFF", b"RIFX", b"RF64", b"FORM", b"fLaC", b"OggS", b".snd", b"caff", b"riff", b"ID3")


def tag_bytes(head: bytes) -> int:
    """Length of the ID3v2 tag at the start of a file, with its footer (its size has 4 x 7 bits); 0 without a tag."""
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    length = 0
    for byte in head[6:10]:
        length = length << 7 | byte & 0x7F
    return 10 + length + (10 if head[5] & 0x10 else 0)


def container_of(head: bytes) -> Container | None:
    """Recognise a container that only FFmpeg reads."""
    for offset, magic, container in _CONTAINERS:
        if head.startswith(magic, offset):
            return container
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:  # sync word with layer 0
        return Container("AAC (ADTS)", "aac")
    return None


def is_cut_mpeg(head: bytes) -> bool:
    """Whether an MPEG stream ends before its second frame."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0 or not head[1] & 0x06:
        return False
    same_stream = (head[1] & 0xFE, head[2] & 0x0C)  # version and layer, sample rate
    at = head.find(b"\xff", 4)
    while at != -1 and at + 2 < len(head):
        if (head[at + 1] & 0xFE, head[at + 2] & 0x0C) == same_stream:
            return False
        at = head.find(b"\xff", at + 1)
    return len(head) < HEAD_BYTES


def impostor_of(head: bytes) -> tuple[str, str] | None:
    """Recognise a file that is not a recording: reason and advice."""
    for offset, magic, reason, advice in _IMPOSTORS:
        if head.startswith(magic, offset):
            return reason, advice
    if head.startswith(_AUDIO_MAGICS):
        return None
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "it is an HTML page, probably a saved error page", "download the recording again"
    if _is_text(head):
        return "it is text", _NO_AUDIO
    return None


def may_hold_mpeg(head: bytes) -> bool:
    """Whether MPEG frames may follow: the bytes are an ID3 tag or belong to no known container."""
    return head[:3] == b"ID3" or not head.startswith((*_AUDIO_MAGICS, b"Creative Voice File", b"G@", b"GA"))


def explain(head: bytes, complaint: str) -> tuple[str, str]:
    """Reason and advice for a possible recording that could not be opened."""
    if head.startswith(_AUDIO_MAGICS) or head[:1] == b"\xff":
        return f"libsndfile says: {complaint.rstrip('.')}", "the file is damaged or of an unknown codec, so replace it"
    return "its bytes are no recording in a known format", "check that it is complete and not encrypted"


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")  # the head may end within a character
    return all(character.isprintable() or character.isspace() for character in text)
