"""Recordings and their labels: folders, tables, a real data set to download and a synthetic one."""

from sklearn_audio.datasets._digits import fetch_spoken_digits
from sklearn_audio.datasets._folder import load_audio_folder
from sklearn_audio.datasets._summary import summarize_clips
from sklearn_audio.datasets._synthetic import make_sound_events, write_sound_events
from sklearn_audio.datasets._table import load_audio_table

__all__ = [
    "fetch_spoken_digits",
    "load_audio_folder",
    "load_audio_table",
    "make_sound_events",
    "summarize_clips",
    "write_sound_events",
]
