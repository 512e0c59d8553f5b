"""`SequencePooling`: statistics, names, failed clips, pandas."""

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import soundfile
import torch
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_audio import AudioLoader, MelSpectrogramTransformer, Ragged, SequencePooling

RNG = np.random.default_rng(0)
FRAMES = [RNG.normal(size=(n, 3)).astype(np.float32) for n in (5, 1, 4)]
FAILED = np.full((1, 3), np.nan, dtype=np.float32)
ALL = (*("mean", "std", "min", "max", "median", "first", "last"), *("range", "skew", "slope", "p0", "p25", "p97.5"))
REDUCE = {
    "mean": lambda x: x.mean(axis=0),
    "std": lambda x: x.std(axis=0),
    "min": lambda x: x.min(axis=0),
    "max": lambda x: x.max(axis=0),
    "median": lambda x: np.median(x, axis=0),
    "first": lambda x: x[0],
    "last": lambda x: x[-1],
    "range": lambda x: np.ptp(x, axis=0),
    "skew": lambda x: scipy.stats.skew(x, axis=0) if len(x) > 1 else np.zeros(3),
    "slope": lambda x: np.polyfit(np.arange(len(x)), x, 1)[0] if len(x) > 1 else np.zeros(3),
    "p0": lambda x: x.min(axis=0),
    "p25": lambda x: np.percentile(x, 25, axis=0),
    "p97.5": lambda x: np.percentile(x, 97.5, axis=0),
}


@pytest.mark.parametrize("name", ALL)
def test_one_statistic(name):
    X = SequencePooling(name).fit_transform(FRAMES)
    assert (X.shape, X.dtype) == ((3, 3), np.float32)
    np.testing.assert_allclose(X, [REDUCE[name](frames.astype(np.float64)) for frames in FRAMES], atol=1e-6)
    np.testing.assert_array_equal(SequencePooling([name]).fit_transform(FRAMES), X)


def test_all_statistics_side_by_side():
    X = SequencePooling(ALL).fit_transform(FRAMES)
    np.testing.assert_array_equal(X, np.hstack([SequencePooling(name).fit_transform(FRAMES) for name in ALL]))


@pytest.mark.parametrize("name", ["skew", "slope", "range", "p25"])
@pytest.mark.parametrize("n", [2, 3, 40_000])
def test_long_and_short_clips(name, n):
    x = RNG.gamma(2, size=(n, 2)).astype(np.float32) + 100  # far from zero, beyond one block
    reduce = {"skew": scipy.stats.skew, "range": np.ptp, "p25": lambda x, axis: np.percentile(x, 25, axis=axis)}
    reduce["slope"] = lambda x, axis: np.array([scipy.stats.linregress(np.arange(n), column)[0] for column in x.T])
    wanted = reduce[name](x.astype(np.float64), axis=0)
    np.testing.assert_allclose(SequencePooling(name).fit_transform([x])[0], wanted, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e6, 3e-30])
@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_frames_that_are_all_the_same(value, n):
    x = np.full((n, 2), value, dtype=np.float32)
    X = SequencePooling(("skew", "slope", "range", "std", "p10")).fit_transform([x])
    np.testing.assert_allclose(X, [[0] * 8 + [x[0, 0]] * 2], atol=1e-6 * abs(value))


# ---- parts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_parts", [1, 2, 3, 7])
def test_parts_are_those_of_adaptive_pooling(n_parts):
    pool = torch.nn.AdaptiveAvgPool1d(n_parts)
    wanted = [pool(torch.from_numpy(frames.T)[None])[0].T.flatten() for frames in FRAMES]  # (n, 3) -> (n_parts * 3,)
    X = SequencePooling("mean", n_parts=n_parts).fit_transform(FRAMES)
    np.testing.assert_allclose(X, np.stack(wanted), atol=1e-6)


def test_statistics_of_each_part():
    X = SequencePooling(ALL, n_parts=2).fit_transform(FRAMES)
    halves = [
        [frames[: (len(frames) + 1) // 2] for frames in FRAMES],
        [frames[len(frames) // 2 :] for frames in FRAMES],
    ]
    np.testing.assert_array_equal(X, np.hstack([SequencePooling(ALL).fit_transform(half) for half in halves]))


def test_names_of_parts():
    pooling = SequencePooling(("mean", "max"), n_parts=2).fit([np.zeros((3, 1))])
    wanted = ["x0_mean_part0", "x0_max_part0", "x0_mean_part1", "x0_max_part1"]
    assert pooling.get_feature_names_out().tolist() == wanted
    assert pooling.transform([np.array([[1.0], [2.0]])]).tolist() == [[1, 1, 2, 2]]


@pytest.mark.parametrize("n_parts", [0, -1, 1.5, "2"])
def test_impossible_parts(n_parts):
    with pytest.raises(InvalidParameterError, match=r"The 'n_parts' parameter of SequencePooling must be an int"):
        SequencePooling(n_parts=n_parts).fit(FRAMES)


@pytest.mark.parametrize("form", [Ragged.from_list, tuple, lambda rows: np.array(rows, dtype=object), pd.Series])
def test_forms(form):
    pooling = SequencePooling(ALL).fit(FRAMES)
    np.testing.assert_array_equal(pooling.transform(form(FRAMES)), pooling.transform(FRAMES))


def test_arrays():
    stacked = np.stack([frames[:1] for frames in FRAMES])
    np.testing.assert_array_equal(SequencePooling("mean").fit_transform(stacked), stacked[:, 0])
    table = RNG.normal(size=(4, 6))
    np.testing.assert_allclose(SequencePooling("max").fit_transform(table), table.max(axis=1)[:, None], rtol=1e-6)


# ---- clips that failed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_parts", [1, 3])
@pytest.mark.parametrize("form", [list, Ragged.from_list])
def test_a_failed_clip_is_a_row_of_nan(form, n_parts):
    pooling = SequencePooling(ALL, n_parts=n_parts)
    wanted = pooling.fit_transform(FRAMES)
    got = pooling.fit_transform(form([FRAMES[0], FAILED, *FRAMES[1:]]))
    assert np.isnan(got[1]).all()
    np.testing.assert_array_equal(got[[0, 2, 3]], wanted)
    np.testing.assert_array_equal(pooling.fit(FRAMES).transform(form([FAILED, FRAMES[0]]))[1], wanted[0])


def test_a_failed_recording_keeps_its_row_through_a_pipeline():
    pipeline = make_pipeline(MelSpectrogramTransformer(n_mels=4, on_error="nan"), SequencePooling())
    clips = [np.full(3000, 0.1), "no/such.wav", np.full(2000, 0.2)]
    with pytest.warns(UserWarning, match=r"1 clip\(s\) could not be used.*\n  row 1: .*no/such\.wav"):
        X = pipeline.fit_transform(clips)
    assert np.isnan(X).all(axis=1).tolist() == [False, True, False]
    assert np.isfinite(X[[0, 2]]).all()


@pytest.mark.parametrize(
    "bad",
    [
        np.full((2, 3), np.nan),
        np.array([[np.nan, 0.0, 0.0]]),
        np.array([[0.0, 0.0, 0.0], [np.nan, np.nan, np.nan]]),
        np.full((1, 3), np.inf),
    ],
    ids=["two frames", "one number", "one frame of two", "infinity"],
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_any_other_nan_is_refused(bad, method):
    pooling = SequencePooling().fit(FRAMES)
    with pytest.raises(ValueError, match=r"row 1 contains NaN or infinity\. Repair it or leave it out"):
        getattr(pooling, method)([FRAMES[0], bad])


def test_nan_in_a_table_is_refused():
    table = np.zeros((2, 3))
    table[1] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        SequencePooling().fit(table)


# ---- names and tables ------------------------------------------------------------------------------------------------


def test_names():
    pooling = SequencePooling(("mean", "max")).fit(FRAMES)
    assert pooling.get_feature_names_out().tolist() == ["x0_mean", "x1_mean", "x2_mean", "x0_max", "x1_max", "x2_max"]
    names = pooling.get_feature_names_out(["a", "b", "c"])
    assert names.tolist() == ["a_mean", "b_mean", "c_mean", "a_max", "b_max", "c_max"]
    with pytest.raises(ValueError, match="input_features should have length equal to number of features"):
        pooling.get_feature_names_out(["a", "b"])


@pytest.fixture
def recordings(tmp_path):
    for i in range(3):
        noise = np.random.default_rng(i).uniform(-0.5, 0.5, 3000 + 500 * i)
        soundfile.write(tmp_path / f"{i}.wav", noise, 16000)
    return pd.Series([str(tmp_path / f"{i}.wav") for i in range(3)], index=["dog", "cat", "owl"])


def pipeline_of_three():
    return make_pipeline(AudioLoader(16000), MelSpectrogramTransformer(16000, n_mels=2), SequencePooling())


def test_names_through_a_pipeline(recordings):
    pipeline = pipeline_of_three().fit(recordings)
    assert pipeline.get_feature_names_out().tolist() == ["mel_0_mean", "mel_1_mean", "mel_0_std", "mel_1_std"]


def test_pandas_through_a_pipeline(recordings):
    plain = pipeline_of_three().fit_transform(recordings)
    table = pipeline_of_three().set_output(transform="pandas").fit_transform(recordings)
    assert isinstance(table, pd.DataFrame)
    np.testing.assert_array_equal(table.to_numpy(), plain)


def test_pandas_index_of_a_table():
    X = pd.DataFrame(RNG.normal(size=(3, 4)), index=["dog", "cat", "owl"])
    X.columns = list("abcd")
    table = SequencePooling("max").set_output(transform="pandas").fit_transform(X)
    assert table.index.tolist() == ["dog", "cat", "owl"]


# ---- mistakes --------------------------------------------------------------------------------------------------------


def test_unfitted():
    with pytest.raises(NotFittedError, match="This SequencePooling instance is not fitted yet"):
        SequencePooling().transform(FRAMES)
    with pytest.raises(NotFittedError, match="This SequencePooling instance is not fitted yet"):
        SequencePooling().get_feature_names_out()


@pytest.mark.parametrize("statistics", ["mode", ("mean", "mode"), (), [], "p101", "p-1", "p", "p25 ", ["mean", 25]])
def test_unknown_statistics(statistics):
    with pytest.raises(ValueError, match=r"statistics=.*: choose one or more of \['mean', 'std', .*'last'\]"):
        SequencePooling(statistics).fit(FRAMES)


def test_statistics_of_another_type():
    with pytest.raises(InvalidParameterError, match=r"The 'statistics' parameter of SequencePooling must be .* Got 3"):
        SequencePooling(3).fit(FRAMES)


def test_another_number_of_features():
    with pytest.raises(ValueError, match=r"X has 2 features per frame, but SequencePooling is expecting 3 features"):
        SequencePooling().fit(FRAMES).transform([frames[:, :2] for frames in FRAMES])


def test_joblib_round_trip(tmp_path):
    pooling = SequencePooling(ALL).fit(FRAMES)
    joblib.dump(pooling, tmp_path / "pooling.joblib")
    loaded = joblib.load(tmp_path / "pooling.joblib")
    np.testing.assert_array_equal(loaded.transform(FRAMES), pooling.transform(FRAMES))
    assert loaded.get_feature_names_out().tolist() == pooling.get_feature_names_out().tolist()
