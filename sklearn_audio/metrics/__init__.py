"""Metrics of audio tagging and sound event detection."""

from sklearn_audio.metrics._event_curves import event_precision_recall_curve
from sklearn_audio.metrics._event_reports import event_report, segment_report
from sklearn_audio.metrics._events import event_f1, segment_f1
from sklearn_audio.metrics._grid import grid_accuracy, grid_labels
from sklearn_audio.metrics._psds import psds
from sklearn_audio.metrics._scorers import d_prime_scorer, lwlrap_scorer, mean_average_precision_scorer
from sklearn_audio.metrics._tagging import d_prime, lwlrap, mean_average_precision

__all__ = [
    "d_prime",
    "d_prime_scorer",
    "event_f1",
    "event_precision_recall_curve",
    "event_report",
    "grid_accuracy",
    "grid_labels",
    "lwlrap",
    "lwlrap_scorer",
    "mean_average_precision",
    "mean_average_precision_scorer",
    "psds",
    "segment_f1",
    "segment_report",
]
