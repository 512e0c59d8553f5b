"""The labels that the published networks score, in the order of their outputs."""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

__all__ = ["audioset_labels", "magnatagatune_labels", "million_song_labels", "yamnet_labels"]

# spelled as published: the most frequent Last.fm tags of the Million Song Dataset
_MILLION_SONG = """
rock, pop, alternative, indie, electronic, female vocalists, dance, 00s, alternative rock, jazz, beautiful, metal,
chillout, male vocalists, classic rock, soul, indie rock, Mellow, electronica, 80s, folk, 90s, chill, instrumental,
punk, oldies, blues, hard rock, ambient, acoustic, experimental, female vocalist, guitar, Hip-Hop, 70s, party, country,
easy listening, sexy, catchy, funk, electro, heavy metal, Progressive rock, 60s, rnb, indie pop, sad, House, happy
"""
# the labels of AudioSet that YAMNet leaves out
_NOT_OF_YAMNET = (
    *("Male speech, man speaking", "Female speech, woman speaking", "Male singing", "Female singing"),
    *("Battle cry", "Funny music"),
)
_MAGNATAGATUNE = """
guitar, classical, slow, techno, strings, drums, electronic, rock, fast, piano, ambient, beat, violin, vocal, synth,
female, indian, opera, male, singing, vocals, no vocals, harpsichord, loud, quiet, flute, woman, male vocal, no vocal,
pop, soft, sitar, solo, man, classic, choir, voice, new age, dance, male voice, female vocal, beats, harp, cello,
no voice, weird, country, metal, female voice, choral
"""


@lru_cache(maxsize=1)
def audioset_labels() -> NDArray[np.str_]:
    """Return the display names of AudioSet's 527 labels, in the order of the published networks.

    Shapes: -> (527,).
    """
    text = (files("sklearn_audio.engine.models") / "audioset_labels.csv").read_text(encoding="utf-8")
    return _read_only([row["display_name"] for row in csv.DictReader(text.splitlines())])


@lru_cache(maxsize=1)
def yamnet_labels() -> NDArray[np.str_]:
    """Return the display names of the 521 labels of AudioSet that YAMNet scores.

    Shapes: -> (521,).
    """
    return _read_only([name for name in audioset_labels().tolist() if name not in _NOT_OF_YAMNET])


@lru_cache(maxsize=1)
def million_song_labels() -> NDArray[np.str_]:
    """Return the 50 tags of the networks trained on the Million Song Dataset.

    Shapes: -> (50,).
    """
    return _read_only(_split(_MILLION_SONG))


@lru_cache(maxsize=1)
def magnatagatune_labels() -> NDArray[np.str_]:
    """Return the 50 tags of the networks trained on MagnaTagATune.

    Shapes: -> (50,).
    """
    return _read_only(_split(_MAGNATAGATUNE))


def _split(tags: str) -> list[str]:
    return [tag.strip() for tag in tags.replace("\n", " ").split(",")]


def _read_only(labels: list[str]) -> NDArray[np.str_]:
    names = np.array(labels)
    names.flags.writeable = False
    return names
