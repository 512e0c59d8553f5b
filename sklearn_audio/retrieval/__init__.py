"""Search in collections of recordings: the nearest clips or windows to a query, and near duplicates."""

from sklearn_audio.retrieval._index import AudioIndex

__all__ = ["AudioIndex"]
