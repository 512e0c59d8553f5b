"""Recordings become waveforms: decoding, seeking, mixing to one channel, resampling, and finding the files.

Everything that libsndfile reads (WAV, FLAC, Ogg Vorbis, Opus, MP3, AIFF, AU, CAF, W64 and more) is read through
soundfile. What libsndfile refuses (M4A, AAC, WebM, WMA, FLAC in Ogg, WAV of G.722 and more) is read through PyAV where
the extra ``ffmpeg`` is installed. Rates are converted by soxr at its high quality, whichever decoder was used.
"""

from sklearn_audio.files._info import AudioInfo, audio_info
from sklearn_audio.files._listing import AUDIO_EXTENSIONS, list_clips
from sklearn_audio.files._mix import MonoMix as MonoMix
from sklearn_audio.files._mix import all_finite as all_finite
from sklearn_audio.files._resample import MAX_RATE as MAX_RATE
from sklearn_audio.files._resample import MIN_RATE as MIN_RATE
from sklearn_audio.files._resample import RATES as RATES
from sklearn_audio.files._resample import Resampler, resample
from sklearn_audio.files._resample import is_rate as is_rate
from sklearn_audio.files._sources import Source
from sklearn_audio.files._sources import backslash_hint as backslash_hint
from sklearn_audio.files._stream import AudioStream, open_audio, read_audio

__all__ = [
    "AUDIO_EXTENSIONS",
    "AudioInfo",
    "AudioStream",
    "Resampler",
    "Source",
    "audio_info",
    "list_clips",
    "open_audio",
    "read_audio",
    "resample",
]
