"""Sound events in recordings of a minute and more: a detector trained on single clips, and tags without training.

    python benchmarks/scenes.py FOLDER               # default: $SKLEARN_AUDIO_DATA, else ../shared/data
    python benchmarks/scenes.py --picture FILE.png   # the first recording with reference, prediction and scores

FOLDER holds scenes/events.csv with its recordings, the clips of environment, commands and instruments, and the weights
weights/mn04_as_mAP_432.pt. Clips that are in the recordings are not trained on.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import AudioTagger, EfficientATEmbedder, SoundEventDetector
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
# the label of all clips of a folder
FOLDERS = {"environment": None, "commands": "speech", "instruments": "music"}


def reference(folder: Path) -> tuple[list[str], pd.DataFrame]:
    """Recordings, and their events."""
    table = pd.read_csv(folder / "scenes" / "events.csv")
    paths = [str(folder / "scenes" / file) for file in table["file"]]
    events = pd.DataFrame({"path": paths, "start": table["onset"], "end": table["offset"], "label": table["label"]})
    return sorted(set(paths)), events


def clips_to_train_on(folder: Path, *, backgrounds: bool) -> pd.DataFrame:
    """Path and label of the clips that are in no recording; those in their backgrounds count only if asked."""
    parts = pd.read_csv(folder / "scenes" / "events.csv")["source"].str.split("+").explode()
    if backgrounds:
        more = pd.read_csv(folder / "scenes" / "labels.csv")["background_sources"].str.split("|").explode()
        parts = pd.concat([parts, more])
    used = set(parts.str.split(":").str[1])
    tables = []
    for name, label in FOLDERS.items():
        table = pd.read_csv(folder / name / "labels.csv")
        number = table["source_url"].str.rstrip("/").str.split("/").str[-1] if name == "instruments" else table["path"]
        is_used = table["path"].str.split("/").str[-1].isin(used) | number.isin(used)
        table = table[~is_used]
        labels = table["label"] if label is None else label
        tables.append(pd.DataFrame({"path": str(folder / name) + "/" + table["path"], "label": labels}))
    return pd.concat(tables, ignore_index=True)


def print_scores(name: str, events: pd.DataFrame, found: pd.DataFrame) -> None:
    onset, event = (event_f1(events, found, collar=0.5, end_share=share) for share in (None, 0.5))
    print(f"{name:40s}  {segment_f1(events, found):10.3f}  {onset:8.3f}  {event:8.3f}", flush=True)


def new_detector(folder: Path, cache: str) -> SoundEventDetector:
    embedder = EfficientATEmbedder(
        "mn04_as",
        weights=folder / "weights" / "mn04_as_mAP_432.pt",
        layer=["block9", "block13", "embedding"],
        cache=cache,
    )
    model = make_pipeline(embedder, StandardScaler(), LogisticRegression(C=0.02, max_iter=300))
    return SoundEventDetector(model, hop=0.2, mix=(6, 20), median=1.0, merge_gap=0.4, random_state=0)


def picture(folder: Path, file: str) -> None:
    """Draw the first recording: spectrogram, events, and scores of a detector with the threshold 0.5."""
    from matplotlib.figure import Figure

    from sklearn_audio.display import EventDisplay

    recordings, events = reference(folder)
    clips = clips_to_train_on(folder, backgrounds=False)
    annotations = clips[clips["label"].isin(LABELS)].assign(start=0.0, end=None)
    with tempfile.TemporaryDirectory() as cache:
        detector = new_detector(folder, cache).set_params(threshold=0.5)
        detector.fit(clips["path"].tolist(), annotations)
        figure = Figure(figsize=(9, 6), layout="constrained")
        of_first = events[events["path"] == recordings[0]]
        EventDisplay.from_estimator(detector, recordings[0], of_first, figure=figure)
    figure.savefig(file, dpi=100)


def trained(folder: Path, recordings: list[str], events: pd.DataFrame, cache: str) -> None:
    detector = new_detector(folder, cache)
    for backgrounds in (False, True):
        clips = clips_to_train_on(folder, backgrounds=backgrounds)
        annotations = clips[clips["label"].isin(LABELS)].assign(start=0.0, end=None)
        print(f"trained on {len(clips)} clips, backgrounds left out: {backgrounds}", flush=True)
        for mix in ((6, 20), None):
            detector.set_params(mix=mix, threshold="tune").fit(clips["path"].tolist(), annotations)
            print(dict(zip(detector.classes_.tolist(), detector.thresholds_.round(2).tolist(), strict=True)))
            print_scores(f"mix={mix}, tuned thresholds", events, detector.predict(recordings))
            for threshold in (0.4, 0.5, 0.6):
                found = detector.set_params(threshold=threshold).predict(recordings)
                print_scores(f"mix={mix}, threshold {threshold}", events, found)


def tagged(folder: Path, recordings: list[str], events: pd.DataFrame, cache: str) -> None:
    events = events.assign(label=events["label"].map(LABELS))
    for window in (1.0, 2.0, 3.0):
        tagger = AudioTagger(
            "efficientat_mn04_as",
            weights=folder / "weights" / "mn04_as_mAP_432.pt",
            window=window,
            hop=0.2,
            cache=cache,
        )
        for threshold in (0.05, 0.1, 0.2, 0.3, 0.5):
            thresholds = dict.fromkeys(LABELS.values(), threshold)
            found = tagger.events(recordings, thresholds, median=0.6, min_duration=0.2, merge_gap=0.4)
            found["path"] = found["clip"].map(dict(enumerate(recordings)))
            print_scores(f"tags, window {window} s, threshold {threshold}", events, found)


def main() -> None:
    if sys.argv[1:2] == ["--picture"]:
        picture(Path(os.environ.get("SKLEARN_AUDIO_DATA", _DEFAULT)), sys.argv[2])
        return
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SKLEARN_AUDIO_DATA", _DEFAULT))
    recordings, events = reference(folder)
    print(f"{len(recordings)} recordings, {len(events)} events of {events['label'].nunique()} labels")
    print(f"{'':40s}  segment F1  onset F1  event F1")
    with tempfile.TemporaryDirectory() as cache:
        trained(folder, recordings, events, cache)
        tagged(folder, recordings, events, cache)


if __name__ == "__main__":
    main()
