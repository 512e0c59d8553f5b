"""The public check suite for estimators that take audio or frames."""

from sklearn_audio.testing._suite import audio_checks, check_audio_estimator

__all__ = ["audio_checks", "check_audio_estimator"]
