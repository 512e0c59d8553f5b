"""`AudioLoader`: waveforms, fixed lengths, failures, parameters."""

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_audio import AudioLoader, Ragged
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.files import resample
from tests.instances import AUDIO


def noise(n, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, n).astype(np.float32)


CLIPS = [noise(800, 1), noise(500, 2), noise(1, 3)]


def test_waveforms_keep_their_lengths():
    waveforms = AudioLoader(8000).fit_transform(CLIPS)
    assert isinstance(waveforms, Ragged)
    for got, wanted in zip(waveforms, CLIPS, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_fit_reads_nothing():
    assert AudioLoader().fit(["no/such.wav"]).get_feature_names_out().tolist() == ["amplitude"]


def test_a_loader_works_without_fit():
    assert AudioLoader(8000).transform(CLIPS).lengths.tolist() == [800, 500, 1]


@pytest.mark.parametrize("rate", [8000, 22050])
@pytest.mark.parametrize("top_db", [20.0, 45.0])
def test_trimmed_as_by_librosa(rate, top_db):
    librosa = pytest.importorskip("librosa")
    loud = noise(rate // 2) * np.hanning(rate // 2).astype(np.float32)
    clips = [np.concatenate([noise(rate // 3) * 1e-3, loud, np.zeros(rate // 5, np.float32)]), loud, loud[:3]]
    got = AudioLoader(rate, trim=top_db).transform(clips)
    hop = rate // 100
    for row, clip in zip(got, clips, strict=True):
        wanted, _ = librosa.effects.trim(clip, top_db=top_db, frame_length=4 * hop, hop_length=hop)
        np.testing.assert_array_equal(row, wanted)


@pytest.mark.parametrize("n", [1, 79, 8000])
def test_silence_is_not_trimmed(n):
    assert AudioLoader(8000, trim=30.0).transform([np.zeros(n, np.float32)]).lengths.tolist() == [n]


def test_trimming_with_the_other_parameters():
    clip = np.concatenate([np.zeros(4000), noise(4000), np.zeros(4000)]).astype(np.float32)
    X = AudioLoader(8000, trim=60.0, duration=0.75, fix_length=True).transform([clip])
    assert X.shape == (1, 6000)
    assert np.abs(X[0, :200]).max() > 0.1
    assert not X[0, 2400:].any()
    with pytest.warns(UserWarning, match="row 0"):
        assert np.isnan(AudioLoader(8000, trim=60.0, on_error="nan").transform(["no.wav", clip])[0]).all()
    for trim in (0, -1.0, "60"):
        with pytest.raises(InvalidParameterError, match="'trim' parameter of AudioLoader must be"):
            AudioLoader(trim=trim).fit([clip])


def test_fixed_length_cuts_and_fills():
    X = AudioLoader(8000, duration=0.075, fix_length=True).fit_transform(CLIPS)
    assert X.shape == (3, 600)
    assert X.dtype == np.float32
    np.testing.assert_array_equal(X[0], CLIPS[0][:600])
    np.testing.assert_array_equal(X[1, :500], CLIPS[1])
    np.testing.assert_array_equal(X[2, 0], CLIPS[2][0])
    assert not X[1, 500:].any()
    assert not X[2, 1:].any()


@pytest.mark.parametrize("rate", [11025, 44100, 48000])
def test_fixed_length_of_resampled_clips(rate):
    loader = AudioLoader(16000, duration=0.0333, fix_length=True)
    assert loader.transform([(noise(rate // 10), rate), (noise(50), rate)]).shape == (2, 533)
    assert len(loader.get_feature_names_out()) == 533


def test_fixed_names():
    loader = AudioLoader(10, duration=0.3, fix_length=True)
    assert loader.get_feature_names_out().tolist() == ["timepoint_0", "timepoint_1", "timepoint_2"]


@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
def test_fixed_length_needs_a_duration(method):
    with pytest.raises(ValueError, match="fix_length=True needs duration=, the seconds to which every clip is cut or"):
        getattr(AudioLoader(fix_length=True), method)(CLIPS)
    with pytest.raises(ValueError, match="fix_length=True needs duration="):
        AudioLoader(fix_length=True).get_feature_names_out()


def test_offset_and_duration():
    waveforms = AudioLoader(8000, offset=0.01, duration=0.03).transform(CLIPS[:2])
    np.testing.assert_array_equal(waveforms[0], CLIPS[0][80:320])
    np.testing.assert_array_equal(waveforms[1], CLIPS[1][80:320])


def test_a_channel():
    stereo = np.stack([noise(300, 1), noise(300, 2)], axis=1)
    np.testing.assert_array_equal(AudioLoader(8000, channel=1).transform([(stereo, 8000)])[0], stereo[:, 1])
    with pytest.raises(ValueError, match="row 0: there is no channel 2: the recording has 2"):
        AudioLoader(8000, channel=2).transform([(stereo, 8000)])


# ---- failures --------------------------------------------------------------------------------------------------------

BAD = [CLIPS[0], "no/such.wav", CLIPS[1], np.array([0.1, np.nan]), CLIPS[1][:0]]


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_raise_names_the_first_bad_row(n_jobs):
    with pytest.raises(AudioReadError, match=r"row 1: .*no/such\.wav"):
        AudioLoader(8000, n_jobs=n_jobs).transform(BAD)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_nan_rows(n_jobs):
    loader = AudioLoader(8000, on_error="nan", n_jobs=n_jobs)
    with pytest.warns(
        UserWarning, match=r"(?s)^3 clip\(s\).*row 1: .*such\.wav.*row 3: .*NaN.*row 4: .*no samples"
    ) as c:
        waveforms = loader.transform(BAD)
    assert len(c) == 1
    assert waveforms.lengths.tolist() == [800, 1, 500, 1, 1]
    assert [bool(np.isnan(row).all()) for row in waveforms] == [False, True, False, True, True]
    np.testing.assert_array_equal(waveforms[2], CLIPS[1])


def test_nan_rows_of_fixed_length_are_nan_throughout():
    loader = AudioLoader(8000, duration=0.05, fix_length=True, on_error="nan")
    with pytest.warns(UserWarning, match=r"3 clip\(s\) could not be used"):
        X = loader.transform(BAD)
    assert X.shape == (5, 400)
    assert np.isnan(X).all(axis=1).tolist() == [False, True, False, True, True]
    assert np.isfinite(X[[0, 2]]).all()


def test_a_row_that_is_no_clip_is_a_mistake_whatever_on_error():
    with pytest.raises(TypeError, match="row 1: expected a path, bytes"):
        AudioLoader(8000, on_error="nan").transform([CLIPS[0], None])


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("edge/nan_inf.wav", r"row 1.*nan_inf\.wav.*NaN"),
        ("broken/header_only.wav", r"row 1.*header_only\.wav.*no samples"),
    ],
)
def test_bad_recordings(shared_data, name, match):
    X = [CLIPS[0], shared_data / "formats" / name]
    with pytest.raises((ValueError, AudioReadError), match=match):
        AudioLoader(8000).transform(X)
    with pytest.warns(UserWarning, match=rf"(?s)^1 clip\(s\) could not be used.*{match}"):
        assert np.isnan(AudioLoader(8000, on_error="nan").transform(X)[1]).all()


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_channels_that_cancel(shared_data, n_jobs):
    folder = shared_data / "formats" / "edge"
    X = [folder / "stereo_identical.wav", folder / "stereo_antiphase.wav", folder / "stereo_right_silent.wav"]
    match = r"row 1 \('.*stereo_antiphase\.wav'\): the mean of the channels .* AudioLoader\(channel=0\)"
    with pytest.warns(UserWarning, match=match) as caught:
        waveforms = AudioLoader(16000, n_jobs=n_jobs).transform(X)
    assert len(caught) == 1
    assert not waveforms[1].any()
    assert AudioLoader(16000, channel=0).transform(X)[1].any()


# ---- an estimator ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "match"),
    [
        (
            {"sample_rate": 0},
            r"'sample_rate' parameter of AudioLoader must be an int in the range \[100, 10000000\]\. Got 0",
        ),
        ({"sample_rate": 16000.0}, "'sample_rate' parameter of AudioLoader must be an int"),
        ({"offset": -1}, r"'offset' parameter of AudioLoader must be a float in the range \[0\.0, inf\)\. Got -1"),
        ({"duration": 0}, r"'duration' parameter of AudioLoader must be .* \(0\.0, inf\) or None\. Got 0|'duration'.*"),
        ({"fix_length": "yes"}, "'fix_length' parameter of AudioLoader must be .* Got 'yes'"),
        (
            {"channel": "left"},
            "'channel' parameter of AudioLoader must be a str among {'mean'} or an int .* Got 'left'",
        ),
        ({"channel": -1}, "'channel' parameter of AudioLoader .* Got -1"),
        ({"n_jobs": 1.5}, "'n_jobs' parameter of AudioLoader must be None or an instance of 'int'|'n_jobs'.*Got 1.5"),
        ({"on_error": "warn"}, "'on_error' parameter of AudioLoader must be a str among .* Got 'warn'"),
        ({"verbose": -1}, "'verbose' parameter of AudioLoader"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_parameters(params, match, method):
    with pytest.raises(InvalidParameterError, match=match):
        getattr(AudioLoader(**params), method)(CLIPS)


def test_progress(capfd):
    AudioLoader(8000).transform(CLIPS)
    assert capfd.readouterr() == ("", "")
    AudioLoader(8000, verbose=1).transform(CLIPS)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("AudioLoader: 100%") == 1


@pytest.mark.parametrize("name", AUDIO)
def test_clone_and_params(name):
    estimator = AUDIO[name]
    copy = clone(estimator).set_params(n_jobs=2, on_error="nan", verbose=1)
    wanted = estimator.get_params() | {"n_jobs": 2, "on_error": "nan", "verbose": 1}
    assert copy.get_params() == wanted
    assert type(estimator)(**wanted).get_params() == wanted


def test_joblib_round_trip(tmp_path):
    joblib.dump(AudioLoader(8000, offset=0.01).fit(CLIPS[:2]), tmp_path / "loader.joblib")
    loaded = joblib.load(tmp_path / "loader.joblib")
    np.testing.assert_array_equal(loaded.transform(CLIPS[:2])[1], CLIPS[1][80:])


def test_files_at_other_rates_and_pandas(tmp_path):
    for i in range(3):
        soundfile.write(tmp_path / f"{i}.flac", noise(4410, i), 44100, subtype="PCM_24")
    paths = pd.Series(sorted(map(str, tmp_path.iterdir())), index=list("cab"))
    waveforms = AudioLoader(16000).transform(paths)
    for i, waveform in enumerate(waveforms):
        np.testing.assert_allclose(waveform, resample(noise(4410, i), 44100, 16000), atol=1e-6)


def test_output_is_audio_again():
    once = AudioLoader(8000).transform(CLIPS)
    np.testing.assert_array_equal(AudioLoader(8000).transform(once).values, once.values)
    fixed = AudioLoader(8000, duration=0.05, fix_length=True).transform(CLIPS)
    np.testing.assert_array_equal(np.stack(AudioLoader(8000).transform(fixed).to_list()), fixed)
