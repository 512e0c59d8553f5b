import pickle

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sklearn_audio import MFCCTransformer, SequencePooling, SoundEventDetector
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.metrics import event_f1, segment_f1

RATE = 8000


def model(classifier=None):
    return make_pipeline(
        MFCCTransformer(RATE, n_mels=20), SequencePooling(), classifier or LogisticRegression(max_iter=1000)
    )


def recording(seed, *, seconds=8):
    """A hum from 2 to 4 s and a hiss from 5 to 7 s, over quiet noise."""
    rng = np.random.default_rng(seed)
    wave = 0.002 * rng.normal(size=seconds * RATE)
    wave[2 * RATE : 4 * RATE] += rng.uniform(0.2, 0.4) * np.sin(0.2 * np.arange(2 * RATE))
    wave[5 * RATE : 7 * RATE] += rng.uniform(0.2, 0.4) * rng.normal(size=2 * RATE)
    return wave.astype(np.float32)


X = [recording(seed) for seed in range(6)]
EVENTS = pd.DataFrame(
    [(clip, *event) for clip in range(6) for event in ((2.0, 4.0, "hum"), (5.0, 7.0, "hiss"))],
    columns=["clip", "start", "end", "label"],
)
OF_FOUR = EVENTS[EVENTS["clip"] < 4]
OPTIONS = {"window": 0.5, "hop": 0.25, "random_state": 0}


@pytest.fixture(scope="module")
def detector():
    return SoundEventDetector(model(), **OPTIONS).fit(X[:4], OF_FOUR)


def test_events_of_new_recordings_are_found(detector):
    found = detector.predict(X[4:])
    assert found.columns.tolist() == ["clip", "path", "start", "end", "label", "score"]
    assert detector.classes_.tolist() == ["hiss", "hum"]
    assert ((detector.thresholds_ > 0) & (detector.thresholds_ < 1)).all()
    wanted = EVENTS[EVENTS["clip"] < 2]
    assert event_f1(wanted, found, collar=0.3) == 1.0
    assert detector.score(X[4:], wanted) == segment_f1(wanted, found) > 0.9
    assert detector.set_params(scoring="event_f1").score(X[4:], wanted) == event_f1(wanted, found)
    detector.set_params(scoring="segment_f1")


def test_the_same_twice(detector):
    again = SoundEventDetector(model(), **OPTIONS, batch_size=7, n_jobs=2).fit(X[:4], OF_FOUR)
    assert np.allclose(again.thresholds_, detector.thresholds_, rtol=1e-6)
    pd.testing.assert_frame_equal(again.predict(X[4:]), detector.predict(X[4:]), rtol=1e-5)


def test_pickles_and_clones(detector):
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(detector)).predict(X[4:]), detector.predict(X[4:]))
    with pytest.raises(NotFittedError, match="call fit first"):
        clone(detector).predict(X)


def test_thresholds_that_are_given(detector):
    given = SoundEventDetector(model(), **OPTIONS, threshold={"hum": 0.5}).fit(X[:4], OF_FOUR)
    assert not hasattr(given, "thresholds_")
    assert set(given.predict(X[4:])["label"]) == {"hum"}
    with pytest.raises(ValueError, match="unknown label 'hmu'; did you mean 'hum'"):
        SoundEventDetector(model(), **OPTIONS, threshold={"hmu": 0.5}).fit(X[:4], OF_FOUR)


def test_files_and_parts_of_files(detector, tmp_path):
    path = str(tmp_path / "a.wav")
    soundfile.write(path, np.concatenate([X[4], X[5]]), RATE, subtype="FLOAT")
    whole = detector.predict([path])
    assert whole["path"].tolist() == [path] * 4
    part = detector.predict([(path, 8.0, 16.0)])
    late = whole[whole["start"] > 8].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, late, rtol=1e-5)
    annotations = whole[["path", "start", "end", "label"]]
    assert detector.score([path], annotations) == 1.0
    assert detector.score([(path, 8.0, 16.0)], annotations) > 0.9
    trained = SoundEventDetector(model(), **OPTIONS, threshold=0.5).fit([path], annotations)
    assert trained.score([path], annotations) > 0.9


def test_decisions_in_place_of_probabilities():
    machine = SoundEventDetector(model(LinearSVC(random_state=0)), **OPTIONS).fit(X[:4], OF_FOUR)
    assert machine.score(X[4:], EVENTS[EVENTS["clip"] < 2]) > 0.9
    ridge = SoundEventDetector(model(RidgeClassifier()), **OPTIONS, threshold=0.0).fit(X[:4], OF_FOUR)
    assert ridge.score(X[4:], EVENTS[EVENTS["clip"] < 2]) > 0.75


def test_labels_at_the_same_time():
    hiss = np.random.default_rng(0).normal(scale=0.1, size=2 * RATE).astype(np.float32)
    both = [wave.copy() for wave in X]
    for wave in both:
        wave[3 * RATE : 5 * RATE] += hiss
    events = EVENTS.assign(start=EVENTS["start"].where(EVENTS["label"] == "hum", 3.0))
    several = SoundEventDetector(model(KNeighborsClassifier(3)), background=None, **OPTIONS)
    several.fit(both[:4], events[events["clip"] < 4])
    assert several.estimator_.classes_[0].tolist() == [0, 1]
    found = several.predict(both[4:])
    assert segment_f1(events[events["clip"] < 2], found) > 0.9


def test_clips_of_one_label_are_enough():
    clips = [wave[first * RATE : (first + 2) * RATE] for wave in X[:4] for first in (2, 5, 0)]
    labels = pd.DataFrame({"clip": range(12), "start": 0.0, "end": None, "label": ["hum", "hiss", "background"] * 4})
    alone = SoundEventDetector(model(), mix=(10, 20), **OPTIONS).fit(clips, labels)
    assert alone.classes_.tolist() == ["hiss", "hum"]
    assert alone.estimator_.classes_.tolist() == ["background", "hiss", "hum"]
    assert alone.score(X[4:], EVENTS[EVENTS["clip"] < 2]) > 0.9


def test_thresholds_are_tuned_on_recordings_that_were_left_out():
    n_rows, n_scored = [], []

    class Watched(LogisticRegression):
        def fit(self, X, y):
            n_rows.append(len(X))
            return super().fit(X, y)

        def predict_proba(self, X):
            n_scored.append(len(X))
            return super().predict_proba(X)

    SoundEventDetector(model(Watched()), **OPTIONS, cv=2).fit(X[:4], OF_FOUR, groups=["a", "a", "b", "b"])
    assert n_rows[0] + n_rows[1] == n_rows[2]
    assert n_scored == [2 * 31] * 2  # all windows of two recordings


def test_a_label_of_one_recording_keeps_the_middle():
    rare = pd.concat([OF_FOUR[OF_FOUR["label"] == "hum"], OF_FOUR[OF_FOUR["label"] == "hiss"][:1]])
    assert SoundEventDetector(model(), **OPTIONS).fit(X[:4], rare).thresholds_[0] == 0.5


def test_a_fitted_classifier_becomes_a_detector():
    clips = [wave[first * RATE : (first + 1) * RATE] for wave in X[:3] for first in (2, 5, 0)]
    fitted = model().fit(clips, ["hum", "hiss", "background"] * 3)
    ready = SoundEventDetector(fitted, prefit=True, threshold=0.5, window=0.5, hop=0.25)
    wanted = EVENTS[EVENTS["clip"] < 2]
    assert ready.score(X[4:], wanted) > 0.9
    assert clone(ready).score(X[4:], wanted) == ready.score(X[4:], wanted)
    tuned = SoundEventDetector(fitted, prefit=True, window=0.5, hop=0.25)
    with pytest.raises(NotFittedError, match=r"call fit, which tunes the thresholds, or give threshold="):
        tuned.predict(X)
    tuned.fit(X[:4], OF_FOUR)
    assert tuned.estimator_ is fitted
    assert tuned.classes_.tolist() == ["hiss", "hum"]
    assert tuned.score(X[4:], wanted) > 0.9
    with pytest.raises(ValueError, match="the model does not know it: unknown label 'bark'"):
        tuned.fit(X[:4], OF_FOUR.assign(label="bark"))
    assert tuned.thresholds_.shape == (2,)  # of the fit before


class Tagger(BaseEstimator):
    """Learns nothing, and knows its labels without fit."""

    classes_ = np.array(["quiet", "loud"])

    def fit(self, X, y=None):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, rows):
        levels = np.array([np.abs(row["array"]).mean() for row in rows])
        return np.column_stack([1 - levels, levels])


def test_a_tagger_becomes_a_detector():
    found = SoundEventDetector(Tagger(), prefit=True, threshold={"loud": 0.1}, sample_rate=RATE).predict(X[:1])
    assert found[["start", "end", "label"]].to_numpy().tolist() == [[2.0, 4.0, "loud"], [5.0, 7.0, "loud"]]


def test_a_recording_shorter_than_a_window(detector):
    with pytest.warns(UserWarning, match=r"1 clip\(s\) are shorter than window=0.5 s: row 0, 0.4 s"):
        found = detector.predict([X[0][int(2.2 * RATE) : int(2.6 * RATE)]])
    assert found[["start", "end", "label"]].to_numpy().tolist() == [[0.0, 0.4, "hum"]]


def test_recordings_that_cannot_be_read(detector, tmp_path):
    missing = [X[4], str(tmp_path / "none.wav")]
    with pytest.raises(AudioReadError, match="row 1: cannot read"):
        detector.predict(missing)
    with pytest.warns(UserWarning, match="could not be used"):
        found = clone_of(detector, on_error="nan").predict(missing)
    assert found["clip"].unique().tolist() == [0]


def clone_of(detector, **options):
    return pickle.loads(pickle.dumps(detector)).set_params(**options)


@pytest.mark.parametrize(
    ("options", "events", "message"),
    [
        ({"hop": 2.0}, OF_FOUR, r"hop=2 leaves gaps between windows of 0.5 s; give at most 0.5"),
        ({"mix": (20, 6)}, OF_FOUR, r"mix=\(20, 6\) is no range of dB"),
        ({"mix": (6, "x")}, OF_FOUR, r"mix=\(6, 'x'\) is no range of dB"),
        ({"prefit": True, "mix": (6, 20)}, OF_FOUR, r"mix=\(6, 20\) has no effect here"),
        ({"cv": 1}, OF_FOUR, "'cv' parameter"),
        ({}, OF_FOUR[:0], "the annotations hold no events"),
        ({}, OF_FOUR.assign(end=20.0), "beyond the end of row 0 at 8 s"),
        ({}, OF_FOUR.assign(start=0.0, label="hum"), "rows 0 and 1 of the annotations overlap"),
        ({}, OF_FOUR.assign(start=2.0, end=4.0), "the label 'hiss' has no window to learn from"),
    ],
)
def test_bad_input(options, events, message):
    with pytest.raises(ValueError, match=message):
        SoundEventDetector(model(), **OPTIONS | options).fit(X[:4], events)


def test_groups_are_one_for_each_row():
    with pytest.raises(ValueError, match="groups has 3 entries, but X has 4 rows"):
        SoundEventDetector(model(), **OPTIONS).fit(X[:4], OF_FOUR, groups=[0, 1, 2])
    with pytest.raises(ValueError, match="threshold='tune' needs two groups of recordings"):
        SoundEventDetector(model(), **OPTIONS).fit(X[:4], OF_FOUR, groups=[0] * 4)


def test_unknown_labels_of_a_reference(detector):
    with pytest.raises(ValueError, match="row 0 of the annotations: the model does not know it"):
        detector.score(X[:4], OF_FOUR.assign(label="bark", start=0.0)[:1])


def test_a_fit_that_fails_leaves_the_one_before(detector):
    again = clone_of(detector)
    with pytest.raises(ValueError, match="no events"):
        again.fit(X, EVENTS[:0])
    pd.testing.assert_frame_equal(again.predict(X[4:]), detector.predict(X[4:]))
