"""`MelSpectrogramTransformer`: librosa's numbers, normalisation, failures, threads, pipelines."""

import threading

import joblib
import librosa
import numpy as np
import pytest
import soundfile
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_audio import MelSpectrogramTransformer, Ragged, SequencePooling
from sklearn_audio.dsp import PRESETS, WINDOWS, FrontEnd, preset
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.validation import AudioClips, _audio

RATE = 22050
NAN = pytest.mark.parametrize("on_error", ["raise", "nan"])


def tone(n, seed=0):
    rng = np.random.default_rng(seed)
    return (0.3 * np.sin(np.arange(n) * 0.05 * (1 + seed)) + rng.normal(scale=0.02, size=n)).astype(np.float32)


CLIPS = [tone(12_000, 1), tone(5000, 2), tone(700, 3)]


def librosa_db(clip, top_db=80.0, ref=1.0, **options):
    options = {"n_fft": 1024, "n_mels": 64} | options
    mel = librosa.feature.melspectrogram(y=clip.astype(np.float64), sr=RATE, dtype=np.float64, **options)
    return librosa.power_to_db(mel, top_db=top_db, ref=ref).T


# ---- librosa ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "options"),
    [
        ({}, {}),
        ({"n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 40}, None),
        ({"fmin": 50.0, "fmax": 8000.0, "mel_norm": None}, {"fmin": 50.0, "fmax": 8000.0, "norm": None}),
        ({"mel_scale": "htk"}, {"htk": True}),
        ({"center": False}, None),
        ({"pad_mode": "reflect"}, None),
        ({"window": "hamming"}, None),
        ({"top_db": None}, None),
        ({"top_db": 20.0}, None),
        ({"ref": "max"}, {"ref": np.max}),
        ({"ref": 0.5}, None),
    ],
)
def test_equal_to_librosa(params, options):
    got = MelSpectrogramTransformer(**params).transform(CLIPS[:2])
    for frames, clip in zip(got, CLIPS[:2], strict=True):
        assert frames.dtype == np.float32
        np.testing.assert_allclose(frames, librosa_db(clip, **(params if options is None else options)), atol=2e-3)


def test_powers_equal_those_of_librosa():
    wanted = librosa.feature.melspectrogram(y=CLIPS[0].astype(np.float64), sr=RATE, n_fft=1024, n_mels=64).T
    got = MelSpectrogramTransformer(log=None).transform(CLIPS[:1])[0]
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-6 * wanted.max())


def test_a_file_at_another_rate_equals_that_of_librosa(shared_data):
    path = shared_data / "formats" / "ok" / "ref_mono_s16_44100.wav"
    waveform, _ = librosa.load(path, sr=RATE)
    np.testing.assert_allclose(MelSpectrogramTransformer().transform([path])[0], librosa_db(waveform), atol=0.05)


# ---- normalisation ---------------------------------------------------------------------------------------------------


def test_minmax_is_per_clip():
    plain = MelSpectrogramTransformer().transform(CLIPS)
    got = MelSpectrogramTransformer(normalize="minmax").fit_transform(CLIPS)
    for frames, wanted in zip(got, plain, strict=True):
        assert (frames.min(), frames.max()) == (0, 1)
        np.testing.assert_allclose(frames, (wanted - wanted.min()) / np.ptp(wanted), atol=1e-6)


def test_l2_is_per_frame():
    plain = MelSpectrogramTransformer().transform(CLIPS)
    got = MelSpectrogramTransformer(normalize="l2").fit_transform(CLIPS)
    np.testing.assert_allclose(np.linalg.norm(got.values, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(got.values, plain.values / np.linalg.norm(plain.values, axis=1)[:, None], atol=1e-6)


@pytest.mark.parametrize("normalize", ["minmax", "l2", "standard"])
@pytest.mark.parametrize("log", [None, "db"])
def test_silence_has_no_division_by_zero(normalize, log):
    silence = [np.zeros(3000, dtype=np.float32)]
    values = MelSpectrogramTransformer(normalize=normalize, log=log).fit_transform(silence).values
    assert np.isfinite(values).all()
    if normalize != "l2":
        assert not values.any()


def test_standard_learns_in_fit_only():
    plain = MelSpectrogramTransformer(n_mels=20).transform(CLIPS)
    train = plain[:2].values.astype(np.float64)
    mel = MelSpectrogramTransformer(n_mels=20, normalize="standard").fit(CLIPS[:2])
    np.testing.assert_allclose(mel.mean_, train.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(mel.scale_, train.std(axis=0), rtol=1e-9)
    assert (mel.mean_.dtype, mel.scale_.dtype) == (np.float64, np.float64)
    mean, scale = mel.mean_.copy(), mel.scale_.copy()
    got = mel.transform(CLIPS[2:])
    np.testing.assert_allclose(got.values, (plain[2] - mean) / scale, atol=1e-4)
    np.testing.assert_array_equal(mel.mean_, mean)
    np.testing.assert_array_equal(mel.scale_, scale)


def test_standard_is_learned_block_by_block(monkeypatch):
    wanted = MelSpectrogramTransformer(normalize="standard").fit(CLIPS)
    monkeypatch.setattr("sklearn_audio.ragged._statistics._BLOCK", 5)
    got = MelSpectrogramTransformer(normalize="standard").fit(CLIPS)
    np.testing.assert_allclose(got.mean_, wanted.mean_, rtol=1e-12)
    np.testing.assert_allclose(got.scale_, wanted.scale_, rtol=1e-12)


def test_standard_in_one_go_is_that_of_two():
    one = MelSpectrogramTransformer(normalize="standard")
    together = one.fit_transform(CLIPS)
    apart = MelSpectrogramTransformer(normalize="standard").fit(CLIPS).transform(CLIPS)
    np.testing.assert_array_equal(together.values, apart.values)
    np.testing.assert_allclose(together.values.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(together.values.std(axis=0), 1, atol=1e-4)


def test_constant_bands_are_centred_and_not_scaled():
    mel = MelSpectrogramTransformer(normalize="standard", log="db", top_db=None)
    values = mel.fit_transform([np.zeros(3000, dtype=np.float32)]).values
    np.testing.assert_array_equal(mel.scale_, 1.0)
    assert not values.any()


def test_only_standard_needs_fit():
    for normalize in (None, "minmax", "l2"):
        mel = MelSpectrogramTransformer(normalize=normalize)
        assert len(mel.transform(CLIPS)) == 3
        assert not get_tags(mel).requires_fit
    mel = MelSpectrogramTransformer(normalize="standard")
    assert get_tags(mel).requires_fit
    with pytest.raises(NotFittedError, match="This MelSpectrogramTransformer instance is not fitted yet"):
        mel.transform(CLIPS)


@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_standard_leaves_failed_clips_out(method):
    mel = MelSpectrogramTransformer(normalize="standard", on_error="nan")
    wanted = clone(mel).fit([CLIPS[0], CLIPS[1]])
    with pytest.warns(UserWarning, match=r"1 clip\(s\) could not be used and became NaN:\n  row 1: .*no/such\.wav"):
        frames = getattr(mel, method)([CLIPS[0], "no/such.wav", CLIPS[1]])
    np.testing.assert_array_equal(mel.mean_, wanted.mean_)
    np.testing.assert_array_equal(mel.scale_, wanted.scale_)
    if method == "fit_transform":
        assert np.isnan(frames[1]).all()
        np.testing.assert_array_equal(frames[2], wanted.transform(CLIPS)[1])


@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_standard_of_no_clip_at_all(method):
    mel = MelSpectrogramTransformer(normalize="standard", on_error="nan")
    match = 'no clip could be read: normalize="standard" has nothing to learn from'
    with pytest.warns(UserWarning, match="became NaN"), pytest.raises(ValueError, match=match):
        getattr(mel, method)(["no/such.wav"])


# ---- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("normalize", [None, "minmax", "l2"])
def test_a_failed_clip_is_one_frame_of_nan(normalize):
    mel = MelSpectrogramTransformer(n_mels=8, normalize=normalize, on_error="nan")
    wanted = mel.transform(CLIPS)
    bad = np.where(np.arange(3000) == 2999, np.nan, 0.1)
    with pytest.warns(UserWarning, match=r"(?s)2 clip\(s\).*row 1: .*row 3: .*NaN") as caught:
        got = mel.transform([CLIPS[0], "no/such.wav", CLIPS[1], bad])
    assert len(caught) == 1
    assert got[1].shape == got[3].shape == (1, 8)
    assert np.isnan(got[1]).all()
    assert np.isnan(got[3]).all()
    np.testing.assert_array_equal(got[0], wanted[0])
    np.testing.assert_array_equal(got[2], wanted[1])


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_failed_clip_raises(n_jobs):
    with pytest.raises(AudioReadError, match=r"row 1: .*no/such\.wav"):
        MelSpectrogramTransformer(n_jobs=n_jobs).transform([CLIPS[0], "no/such.wav", CLIPS[1]])


@NAN
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_an_interrupt_surfaces_and_leaves_no_thread(monkeypatch, on_error, n_jobs):
    read = AudioClips.stream

    def stream(self, row):
        if row == 3:
            raise KeyboardInterrupt("stop")
        return read(self, row)

    monkeypatch.setattr(AudioClips, "stream", stream)
    with pytest.raises(KeyboardInterrupt, match="stop"):
        MelSpectrogramTransformer(n_jobs=n_jobs, on_error=on_error).transform(CLIPS * 5)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("sklearn-audio")]


# ---- threads and blocks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params", [{}, {"normalize": "standard"}, {"front_end": FrontEnd(preemphasis=0.97, preemphasis_scope="waveform")}]
)
def test_threads_change_no_bit(params):
    mel = MelSpectrogramTransformer(**params).fit(CLIPS)
    wanted = mel.transform(CLIPS * 4)
    got = mel.set_params(n_jobs=2).transform(CLIPS * 4)
    np.testing.assert_array_equal(got.values, wanted.values)
    np.testing.assert_array_equal(got.offsets, wanted.offsets)


@pytest.mark.parametrize("name", [None, *sorted(PRESETS)])
def test_blocks_change_no_bit(monkeypatch, name):
    mel = MelSpectrogramTransformer() if name is None else MelSpectrogramTransformer.from_preset(name)
    wanted = mel.transform(CLIPS).values
    monkeypatch.setattr(_audio, "_BLOCK_TIMEPOINTS", 1111)
    np.testing.assert_array_equal(mel.transform(CLIPS).values, wanted)


def test_a_clip_longer_than_a_block_of_reading(tmp_path):
    x = tone(_audio._BLOCK_TIMEPOINTS + 5000)
    soundfile.write(tmp_path / "x.wav", x, RATE, subtype="FLOAT")
    mel = MelSpectrogramTransformer(n_mels=16, hop_length=1024)
    wanted = librosa_db(x, n_mels=16, hop_length=1024)
    for clip in (x, tmp_path / "x.wav"):
        np.testing.assert_allclose(mel.transform([clip])[0], wanted, atol=2e-3)


def test_progress(capfd):
    MelSpectrogramTransformer().fit_transform(CLIPS)
    assert capfd.readouterr() == ("", "")
    MelSpectrogramTransformer(verbose=1).transform(CLIPS)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("MelSpectrogramTransformer: 100%") == 1


# ---- presets and parameters ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets(name):
    mel = MelSpectrogramTransformer.from_preset(name, n_jobs=2)
    assert mel.n_jobs == 2
    wave = tone(PRESETS[name].sample_rate)
    frames = mel.fit_transform([wave])
    assert np.array_equal(frames[0], PRESETS[name](torch.from_numpy(wave)).numpy())
    for front_end in (name, PRESETS[name]):
        assert np.array_equal(MelSpectrogramTransformer(front_end=front_end).transform([wave])[0], frames[0])


def test_a_preset_with_changes_and_other_parameters():
    mel = MelSpectrogramTransformer.from_preset("panns_8k", n_mels=20, hop_length=160, normalize="l2")
    assert mel.front_end == preset("panns_8k", n_mels=20, hop_length=160)
    assert mel.normalize == "l2"
    assert clone(mel).transform(CLIPS).item_shape == (20,)


def test_files_and_arrays_have_the_rate_of_the_front_end(tmp_path):
    wave = tone(8000)
    soundfile.write(tmp_path / "x.wav", wave, 8000, subtype="FLOAT")
    mel = MelSpectrogramTransformer(front_end="panns_8k")
    array, file, rated = mel.fit_transform([wave, tmp_path / "x.wav", (wave, 8000)])
    assert np.array_equal(array, file)
    assert np.array_equal(array, rated)


def test_preset_mistakes():
    with pytest.raises(
        ValueError, match=r"unknown front end 'vgg'; did you mean 'vggish'\? Choose one of \['ast', .*'vggish'"
    ):
        MelSpectrogramTransformer.from_preset("vgg")
    with pytest.raises(TypeError, match="unexpected keyword argument 'n_mel'"):
        MelSpectrogramTransformer.from_preset("vggish", n_mel=32)
    with pytest.raises(ValueError, match="unknown front end 'vgg'; did you mean 'vggish'"):
        MelSpectrogramTransformer(front_end="vgg").fit(CLIPS)
    with pytest.raises(
        ValueError, match="n_mels=32 has no effect here: it needs front_end=None, but front_end determines it"
    ):
        MelSpectrogramTransformer(n_mels=32, front_end="vggish").fit(CLIPS)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        (
            {"n_mels": 0},
            r"'n_mels' parameter of MelSpectrogramTransformer must be an int in the range \[1, inf\)\. Got 0",
        ),
        ({"hop_length": 0.5}, r"'hop_length' parameter .* must be an int in the range \[1, inf\)\. Got 0\.5"),
        ({"log": "decibel"}, "'log' parameter of MelSpectrogramTransformer must be .* Got 'decibel'"),
        ({"normalize": "zscore"}, "'normalize' parameter of MelSpectrogramTransformer must be .* Got 'zscore'"),
        ({"window": "kaiser"}, "'window' parameter of MelSpectrogramTransformer must be a str among .* Got 'kaiser'"),
        ({"front_end": 3}, "'front_end' parameter of MelSpectrogramTransformer must be .* Got 3"),
        ({"ref": "min"}, "'ref' parameter of MelSpectrogramTransformer must be a str among {'max'} or a float"),
    ],
)
def test_parameters(params, match):
    with pytest.raises(InvalidParameterError, match=match):
        MelSpectrogramTransformer(**params).fit(CLIPS)


@pytest.mark.parametrize("window", sorted(WINDOWS))
def test_windows(window):
    assert np.isfinite(MelSpectrogramTransformer(window=window).transform(CLIPS).values).all()


def test_names():
    assert MelSpectrogramTransformer(n_mels=3).get_feature_names_out().tolist() == ["mel_0", "mel_1", "mel_2"]


# ---- scikit-learn ----------------------------------------------------------------------------------------------------


@pytest.fixture
def labelled(tmp_path):
    paths, labels = [], np.arange(12) % 2
    for i, label in enumerate(labels):
        paths.append(str(tmp_path / f"{i}.wav"))
        soundfile.write(paths[-1], tone(4000 + 100 * i, 1 + 3 * label), RATE)
    return paths, labels


def test_grid_search_in_processes(labelled):
    paths, labels = labelled
    pipeline = make_pipeline(MelSpectrogramTransformer(), SequencePooling(), LogisticRegression())
    grid = {
        "melspectrogramtransformer__n_mels": [8, 16],
        "melspectrogramtransformer__normalize": [None, "standard"],
        "sequencepooling__statistics": ["mean"],
    }
    search = GridSearchCV(pipeline, grid, n_jobs=2, cv=2, error_score="raise").fit(paths, labels)
    assert search.score(paths, labels) == 1.0
    assert len(search.cv_results_["mean_test_score"]) == 4
    again = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(np.array(paths), labels)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"])


def test_cached_pipeline_step(labelled, tmp_path):
    paths, labels = labelled
    steps = [MelSpectrogramTransformer(n_mels=8), SequencePooling(), LogisticRegression()]
    pipeline = make_pipeline(*steps, memory=str(tmp_path / "memory"))
    first = pipeline.fit(paths, labels).predict_proba(paths)
    np.testing.assert_array_equal(pipeline.fit(paths, labels).predict_proba(paths), first)


def test_joblib_round_trip(tmp_path):
    mel = MelSpectrogramTransformer(normalize="standard").fit(CLIPS)
    joblib.dump(mel, tmp_path / "mel.joblib")
    loaded = joblib.load(tmp_path / "mel.joblib")
    assert loaded.get_params() == mel.get_params()
    got = loaded.transform(CLIPS)
    assert isinstance(got, Ragged)
    np.testing.assert_array_equal(got.values, mel.transform(CLIPS).values)


def test_clone_forgets_what_was_learned():
    copy = clone(MelSpectrogramTransformer(normalize="standard", n_mels=8).fit(CLIPS))
    assert copy.get_params()["n_mels"] == 8
    assert not hasattr(copy, "mean_")
