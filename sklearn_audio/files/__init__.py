"""Recordings become waveforms: decoding, seeking, mixing to one channel, resampling, and finding the files.

Everything that libsndfile reads (WAV, FLAC, Ogg Vorbis, Opus, MP3, AIFF, AU, CAF, W64 and more) is read through
soundfile. What libsndfile refuses (M4A, AAC, WebM, WMA, FLAC in Ogg, WAV of G.722 and more) is read through PyAV where
the extra ``ffmpeg`` is installed. Rates are converted by soxr at its high quality, whichever decoder was used.
"""

from sklearn_audio.files._info import AudioInfo, audio_info
from sklearn_audio.files._listing import AUDIO_EXTENSIONS, list_clips
from sklearn_audio.files._mix import MonoMix
from sklearn_audio.files._resample import MAX_RATE, MIN_RATE, RATES, Resampler, is_rate, resample
from sklearn_audio.files._sources import Source, backslash_hint
from sklearn_audio.files._stream import AudioStream, open_audio, read_audio

__all__ = [
    "AUDIO_EXTENSIONS",
    "MAX_RATE",
    "MIN_RATE",
    "RATES",
    "AudioInfo",
    "AudioStream",
    "MonoMix",
    "Resampler",
    "Source",
    "audio_info",
    "backslash_hint",
    "is_rate",
    "list_clips",
    "open_audio",
    "read_audio",
    "resample",
]
