"""Behaviour that all embedders share."""

import copy
import os
import pickle
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import SVC

from sklearn_audio import (
    ASTEmbedder,
    EfficientATEmbedder,
    MusiCNNEmbedder,
    OpenL3Embedder,
    PANNsEmbedder,
    Ragged,
    SpeechEmbedder,
    VGGishEmbedder,
    YAMNetEmbedder,
)
from sklearn_audio.engine import _networks
from sklearn_audio.engine.models import (
    audioset_labels,
    layer_width,
    magnatagatune_labels,
    million_song_labels,
    yamnet_labels,
)
from sklearn_audio.exceptions import AudioReadError, WeightsError
from tests import forked
from tests.instances import PRETRAINED

ALL = pytest.mark.parametrize("name", PRETRAINED)
# for tests that set pooling themselves
EACH = pytest.mark.parametrize("name", [name for name in PRETRAINED if not name.endswith("-patches")])
RATE = 32000
LEENET = PANNsEmbedder("leenet11", weights=None, sample_rate=RATE)


def clips_of(embedder):
    return CLIPS_16K if embedder.sample_rate == 16000 else CLIPS


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(scale=0.1, size=n).astype(np.float32)


CLIPS = [noise(n, n) for n in (20000, 32000, 350_000, 7)]
# the third is longer than every patch, the longest of which lasts 10 s
CLIPS_16K = [*CLIPS[:2], CLIPS[2][:170_000], CLIPS[3]]
LONG = noise(34 * RATE)  # longer than what is taken whole


@EACH
def test_patches_pool_to_the_embedding(name):
    embedder = clone(PRETRAINED[name]).set_params(partial="drop", pooling=None, hop=0.4)
    clips = clips_of(embedder)
    patches = embedder.transform(clips)
    assert isinstance(patches, Ragged)
    for pooling, wanted in {
        "mean": patches.pool("mean"),
        "max": patches.pool("max"),
        "mean_std": np.hstack([patches.pool("mean"), patches.pool("std")]),
        "mean_max": np.hstack([patches.pool("mean"), patches.pool("max")]),
    }.items():
        got = embedder.set_params(pooling=pooling).transform(clips)
        assert got.dtype == np.float32
        assert got.shape == (4, len(embedder.get_feature_names_out()))
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


@EACH
def test_segments_are_aligned_with_the_patches(name):
    embedder = clone(PRETRAINED[name]).set_params(pooling=None)
    clips = clips_of(embedder)
    for hop in (None, 0.3):
        patches, segments = embedder.set_params(hop=hop).transform(clips), embedder.segments(clips)
        assert list(segments.columns) == ["clip", "start", "end"]
        assert segments.groupby("clip").size().tolist() == patches.lengths.tolist()
        assert (segments["end"] > segments["start"]).all()


@ALL
def test_pickles_are_small_and_fit_changes_nothing(name):
    embedder = clone(PRETRAINED[name])
    clips = clips_of(embedder)
    before = embedder.transform(clips)
    assert len(pickle.dumps(embedder.fit(clips))) < 10_000
    rows = [embedder.transform(clips), copy.deepcopy(embedder).transform(clips)]
    for again in rows:
        np.testing.assert_array_equal(getattr(again, "values", again), getattr(before, "values", before))


@EACH
def test_every_layer_has_its_names(name):
    embedder = clone(PRETRAINED[name]).set_params(pooling="mean")
    layers = embedder.layers()
    for layer in layers:
        embedder.set_params(layer=layer)
        assert embedder.transform(CLIPS[:1]).shape == (1, len(embedder.get_feature_names_out()))


def test_default_layer():
    wanted = {VGGishEmbedder: ("embedding", 128), MusiCNNEmbedder: ("max_pool", 753), ASTEmbedder: ("embedding", 768)}
    wanted |= {SpeechEmbedder: ("embedding", 96), OpenL3Embedder: ("embedding_512", 512)}
    wanted |= {YAMNetEmbedder: ("embedding", 1024)}
    wanted |= {PANNsEmbedder: ("embedding", 2048), EfficientATEmbedder: ("embedding", 960)}
    for kind, (layer, width) in wanted.items():
        assert len(kind().get_feature_names_out()) == len(kind(layer=layer).get_feature_names_out()) == width


def test_feature_names():
    assert LEENET.get_feature_names_out()[:2].tolist() == ["panns_0", "panns_1"]
    assert OpenL3Embedder(embedding_size=6144).get_feature_names_out()[[0, -1]].tolist() == ["openl3_0", "openl3_6143"]
    assert SpeechEmbedder().get_feature_names_out()[95] == "speechembedding_95"
    names = clone(LEENET).set_params(pooling="mean_std").get_feature_names_out()
    assert (len(names), names[0], names[512]) == (1024, "panns_0_mean", "panns_0_std")


@pytest.mark.parametrize(
    ("embedder", "layers", "labels"),
    [
        (LEENET, ("logits", "probabilities"), audioset_labels()),
        (PANNsEmbedder("cnn14_decision_max"), ("probabilities",), audioset_labels()),
        (EfficientATEmbedder("mn10_as"), ("logits", "probabilities"), audioset_labels()),
        (ASTEmbedder("audioset_16_16_0.4422"), ("logits", "probabilities"), audioset_labels()),
        (YAMNetEmbedder(), ("logits", "probabilities"), yamnet_labels()),
        (MusiCNNEmbedder("msd_musicnn"), ("logits", "taggram"), million_song_labels()),
        (MusiCNNEmbedder("mtt_musicnn"), ("logits", "taggram"), magnatagatune_labels()),
    ],
)
def test_scores_are_named_by_their_labels(embedder, layers, labels):
    card = embedder._card()
    for layer in layers:
        scores = clone(embedder).set_params(layer=layer)
        assert scores.get_feature_names_out().tolist() == labels.tolist()
        assert layer_width(card, layer) == len(set(labels.tolist())) == len(labels)
        names = scores.set_params(pooling="mean_max").get_feature_names_out()
        assert names[len(labels)] == f"{labels[0]}_max"
    others = set(embedder.layers()) - set(layers)
    assert all(clone(embedder).set_params(layer=layer).get_feature_names_out()[0].endswith("_0") for layer in others)


def test_a_frame_of_scores_has_their_labels():
    embedder = clone(LEENET).set_params(layer="probabilities").set_output(transform="pandas")
    assert embedder.fit_transform(CLIPS[:1]).columns.tolist() == audioset_labels().tolist()
    patches = embedder.set_params(pooling=None).transform(CLIPS[:1])
    assert patches.feature_names.tolist() == audioset_labels().tolist()


def test_long_clips_weigh_the_last_patch_by_its_share():
    embedder = clone(LEENET).set_params(pooling=None)
    patches = embedder.transform([LONG])[0]
    assert len(patches) == 4
    got = embedder.set_params(pooling="mean").transform([LONG])[0]
    np.testing.assert_allclose(got, np.average(patches, axis=0, weights=[1, 1, 1, 0.4]), rtol=1e-5)


def test_batch_size_changes_nothing():
    wanted = clone(PRETRAINED["StandInVGGish"]).transform(CLIPS)
    for batch_size in (1, 7, 1000):
        np.testing.assert_array_equal(
            clone(PRETRAINED["StandInVGGish"]).set_params(batch_size=batch_size).transform(CLIPS), wanted
        )


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision(precision):
    wanted, got = LEENET.transform(CLIPS), clone(LEENET).set_params(precision=precision).transform(CLIPS)
    assert got.dtype == np.float32
    cosine = (wanted * got).sum(1) / np.linalg.norm(wanted, axis=1) / np.linalg.norm(got, axis=1)
    assert (cosine > 0.999).all()
    assert np.array_equal(wanted, got) == (precision == "float32")


def test_random_weights_follow_random_state():
    a = clone(LEENET).set_params(random_state=None).transform(CLIPS)
    np.testing.assert_array_equal(a, clone(LEENET).set_params(random_state=0).transform(CLIPS))
    assert not np.array_equal(a, clone(LEENET).set_params(random_state=1).transform(CLIPS))
    generator = np.random.RandomState(5)
    embedder = clone(LEENET).set_params(random_state=generator)
    np.testing.assert_array_equal(embedder.transform(CLIPS), embedder.transform(CLIPS))


def test_one_network_serves_clones_and_folds():
    LEENET.transform(CLIPS[:1])
    networks = set(map(id, _networks._networks.values()))
    search = GridSearchCV(Pipeline([("emb", LEENET), ("svm", SVC())]), {"svm__C": [1, 10]}, cv=2)
    search.fit(CLIPS[:2] * 4, [0, 1] * 4)
    assert set(map(id, _networks._networks.values())) == networks


def test_a_pipeline_over_patches_of_files(shared_data):
    paths = sorted(map(str, (shared_data / "digits").rglob("*.flac")))[:8]
    embedder = PANNsEmbedder("leenet11", weights=None, n_jobs=2)
    assert embedder.fit_transform(paths).shape == (8, 512)


def test_pandas_output():
    frame = clone(LEENET).set_output(transform="pandas").fit_transform(CLIPS)
    assert isinstance(frame, pd.DataFrame)
    assert frame.columns[0] == "panns_0"
    patches = clone(LEENET).set_params(pooling=None).set_output(transform="pandas").fit_transform(CLIPS)
    assert isinstance(patches, Ragged)


def test_on_error_nan():
    X = [CLIPS[0], "no/such.wav", np.array([np.nan, 1.0], dtype=np.float32), CLIPS[1]]
    embedder = clone(LEENET).set_params(on_error="nan", pooling=None)
    with pytest.warns(UserWarning, match=r"2 clip\(s\) could not be used and became NaN:\n  row 1: .*\n  row 2: "):
        patches = embedder.transform(X)
    with pytest.warns(UserWarning, match="2 clip"):
        segments = embedder.segments(X)
    assert patches.lengths.tolist() == segments.groupby("clip").size().tolist() == [1, 1, 1, 1]
    assert np.isnan(patches.values).all(axis=1).tolist() == [False, True, True, False]
    assert segments["start"].isna().tolist() == [False, True, True, False]
    with pytest.warns(UserWarning, match="2 clip"):
        pooled = embedder.set_params(pooling="mean").transform(X)
    np.testing.assert_array_equal(np.isnan(pooled).all(axis=1), [False, True, True, False])
    np.testing.assert_array_equal(pooled[[0, 3]], LEENET.transform([CLIPS[0], CLIPS[1]]))


def test_a_clip_that_fails_on_the_way_leaves_nothing_behind():
    broken = np.concatenate([LONG, [np.nan]]).astype(np.float32)
    for batch_size in (1, 2, 32):
        embedder = clone(LEENET).set_params(on_error="nan", batch_size=batch_size)
        with pytest.warns(UserWarning, match="row 1: the clip contains NaN"):
            got = embedder.transform([CLIPS[0], broken, CLIPS[1]])
        np.testing.assert_array_equal(got[[0, 2]], LEENET.transform(CLIPS[:2]))
        assert np.isnan(got[1]).all()


def test_errors_name_the_row():
    with pytest.raises(AudioReadError, match=r"row 1: cannot read 'no/such\.wav'"):
        LEENET.transform([CLIPS[0], "no/such.wav"])
    with pytest.raises(AudioReadError, match=r"row 1: cannot read 'no/such\.wav'"):
        LEENET.segments([CLIPS[0], "no/such.wav"])
    with pytest.raises(ValueError, match="row 0: the clip has no samples"):
        LEENET.transform([CLIPS[0][:0]])


def test_a_folder_in_place_of_a_file(tmp_path):
    with pytest.raises(AudioReadError, match=r"row 0: .* it is a folder; give the files in it"):
        LEENET.transform([str(tmp_path)])


@pytest.mark.parametrize(
    "kind",
    [
        *(VGGishEmbedder, PANNsEmbedder, ASTEmbedder, EfficientATEmbedder, MusiCNNEmbedder, SpeechEmbedder),
        OpenL3Embedder,
        YAMNetEmbedder,
    ],
)
def test_bare_arrays_need_a_rate(kind):
    small = {
        PANNsEmbedder: {"model": "leenet11"},
        EfficientATEmbedder: {"model": "mn04_as"},
        ASTEmbedder: {"model": "tiny224"},
    }
    embedder = kind(weights=None, **small.get(kind, {}))
    with pytest.raises(ValueError, match=r"row 0 is an array without a sample rate\. Pass sample_rate="):
        embedder.transform([CLIPS[0]])


@pytest.mark.parametrize(
    ("kind", "params", "match"),
    [
        (PANNsEmbedder, {"model": "cnn41"}, r"unknown model 'cnn41'; did you mean 'cnn14'\? Choose one of \['cnn14', "),
        (ASTEmbedder, {"model": "xyzzy"}, r"unknown model 'xyzzy'; choose one of"),
        (PANNsEmbedder, {"layer": "bloc3"}, r"unknown layer 'bloc3'; did you mean 'block3'\? Choose one of \['block1'"),
        (OpenL3Embedder, {"model": "music_mel64"}, r"unknown model 'music_mel64'; did you mean 'music_mel256'\?"),
        (OpenL3Embedder, {"layer": "embedding"}, r"unknown layer 'embedding'; did you mean 'embedding_512'\?"),
        (
            YAMNetEmbedder,
            {"layer": "blok3"},
            r"unknown layer 'blok3'; did you mean 'block3'\? Choose one of \['block1'",
        ),
        (YAMNetEmbedder, {"model": "yamnet2"}, r"unknown model 'yamnet2'; did you mean 'yamnet'\?"),
        (VGGishEmbedder, {"layer": "fc3"}, r"unknown layer 'fc3'; did you mean 'fc[12]'\?"),
        (
            PANNsEmbedder,
            {"hop": 0},
            r"'hop' parameter of PANNsEmbedder must be None or a float in the range \(0\.0, inf\)",
        ),
        (PANNsEmbedder, {"hop": -1.0}, r"'hop' parameter of PANNsEmbedder must be None .* Got -1\.0"),
        (
            PANNsEmbedder,
            {"pooling": "median"},
            "'pooling' parameter of PANNsEmbedder must be a str among .* Got 'median'",
        ),
        (PANNsEmbedder, {"partial": "keep"}, "'partial' parameter of PANNsEmbedder must be a str among .* Got 'keep'"),
        (PANNsEmbedder, {"short_clip": "pad"}, "'short_clip' parameter of PANNsEmbedder must be a str among"),
        (PANNsEmbedder, {"batch_size": 0}, r"'batch_size' parameter of PANNsEmbedder must be an int in the range \[1"),
        (PANNsEmbedder, {"precision": "float16"}, "'precision' parameter of PANNsEmbedder must be a str among"),
        (PANNsEmbedder, {"weights": 3}, "'weights' parameter of PANNsEmbedder must be"),
        (
            ASTEmbedder,
            {"n_frames": 15},
            r"'n_frames' parameter of ASTEmbedder must be None or an int in the range \[16",
        ),
        (ASTEmbedder, {"stride": (10,)}, r"stride must be two positive numbers of cells, .*, got \(10,\)"),
        (ASTEmbedder, {"stride": (10, 0)}, r"stride must be two positive numbers of cells, .*, got \(10, 0\)"),
        (VGGishEmbedder, {"output_activation": "tanh"}, "'output_activation' parameter of VGGishEmbedder must be"),
        (VGGishEmbedder, {"postprocess": "round"}, "'postprocess' parameter of VGGishEmbedder must be"),
        (
            VGGishEmbedder,
            {"postprocess": "pca", "layer": "fc2"},
            "output_activation and postprocess are for layer='embedding', not 'fc2'; set them to None",
        ),
    ],
)
def test_mistakes_are_refused_before_anything_is_read_or_downloaded(kind, params, match):
    embedder = kind(**params)
    for method in (embedder.fit, embedder.transform, embedder.segments):
        with pytest.raises(ValueError, match=match):
            method(["no/such.wav"])


def test_a_device_that_is_not_there():
    with pytest.raises(ValueError, match="device='gpu' is not a torch device"):
        clone(LEENET).set_params(device="gpu").transform(CLIPS)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_that_is_not_there():
    with pytest.raises(ValueError, match=r"device='cuda' is not available"):
        clone(LEENET).set_params(device="cuda").transform(CLIPS)


@pytest.fixture
def checkpoint(tmp_path):
    network = _networks.read_network(LEENET._card(), _networks.WeightsSource(None, seed=7))
    path = tmp_path / "LeeNet11_mAP=0.266.pth"
    torch.save({"iteration": 1, "model": network.state_dict(), "sampler": {"pointer": 3}}, path)
    return path


def test_weights_from_a_file(checkpoint):
    got = clone(LEENET).set_params(weights=checkpoint).transform(CLIPS)
    np.testing.assert_array_equal(got, clone(LEENET).set_params(random_state=7).transform(CLIPS))


def test_a_checkpoint_of_another_model(checkpoint):
    with pytest.raises(WeightsError, match="is no checkpoint of panns_leenet24: it lacks"):
        clone(LEENET).set_params(model="leenet24", weights=checkpoint).transform(CLIPS)


def test_a_missing_checkpoint():
    with pytest.raises(WeightsError, match=r"no/such\.pth"):
        clone(LEENET).set_params(weights="no/such.pth").transform(CLIPS)


FRESH = """
import joblib, sys, numpy as np
pipeline, X = joblib.load(sys.argv[1])
joblib.dump(pipeline.transform(X), sys.argv[2])
"""


@pytest.mark.parametrize("bundled", [True, False])
def test_pickles_in_another_process(checkpoint, tmp_path, bundled):
    embedder = clone(LEENET).set_params(weights=str(checkpoint), bundle_weights=bundled).fit(CLIPS)
    wanted = embedder.transform(CLIPS)
    sent, received = tmp_path / "sent.joblib", tmp_path / "received.joblib"
    joblib.dump((make_pipeline(embedder), CLIPS), sent)
    if bundled:
        checkpoint.unlink()
    environment = os.environ | {
        "SKLEARN_AUDIO_HOME": str(tmp_path / "empty"),
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
    }
    forked.run(["-c", FRESH, sent, received], check=True, env=environment)
    np.testing.assert_array_equal(joblib.load(received), wanted)


def test_bundled_weights_stay_with_clones_and_count_for_nothing_else(checkpoint):
    embedder = clone(LEENET).set_params(weights=str(checkpoint), bundle_weights=True)
    wanted = embedder.transform(CLIPS)
    unpacked = pickle.loads(pickle.dumps(embedder))
    checkpoint.unlink()
    again = clone(pickle.loads(pickle.dumps(clone(unpacked))))
    np.testing.assert_array_equal(again.transform(CLIPS), wanted)
    with pytest.raises(WeightsError, match=r"no/such\.pth"):
        clone(unpacked).set_params(weights="no/such.pth").transform(CLIPS)
    random = clone(unpacked).set_params(model="dainet19", weights=None)
    np.testing.assert_array_equal(
        random.transform(CLIPS), PANNsEmbedder("dainet19", weights=None, sample_rate=RATE).transform(CLIPS)
    )


def test_weights_that_moved_are_named_with_the_parameter_and_the_remedy(checkpoint, tmp_path):
    embedder = clone(LEENET).set_params(weights=str(checkpoint)).fit(CLIPS)
    wanted, sent = embedder.transform(CLIPS), pickle.dumps(embedder)
    moved = checkpoint.rename(tmp_path / "elsewhere.pth")
    match = r"weights='.*LeeNet11.*': there is no such checkpoint\. A pickle of PANNsEmbedder .*bundle_weights=True"
    with pytest.warns(UserWarning, match=match):
        received = pickle.loads(sent)
    for one in (embedder, received):
        with pytest.raises(WeightsError, match=match):
            one.transform(CLIPS)
    np.testing.assert_array_equal(received.set_params(weights=moved).transform(CLIPS), wanted)


def test_nothing_is_bundled_of_random_weights():
    assert len(pickle.dumps(clone(LEENET).set_params(bundle_weights=True))) < 10_000


def test_progress(capsys):
    clone(LEENET).set_params(verbose=1).transform(CLIPS)
    assert "PANNsEmbedder: 100%" in capsys.readouterr().err
    LEENET.transform(CLIPS)
    assert capsys.readouterr() == ("", "")


def test_real_weights_on_real_sounds(shared_data):
    table = pd.read_csv(shared_data / "environment" / "labels.csv")
    paths = [str(shared_data / "environment" / path) for path in table["path"]]
    weights = shared_data / "weights" / "mn04_as_mAP_432.pt"
    embeddings = EfficientATEmbedder("mn04_as", weights=weights, n_jobs=2).fit_transform(paths)
    scores = cross_val_score(
        LogisticRegression(max_iter=1000), embeddings, table["label"], groups=table["fold"], cv=LeaveOneGroupOut()
    )
    assert scores.mean() >= 0.97


def test_an_embedder_needs_no_fit_and_a_classifier_does():
    assert LEENET.transform(CLIPS[:1]).shape == (1, 512)
    with pytest.raises(NotFittedError):
        make_pipeline(LEENET, SVC()).predict(CLIPS)


def test_smaller_grids_of_ast():
    embedder = ASTEmbedder("tiny224", n_frames=64, stride=(16, 16), weights=None, sample_rate=16000)
    wanted = replace(embedder._card().patching)
    assert wanted.n_frames == 64
    assert embedder.transform([noise(16000)]).shape == (1, 192)
