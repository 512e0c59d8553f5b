"""Views into fitted estimators: their scores along recordings."""

from sklearn_audio.inspection._segments import iter_segments, predict_segments

__all__ = ["iter_segments", "predict_segments"]
