"""`robustness_table`: scores on changed recordings, checked against changes made by hand."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_audio import AudioLoader, MFCCTransformer, SequencePooling
from sklearn_audio.datasets import make_sound_events
from sklearn_audio.files import resample
from sklearn_audio.inspection import _robustness, robustness_table
from sklearn_audio.inspection._robustness import _KINDS, _Sound
from sklearn_audio.metrics import mean_average_precision_scorer

SOUNDS = make_sound_events(24, random_state=0, classes=["chirp", "noise", "tone"])
RATE = SOUNDS.sample_rate
X, Y = SOUNDS.data, SOUNDS.target
MODEL = make_pipeline(MFCCTransformer(RATE), SequencePooling(), LogisticRegression(max_iter=1000)).fit(X[:12], Y[:12])
RNG = np.random.default_rng(0)
T = np.arange(16000) / 16000


def changed(kind, level, wave, rate=16000):
    return _KINDS[kind](level, rate)(_Sound(wave.astype(np.float32), rate), np.random.default_rng(0))


def power(wave):
    return np.mean(np.square(wave, dtype=np.float64))


# ---- the changes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("snr", [20, 0.0, -5])
def test_noise(snr):
    wave = np.sin(2 * np.pi * 440 * T)
    found = changed("noise", snr, wave)
    assert 10 * np.log10(power(wave) / power(found.wave - wave)) == pytest.approx(snr, abs=0.01)
    assert found.rate == 16000


def test_gain_clips_at_full_scale():
    wave = np.array([0.01, -0.4, 0.2])
    np.testing.assert_allclose(changed("gain", 20, wave).wave, [0.1, -1, 1])
    np.testing.assert_allclose(changed("gain", -20, wave).wave, wave / 10, rtol=1e-6)


@pytest.mark.parametrize(("codec", "rate"), [("mp3", 16000), ("vorbis", 16000), ("opus", 48000)])
def test_codecs(codec, rate):
    form, subtype = _robustness._CODECS[codec]
    if subtype not in soundfile.available_subtypes(form):
        pytest.skip(f"this libsndfile writes no {codec}")
    wave = 0.3 * np.sin(2 * np.pi * 440 * T) + 0.1 * RNG.normal(size=16000)
    found = changed(codec and "codec", codec, wave)
    assert (found.rate, len(found.wave)) == (rate, rate)
    back = resample(found.wave, rate, 16000)
    assert not np.array_equal(back, wave)
    spectrum = np.abs(np.fft.rfft(back))
    assert spectrum.argmax() == 440
    assert np.corrcoef(back, wave)[0, 1] > 0.7  # neither delayed nor inverted


def test_sample_rate_and_crop():
    wave = np.sin(2 * np.pi * 440 * T) + np.sin(2 * np.pi * 6000 * T)
    found = changed("sample_rate", 8000, wave)
    assert (found.rate, len(found.wave)) == (8000, 8000)
    assert power(found.wave) == pytest.approx(0.5, rel=0.01)  # the tone above 4 kHz is gone
    np.testing.assert_array_equal(changed("crop", 0.5, np.arange(8.0)).wave, [2, 3, 4, 5])
    assert len(changed("crop", 0.01, np.arange(8.0)).wave) == 1


@pytest.mark.parametrize("n", [16000, 5, 1])
def test_band_limit(n):
    for frequency, kept in ((500, 1.0), (5000, 0.0)):
        wave = np.sin(2 * np.pi * frequency * T)[:n]
        found = changed("band_limit", 2000, wave).wave
        assert len(found) == n
        if n == 16000:
            assert power(found) / power(wave) == pytest.approx(kept, abs=0.01)


# ---- the table -------------------------------------------------------------------------------------------------------


def test_the_score_is_that_of_changed_clips():
    found = robustness_table(MODEL, X[12:], Y[12:], {"crop": [0.5], "sample_rate": [4000], "gain": [-40, 20]})
    assert found.columns.tolist() == ["kind", "level", "score", "change"]
    assert found["kind"].tolist() == ["none", "crop", "sample_rate", "gain", "gain"]
    assert found["level"].tolist() == [None, 0.5, 4000, -40, 20]
    by_hand = [
        X[12:],
        [wave[(len(wave) - round(len(wave) / 2)) // 2 :][: round(len(wave) / 2)] for wave in X[12:]],
        [{"array": resample(wave, RATE, 4000), "sampling_rate": 4000} for wave in X[12:]],
        [np.asarray(wave) / 100 for wave in X[12:]],
        [np.clip(np.asarray(wave) * 10, -1, 1) for wave in X[12:]],
    ]
    wanted = [MODEL.score(clips, Y[12:]) for clips in by_hand]
    assert found["score"].tolist() == wanted
    np.testing.assert_allclose(found["change"], np.array(wanted) - wanted[0])


def test_all_conditions_by_default(tmp_path):
    paths = []
    for i, wave in enumerate(X[12:18]):
        soundfile.write(tmp_path / f"{i}.wav", wave, RATE, subtype="FLOAT")
        paths.append(str(tmp_path / f"{i}.wav"))
    found = robustness_table(MODEL, paths, Y[12:18])
    assert found["kind"].unique().tolist() == ["none", *_KINDS]
    assert found["score"].between(0, 1).all()
    pd.testing.assert_frame_equal(robustness_table(MODEL, X[12:18], Y[12:18], n_jobs=2), found)


def test_chunks_and_order_change_nothing(monkeypatch):
    conditions = {"noise": [5]}
    found = robustness_table(MODEL, X, Y, conditions, "neg_log_loss")
    monkeypatch.setattr(_robustness, "_CHUNK", 5)
    pd.testing.assert_frame_equal(robustness_table(MODEL, X, Y, conditions, "neg_log_loss"), found)
    other = robustness_table(MODEL, X, Y, conditions, "neg_log_loss", random_state=1)
    assert other["score"][0] == found["score"][0] == pytest.approx(-log_loss(Y, MODEL.predict_proba(X)))
    assert other["score"][1] != found["score"][1]


@pytest.mark.parametrize("forest", [False, True])
def test_several_labels(forest):
    several = np.column_stack([Y == "tone", Y != "noise"]).astype(int)
    steps = [MFCCTransformer(RATE), SequencePooling()]
    if forest:
        steps.append(RandomForestClassifier(5, random_state=0))
    else:
        from sklearn.multiclass import OneVsRestClassifier

        steps.append(OneVsRestClassifier(LogisticRegression(max_iter=1000)))
    model = make_pipeline(*steps).fit(X, several)
    found = robustness_table(model, X, several, {"noise": [0]}, mean_average_precision_scorer)
    assert found["score"][0] == pytest.approx(mean_average_precision_scorer(model, X, several))
    assert robustness_table(model, X, several, {"gain": [0]})["score"][0] == model.score(X, several)


@pytest.mark.parametrize(
    ("conditions", "error", "match"),
    [
        ({}, ValueError, "conditions has no kind; give levels of some of"),
        ({"nois": [3]}, ValueError, "unknown kind of change 'nois'; did you mean 'noise'"),
        ({"noise": 3}, TypeError, r"conditions\['noise'\] is a sequence of levels, got 3"),
        ({"codec": "mp3"}, TypeError, r"conditions\['codec'\] is a sequence of levels, got 'mp3'"),
        ({"noise": ["loud"]}, ValueError, r"conditions\['noise'\]: got the level 'loud'; it must be a number"),
        ({"gain": [np.nan]}, ValueError, "it must be a number"),
        ({"codec": ["mp4"]}, ValueError, "unknown codec 'mp4'; did you mean 'mp3'"),
        ({"sample_rate": [16000]}, ValueError, "above 0 and below the rate of the estimator, 16000 Hz"),
        ({"crop": [1]}, ValueError, "above 0 and below 1, the whole recording"),
        ({"band_limit": [8000]}, ValueError, "above 0 and below half the rate, 8000 Hz"),
    ],
)
def test_conditions_that_are_refused(conditions, error, match):
    with pytest.raises(error, match=match):
        robustness_table(MODEL, X, Y, conditions)


def test_a_codec_that_is_not_there(monkeypatch):
    monkeypatch.setattr(soundfile, "available_subtypes", lambda _: {})
    with pytest.raises(ValueError, match=r"codec 'mp3': this libsndfile .* cannot write it"):
        robustness_table(MODEL, X, Y, {"codec": ["mp3"]})
    assert "codec" not in set(robustness_table(MODEL, X[:3], Y[:3])["kind"])


def test_other_input_that_is_refused():
    with pytest.raises(NotFittedError):
        robustness_table(make_pipeline(MFCCTransformer(RATE), SequencePooling(), LogisticRegression()), X, Y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        robustness_table(MODEL, X, Y[:3])
    with pytest.raises(ValueError, match="row 1"):
        robustness_table(MODEL, [X[0], np.full(100, np.nan)], Y[:2])


def test_an_estimator_that_does_not_say_its_rate():
    flat = FunctionTransformer(lambda clips: np.array([[np.std(clip["array"])] for clip in clips]))
    clips = [{"array": wave, "sampling_rate": RATE} for wave in X]
    model = make_pipeline(flat, LogisticRegression()).fit(clips, Y)
    with pytest.raises(ValueError, match="the estimator does not say at which rate it reads; give sample_rate="):
        robustness_table(model, clips, Y)
    found = robustness_table(model, clips, Y, {"gain": [0]}, sample_rate=RATE)
    assert found["score"].tolist() == [model.score(clips, Y)] * 2
    assert AudioLoader(RATE).fit(clips).transform(clips)[0].shape == X[0].shape
