"""Plots with matplotlib."""

from sklearn_audio.display._events import EventDisplay
from sklearn_audio.display._few_shot import FewShotDisplay
from sklearn_audio.display._precision_recall import PrecisionRecallPerLabelDisplay
from sklearn_audio.display._robustness import RobustnessDisplay
from sklearn_audio.display._spectrogram import SpectrogramDisplay
from sklearn_audio.display._tokens import TokenDisplay

__all__ = [
    "EventDisplay",
    "FewShotDisplay",
    "PrecisionRecallPerLabelDisplay",
    "RobustnessDisplay",
    "SpectrogramDisplay",
    "TokenDisplay",
]
