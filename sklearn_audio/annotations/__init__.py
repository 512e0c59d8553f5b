"""Annotations of recordings: the usual file formats, read into and written from one table.

The table has a row per event, with the columns ``path``, ``start``, ``end`` (seconds) and ``label``, followed by
further columns. `sklearn_audio.metrics` and `sklearn_audio.datasets.load_audio_table` take the same table.
"""

from sklearn_audio.annotations._check import check
from sklearn_audio.annotations._read import read
from sklearn_audio.annotations._tables import to_segments
from sklearn_audio.annotations._write import write

__all__ = ["check", "read", "to_segments", "write"]
