"""Sound events in recordings of a minute and more: the tags of a small pretrained network, window by window.

    python benchmarks/scenes.py FOLDER     # default: $SKLEARN_AUDIO_DATA, else ../shared/data

FOLDER holds scenes/events.csv with its recordings, and the weights weights/mn04_as_mAP_432.pt. Nothing is trained; one
threshold holds for all labels.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pandas as pd

from sklearn_audio import AudioTagger
from sklearn_audio.metrics import event_f1, segment_f1

_DEFAULT = Path(__file__).parents[2] / "shared" / "data"
# the labels of the recordings -> those of AudioSet
LABELS = {
    "person_sneeze": "Sneeze",
    "clock_tick": "Tick",
    "chainsaw": "Chainsaw",
    "speech": "Speech",
    "rooster": "Chicken, rooster",
    "dog_bark": "Dog",
    "music": "Music",
    "baby_cry": "Baby cry, infant cry",
}


def reference(folder: Path) -> tuple[list[str], pd.DataFrame]:
    """Recordings, and their events in AudioSet's words."""
    table = pd.read_csv(folder / "scenes" / "events.csv")
    files = sorted(table["file"].unique())
    events = pd.DataFrame(
        {
            "clip": table["file"].map(files.index),
            "start": table["onset"],
            "end": table["offset"],
            "label": table["label"].map(LABELS),
        }
    )
    return [str(folder / "scenes" / file) for file in files], events


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SKLEARN_AUDIO_DATA", _DEFAULT))
    recordings, events = reference(folder)
    print(f"{len(recordings)} recordings, {len(events)} events of {events['label'].nunique()} labels")
    print("window  threshold  segment F1  onset F1  event F1")
    with tempfile.TemporaryDirectory() as cache:
        for window in (1.0, 2.0, 3.0):
            tagger = AudioTagger(
                "efficientat_mn04_as",
                weights=folder / "weights" / "mn04_as_mAP_432.pt",
                window=window,
                hop=0.2,
                cache=cache,
            )
            for threshold in (0.05, 0.1, 0.2, 0.3, 0.5):
                found = tagger.events(
                    recordings,
                    dict.fromkeys(LABELS.values(), threshold),
                    median=0.6,
                    min_duration=0.2,
                    merge_gap=0.4,
                )
                print(
                    f"{window:4.1f} s  {threshold:9.2f}  {segment_f1(events, found):10.3f}"
                    f"  {event_f1(events, found, collar=0.5, end_share=None):8.3f}"
                    f"  {event_f1(events, found, collar=0.5, end_share=0.5):8.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
