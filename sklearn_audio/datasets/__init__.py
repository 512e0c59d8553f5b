"""Recordings and their labels: folders, tables, a real data set to download, a synthetic one, and AudioSet's files."""

from sklearn_audio.datasets._audioset import load_audioset
from sklearn_audio.datasets._audioset_ontology import AudioSetOntology, read_audioset_ontology
from sklearn_audio.datasets._audioset_splits import shared_videos, split_audioset
from sklearn_audio.datasets._audioset_tables import read_audioset_labels, read_audioset_segments
from sklearn_audio.datasets._audioset_targets import audioset_targets
from sklearn_audio.datasets._digits import fetch_spoken_digits
from sklearn_audio.datasets._folder import load_audio_folder
from sklearn_audio.datasets._summary import summarize_clips
from sklearn_audio.datasets._synthetic import make_sound_events, write_sound_events
from sklearn_audio.datasets._table import load_audio_table

__all__ = [
    "AudioSetOntology",
    "audioset_targets",
    "fetch_spoken_digits",
    "load_audio_folder",
    "load_audio_table",
    "load_audioset",
    "make_sound_events",
    "read_audioset_labels",
    "read_audioset_ontology",
    "read_audioset_segments",
    "shared_videos",
    "split_audioset",
    "summarize_clips",
    "write_sound_events",
]
