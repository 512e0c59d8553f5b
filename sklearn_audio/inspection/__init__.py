"""Views into fitted estimators: the layers of their networks, and their scores along recordings."""

from sklearn_audio.inspection._network import NetworkEmbedder
from sklearn_audio.inspection._robustness import robustness_table
from sklearn_audio.inspection._segments import iter_segments, predict_segments

__all__ = ["NetworkEmbedder", "iter_segments", "predict_segments", "robustness_table"]
