"""Ten small recordings in ten containers, and seeded damage to them."""

from __future__ import annotations

import io
import random
from functools import cache

import av
import numpy as np
import soundfile

__all__ = ["CONTAINERS", "damaged", "recording"]

RATE = 16000
# name -> format and subtype of libsndfile, or container and codec of FFmpeg
CONTAINERS: dict[str, tuple[str, str]] = {
    "wav": ("WAV", "FLOAT"),
    "aiff": ("AIFF", "PCM_16"),
    "caf": ("CAF", "ALAC_16"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "m4a": ("mp4", "aac"),
    "mka": ("matroska", "pcm_s16le"),
    "wma": ("asf", "wmav2"),
}
_HEADER_BYTES = 600
_EXTREMES = (0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@cache
def recording(name: str) -> bytes:
    """Half a second of stereo noise."""
    format, codec = CONTAINERS[name]
    samples = np.random.default_rng(0).uniform(-0.3, 0.3, (RATE // 2, 2)).astype(np.float32)
    file = io.BytesIO()
    if format.isupper():
        soundfile.write(file, samples, RATE, format=format, subtype=codec)
    else:
        _write_by_ffmpeg(file, samples, format, codec)
    return file.getvalue()


def _write_by_ffmpeg(file: io.BytesIO, samples: np.ndarray, container: str, codec: str) -> None:
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=RATE, layout="stereo")
        stream.bit_rate = 48000
        planar = stream.codec_context.format.name == "fltp"
        for first in range(0, len(samples), 1024):
            part = samples[first : first + 1024]
            values = part.T.copy() if planar else (part * 2**15).astype(np.int16).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(values, format="fltp" if planar else "s16", layout="stereo")
            frame.sample_rate, frame.pts = RATE, first
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def damaged(seed: int, index: int) -> tuple[str, bytes]:
    """The container and the bytes of one mutation, the same for the same seed and index on every machine."""
    rng = random.Random(f"{seed}/{index}")
    name = list(CONTAINERS)[index % len(CONTAINERS)]
    data = bytearray(recording(name))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if data:
            rng.choice(_KINDS)(data, rng)
    return name, bytes(data)


def _place(data: bytearray, rng: random.Random) -> int:
    """Somewhere, and every other time in the header."""
    return rng.randrange(min(_HEADER_BYTES, len(data)) if rng.random() < 0.5 else len(data))


def _stretch(data: bytearray, rng: random.Random) -> slice:
    start = _place(data, rng)
    return slice(start, start + rng.choice([1, 4, 32, 500, 5000]))


def _flip(data: bytearray, rng: random.Random) -> None:
    data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _set(data: bytearray, rng: random.Random) -> None:
    data[_place(data, rng)] = rng.choice([0, 0x7F, 0x80, 0xFF, rng.randrange(256)])


def _set_number(data: bytearray, rng: random.Random) -> None:
    at, n_bytes = _place(data, rng), rng.choice([2, 4, 8])
    number = rng.choice(_EXTREMES) % (1 << 8 * n_bytes)
    data[at : at + n_bytes] = number.to_bytes(n_bytes, rng.choice(["little", "big"]))


def _cut_off(data: bytearray, rng: random.Random) -> None:
    del data[_place(data, rng) :]


def _cut_out(data: bytearray, rng: random.Random) -> None:
    del data[_stretch(data, rng)]


def _repeat(data: bytearray, rng: random.Random) -> None:
    where = _stretch(data, rng)
    data[where.start : where.start] = data[where]


def _erase(data: bytearray, rng: random.Random) -> None:
    where = _stretch(data, rng)
    data[where] = bytes([rng.choice([0, 0xFF])]) * len(data[where])


def _scramble(data: bytearray, rng: random.Random) -> None:
    where = _stretch(data, rng)
    data[where] = rng.randbytes(len(data[where]))


def _append(data: bytearray, rng: random.Random) -> None:
    data += rng.choice([bytes(data), recording(rng.choice(list(CONTAINERS))), rng.randbytes(300)])


def _begin_late(data: bytearray, rng: random.Random) -> None:
    data[:0] = rng.choice([b"\0" * 100, rng.randbytes(50), b"ID3\x04\0\0\0\0\0\x10"])


_KINDS = (_flip, _flip, _set, _set, _set_number, _cut_off, _cut_out, _repeat, _erase, _scramble, _append, _begin_late)
