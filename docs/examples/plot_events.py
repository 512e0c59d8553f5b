"""
Events of a recording, in pictures
==================================

A detector is best judged by eye: the spectrogram shows what there is to hear, the bars what was annotated and what was
found, and the scores how clear the decision was.
"""

# %%
# Recordings of 10 s with a hum and a hiss at random times, and their annotations.
import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
rate = 8000


def recording():
    wave = 0.003 * rng.normal(size=10 * rate)
    events = []
    for label, first in {"hum": 0.5, "hiss": 5.0}.items():
        start, length = np.round(
            rng.uniform([first, 0.5], [first + 2, 2.5]), 1
        )
        event = slice(int(start * rate), int((start + length) * rate))
        sound = np.sin(0.3 * np.arange(event.stop - event.start))
        wave[event] += (
            0.1 * sound
            if label == "hum"
            else 0.02 * rng.normal(size=len(sound))
        )
        events.append((start, start + length, label))
    return wave.astype(np.float32), events


recordings, annotations = [], []
for clip in range(8):
    wave, events = recording()
    recordings.append(wave)
    annotations += [(clip, *event) for event in events]
annotations = pd.DataFrame(
    annotations, columns=["clip", "start", "end", "label"]
)
annotations.head(4)

# %%
# A detector learns from seven of them. For real sounds, an embedder takes the place of MFCC.
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import MFCCTransformer, SequencePooling, SoundEventDetector

model = make_pipeline(
    MFCCTransformer(rate),
    SequencePooling(),
    StandardScaler(),
    LogisticRegression(),
)
detector = SoundEventDetector(
    model, window=0.5, hop=0.1, median=0.5, random_state=0
)
detector.fit(recordings[:7], annotations[annotations["clip"] < 7])
detector.predict(recordings[7:])

# %%
# The last recording: annotated events in grey, those found in blue, and the scores that they are found by.
from sklearn_audio import EventDisplay

_ = EventDisplay.from_estimator(
    detector,
    recordings[7],
    annotations[annotations["clip"] == 7].assign(clip=0),
)

# %%
# Tables of events from any other program do as well, with ``EventDisplay.from_predictions``. And the spectrogram alone,
# with the bins of the Fourier transform instead of mel bands:
from sklearn_audio import SpectrogramDisplay

_ = SpectrogramDisplay.from_clip((recordings[7], rate), kind="stft")

# %%
# Long recordings take no more memory: adjacent frames are averaged to at most 2000 columns.
#
# Windows as clips have labels, too, and their scores have curves of precision over recall, one per label.
from sklearn_audio import PrecisionRecallPerLabelDisplay

windows = [
    wave[i * rate // 2 : (i + 1) * rate // 2]
    for wave in recordings
    for i in range(20)
]
middles = np.tile(0.25 + np.arange(20) / 2, 8)
truth = np.zeros((len(windows), 2), dtype=int)
for event in annotations.itertuples():
    is_during = (
        (middles >= event.start)
        & (middles < event.end)
        & (np.arange(len(windows)) // 20 == event.clip)
    )
    truth[is_during, detector.classes_.tolist().index(event.label)] = 1
scores = detector.estimator_.predict_proba(windows)[
    :, 1:
]  # the first is that of the background
_ = PrecisionRecallPerLabelDisplay.from_predictions(
    truth, scores, labels=detector.classes_
)
