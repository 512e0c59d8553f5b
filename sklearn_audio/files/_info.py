"""Properties of a recording, read without decoding it."""

from __future__ import annotations

from typing import NamedTuple

from sklearn_audio.files._decoding import open_decoder
from sklearn_audio.files._sources import Source, open_source

# No codec compresses more; a header that claims more is wrong.
_MAX_SECONDS_PER_BYTE = 1


class AudioInfo(NamedTuple):
    """Properties of a recording according to its header.

    Attributes
    ----------
    sample_rate : int
        Hz.
    n_channels : int
        Number of channels.
    n_timepoints : int
        Values per channel.
    format : str
        Name of the format, such as "WAV" or "FLAC".
    is_exact : bool, default=True
        Whether reading returns exactly `n_timepoints`. It is an estimate for files read by FFmpeg and for Ogg files
        that are cut off.

    Examples
    --------
    >>> from sklearn_audio.files import AudioInfo
    >>> info = AudioInfo(
    ...     sample_rate=16000, n_channels=1, n_timepoints=8000, format="WAV"
    ... )
    >>> info.n_timepoints / info.sample_rate
    0.5
    """

    sample_rate: int
    n_channels: int
    n_timepoints: int
    format: str
    is_exact: bool = True


def audio_info(source: Source, *, row: int | None = None) -> AudioInfo:
    """Return the properties of a recording from its header, checked against its bytes; nothing is decoded.

    Parameters
    ----------
    source : str, PathLike, bytes-like or binary file object
        The recording.
    row : int, default=None
        Row of X, named in messages.

    Returns
    -------
    AudioInfo
        Rate, channels, length and format. The length counts the samples that are present, whatever the header says;
        0 if it is unknown without decoding.

    Raises
    ------
    AudioReadError
        If it cannot be read.
    TypeError
        If the source is none of these types.

    Examples
    --------
    >>> import io, numpy as np, soundfile
    >>> from sklearn_audio.files import audio_info
    >>> file = io.BytesIO()
    >>> soundfile.write(file, np.zeros((8000, 2)), 16000, format="WAV")
    >>> audio_info(file)
    AudioInfo(sample_rate=16000, n_channels=2, n_timepoints=8000, format='WAV', is_exact=True)
    """
    opened = open_source(source, row)
    decoder = open_decoder(opened)
    try:
        n_timepoints = decoder.n_timepoints or 0
        if n_timepoints > opened.n_bytes * decoder.sample_rate * _MAX_SECONDS_PER_BYTE:
            n_timepoints = 0
        is_exact = decoder.length_is_exact and n_timepoints == decoder.n_timepoints
        return AudioInfo(decoder.sample_rate, decoder.n_channels, n_timepoints, decoder.format, is_exact)
    finally:
        decoder.close()
