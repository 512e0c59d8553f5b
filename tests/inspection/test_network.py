"""A layer of a trained network as features, and a trained network trained on another task."""

import pickle

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline

from sklearn_audio import (
    BERTClassifier,
    CNNClassifier,
    FineTunedClassifier,
    FrameMLPClassifier,
    LSTMClassifier,
    NetworkEmbedder,
    PrototypicalClassifier,
    Ragged,
    SequencePooling,
    TokenMeanClassifier,
)
from sklearn_audio.datasets import make_sound_events
from tests.standin import StandInWaveform
from tests.tiny_network import TinyNetwork

SHORT = {"max_epochs": 1, "random_state": 0}
NETWORKS = {
    "cnn4": CNNClassifier("cnn4", n_frames=16, **SHORT),
    "mlp": CNNClassifier("mlp", n_frames=8, hidden_sizes=(8, 4), **SHORT),
    "own": CNNClassifier(TinyNetwork, n_frames=8, **SHORT),
    "efficientat": CNNClassifier("efficientat", options={"width": 0.2}, n_frames=16, **SHORT),
    "lstm": LSTMClassifier(hidden_size=4, **SHORT),
    "bert": BERTClassifier(width=8, n_heads=2, n_layers=1, feedforward_size=16, **SHORT),
    "flat": FrameMLPClassifier(hidden_sizes=(8,), **SHORT),
    "mean": TokenMeanClassifier(embedding_size=8, **SHORT),
}
LAST = {
    "cnn4": "backbone.head",
    "mlp": "backbone.head",
    "own": "backbone.head",
    "efficientat": "backbone.network.classifier.5",
    "flat": "layers.3",
}


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(0)
    y = np.arange(18) % 3
    return [rng.normal(loc=k, size=(20 + 3 * i % 20, 16)).astype(np.float32) for i, k in enumerate(y)], y


@pytest.fixture(scope="module")
def cnn(frames):
    return clone(NETWORKS["cnn4"]).fit(*frames)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_last_layer_of_the_embedding_gives_the_probabilities(frames, name):
    """With one window per clip, the probabilities are those of the last layer applied to the embedding."""
    X, y = [x[:8] for x in frames[0]] if name in ("mlp", "own") else [x[:16] for x in frames[0]], frames[1]
    classifier = clone(NETWORKS[name]).fit(X, y)
    embedder = NetworkEmbedder(classifier)
    last = classifier.network_.get_submodule(LAST.get(name, "head"))
    weight, bias = (p.detach().numpy() for p in last.parameters())
    logits = embedder.transform(X) @ weight.T + bias
    np.testing.assert_allclose(softmax(logits, axis=1), classifier.predict_proba(X), atol=1e-5)
    assert len(embedder.get_feature_names_out()) == weight.shape[1]
    for layer in embedder.layers()[:: max(1, len(embedder.layers()) // 4)]:
        assert np.isfinite(NetworkEmbedder(classifier, layer).transform(X[:2])).all(), layer


@pytest.mark.parametrize("name", ["lstm", "bert"])
def test_padding_is_no_part_of_the_mean(frames, name):
    classifier = clone(NETWORKS[name]).fit(*frames)
    embedder = NetworkEmbedder(classifier, 0)
    (row,) = embedder.transform(frames[0][3:4])
    found = []
    handle = classifier.network_.get_submodule(embedder.layers()[0]).register_forward_hook(
        lambda _, __, out: found.append(out[0] if isinstance(out, tuple) else out)
    )
    clip = torch.from_numpy(frames[0][3])[None]
    with torch.no_grad():
        classifier.network_(clip, torch.tensor([clip.shape[1]]))
    handle.remove()
    np.testing.assert_allclose(row, found[0][0].mean(dim=0), atol=1e-5)


def test_layers_have_names_and_positions(frames, cnn):
    X, _ = frames
    layers = NetworkEmbedder(cnn).layers()
    assert layers[0] == "backbone.encoder.blocks.0.0"
    assert layers[-1] == "embedding"
    np.testing.assert_array_equal(NetworkEmbedder(cnn, -3).transform(X), NetworkEmbedder(cnn, layers[-3]).transform(X))
    assert NetworkEmbedder(cnn, 1).get_feature_names_out()[5] == "cnn_backbone_encoder_blocks_1_0_5"


def test_windows(frames, cnn):
    X, _ = frames
    windows = NetworkEmbedder(cnn, pooling=None).transform(X)
    assert isinstance(windows, Ragged)
    assert windows.lengths.max() == 3
    pooled = np.stack([row.mean(axis=0) for row in windows])
    np.testing.assert_allclose(NetworkEmbedder(cnn).transform(X), pooled, atol=1e-6)


def test_a_row_does_not_depend_on_the_others(frames, cnn):
    X, _ = frames
    whole = NetworkEmbedder(cnn).transform(X)
    np.testing.assert_array_equal(NetworkEmbedder(cnn).transform(X[::-1])[::-1], whole)
    np.testing.assert_array_equal(NetworkEmbedder(cnn).transform(X[:1]), whole[:1])


def test_it_serves_in_pipelines_and_pickles(frames, cnn):
    X, y = frames
    union = FeatureUnion([("network", NetworkEmbedder(cnn)), ("statistics", SequencePooling())])
    model = make_pipeline(union, LogisticRegression(max_iter=500)).fit(X, y)
    assert model.score(X, y) == 1
    assert clone(NetworkEmbedder(cnn)).classifier is cnn
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    table = NetworkEmbedder(cnn).set_output(transform="pandas").fit_transform(X)
    assert table.columns[0] == "cnn_embedding_0"


def test_a_fine_tuned_network(frames):
    rng = np.random.default_rng(1)
    X, y = [rng.normal(size=400).astype(np.float32) for _ in range(12)], np.arange(12) % 3
    body = StandInWaveform("wave", weights=None, sample_rate=16000)
    tuned = FineTunedClassifier(body, lr=0.05, validation_fraction=0.0, max_epochs=2, random_state=0).fit(X, y)
    embedder = NetworkEmbedder(tuned)
    assert embedder.layers() == ("low", "embedding")
    logits = tuned.network_.head(torch.from_numpy(embedder.transform(X))).detach().numpy()
    np.testing.assert_allclose(softmax(logits, axis=1), tuned.predict_proba(X), atol=1e-6)
    assert not np.array_equal(NetworkEmbedder(tuned, "low").transform(X), body.set_params(layer="low").transform(X))
    again = FineTunedClassifier(embedder, strategy="probe").fit(X, y == 0)
    expected = make_pipeline(embedder, LogisticRegression(max_iter=1000)).fit(X, y == 0)
    np.testing.assert_allclose(again.predict_proba(X), expected.predict_proba(X), atol=1e-6)


def retrained(cnn, **options):
    defaults = {"lr": 1e-3, "max_epochs": 2, "validation_fraction": 0.0, "random_state": 0}
    return FineTunedClassifier(NetworkEmbedder(cnn), **(defaults | options))


def test_another_task_starts_from_the_pipeline(frames, cnn):
    X, y = frames
    y = np.array(["even", "odd"])[y % 2]
    probe = FineTunedClassifier(NetworkEmbedder(cnn), strategy="probe").fit(X, y)
    expected = make_pipeline(NetworkEmbedder(cnn), LogisticRegression(max_iter=1000)).fit(X, y).predict_proba(X)
    np.testing.assert_allclose(probe.predict_proba(X), expected, atol=1e-6)


@pytest.mark.parametrize(
    "options", [{}, {"strategy": "lora"}, {"strategy": "full"}, {"freeze": 2}, {"freeze": "backbone"}]
)
def test_another_task_is_trained(frames, cnn, options):
    X, y = frames[0], frames[1] % 2
    before = {name: tensor.clone() for name, tensor in cnn.network_.state_dict().items()}
    fitted = retrained(cnn, **options).fit(X, y)
    after = fitted.network_.body.network.state_dict()
    changed = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert all(torch.equal(tensor, before[name]) for name, tensor in cnn.network_.state_dict().items())
    assert not any(name.startswith("backbone.head") for name in changed)
    norms = {name for name in changed if "running" in name or "batches" in name}
    assert bool(norms) == (options.get("strategy") == "full")
    if options.get("freeze") == "backbone":
        assert not changed
    elif options.get("freeze") == 2:
        assert changed
        assert not any(
            name.startswith(("backbone.encoder.blocks.0.0", "backbone.encoder.blocks.1.0")) for name in changed
        )
    else:
        assert changed
    probabilities = fitted.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), probabilities)
    np.testing.assert_array_equal(clone(fitted).fit(X, y).predict_proba(X), probabilities)


def test_another_task_is_validated_and_resumes(frames, tmp_path):
    X, y = frames[0], frames[1] % 2
    own = clone(NETWORKS["own"]).fit(*frames)
    options = {"lr": [1e-4, 1e-2], "validation_fraction": 0.3}
    one, two = retrained(own, **options).fit(X, y), retrained(own, checkpoint_dir=tmp_path, **options).fit(X, y)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    assert set(one.trials_["alpha"]) == {0, 0.2, 0.4, 0.6, 0.8, 1}


def test_recordings_of_a_classifier_with_a_front_end():
    sounds = make_sound_events(n_clips=10, random_state=0)
    listening = CNNClassifier("timbre", front_end="panns_8k", sample_rate=16000, n_frames=16, **SHORT)
    listening.fit(sounds.data, sounds.target)
    y = np.arange(10) % 2
    fitted = retrained(listening).fit(sounds.data, y)
    assert fitted.predict_proba(sounds.data).shape == (10, 2)
    with pytest.raises(ValueError, match="augmentations change waveforms, but the network of a NetworkEmbedder"):
        retrained(listening, augmentations=[lambda x: x]).fit(sounds.data, y)


def test_what_cannot_be_is_refused(frames, cnn):
    X, y = frames
    with pytest.raises(ValueError, match=r"layer=7 is beyond the 7 layers of the network: \['backbone"):
        NetworkEmbedder(cnn, 7).transform(X)
    with pytest.raises(ValueError, match="unknown layer 'embeding'; did you mean 'embedding'"):
        NetworkEmbedder(cnn, "embeding").fit(X)
    with pytest.raises(ValueError, match="not fitted"):
        NetworkEmbedder(CNNClassifier()).transform(X)
    for other in (LogisticRegression().fit(X[0], [0, 1] * (len(X[0]) // 2)), PrototypicalClassifier().fit(X, y)):
        with pytest.raises(TypeError, match="has no trained network; give a fitted classifier that trains one"):
            NetworkEmbedder(other).transform(X)
    with pytest.raises(ValueError, match="'classifier' parameter"):
        NetworkEmbedder(SequencePooling()).transform(X)
    with pytest.raises(ValueError, match="pooling=None of NetworkEmbedder: the head of a trained network"):
        FineTunedClassifier(NetworkEmbedder(cnn, pooling=None), strategy="probe").fit(X, y)
    with pytest.raises(ValueError, match="X has 15 features per frame, but CNNClassifier is expecting 16"):
        retrained(cnn).fit([x[:, :15] for x in X], y)
