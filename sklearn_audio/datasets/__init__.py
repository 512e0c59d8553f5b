"""Loaders of recordings and labels: class folders, tables, published data sets, and synthetic sounds."""

from sklearn_audio.datasets._audioset import load_audioset, shared_videos, split_audioset
from sklearn_audio.datasets._audioset_ontology import AudioSetOntology, read_audioset_ontology
from sklearn_audio.datasets._audioset_tables import read_audioset_labels, read_audioset_segments
from sklearn_audio.datasets._audioset_targets import audioset_targets
from sklearn_audio.datasets._digits import fetch_spoken_digits
from sklearn_audio.datasets._esc import load_esc50
from sklearn_audio.datasets._folder import load_audio_folder
from sklearn_audio.datasets._gtzan import load_gtzan
from sklearn_audio.datasets._speech_commands import fetch_speech_commands, load_speech_commands
from sklearn_audio.datasets._summary import summarize_clips
from sklearn_audio.datasets._synthetic import make_sound_events, write_sound_events
from sklearn_audio.datasets._table import load_audio_table
from sklearn_audio.datasets._tut_scenes import load_tut_scenes_2017
from sklearn_audio.datasets._urbansound import load_urbansound8k

__all__ = [
    "AudioSetOntology",
    "audioset_targets",
    "fetch_speech_commands",
    "fetch_spoken_digits",
    "load_audio_folder",
    "load_audio_table",
    "load_audioset",
    "load_esc50",
    "load_gtzan",
    "load_speech_commands",
    "load_tut_scenes_2017",
    "load_urbansound8k",
    "make_sound_events",
    "read_audioset_labels",
    "read_audioset_ontology",
    "read_audioset_segments",
    "shared_videos",
    "split_audioset",
    "summarize_clips",
    "write_sound_events",
]
