"""Scores of audio tagging and of sound event detection."""

from sklearn_audio.metrics._events import event_f1, segment_f1
from sklearn_audio.metrics._tagging import d_prime, lwlrap, mean_average_precision

__all__ = ["d_prime", "event_f1", "lwlrap", "mean_average_precision", "segment_f1"]
