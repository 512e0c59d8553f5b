"""`AudioTagger` with real weights on real recordings whose events are known: labels/scenes of the shared data."""

import pandas as pd
import pytest

from sklearn_audio import AudioTagger
from sklearn_audio.metrics import event_f1, segment_f1

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


@pytest.fixture
def scenes(shared_data):
    table = pd.read_csv(shared_data / "scenes" / "events.csv")
    files = sorted(table["file"].unique())
    events = pd.DataFrame(
        {
            "clip": table["file"].map(files.index),
            "start": table["onset"],
            "end": table["offset"],
            "label": table["label"].map(LABELS),
        }
    )
    return [shared_data / "scenes" / file for file in files], events


# measured, see the benchmark page: 0.610 of segments with windows of 2 s, 0.337 of onsets with windows of 1 s
@pytest.mark.parametrize(("window", "least_segments", "least_onsets"), [(2.0, 0.58, 0.12), (1.0, 0.48, 0.30)])
def test_events_of_real_recordings(scenes, shared_data, window, least_segments, least_onsets):
    recordings, events = scenes
    weights = shared_data / "weights" / "mn04_as_mAP_432.pt"
    tagger = AudioTagger("efficientat_mn04_as", weights=weights, window=window, hop=0.2)
    thresholds = dict.fromkeys(LABELS.values(), 0.1)
    found = tagger.events(recordings, thresholds, median=0.6, min_duration=0.2, merge_gap=0.4)
    assert set(found["label"]) <= set(LABELS.values())
    assert segment_f1(events, found) >= least_segments
    assert event_f1(events, found, collar=0.5, end_share=None) >= least_onsets
