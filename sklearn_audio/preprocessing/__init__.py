"""Transformers from recordings to waveforms, frames and statistics of frames."""

from sklearn_audio.preprocessing._acoustic import AcousticFeatures
from sklearn_audio.preprocessing._block_scaler import BlockScaler
from sklearn_audio.preprocessing._loader import AudioLoader
from sklearn_audio.preprocessing._mel import MelSpectrogramTransformer
from sklearn_audio.preprocessing._mfcc import MFCCTransformer
from sklearn_audio.preprocessing._pooling import SequencePooling
from sklearn_audio.preprocessing._spectrogram import SpectrogramTransformer

__all__ = [
    "AcousticFeatures",
    "AudioLoader",
    "BlockScaler",
    "MFCCTransformer",
    "MelSpectrogramTransformer",
    "SequencePooling",
    "SpectrogramTransformer",
]
