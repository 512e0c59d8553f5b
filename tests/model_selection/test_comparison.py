"""`compare`: the scores of scikit-learn on the same folds, with shared features."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import BlockScaler, MelSpectrogramTransformer, MFCCTransformer, SequencePooling
from sklearn_audio.datasets import make_sound_events
from sklearn_audio.model_selection import compare

SOUNDS = make_sound_events(24, random_state=0, classes=["chirp", "noise", "tone"])
X, Y, GROUPS = SOUNDS.data, SOUNDS.target, np.arange(24) % 4
MFCC = [MFCCTransformer(SOUNDS.sample_rate), SequencePooling()]


def pipeline(*last):
    return make_pipeline(*MFCC, *last)


METHODS = {
    "regression": pipeline(StandardScaler(), LogisticRegression()),
    "neighbours": pipeline(KNeighborsClassifier(1)),
    "guess": DummyClassifier(),
}


@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
def test_scores_are_those_of_scikit_learn(scoring):
    found = compare(METHODS, X, Y, cv=3, scoring=scoring, per="fold")
    assert found.columns.tolist() == ["method", "fold", "score", "fit_time", "score_time", "n_train", "n_test"]
    for name, method in METHODS.items():
        wanted = cross_val_score(method, X, Y, cv=3, scoring=scoring)
        np.testing.assert_allclose(found.loc[found["method"] == name, "score"], wanted, rtol=1e-6)
    assert (found["n_train"] + found["n_test"] == 24).all()


def test_methods_from_best_to_worst():
    found = compare(METHODS, X, Y, cv=3)
    folds = compare(METHODS, X, Y, cv=3, per="fold").groupby("method")["score"]
    assert found["mean"].is_monotonic_decreasing
    for row in found.itertuples():
        assert row.mean == pytest.approx(folds.mean()[row.method])
        assert row.std == pytest.approx(folds.std(ddof=0)[row.method])
        assert row.n_folds == 3
    times = found.set_index("method")["feature_time"]
    assert times["regression"] == times["neighbours"] > 0
    assert times["guess"] == 0


def test_groups_stay_together_and_have_scores():
    found = compare(METHODS, X, Y, groups=GROUPS, per="group")
    assert found.columns.tolist() == ["method", "group", "score", "n_clips"]
    assert found.groupby("method")["group"].apply(sorted).tolist() == [[0, 1, 2, 3]] * 3
    assert (found["n_clips"] == 6).all()
    wanted = cross_val_score(METHODS["neighbours"], X, Y, groups=GROUPS, cv=StratifiedGroupKFold(4))
    np.testing.assert_allclose(sorted(found.loc[found["method"] == "neighbours", "score"]), sorted(wanted), rtol=1e-6)


def test_several_labels():
    targets = np.stack([Y == "tone", np.arange(24) % 2 == 0], axis=1).astype(int)
    found = compare({"near": pipeline(KNeighborsClassifier(1))}, X, targets, groups=GROUPS)
    assert found["n_folds"].tolist() == [4]


def test_features_are_computed_once(monkeypatch):
    calls = []
    transform = MFCCTransformer.transform
    monkeypatch.setattr(MFCCTransformer, "transform", lambda self, X: calls.append(len(X)) or transform(self, X))
    other = make_pipeline(MFCCTransformer(SOUNDS.sample_rate, n_mfcc=5), SequencePooling(), DummyClassifier())
    compare({**METHODS, "other": other}, X, Y, cv=3)
    assert calls == [24, 24]


def test_frames_are_not_kept_and_nothing_is_learned_outside_the_folds():
    mel = MelSpectrogramTransformer(SOUNDS.sample_rate, n_mels=8)
    learned = make_pipeline(mel, SequencePooling(), StandardScaler(), KNeighborsClassifier(1))
    frames = make_pipeline(mel, _Means(), KNeighborsClassifier(1))
    found = compare({"learned": learned, "frames": frames}, X, Y, cv=StratifiedKFold(3), per="fold")
    for name, method in (("learned", learned), ("frames", frames)):
        wanted = cross_val_score(method, X, Y, cv=StratifiedKFold(3))
        np.testing.assert_allclose(found.loc[found["method"] == name, "score"], wanted)
    assert (compare({"frames": frames}, X, Y, cv=3)["feature_time"] == 0).all()


class _Means(StandardScaler):
    """Learns its scale from the means of frames."""

    def fit(self, X, y=None, sample_weight=None):
        return super().fit([clip.mean(axis=0) for clip in X])

    def transform(self, X, copy=None):
        return super().transform([clip.mean(axis=0) for clip in X])


def test_names_of_features_reach_the_remaining_steps():
    named = make_pipeline(*MFCC, BlockScaler(), KNeighborsClassifier(1)).set_output(transform="pandas")
    wanted = cross_val_score(named, X, Y, cv=3)
    np.testing.assert_allclose(compare({"named": named}, X, Y, cv=3, per="fold")["score"], wanted)


def test_tables_of_clips():
    frame = pd.DataFrame({"value": np.arange(24.0)}, index=np.arange(24) + 7)
    assert compare({"near": KNeighborsClassifier(1)}, frame, Y, cv=3)["n_folds"].tolist() == [3]


def test_bad_input():
    with pytest.raises(TypeError, match="methods must be a dict of estimators by name, got list"):
        compare([DummyClassifier()], X, Y)
    with pytest.raises(ValueError, match="methods is empty"):
        compare({}, X, Y)
    with pytest.raises(TypeError, match="the method 'a' is not an estimator"):
        compare({"a": DummyClassifier}, X, Y)
    with pytest.raises(ValueError, match="per='group' needs groups"):
        compare(METHODS, X, Y, per="group")
    with pytest.raises(ValueError, match="unknown value of per 'folds'; did you mean 'fold'"):
        compare(METHODS, X, Y, per="folds")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        compare(METHODS, X, Y[:5])


def test_an_error_names_the_method():
    broken = pipeline(KNeighborsClassifier(n_neighbors=-1))
    with pytest.raises(ValueError, match="n_neighbors") as caught:
        compare({"guess": DummyClassifier(), "broken": broken}, X, Y, cv=3)
    assert caught.value.__notes__ == ["raised by the method 'broken'"]


def test_a_table_for_a_paper():
    pytest.importorskip("jinja2")
    found = compare(METHODS, X, Y, cv=3)
    lines = found.to_latex(index=False, escape=True, float_format="%.3f").splitlines()
    assert lines[2].startswith("method & mean & std & n\\_folds & feature\\_time")
    rows = [line.split(" & ") for line in lines if " & " in line][1:]
    assert [row[0] for row in rows] == found["method"].tolist()
    assert [float(row[1]) for row in rows] == found["mean"].round(3).tolist()
