import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sklearn_audio import MFCCTransformer, SequencePooling
from sklearn_audio.inspection import iter_segments, predict_segments

RATE = 8000


@pytest.fixture(scope="module")
def sounds():
    rng = np.random.default_rng(0)
    hiss, hum = 0.1 * rng.normal(size=RATE), 0.5 * np.sin(0.2 * np.arange(RATE))
    return {"hiss": hiss.astype(np.float32), "hum": hum.astype(np.float32)}


@pytest.fixture(scope="module")
def model(sounds):
    clips = [scale * sound for scale in (1, 0.5, 0.25) for sound in sounds.values()]
    return make_pipeline(MFCCTransformer(RATE, n_mels=20), SequencePooling(), LogisticRegression()).fit(
        clips, [*sounds] * 3
    )


@pytest.fixture(scope="module")
def recordings(tmp_path_factory, sounds):
    folder = tmp_path_factory.mktemp("recordings")
    for name, order in {"a": ("hum", "hiss", "hum"), "b": ("hiss", "hum")}.items():
        wave = np.concatenate([sounds[sound] for sound in order])[: len(order) * RATE - 2000]
        soundfile.write(folder / f"{name}.wav", wave, RATE, subtype="FLOAT")
    return [str(folder / "a.wav"), str(folder / "b.wav")]


def test_scores_are_those_of_parts_of_the_files(model, recordings):
    table = predict_segments(model, recordings, window=1.0, hop=0.25, form="wide")
    parts = list(table[["path", "start", "end"]].itertuples(index=False, name=None))
    assert np.allclose(table[model.classes_], model.predict_proba(parts), rtol=1e-12, atol=0)
    assert table["clip"].tolist() == [0] * 8 + [1] * 4
    assert table["end"].groupby(table["clip"]).max().tolist() == [2.75, 1.75]


def test_long_and_wide_hold_the_same(model, recordings):
    long, wide = (predict_segments(model, recordings, form=form) for form in ("long", "wide"))
    assert long.columns.tolist() == ["clip", "path", "start", "end", "label", "score"]
    assert long["label"].tolist() == ["hiss", "hum"] * len(wide)
    back = long.pivot(index=["clip", "path", "start", "end"], columns="label", values="score").reset_index()
    pd.testing.assert_frame_equal(back.rename_axis(columns=None), wide)


def test_tables_of_clips_are_the_parts_of_one_table(model, recordings):
    tables = list(iter_segments(model, recordings))
    assert [table["clip"].unique().tolist() for table in tables] == [[0], [1]]
    pd.testing.assert_frame_equal(pd.concat(tables, ignore_index=True), predict_segments(model, recordings))


@pytest.mark.parametrize("options", [{"batch_size": 1}, {"batch_size": 5}, {"n_jobs": 2}])
def test_batches_and_threads_change_nothing(model, recordings, options):
    pd.testing.assert_frame_equal(
        predict_segments(model, recordings, **options), predict_segments(model, recordings), rtol=1e-5
    )


def test_parts_of_files_count_from_the_start_of_their_recording(model, recordings):
    whole = predict_segments(model, recordings[:1], window=1.0, hop=0.5, form="wide")
    part = predict_segments(model, [(recordings[0], 0.5, 2.0)], window=1.0, hop=0.5, form="wide")
    pd.testing.assert_frame_equal(part, whole.iloc[1:3].reset_index(drop=True), rtol=1e-5)


def test_arrays_have_no_path_and_the_rate_that_is_given(model, sounds):
    table = predict_segments(model, [sounds["hum"]], form="wide")
    assert table["path"].tolist() == [None]
    faster = predict_segments(model, [np.repeat(sounds["hum"], 2)], sample_rate=2 * RATE)
    assert faster["end"].max() == 1.0


def test_decisions_and_indicators(sounds):
    features = make_pipeline(MFCCTransformer(RATE, n_mels=20), SequencePooling())
    clips = list(sounds.values()) * 2
    machine = make_pipeline(*features, LinearSVC()).fit(clips, [*sounds] * 2)
    table = predict_segments(machine, clips[:1])
    assert table["label"][table["score"].idxmax()] == "hiss"
    forest = make_pipeline(*features, RandomForestClassifier(5, random_state=0))
    forest.fit(clips, [[1, 0], [1, 1]] * 2)
    table = predict_segments(forest, clips[:2], labels=["sound", "tone"], form="wide")
    assert table[["sound", "tone"]].round().to_numpy().tolist() == [[1, 0], [1, 1]]


def test_a_short_file_is_one_window(model, recordings):
    with pytest.warns(UserWarning, match=r"1 clip\(s\) are shorter than window=2 s: row 1 \('.*b.wav'\), 1.75 s"):
        table = predict_segments(model, recordings, window=2.0, hop=1.0, form="wide")
    assert table[["clip", "start", "end"]].to_numpy().tolist() == [[0, 0, 2], [0, 1, 2.75], [1, 0, 1.75]]


def test_files_that_cannot_be_read(model, recordings, tmp_path):
    X = [recordings[0], str(tmp_path / "none.wav"), recordings[1]]
    with pytest.raises(OSError, match=r"row 1: cannot read .*none\.wav"):
        predict_segments(model, X)
    with pytest.warns(UserWarning, match="could not be used"):
        table = predict_segments(model, X, on_error="nan")
    assert table["clip"].unique().tolist() == [0, 2]


def test_only_clips_that_fail_give_an_empty_table(model, tmp_path):
    with pytest.warns(UserWarning, match="could not be used"):
        table = predict_segments(model, [str(tmp_path / "none.wav")], on_error="nan")
    assert table.columns.tolist() == ["clip", "path", "start", "end", "label", "score"]
    assert len(table) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 0.0}, "'window' parameter of predict_segments"),
        ({"hop": -1}, "'hop' parameter"),
        ({"form": "tall"}, "'form' parameter"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"labels": ["a"]}, "labels has the shape"),
        ({"labels": ["clip", "b"], "form": "wide"}, "'clip' has the name of a column"),
    ],
)
def test_bad_parameters(model, recordings, options, message):
    with pytest.raises(ValueError, match=message):
        predict_segments(model, recordings, **options)
