"""`EventDisplay`: bars of events, scores of frames, times of the recording, and figures of any width."""

import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import EventDisplay, MFCCTransformer, SequencePooling, SoundEventDetector
from sklearn_audio.inspection import predict_segments

RATE = 8000
rng = np.random.default_rng(0)
PREDICTED = pd.DataFrame({"start": [0.0, 2.0, 2.5], "end": [1.0, 3.0, 4.0], "label": ["dog", "dog", "cat"]})
REFERENCE = pd.DataFrame({"onset": [0.5, 5.0], "offset": [1.0, 6.0], "event_label": ["dog", "rain"]})


def recording():
    wave = 0.002 * rng.normal(size=6 * RATE)
    wave[RATE : 2 * RATE] += 0.3 * np.sin(0.2 * np.arange(RATE))
    wave[4 * RATE : 5 * RATE] += 0.3 * rng.normal(size=RATE)
    return wave.astype(np.float32)


WAVES = [recording() for _ in range(4)]
ANNOTATIONS = pd.DataFrame(
    {"clip": np.repeat(range(4), 2), "start": [1.0, 4.0] * 4, "end": [2.0, 5.0] * 4, "label": ["hum", "hiss"] * 4}
)


@pytest.fixture(scope="module", params=["background", None])
def detector(request):
    final = LogisticRegression() if request.param else OneVsRestClassifier(LogisticRegression())
    model = make_pipeline(MFCCTransformer(RATE), SequencePooling("mean"), StandardScaler(), final)
    detector = SoundEventDetector(model, window=0.5, hop=0.25, background=request.param, random_state=0)
    return detector.fit(WAVES[:3], ANNOTATIONS[:6])


def corners(bars):
    """Left, right and upper edge of the bars."""
    boxes = [path.get_extents() for path in bars.get_paths()]
    return [(box.x0, box.x1, round(box.y0, 2)) for box in boxes]


def test_bars(pyplot):
    display = EventDisplay.from_predictions(PREDICTED, REFERENCE)
    assert display.labels_ == ["cat", "dog", "rain"]
    assert corners(display.bars_["predicted"]) == [(0, 1, 1.02), (2, 3, 1.02), (2.5, 4, 0.02)]
    assert corners(display.bars_["reference"]) == [(0.5, 1, 0.6), (5, 6, 1.6)]
    assert list(display.axes_) == ["events"]
    ax = display.axes_["events"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["cat", "dog", "rain"]
    assert ax.get_ylim() == (2.5, -0.5)  # from top to bottom
    assert ax.get_xlim() == (0, 6)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["reference", "predicted"]


def test_labels_are_chosen(pyplot):
    display = EventDisplay.from_predictions(PREDICTED, REFERENCE, labels=["rain", "dog"])
    assert corners(display.bars_["predicted"]) == [(0, 1, 1.02), (2, 3, 1.02)]
    assert EventDisplay.from_predictions(PREDICTED).labels_ == ["cat", "dog"]
    assert EventDisplay.from_predictions(PREDICTED[:0]).labels_ == []


def test_a_detector_beside_the_annotations(detector, pyplot):
    clip = (WAVES[3], RATE)
    display = EventDisplay.from_estimator(detector, clip, ANNOTATIONS[6:].assign(clip=0))
    assert list(display.axes_) == ["spectrogram", "events", "scores"]
    assert display.labels_ == ["hiss", "hum"]
    found = detector.predict([clip])
    assert sorted(edge[:2] for edge in corners(display.bars_["predicted"])) == sorted(
        zip(found["start"], found["end"], strict=True)
    )
    assert [edge[:2] for edge in corners(display.bars_["reference"])] == [(1, 2), (4, 5)]
    image = display.axes_["scores"].collections[0].get_array().reshape(2, -1)
    assert image.shape == (2, 24)
    assert image[:, 4:8].argmax(axis=0).tolist() == [1] * 4  # hum from 1 s to 2 s, in frames of 0.25 s
    assert image[:, 16:20].argmax(axis=0).tolist() == [0] * 4
    assert display.axes_["events"].get_xlim() == (0, 6)


def test_the_detector_may_be_of_classes_it_was_given(detector, pyplot):
    if detector.background is None:
        return
    ready = SoundEventDetector(detector.estimator_, prefit=True, threshold=0.5, window=0.5, hop=0.25)
    display = EventDisplay.from_estimator(ready, (WAVES[3], RATE))
    assert display.labels_ == ["hiss", "hum"]
    assert list(display.bars_) == ["predicted"]
    silent = EventDisplay.from_estimator(ready.set_params(threshold=2.0), (WAVES[3], RATE))
    assert silent.labels_ == ["hiss", "hum"]  # those of the scores


def test_times_of_a_part_are_those_of_the_recording(detector, tmp_path, pyplot):
    path = str(tmp_path / "a.wav")
    soundfile.write(path, WAVES[3], RATE)
    table = ANNOTATIONS[6:].assign(path=path)
    display = EventDisplay.from_estimator(detector, (path, 3.5, 6.0), table)
    assert [edge[:2] for edge in corners(display.bars_["reference"])] == [(4, 5)]
    assert all(edge[0] >= 3.5 for edge in corners(display.bars_["predicted"]))
    assert display.axes_["events"].get_xlim() == (3.5, 6)
    edges = display.axes_["scores"].collections[0].get_coordinates()[0, :, 0]
    assert (edges[0], edges[-1]) == (3.5, 6)


def test_scores_of_windows_without_overlap_are_drawn_as_they_are(pyplot):
    scores = pd.DataFrame({"path": "a", "start": [0.0, 1.0, 2.0], "end": [1.0, 2.0, 2.5], "dog": [0, 0.5, 1], 7: 0.2})
    display = EventDisplay.from_predictions(PREDICTED[:0], scores=scores)
    assert display.labels_ == ["dog", "7"]
    image = display.axes_["scores"].collections[0]
    assert image.get_array().tolist() == [[0, 0.5, 1], [0.2] * 3]
    assert image.get_coordinates()[0, :, 0].tolist() == [0, 1, 2, 2.5]
    EventDisplay.from_predictions(PREDICTED, scores=scores)  # has no scores of cats
    table = predict_segments(_Loudness(), [(WAVES[3], RATE)], 1.0, 0.5, form="wide")
    frames = EventDisplay.from_predictions(PREDICTED[:0], scores=table).axes_["scores"].collections[0].get_array()
    np.testing.assert_allclose(frames[1, 1], table.iloc[:2][1].mean())


class _Loudness(LogisticRegression):
    """Scores by level."""

    classes_ = np.array([0, 1])

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, X):
        level = np.array([np.abs(clip["array"]).mean() for clip in X])
        return np.column_stack([1 - level, level])


@pytest.mark.parametrize("width", [12, 3.5])
def test_nothing_is_cut(width, pyplot, is_legible):
    names = ["Domestic animals, pets and livestock", "dog", *map(str, range(6))]
    table = pd.DataFrame({"start": np.arange(8.0) / 2, "end": np.arange(8.0) / 2 + 0.4, "label": names})
    scores = pd.DataFrame({"start": [0.0, 3.0], "end": [3.0, 6.0], **{name: [0.0, 1.0] for name in names}})
    figure = pyplot.figure(figsize=(width, 7), layout="constrained")
    display = EventDisplay.from_predictions(table, table, scores=scores, clip=(WAVES[0], RATE), figure=figure)
    assert display.figure_ is figure
    assert is_legible(figure)
    with pyplot.rc_context({"figure.figsize": (width, 4)}):
        assert is_legible(EventDisplay.from_predictions(table, table, scores=scores, clip=(WAVES[0], RATE)).figure_)


def test_tables_that_make_no_sense(detector, pyplot):
    with pytest.raises(ValueError, match="the predicted events are of 2 recordings; give those of one"):
        EventDisplay.from_predictions(PREDICTED.assign(clip=[0, 1, 1]))
    with pytest.raises(ValueError, match="the reference events have no column 'start'"):
        EventDisplay.from_predictions(PREDICTED, pd.DataFrame({"label": ["dog"]}))
    with pytest.raises(ValueError, match="row 0 of the annotations is in clip 3"):
        EventDisplay.from_estimator(detector, (WAVES[3], RATE), ANNOTATIONS[6:])


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="EventDisplay needs the package 'matplotlib"):
        EventDisplay.from_predictions(PREDICTED)
