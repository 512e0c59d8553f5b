"""Several layers side by side, from one forward pass; windows; statistics over the time steps of a clip taken whole."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from docs.contributing.band_embedder import BandEmbedder
from sklearn_audio import (
    ASTEmbedder,
    EfficientATEmbedder,
    OpenL3Embedder,
    PANNsEmbedder,
    SpeechEmbedder,
    YAMNetEmbedder,
)
from sklearn_audio.embedding import ClipPatching, PretrainedEmbedder
from sklearn_audio.engine import WeightsSource, read_network
from sklearn_audio.engine._pretrained import Forward
from tests.standin import StandInMusiCNN, StandInVGGish

RATE = 32000
MN04 = EfficientATEmbedder("mn04_as", weights=None, sample_rate=RATE)
LEENET = PANNsEmbedder("leenet11", weights=None, sample_rate=RATE)
AST = ASTEmbedder("tiny224", n_frames=48, stride=(16, 16), weights=None, sample_rate=16000)
VGGISH = StandInVGGish(weights=None, sample_rate=16000)
SPEECH = SpeechEmbedder(weights=None, sample_rate=16000)
YAMNET = YAMNetEmbedder(weights=None, sample_rate=16000)


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(scale=0.1, size=n).astype(np.float32)


CLIPS = [noise(n, n) for n in (20000, 32000, 70000)]


@pytest.mark.parametrize(
    "embedder", [MN04, LEENET, AST, VGGISH, SPEECH, YAMNET, BandEmbedder("small", weights=None, sample_rate=RATE)]
)
def test_layers_side_by_side_are_those_alone_to_the_bit(embedder):
    names = embedder.layers()
    alone = [clone(embedder).set_params(layer=name).transform(CLIPS) for name in names]
    together = clone(embedder).set_params(layer="all")
    np.testing.assert_array_equal(together.transform(CLIPS), np.hstack(alone))
    backwards = clone(embedder).set_params(layer=[names[-1], names[0]], pooling="max")
    wanted = [clone(embedder).set_params(layer=name, pooling="max").transform(CLIPS) for name in (names[-1], names[0])]
    np.testing.assert_array_equal(backwards.transform(CLIPS), np.hstack(wanted))
    assert len(together.get_feature_names_out()) == together.transform(CLIPS[:1]).shape[1]


def test_names_of_several_layers():
    names = clone(MN04).set_params(layer=["block9", "embedding"]).get_feature_names_out()
    assert names[[17, 32]].tolist() == ["efficientat_block9_17", "efficientat_embedding_0"]
    names = clone(MN04).set_params(layer=["block9", "embedding"], pooling="mean_std").get_feature_names_out()
    assert names[[0, 32, 64]].tolist() == [
        "efficientat_block9_0_mean",
        "efficientat_block9_0_std",
        "efficientat_embedding_0_mean",
    ]


@pytest.mark.parametrize(
    ("layer", "error", "match"),
    [
        ([], ValueError, r"layer=\[\] is empty"),
        (["block9", "block9"], ValueError, r"names 'block9' more than once"),
        (["block9", 3], TypeError, r"layer must be a name, .* got 3"),
        (["bloc9"], ValueError, r"unknown layer 'bloc9'; did you mean 'block9'"),
    ],
)
def test_layers_that_are_none(layer, error, match):
    with pytest.raises(error, match=match):
        clone(MN04).set_params(layer=layer).transform(CLIPS)


def test_a_grid_over_layers_and_poolings_is_one_pass(tmp_path, monkeypatch):
    seen, run = [], Forward.__call__

    def counted(self, batch):
        seen.append(len(batch))
        return run(self, batch)

    monkeypatch.setattr(Forward, "__call__", counted)
    X = [noise(16000, seed) for seed in range(6)]
    embedder = clone(MN04).set_params(cache=tmp_path, cache_layers="all")
    grid = {"emb__layer": ["block3", "block9", ["block9", "embedding"], None], "emb__pooling": ["mean", "mean_std"]}
    grid = {name.replace("emb", "efficientatembedder"): values for name, values in grid.items()}
    GridSearchCV(make_pipeline(embedder, LogisticRegression()), grid, cv=2).fit(X, [0, 1] * 3)
    assert sum(seen) == len(X)
    cached = clone(embedder).set_params(layer=["block9", "logits"], pooling="mean_max")
    plain = clone(cached).set_params(cache=None, cache_layers="asked")
    np.testing.assert_array_equal(cached.transform(X), plain.transform(X))
    assert sum(seen) == 2 * len(X)
    with pytest.raises(ValueError, match="cache_layers='all' has no effect here: it needs cache"):
        clone(plain).set_params(cache_layers="all").transform(X)


def test_windows():
    embedder = clone(MN04).set_params(window=0.5, hop=0.25, pooling=None)
    patches, table = embedder.transform(CLIPS), embedder.segments(CLIPS)
    assert table.groupby("clip").size().tolist() == patches.lengths.tolist()
    assert table.query("clip == 1")["start"].tolist() == [0.0, 0.25, 0.5]
    first = clone(MN04).transform([CLIPS[1][8000:24000]])
    np.testing.assert_allclose(patches[1][1], first[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("embedder", "window", "match"),
    [
        (MN04, 31, r"window=31 s is not for efficientat_mn04_as, which takes 0\.032 to 30 s at once"),
        (MN04, 0.001, r"window=0\.001 s is not for efficientat_mn04_as"),
        (VGGISH, 2, r"window=2 s is not for standin_vggish, which takes only patches of 0\.96 s"),
        (SPEECH, 1, r"which takes only patches of 0\.76 s"),
        (OpenL3Embedder(weights=None, sample_rate=48000), 0.7, r"which takes only patches of 1 s"),
        (
            YAMNET,
            2,
            r"window=2 s is not for yamnet, which takes only patches of 0\.96 s; leave window",
        ),
        (AST, 10, r"which takes only patches of 0\.48 s"),
        (StandInMusiCNN(weights=None, sample_rate=16000), 1, r"which takes only patches of 2\.992 s"),
    ],
)
def test_windows_of_another_length(embedder, window, match):
    for method in ("fit", "transform", "segments"):
        with pytest.raises(ValueError, match=match):
            getattr(clone(embedder).set_params(window=window), method)(CLIPS)
    own = clone(VGGISH).set_params(window=0.96)
    np.testing.assert_array_equal(own.transform(CLIPS), VGGISH.transform(CLIPS))


@pytest.mark.parametrize("embedder", [MN04, LEENET])
def test_statistics_over_the_time_steps_of_a_whole_clip(embedder):
    for layer in (embedder.layers()[3], "embedding"):
        rows = clone(embedder).set_params(layer=layer, pooling="mean_std").transform(CLIPS)
        mean, deviation = np.split(rows, 2, axis=1)
        assert (deviation > 0).any(axis=1).all()
        highest = clone(embedder).set_params(layer=layer, pooling="max").transform(CLIPS)
        assert (highest >= mean - 1e-6).all()
    if embedder is MN04:
        np.testing.assert_allclose(mean, embedder.transform(CLIPS), rtol=1e-4, atol=1e-6)
    one = clone(embedder).set_params(pooling="mean_std").transform(CLIPS[1:2])
    np.testing.assert_array_equal(one[0], clone(embedder).set_params(pooling="mean_std").transform(CLIPS)[1])


def test_statistics_over_time_are_those_of_the_map():
    card = MN04.cards["mn04_as"]
    network, maps = read_network(card, WeightsSource(None)), []
    network.features[9].register_forward_hook(lambda _, __, out: maps.append(out.mean(dim=2)[0].double().numpy()))
    with torch.inference_mode():
        network(card.front_end(torch.from_numpy(CLIPS[2]))[None])
    (steps,) = maps  # (C, T')
    embedder = clone(MN04).set_params(layer="block9", pooling="mean_std")
    wanted = np.concatenate([steps.mean(axis=1), steps.std(axis=1)])
    np.testing.assert_allclose(embedder.transform(CLIPS[2:])[0], wanted, rtol=1e-3, atol=1e-5)
    highest = embedder.set_params(pooling="max").transform(CLIPS[2:])[0]
    np.testing.assert_allclose(highest, steps.max(axis=1), rtol=1e-3, atol=1e-5)


class WholeEmbedder(PretrainedEmbedder):
    """A network that takes clips whole, without time steps."""

    cards: ClassVar = {
        "bands": replace(BandEmbedder.cards["small"], name="whole_bands", patching=ClipPatching(shortest=1000))
    }


def test_statistics_over_time_that_a_network_does_not_have():
    embedder = WholeEmbedder("bands", weights=None, sample_rate=16000)
    for pooling in ("mean_std", "mean_max"):
        with pytest.raises(
            ValueError, match=rf"pooling='{pooling}' needs several vectors .* 'embedding' has no time ste"
        ):
            clone(embedder).set_params(pooling=pooling).fit(CLIPS)
    assert clone(embedder).set_params(pooling="mean_std", window=0.5).transform(CLIPS).shape == (3, 16)
    np.testing.assert_array_equal(
        clone(embedder).set_params(pooling="max").transform(CLIPS[:1]), embedder.transform(CLIPS[:1])
    )
