"""Tags of AudioSet and of music: clips, frames and events."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from sklearn_audio import AudioTagger, MusiCNNEmbedder, YAMNetEmbedder
from sklearn_audio.classification._tagger import _segments_to_frames
from sklearn_audio.datasets import read_audioset_labels
from sklearn_audio.engine._networks import WeightsSource, load_network
from sklearn_audio.engine.models import (
    TAGGERS,
    audioset_labels,
    layer_width,
    magnatagatune_labels,
    million_song_labels,
    score_layer,
    windowed,
    yamnet_labels,
)
from sklearn_audio.exceptions import AudioReadError

RATE = 32000
TAGGER = AudioTagger("efficientat_mn04_as", weights=None, sample_rate=RATE, window=0.5, hop=0.25)
RNG = np.random.default_rng(0)
CLIPS = [RNG.normal(scale=0.1, size=n).astype(np.float32) for n in (40000, 9000, 64000)]


def test_labels(shared_data):
    names = audioset_labels()
    table = pd.read_csv(shared_data / "weights" / "class_labels_indices.csv")
    assert names.tolist() == table["display_name"].tolist()
    assert TAGGER.classes_ is names
    assert not names.flags.writeable


@pytest.mark.parametrize("name", TAGGERS)
def test_models_know_all_labels(name):
    labels = AudioTagger(name).classes_
    assert layer_width(TAGGERS[name], score_layer(TAGGERS[name])) == len(labels)
    assert len(labels) == {"musicnn": 50, "yamnet": 521}.get(name.partition("_")[0], 527)


@pytest.mark.parametrize(("name", "labels"), [("msd", million_song_labels()), ("mtt", magnatagatune_labels())])
def test_tags_of_music(name, labels):
    tagger = AudioTagger(f"musicnn_{name}_musicnn", weights=None, sample_rate=16000, hop=0.5, top_k=2)
    assert tagger.classes_ is labels
    clip = RNG.normal(scale=0.1, size=16000 * 8).astype(np.float32)
    scores = tagger.predict_proba([clip])
    embedder = MusiCNNEmbedder(f"{name}_musicnn", weights=None, sample_rate=16000, layer="taggram", pooling="mean")
    np.testing.assert_array_equal(scores, embedder.transform([clip]))
    assert set(tagger.tag([clip])["label"]) == set(labels[np.argsort(-scores[0])[:2]])
    (frames,) = tagger.predict_frames([clip])
    assert frames.shape == (801, 50)
    windows = embedder.set_params(pooling=None, hop=0.5).transform([clip])[0]
    np.testing.assert_allclose(frames[[0, 40, 60]], [windows[0], windows[0], windows[:2].mean(axis=0)], rtol=1e-6)


def test_windows_of_one_length():
    tagger = AudioTagger("musicnn_mtt_musicnn", weights=None, sample_rate=16000)
    with pytest.raises(ValueError, match=r"window=2\.0 .*a model with windows of any length.*'musicnn_mtt_musicnn'"):
        clone(tagger).set_params(window=2.0).predict_proba(CLIPS)
    with pytest.raises(ValueError, match=r"hop=4\.0 is longer than window=2\.992, which would leave gaps"):
        clone(tagger).set_params(hop=4.0).predict_frames(CLIPS)
    with pytest.raises(ValueError, match="unknown model 'mtt_musicnn'"):
        _ = clone(tagger).set_params(model="mtt_musicnn").classes_


def test_labels_of_yamnet(shared_data):
    table = pd.read_csv(shared_data / "weights" / "yamnet_class_map.csv")
    assert yamnet_labels().tolist() == table["display_name"].tolist()
    names = read_audioset_labels()
    assert [names[mid] for mid in table["mid"]] == yamnet_labels().tolist()
    assert AudioTagger("yamnet").classes_ is yamnet_labels()
    assert not yamnet_labels().flags.writeable


def test_yamnet_scores_its_own_windows():
    tagger = AudioTagger("yamnet", weights=None, sample_rate=16000, top_k=3)
    scores, embedder = tagger.predict_proba(CLIPS), YAMNetEmbedder(weights=None, layer="probabilities")
    np.testing.assert_array_equal(scores, embedder.set_params(sample_rate=16000).transform(CLIPS))
    tags = tagger.tag(CLIPS)
    assert tags["label"].tolist() == tagger.classes_[np.argsort(-scores, axis=1)[:, :3].ravel()].tolist()
    frames = tagger.set_params(hop=0.48).predict_frames(CLIPS)
    assert frames.item_shape == (521,)
    assert frames.lengths.tolist() == [251, 57, 401]
    patches = embedder.set_params(pooling=None).transform(CLIPS)
    np.testing.assert_allclose(frames[0][[10, 60]], [patches[0][0], patches[0][:2].mean(axis=0)], rtol=1e-5)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        (
            {"window": 0.5},
            r"window=0\.5 has no effect here: it needs a model with windows of any length, but model=",
        ),
        ({"hop": 0.97}, r"hop=0\.97 is longer than window=0\.96, which would leave gaps"),
    ],
)
def test_windows_of_yamnet(params, match):
    with pytest.raises(ValueError, match=match):
        AudioTagger("yamnet", weights=None, sample_rate=16000, **params).predict_frames(CLIPS)


# labels of AudioSet that name what is heard in a class of ESC-10
HEARD = {
    "baby_cry": {"Baby cry, infant cry", "Crying, sobbing"},
    "chainsaw": {
        "Chainsaw",
        "Light engine (high frequency)",
        "Power tool",
        "Lawn mower",
        "Medium engine (mid frequency)",
    },
    "clock_tick": {"Tick", "Tick-tock", "Clock"},
    "dog_bark": {"Dog", "Bark", "Bow-wow", "Yip", "Growling", "Domestic animals, pets"},
    "fire_crackling": {"Fire", "Crackle"},
    "helicopter": {"Helicopter", "Aircraft", "Propeller, airscrew", "Fixed-wing aircraft, airplane"},
    "person_sneeze": {"Sneeze", "Cough"},
    "rain": {"Rain", "Raindrop", "Rain on surface"},
    "rooster": {"Chicken, rooster", "Crowing, cock-a-doodle-doo", "Fowl"},
    "sea_waves": {"Ocean", "Waves, surf"},
}


@pytest.mark.slow
def test_yamnet_hears_what_is_there(shared_data):
    """The weights of 8 bits; the best of the labels that name a class decides."""
    table = pd.read_csv(shared_data / "environment" / "labels.csv")
    weights = shared_data / "weights" / "yamnet_int8.npz"
    paths = [shared_data / "environment" / path for path in table["path"]]
    embedder = YAMNetEmbedder(weights=weights, layer="probabilities", pooling="max", n_jobs=2)
    scores = pd.DataFrame(embedder.transform(paths), columns=yamnet_labels())
    best = pd.DataFrame({label: scores[list(heard)].max(axis=1) for label, heard in HEARD.items()}).idxmax(axis=1)
    assert (best == table["label"]).mean() > 0.85


def test_tags_are_the_likeliest_labels():
    scores = TAGGER.predict_proba(CLIPS)
    assert scores.shape == (3, 527)
    tags = clone(TAGGER).set_params(top_k=4).tag(CLIPS)
    assert list(tags.columns) == ["clip", "label", "score"]
    for row, rows in tags.groupby("clip"):
        best = np.argsort(-scores[row], kind="stable")[:4]
        assert rows["label"].tolist() == TAGGER.classes_[best].tolist()
        np.testing.assert_array_equal(rows["score"], scores[row, best])


def test_frames_are_a_hundred_per_second():
    frames = TAGGER.predict_frames(CLIPS)
    assert frames.lengths.tolist() == [126, 29, 201]
    assert ((frames.values >= 0) & (frames.values <= 1)).all()


def test_frames_of_a_short_clip_are_the_clip():
    np.testing.assert_allclose(TAGGER.predict_frames([CLIPS[1]])[0], np.tile(TAGGER.predict_proba([CLIPS[1]]), (29, 1)))


def test_frames_are_means_of_the_windows_around_them():
    network = load_network(TAGGERS[TAGGER.model], WeightsSource(None), torch.device("cpu"))
    card = windowed(TAGGER.model, 0.5)
    got = TAGGER.predict_frames([CLIPS[2]])[0]
    starts = np.arange(0, 48001, 8000)  # of 16,000 timepoints each
    with torch.inference_mode():
        windows = [
            network(card.front_end(torch.from_numpy(CLIPS[2][s : s + 16000]))[None], layer="probabilities").numpy()[0]
            for s in starts
        ]
    for frame in (0, 30, 60, 130, 199):
        around = [window for s, window in zip(starts, windows, strict=True) if s <= frame * 320 < s + 16000]
        np.testing.assert_allclose(got[frame], np.mean(around, axis=0), rtol=1e-4, atol=1e-6)


def test_segments_are_repeated_as_upstream_does():
    segments = [np.array([[0.1], [0.9]], dtype=np.float32)]
    frames = _segments_to_frames(segments, 1000, 70).ravel()
    np.testing.assert_array_equal(frames, np.repeat(np.float32([0.1, 0.9]), [32, 38]))
    two = _segments_to_frames([segments[0], segments[0][::-1]], 64, 100).ravel()
    np.testing.assert_array_equal(two, np.repeat(np.float32([0.1, 0.9, 0.9, 0.1]), [32, 32, 32, 4]))
    # the last segment of a patch fills it
    filled = _segments_to_frames([segments[0], segments[0]], 70, 80).ravel()
    np.testing.assert_array_equal(filled, np.repeat(np.float32([0.1, 0.9, 0.1]), [32, 38, 10]))


@pytest.mark.slow
def test_decision_level_models_decide_by_themselves():
    tagger = AudioTagger("panns_cnn14_decision_max", weights=None, sample_rate=RATE)
    (frames,) = tagger.predict_frames([CLIPS[2]])
    card = TAGGERS["panns_cnn14_decision_max"]
    network = load_network(card, WeightsSource(None), torch.device("cpu"))
    with torch.inference_mode():
        segments = network(card.front_end(torch.from_numpy(CLIPS[2]))[None], layer="segments")[0].numpy()
    assert frames.shape == (201, 527)
    np.testing.assert_allclose(frames[:192], np.repeat(segments, 32, axis=0), atol=1e-6)
    np.testing.assert_allclose(frames[192:], np.repeat(segments[-1:], 9, axis=0), atol=1e-6)
    np.testing.assert_allclose(tagger.predict_proba([CLIPS[2]])[0], segments.max(axis=0), atol=1e-6)


@pytest.mark.slow
def test_decisions_of_clips_of_several_lengths():
    tagger = AudioTagger("panns_cnn14_decision_max", weights=None, sample_rate=RATE)
    frames = tagger.predict_frames(CLIPS)
    for row, clip in zip(frames, CLIPS, strict=True):
        np.testing.assert_array_equal(row, tagger.predict_frames([clip])[0])


def test_events():
    frames = TAGGER.predict_frames(CLIPS)
    label = int(np.argmax(frames.values.std(axis=0)))
    name = TAGGER.classes_[label]
    threshold = float(np.median(frames.values[:, label]))
    events = TAGGER.events(CLIPS, {name: threshold})
    assert list(events.columns) == ["clip", "start", "end", "label", "score"]
    assert set(events["label"]) == {name}
    for row, scores in enumerate(frames):
        found = np.zeros(len(scores), dtype=bool)
        for event in events[events["clip"] == row].itertuples():
            found[round(event.start * 100) : round(event.end * 100)] = True
        np.testing.assert_array_equal(found, scores[:, label] >= threshold)


def test_events_of_frames_that_were_computed_before(monkeypatch):
    frames = TAGGER.predict_frames(CLIPS)
    threshold, low = np.quantile(frames.values, [0.6, 0.4], axis=0)
    rules = {"low_threshold": low, "median": 0.05, "min_duration": 0.02, "merge_gap": 0.1}
    wanted = TAGGER.events(CLIPS, threshold, **rules)
    assert len(wanted) > 0
    monkeypatch.setattr(AudioTagger, "_scores", lambda *_, **__: pytest.fail("computed again"))
    pd.testing.assert_frame_equal(TAGGER.events(frames=frames, threshold=threshold, **rules), wanted)
    for given in ({}, {"X": CLIPS, "frames": frames}):
        with pytest.raises(ValueError, match="events takes either recordings, X, or the frames of predict_frames"):
            TAGGER.events(**given)


def test_hop_beyond_the_window_is_refused():
    with pytest.raises(ValueError, match=r"hop=0\.6 is longer than window=0\.5, which would leave gaps"):
        clone(TAGGER).set_params(hop=0.6).predict_frames(CLIPS)


def test_no_events():
    assert list(TAGGER.events(CLIPS, 1.1).columns) == ["clip", "start", "end", "label", "score"]
    assert len(TAGGER.events(CLIPS, 1.1)) == 0


def test_failed_clips():
    tagger = clone(TAGGER).set_params(on_error="nan")
    X = [CLIPS[0], "no/such.wav"]
    with pytest.warns(UserWarning, match=r"1 clip\(s\) could not be used"):
        assert np.isnan(tagger.predict_proba(X)).any(axis=1).tolist() == [False, True]
    with pytest.warns(UserWarning, match="row 1"):
        assert set(tagger.tag(X)["clip"]) == {0}
    with pytest.warns(UserWarning, match="row 1"):
        assert tagger.predict_frames(X).lengths.tolist() == [126, 1]
    with pytest.warns(UserWarning, match="row 1"):
        assert set(tagger.events(X, 0.0)["clip"]) == {0}
    with pytest.raises(AudioReadError, match="row 1"):
        TAGGER.tag(X)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"model": "cnn14"}, r"unknown model 'cnn14'; did you mean 'panns_cnn14'\?"),
        ({"top_k": 0}, r"'top_k' parameter of AudioTagger must be an int in the range \[1, inf\)"),
        ({"window": 0.0}, r"'window' parameter of AudioTagger must be a float in the range \(0"),
        ({"hop": -1.0}, r"'hop' parameter of AudioTagger must be a float in the range \(0"),
    ],
)
def test_mistakes(params, match):
    with pytest.raises(ValueError, match=match):
        clone(TAGGER).set_params(**params).fit(CLIPS)


@pytest.mark.parametrize(("model", "shortest"), [("panns_cnn14", "0.31"), ("ast_audioset_10_10_0.4593", "0.16")])
def test_windows_that_are_too_short(model, shortest):
    with pytest.raises(ValueError, match=rf"window=0\.1 s is too short for {model}, which needs {shortest} s"):
        AudioTagger(model, weights=None, window=0.1, sample_rate=RATE).predict_frames(CLIPS)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"threshold": {"Dgo": 0.5}}, "unknown label 'Dgo'; did you mean 'Dog'"),
        (
            {"low_threshold": 0.6},
            r"low_threshold is 0\.6 for label 'Speech', whose threshold is 0\.5; give a lower number",
        ),
        ({"median": -1.0}, r"median must be a number of seconds, at least 0, got -1\.0"),
        ({"min_duration": "1"}, "min_duration must be a number of seconds, at least 0, got '1'"),
        ({"merge_gap": float("nan")}, "merge_gap must be a number of seconds, at least 0, got nan"),
    ],
)
def test_bad_rules(options, match):
    with pytest.raises(ValueError, match=match):
        TAGGER.events(CLIPS, **options)


def test_all_segments_of_a_decision_level_model_are_kept():
    clip = np.random.default_rng(0).normal(scale=0.1, size=32000 * 6).astype(np.float32)
    tagger = AudioTagger("panns_cnn14_decision_max", weights=None, sample_rate=32000)
    (frames,) = tagger.predict_frames([clip])
    assert frames.shape == (601, 527)
    assert len(np.unique(frames[:, 0])) == 601 // 32 - 1  # segments of 32 frames; the last whole one is repeated


@pytest.mark.parametrize("model", ["musicnn_msd_musicnn", "yamnet"])
def test_the_order_of_clips_changes_no_bit(model):
    tagger = AudioTagger(model, weights=None, sample_rate=16000)
    rng = np.random.default_rng(0)
    X = [rng.normal(scale=0.1, size=n).astype(np.float32) for n in (20800, 1600, 64000, 20800, 9000)]
    found = tagger.predict_proba(X)
    for order in ([4, 3, 2, 1, 0], [1, 2, 3, 4, 0]):
        np.testing.assert_array_equal(tagger.predict_proba([X[row] for row in order]), found[order])
