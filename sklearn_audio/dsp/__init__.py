"""Signal processing on torch: framing, windows, mel filterbanks, cepstra and the front ends of published networks.

One implementation serves the transformers, the networks, the CPU and the GPU. Time is always the first axis.
"""

from sklearn_audio.dsp._cepstrum import dct_matrix, deltas, lifter_weights
from sklearn_audio.dsp._cepstrum import with_deltas as with_deltas
from sklearn_audio.dsp._framing import FrameGeometry, FrameStream, reflect_indices
from sklearn_audio.dsp._front_end import FrontEnd, FrontEndModule
from sklearn_audio.dsp._mel import hz_to_mel, mel_filterbank, mel_to_hz
from sklearn_audio.dsp._presets import PRESETS, preset
from sklearn_audio.dsp._short_term import short_term_blocks, short_term_feature_names, short_term_features
from sklearn_audio.dsp._windows import WINDOWS, window

__all__ = [
    "PRESETS",
    "WINDOWS",
    "FrameGeometry",
    "FrameStream",
    "FrontEnd",
    "FrontEndModule",
    "dct_matrix",
    "deltas",
    "hz_to_mel",
    "lifter_weights",
    "mel_filterbank",
    "mel_to_hz",
    "preset",
    "reflect_indices",
    "short_term_blocks",
    "short_term_feature_names",
    "short_term_features",
    "window",
]
