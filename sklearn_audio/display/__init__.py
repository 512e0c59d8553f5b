"""Plots with matplotlib."""

from sklearn_audio.display._few_shot import FewShotDisplay
from sklearn_audio.display._tokens import TokenDisplay

__all__ = ["FewShotDisplay", "TokenDisplay"]
