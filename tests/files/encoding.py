"""Recordings made by code: by libsndfile and by FFmpeg."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import soundfile


def encode_sndfile(samples: np.ndarray, rate: int, *, format: str, subtype: str | None = None, **options) -> bytes:
    """Samples of shape (n_timepoints, n_channels) in a format of libsndfile."""
    file = io.BytesIO()
    n_channels = samples.shape[1]
    with soundfile.SoundFile(file, "w", rate, n_channels, format=format, subtype=subtype, **options) as out:
        for first in range(0, len(samples), 20000):  # libvorbis overflows its stack on long writes
            out.write(samples[first : first + 20000])
    return file.getvalue()


def encode_av(samples: np.ndarray, rate: int, *, container: str, codec: str, **options: str) -> bytes:
    """Samples of shape (n_channels, n_timepoints) in a container of FFmpeg."""
    import av

    file = io.BytesIO()
    layout = {1: "mono", 2: "stereo"}[len(samples)]
    with av.open(file, "w", format=container, options=options) as out:
        stream = out.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = 64000
        resampler = av.AudioResampler(stream.codec_context.format.name, layout, rate)
        fifo = av.AudioFifo()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples, dtype=np.float32), "fltp", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for converted in resampler.resample(frame):
            fifo.write(converted)
        stream.codec_context.open()
        for part in fifo.read_many(stream.codec_context.frame_size or 1024, partial=True):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return file.getvalue()
