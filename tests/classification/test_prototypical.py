"""`PrototypicalClassifier`: prototypes, probabilities, classes that come later, and spaces that are learned."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sklearn
import torch
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.neighbors import NearestCentroid

from sklearn_audio import CNNClassifier, NetworkEmbedder, PrototypicalClassifier, Ragged
from sklearn_audio.augmentation import AddNoise
from sklearn_audio.classification import _learned_space
from tests.standin import StandInWaveform

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(4, 6), scale=2)
Y = np.repeat(["ape", "bee", "cat", "dog"], [9, 7, 8, 6])
CODES = np.unique(Y, return_inverse=True)[1]
X = CENTRES[CODES] + RNG.normal(size=(30, 6))
QUERIES = CENTRES[[0, 1, 2, 3] * 10] + RNG.normal(size=(40, 6))
FRAMES = Ragged.from_list(RNG.normal(size=(40 + i % 3, 20)).astype(np.float32) + (i % 3) for i in range(18))
WORDS = np.array(["no", "oh", "yes"])[np.arange(18) % 3]
EPISODES = {"n_support": 2, "n_query": 2, "n_episodes": 4, "random_state": 0, "device": "cpu"}
SMALL = EPISODES | {"n_frames": 32}


def means(vectors, y=Y):
    return np.stack([vectors[y == label].mean(axis=0) for label in np.unique(y)])


# vectors as they are


def test_prototypes_are_the_means_and_the_nearest_decides():
    classifier = PrototypicalClassifier().fit(X, Y)
    assert classifier.classes_.tolist() == ["ape", "bee", "cat", "dog"]
    assert classifier.class_count_.tolist() == [9, 7, 8, 6]
    assert classifier.prototypes_ == pytest.approx(means(X))
    assert classifier.predict(QUERIES).tolist() == NearestCentroid().fit(X, Y).predict(QUERIES).tolist()
    squares = cdist(QUERIES, means(X), "sqeuclidean")
    wanted = np.exp(-squares / classifier.temperature_)
    assert classifier.predict_proba(QUERIES) == pytest.approx(wanted / wanted.sum(axis=1, keepdims=True))


def test_cosine():
    classifier = PrototypicalClassifier(distance="cosine").fit(X, Y)
    units = X / np.linalg.norm(X, axis=1, keepdims=True)
    prototypes = means(units) / np.linalg.norm(means(units), axis=1, keepdims=True)
    assert classifier.prototypes_ == pytest.approx(prototypes)
    wanted = np.exp(-cdist(QUERIES, means(units), "cosine") / classifier.temperature_)
    assert classifier.predict_proba(QUERIES) == pytest.approx(wanted / wanted.sum(axis=1, keepdims=True))
    assert classifier.predict_proba(QUERIES * 1000) == pytest.approx(classifier.predict_proba(QUERIES))
    assert classifier.predict_proba(np.zeros((1, 6))) == pytest.approx(np.full((1, 4), 0.25))


def test_patches_of_a_clip_count_as_one_and_their_mean_log_probability_decides():
    patches = [np.stack([vector] * (1 + i % 3)) for i, vector in enumerate(X)]
    classifier = PrototypicalClassifier().fit(patches, Y)
    assert classifier.prototypes_ == pytest.approx(means(X.astype(np.float32)))
    clip = QUERIES[:5].astype(np.float32)
    logs = np.log(classifier.predict_proba(clip)).mean(axis=0)
    together = classifier.predict_proba([clip])[0]
    assert together == pytest.approx(np.exp(logs) / np.exp(logs).sum(), rel=1e-4)
    assert classifier.predict([clip]) == classifier.classes_[logs.argmax()]


def test_shrinkage_adds_clips_at_the_mean_of_the_classes():
    plain, shrunk = means(X), PrototypicalClassifier(shrinkage=2.0).fit(X, Y).prototypes_
    counts = np.array([9, 7, 8, 6])[:, None]
    assert shrunk == pytest.approx((counts * plain + 2 * plain.mean(axis=0)) / (counts + 2))
    units = PrototypicalClassifier(shrinkage=2.0, distance="cosine").fit(X, Y).prototypes_
    assert np.linalg.norm(units, axis=1) == pytest.approx(np.ones(4))


def test_temperature_is_that_of_clips_left_out():
    classifier = PrototypicalClassifier().fit(X, Y)
    left_out = cdist(X, means(X), "sqeuclidean")
    for i, code in enumerate(CODES):
        others = (code == CODES) & (np.arange(30) != i)
        left_out[i, code] = ((X[i] - X[others].mean(axis=0)) ** 2).sum()
    target = np.full((30, 4), 1 / 34)
    target[np.arange(30), CODES] += 30 / 34

    def loss(temperature):
        logits = -left_out / temperature
        return -(target * (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))).sum()

    best = min(np.geomspace(0.01, 1000, 20_001), key=loss)
    assert classifier.temperature_ == pytest.approx(best, rel=1e-2)


@pytest.mark.parametrize("scale", [2.0, 6.0])
def test_probabilities_are_honest(scale):
    """Whatever the noise: other temperatures are worse on new clips, and confidence is accuracy."""
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(5, 20))
    train, test = np.repeat(np.arange(5), 10), np.repeat(np.arange(5), 400)
    classifier = PrototypicalClassifier().fit(centres[train] + scale * rng.normal(size=(50, 20)), train)
    probabilities = classifier.predict_proba(centres[test] + scale * rng.normal(size=(2000, 20)))
    logs = np.log(np.maximum(probabilities, 1e-12))
    losses = {}
    for factor in (0.2, 1.0, 5.0):
        other = np.exp(factor * logs)
        losses[factor] = log_loss(test, other / other.sum(axis=1, keepdims=True))
    assert losses[1.0] == min(losses.values())
    assert probabilities.max(axis=1).mean() == pytest.approx((probabilities.argmax(axis=1) == test).mean(), abs=0.12)


def test_few_clips_that_are_easily_told_apart_leave_a_doubt():
    classifier = PrototypicalClassifier().fit([[0.0], [0.1], [9.0], [9.1]], [0, 0, 1, 1])
    assert 0.7 < classifier.predict_proba([[0.0]])[0, 0] < 0.95


def test_probabilities_do_not_depend_on_the_unit():
    small, large = (PrototypicalClassifier().fit(X * unit, Y).predict_proba(QUERIES * unit) for unit in (1e-6, 1e6))
    assert small == pytest.approx(large, rel=1e-3, abs=1e-9)


def test_one_clip_per_class():
    classifier = PrototypicalClassifier().fit(X[[0, 9, 16]], Y[[0, 9, 16]])
    assert classifier.predict(X[[16, 0]]).tolist() == ["cat", "ape"]
    gaps = cdist(X[[0, 9, 16]], X[[0, 9, 16]], "sqeuclidean")
    assert classifier.temperature_ == pytest.approx(gaps.sum() / 6 / 2)


def test_clips_that_are_all_alike():
    classifier = PrototypicalClassifier().fit(np.ones((4, 2)), [0, 0, 1, 1])
    assert classifier.predict_proba(np.ones((1, 2))).tolist() == [[0.5, 0.5]]


def test_clips_that_say_nothing_of_their_class_give_even_odds():
    rng = np.random.default_rng(3)
    classifier = PrototypicalClassifier().fit(rng.normal(size=(400, 3)), rng.integers(0, 2, size=400))
    assert np.abs(classifier.predict_proba(rng.normal(size=(50, 3))) - 0.5).max() < 0.2


# classes that come later


def test_clips_in_parts_give_the_prototypes_of_all():
    order = np.random.default_rng(0).permutation(30)
    first, second = order[:18], order[18:]
    parts = PrototypicalClassifier(shrinkage=1.0).fit(X[first], Y[first]).partial_fit(X[second], Y[second])
    whole = PrototypicalClassifier(shrinkage=1.0).fit(X, Y)
    assert parts.prototypes_ == pytest.approx(whole.prototypes_)
    assert parts.class_count_.tolist() == whole.class_count_.tolist()
    assert parts.temperature_ == pytest.approx(whole.temperature_, rel=0.5)


def test_class_is_added_after_fitting():
    kept = Y != "bee"
    classifier = PrototypicalClassifier().fit(X[kept], Y[kept])
    before = classifier.prototypes_
    classifier.partial_fit(X[~kept], Y[~kept])
    assert classifier.classes_.tolist() == ["ape", "bee", "cat", "dog"]
    assert np.array_equal(classifier.prototypes_[[0, 2, 3]], before)
    assert classifier.prototypes_ == pytest.approx(means(X))
    assert (classifier.predict(CENTRES[[1]]) == "bee").all()
    assert classifier.predict_proba(QUERIES).shape == (40, 4)


def test_first_partial_fit_is_fit():
    assert PrototypicalClassifier().partial_fit(X, Y, classes=np.unique(Y)).prototypes_ == pytest.approx(means(X))


def test_adapt_replaces_the_classes():
    classifier = PrototypicalClassifier().fit(X, Y).adapt(X[:16] + 1, np.repeat([3, 1], 8))
    assert classifier.classes_.tolist() == [1, 3]
    assert classifier.prototypes_ == pytest.approx(np.stack([X[8:16].mean(axis=0), X[:8].mean(axis=0)]) + 1)


# what is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "vgg129"}, "unknown network 'vgg129'; did you mean 'vgg128'"),
        ({"network": "leenet11"}, "unknown network 'leenet11'"),
        (
            {"network": "sbcnn", "options": {"depth": 3}},
            r"unknown key of options for network 'sbcnn': 'depth'; choose one of \['dropout'",
        ),
        (
            {"network": "sbcnn", "options": {"dropout": 2}},
            r"The .options\['dropout'\].* parameter of Proto.* Got 2 instead",
        ),
        ({"network": "sbcnn", "windows": {"hops": 2}}, r"unknown key of windows 'hops'; did you mean 'hop'\?"),
        ({"network": "sbcnn", "windows": {"hop": 0}}, r"The .windows\['hop'\].* parameter .* Got 0 instead"),
        ({"network": "vgg32", "n_frames": 8}, "n_frames=8, but network 'vgg32' takes at least 32 frames"),
        ({"distance": "l1"}, "The 'distance' parameter"),
        ({"embedding_dim": 0}, "The 'embedding_dim' parameter"),
    ],
)
def test_refused_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        PrototypicalClassifier(**options).fit(FRAMES, WORDS)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (X, np.repeat("ape", 30), r"needs clips of at least 2 classes, and y holds one class: \['ape'\]"),
        (X, np.eye(30, dtype=int), "takes one label per clip, but y is a matrix of indicators"),
        (X[:5], Y, "inconsistent numbers of samples"),
    ],
)
def test_refused_targets(X, y, message):
    for call in (PrototypicalClassifier().fit, PrototypicalClassifier().fit(QUERIES, [0, 1] * 20).adapt):
        with pytest.raises(ValueError, match=message):
            call(X, y)


def test_refused_additions():
    classifier = PrototypicalClassifier().fit(X, Y)
    with pytest.raises(
        ValueError, match=r"X has 5 features, .* is expecting 6 .* Each row is the vector of a clip; compute it as"
    ):
        classifier.partial_fit(X[:, :5], Y)
    with pytest.raises(ValueError, match=r"y holds the label 7, but the classes are \['ape'"):
        classifier.partial_fit(X[:2], [7, 7])
    with pytest.raises(ValueError, match=r"y holds the label\(s\) \['ape'\], which are not among"):
        classifier.partial_fit(X[:1], Y[:1], classes=["bee"])
    assert classifier.prototypes_ == pytest.approx(means(X))


@pytest.mark.parametrize("options", [{"embedding_dim": 3}, {"network": "vgg32", "n_frames": 32}])
def test_too_few_clips_for_an_episode(options):
    rows = FRAMES[:17] if "network" in options else np.ones((17, 4))
    message = r"class 'yes' has 5 clip\(s\), fewer than the 6 that an episode needs: n_support=3 and n_query=3"
    with pytest.raises(ValueError, match=message):
        PrototypicalClassifier(**options, n_support=3, n_query=3).fit(rows, WORDS[:17])


def test_more_ways_than_classes():
    with pytest.raises(ValueError, match="n_way=5 is more than the 4 classes of y"):
        PrototypicalClassifier(embedding_dim=2, n_way=5, n_support=1, n_query=1).fit(X, Y)


def test_not_fitted():
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(PrototypicalClassifier(), method)(X)
    with pytest.raises(NotFittedError):
        PrototypicalClassifier("vgg32").adapt(FRAMES, WORDS)


# episodes


def test_training_draws_other_clips_and_patches_each_time(monkeypatch):
    """The input of the network: in every episode, patches of clips that are never both support and query."""
    stamped = FRAMES.with_values(np.repeat(np.arange(18.0, dtype=np.float32), FRAMES.lengths)[:, None] * np.ones(20))
    stamped.values[:, 1] = np.concatenate([np.arange(n) for n in FRAMES.lengths])  # where each frame is from
    seen = []
    plain = _learned_space.LearnedSpace._forward

    def watched(self, values, lengths):
        if self.network_.training:
            seen.append((values[:, 0, 0].long().reshape(3, 4), values[:, 0, 1].tolist(), values.shape[1]))
        return plain(self, values, lengths)

    monkeypatch.setattr(_learned_space.LearnedSpace, "_forward", watched)
    PrototypicalClassifier("vgg32", **SMALL | {"n_episodes": 12}).fit(stamped, WORDS)
    assert len(seen) == 12
    for clips, _, n_frames in seen:
        assert n_frames == 32
        assert len(clips.unique()) == 12
        assert not set(clips[:, :2].flatten().tolist()) & set(clips[:, 2:].flatten().tolist())
        assert (clips % 3 == clips[:, :1] % 3).all()
    assert len({tuple(clips[:, :2].flatten().sort().values.tolist()) for clips, _, _ in seen}) > 8
    starts = [start for _, some, _ in seen for start in some]
    assert len(set(starts)) > 5
    assert max(starts) <= 10


def test_learned_map_finds_what_tells_classes_apart():
    """One direction of thirty tells the classes apart, the others are louder noise."""
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    vectors = 5 * rng.normal(size=(400, 30))
    vectors[:, 7] = 0.3 * rng.normal(size=400) + 2 * y
    train, test = slice(0, 200), slice(200, 400)
    learned = PrototypicalClassifier(embedding_dim=2, lr=0.01, random_state=0, device="cpu")
    learned.fit(vectors[train], y[train])
    assert learned.prototypes_.shape == (2, 2)
    assert learned.n_parameters_ == 30 * 2 + 2
    assert learned.history_["train_score"][-20:].mean() > 0.95
    assert learned.score(vectors[test], y[test]) > 0.95
    assert PrototypicalClassifier().fit(vectors[train], y[train]).score(vectors[test], y[test]) < 0.7


@pytest.mark.parametrize("distance", ["sqeuclidean", "cosine"])
@pytest.mark.parametrize("network", ["vgg128", "vgg32", "sbcnn", "cnn6"])
def test_networks_over_frames(network, distance):
    classifier = PrototypicalClassifier(network, distance=distance, embedding_dim=10, **SMALL).set_params(
        n_episodes=2, n_frames=100
    )
    classifier.fit(FRAMES, WORDS)
    assert classifier.prototypes_.shape == (3, 10)
    assert classifier.history_.columns.tolist() == ["episode", "train_loss", "train_score", "lr", "seconds"]
    assert classifier.history_["episode"].tolist() == [1, 2]
    assert classifier.predict_proba(FRAMES[:4]).sum(axis=1) == pytest.approx(np.ones(4))
    assert not classifier.network_.training


def test_training_learns():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    # where in the spectrum the energy lies tells the class
    clips = [rng.normal(size=(50, 32)) + 2.0 * (np.arange(32) // 11 == label) for label in y]
    options = SMALL | {"n_episodes": 40, "lr": 0.003}
    classifier = PrototypicalClassifier("vgg32", **options).fit(Ragged.from_list(clips[:30]), y[:30])
    assert classifier.history_["train_loss"][-5:].mean() < 0.3 * classifier.history_["train_loss"][:5].mean()
    assert classifier.score(Ragged.from_list(clips[30:]), y[30:]) > 0.9


def test_decision_is_the_mean_log_probability_over_patches():
    classifier = PrototypicalClassifier("vgg32", **SMALL, windows={"hop": 4}).fit(FRAMES, WORDS)
    clip = FRAMES[0]
    starts = [0, 4, 8]
    assert len(clip) == 40
    logs = [np.log(classifier.predict_proba([clip[start : start + 32]])[0]) for start in starts]
    wanted = np.exp(np.mean(logs, axis=0))
    assert classifier.predict_proba([clip])[0] == pytest.approx(wanted / wanted.sum(), rel=1e-4)


def test_short_clips_are_repeated():
    classifier = PrototypicalClassifier("vgg32", **SMALL).fit(FRAMES, WORDS)
    short = FRAMES[0][:12]
    repeated = np.concatenate([short, short, short[:8]])
    assert np.array_equal(classifier.predict_proba([short]), classifier.predict_proba([repeated]))


def test_same_seed_gives_the_same_bits_and_the_pickle_too():
    estimator = PrototypicalClassifier("sbcnn", **SMALL)
    first, second = (clone(estimator).set_params(n_frames=100).fit(FRAMES, WORDS) for _ in range(2))
    assert np.array_equal(first.prototypes_, second.prototypes_)
    other = clone(estimator).set_params(n_frames=100, random_state=1).fit(FRAMES, WORDS)
    assert not np.array_equal(first.prototypes_, other.prototypes_)
    restored = pickle.loads(pickle.dumps(first))
    assert np.array_equal(restored.predict_proba(FRAMES), first.predict_proba(FRAMES))
    assert restored.partial_fit(FRAMES[:1], ["maybe"]).classes_.tolist() == ["maybe", "no", "oh", "yes"]


def test_novel_classes_in_the_space_of_others():
    known = WORDS != "oh"
    classifier = PrototypicalClassifier("vgg32", **SMALL).fit(FRAMES[known], WORDS[known])
    weights = [p.detach().clone() for p in classifier.network_.parameters()]
    n_numbers = classifier.prototypes_.shape[1]
    classifier.partial_fit(FRAMES[~known], WORDS[~known])
    assert classifier.prototypes_.shape == (3, n_numbers)
    classifier.adapt(FRAMES[:10], [["a", "b"][i % 2] for i in range(10)])
    assert classifier.classes_.tolist() == ["a", "b"]
    assert all(torch.equal(a, b) for a, b in zip(weights, classifier.network_.parameters(), strict=True))


def test_fit_without_a_network_forgets_the_one_before():
    classifier = PrototypicalClassifier(embedding_dim=2, **EPISODES).fit(X, Y)
    classifier.set_params(embedding_dim=None, n_support=5, n_query=5, n_episodes=200).fit(X, Y)
    assert not hasattr(classifier, "network_")
    assert not hasattr(classifier, "history_")
    assert classifier.prototypes_ == pytest.approx(means(X))


@pytest.mark.parametrize("normalize", ["standard", "clip", None])
def test_normalisation(normalize):
    loud = FRAMES.with_values(FRAMES.values * 50 + 7)
    fitted = PrototypicalClassifier("vgg32", normalize=normalize, **SMALL)
    quiet_answer, loud_answer = (clone(fitted).fit(rows, WORDS).prototypes_ for rows in (FRAMES, loud))
    assert (np.abs(quiet_answer - loud_answer).max() < 1e-2 * np.abs(quiet_answer).max()) == (normalize is not None)


@pytest.mark.parametrize("schedule", ["cosine", "step", "onecycle", None])
def test_learning_rate_follows_its_schedule(schedule):
    options = EPISODES | {"n_episodes": 8, "lr": 0.01}
    rates = PrototypicalClassifier(embedding_dim=2, lr_schedule=schedule, **options).fit(X, Y).history_["lr"]
    if schedule is None:
        assert rates.tolist() == [0.01] * 8
    else:
        assert rates.max() == pytest.approx(0.01, rel=0.2)
        assert rates.iloc[-1] < 0.5 * rates.max()


def test_loss_that_becomes_nan():
    options = EPISODES | {"n_episodes": 50, "lr": 1e30, "gradient_clip": None, "optimizer": "sgd", "lr_schedule": None}
    with pytest.raises(ValueError, match=r"the loss became \w+ in episode \d+ at a learning rate of 1e\+30"):
        PrototypicalClassifier(embedding_dim=2, **options).fit(X, Y)


def test_bfloat16_on_the_cpu_is_near():
    exact, rough = (
        PrototypicalClassifier("vgg32", precision=precision, **SMALL | {"n_episodes": 1}).fit(FRAMES, WORDS)
        for precision in ("float32", "bfloat16")
    )
    assert rough.prototypes_ == pytest.approx(exact.prototypes_, abs=0.1 * np.abs(exact.prototypes_).max())


def test_progress_when_asked(capsys):
    PrototypicalClassifier(embedding_dim=2, **EPISODES).fit(X, Y)
    assert capsys.readouterr().err == ""
    PrototypicalClassifier(embedding_dim=2, verbose=1, **EPISODES).fit(X, Y)
    assert "PrototypicalClassifier: 100%" in capsys.readouterr().err


# ---- the network of an embedder --------------------------------------------------------------------------------------

WAVES = [np.random.default_rng(i).normal(scale=0.1 + i % 3, size=600 + i).astype(np.float32) for i in range(12)]
THREE = ["soft", "medium", "loud"] * 4


def on_embedder(**options):
    body = StandInWaveform("wave", weights=None, sample_rate=16000)
    episodes = {"n_support": 1, "n_query": 1, "n_episodes": 4, "lr": 0.01, "random_state": 0}
    return PrototypicalClassifier(body, **(episodes | options))


def test_the_network_of_an_embedder_begins_with_its_vectors():
    still = on_embedder(lr=1e-30, weight_decay=0.0).fit(WAVES, THREE)
    vectors = still.network.transform(WAVES)
    frozen = PrototypicalClassifier().fit(vectors, THREE)
    np.testing.assert_allclose(still.prototypes_, frozen.prototypes_, atol=1e-5)
    np.testing.assert_allclose(still.predict_proba(WAVES), frozen.predict_proba(vectors), atol=1e-4)


@pytest.mark.parametrize("embedding_dim", [None, 3])
def test_the_network_of_an_embedder_is_trained(embedding_dim):
    fitted = on_embedder(embedding_dim=embedding_dim).fit(WAVES, THREE)
    again = on_embedder(embedding_dim=embedding_dim).fit(WAVES, THREE)
    np.testing.assert_array_equal(fitted.prototypes_, again.prototypes_)
    before, after = fitted.network._body().load().state_dict(), fitted.network_.body.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    assert not [name for name in moved if "running" in name]
    restored = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(restored.predict_proba(WAVES), fitted.predict_proba(WAVES))
    np.testing.assert_array_equal(fitted.predict_proba(WAVES[3:5]), fitted.predict_proba(WAVES)[3:5])


def test_several_labels_per_clip_are_refused_with_an_embedder():
    with pytest.raises(ValueError, match="takes one label per clip, but y is a matrix of indicators; a prototype is"):
        on_embedder().fit(WAVES, np.eye(12, dtype=int)[:, :3])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"n_frames": 64}, "n_frames=64 has no effect here: it needs network, by its name"),
        ({"front_end": "panns_8k"}, "front_end='panns_8k' has no effect here: it needs network, by its name"),
        ({"sample_rate": 8000}, "sample_rate=8000 has no effect here: it needs network by its name, as an embedder"),
        ({"normalize": None}, "normalize=None has no effect here: it needs network by its name, or vectors"),
        ({"network": 3}, "'network' parameter of PrototypicalClassifier must be"),
        (
            {"network": NetworkEmbedder(CNNClassifier("timbre"))},
            "takes the input of a classifier; give an embedder of recordings, or make vectors in a pipeline",
        ),
    ],
)
def test_parameters_that_an_embedder_replaces(options, match):
    with pytest.raises(ValueError, match=match):
        on_embedder().set_params(**options).fit(WAVES, THREE)


# ---- weights, validation and the other parameters of training --------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"distance": "cosine", "shrinkage": 1.0}])
def test_a_weight_is_a_number_of_equal_clips(options):
    weights = np.arange(30) % 4
    weighted = PrototypicalClassifier(**options).fit(X, Y, sample_weight=weights)
    repeated = PrototypicalClassifier(**options).fit(X.repeat(weights, axis=0), Y.repeat(weights))
    assert weighted.class_count_.tolist() == repeated.class_count_.tolist()
    assert weighted.prototypes_ == pytest.approx(repeated.prototypes_)
    assert weighted.temperature_ == pytest.approx(repeated.temperature_, rel=1e-4)
    parts = PrototypicalClassifier(**options).partial_fit(X[::2], Y[::2], sample_weight=weights[::2] + 1)
    parts.partial_fit(X[1::2], Y[1::2], sample_weight=weights[1::2])
    assert parts.class_count_.sum() == weights.sum() + 15
    adapted = weighted.adapt(X, Y, sample_weight=weights * 0.5)
    assert adapted.prototypes_ == pytest.approx(repeated.prototypes_) or options
    assert adapted.class_count_ == pytest.approx(repeated.class_count_ / 2)


def test_classes_of_weight_0_do_not_exist():
    fitted = PrototypicalClassifier(embedding_dim=2, **EPISODES).fit(X, Y, sample_weight=(Y != "bee").astype(float))
    assert fitted.classes_.tolist() == ["ape", "cat", "dog"]
    with pytest.raises(ValueError, match=r"needs clips of at least 2 classes, and y holds one class: \['bee'\]"):
        PrototypicalClassifier().fit(X, Y, sample_weight=Y == "bee")
    with pytest.raises(ValueError, match="sample_weight of row 2 is negative"):
        PrototypicalClassifier().fit(X, Y, sample_weight=np.where(np.arange(30) == 2, -1, 1))


def test_equal_weights_change_nothing_and_others_change_the_episodes():
    fits = [
        PrototypicalClassifier(embedding_dim=2, **EPISODES).fit(X, Y, sample_weight=weights).network_
        for weights in (None, np.full(30, 0.5), 1 + np.arange(30) % 2 * 1e6)
    ]
    plain, equal, other = (network.projection.weight for network in fits)
    assert torch.equal(plain, equal)
    assert not torch.equal(plain, other)


def test_held_out_clips_are_classified_by_the_prototypes_of_the_others():
    held_out = np.arange(30) % 5 == 0
    options = EPISODES | {"n_episodes": 6, "n_way": 2, "lr": 1e-30, "weight_decay": 0.0, "normalize": None}
    fitted = PrototypicalClassifier(embedding_dim=6, validation_fraction=["b"], **options)
    fitted.fit(X, Y, groups=np.where(held_out, "b", "a"))
    # 24 clips are as many as in three episodes of eight
    assert fitted.history_["valid_loss"].notna().tolist() == [False, False, True] * 2
    assert fitted.class_count_.tolist() == [9, 7, 8, 6]
    with torch.no_grad():
        projected = fitted.network_(torch.from_numpy(X[:, None].astype(np.float32)), torch.ones(30))[:, 0].numpy()
    others = PrototypicalClassifier().fit(projected[~held_out], Y[~held_out])
    right = others.score(projected[held_out], Y[held_out])
    assert fitted.history_["valid_score"].iloc[-1] == pytest.approx(right)
    gaps = cdist(projected[held_out], others.prototypes_, "sqeuclidean")
    codes = CODES[held_out]
    slope = 1 / 6  # that of the first episode, as the rate is next to nothing
    logs = -slope * gaps - np.logaddexp.reduce(-slope * gaps, axis=1, keepdims=True)
    wanted = -logs[np.arange(len(codes)), codes].mean()
    assert fitted.history_["valid_loss"].iloc[-1] == pytest.approx(wanted, rel=1e-4)


def test_early_stopping_keeps_the_best_epoch():
    options = EPISODES | {"n_episodes": 400, "lr": 0.1, "lr_schedule": None}
    stopped = PrototypicalClassifier(embedding_dim=2, early_stopping=True, patience=3, **options).fit(X, Y)
    losses = stopped.history_["valid_loss"].dropna()
    assert len(stopped.history_) < 400
    assert len(losses) - losses.to_numpy().argmin() == 4
    until_best = {"n_episodes": int(losses.idxmin()) + 1, "validation_fraction": 0.1}
    shorter = PrototypicalClassifier(embedding_dim=2, **options | until_best).fit(X, Y)
    assert torch.equal(stopped.network_.projection.weight, shorter.network_.projection.weight)


def test_fewer_episodes_than_an_epoch_are_validated_once():
    options = EPISODES | {"n_episodes": 2, "n_way": 2, "n_support": 1, "n_query": 1}
    fitted = PrototypicalClassifier(embedding_dim=2, early_stopping=True, **options).fit(X, Y)
    assert fitted.history_["valid_loss"].notna().tolist() == [False, True]


def test_warmup_and_milestones_count_episodes():
    options = EPISODES | {"n_episodes": 8, "lr": 0.01, "warmup": 2.0}
    schedule = {"milestones": [4, 6], "factor": 0.5}
    rates = PrototypicalClassifier(embedding_dim=2, lr_schedule=schedule, **options).fit(X, Y).history_["lr"]
    assert rates.tolist() == pytest.approx([0.005, 0.01, 0.01, 0.01, 0.005, 0.005, 0.0025, 0.0025])


@pytest.mark.parametrize("changes", [{"augmentations": [AddNoise(10.0)]}, {"spec_augment": True}])
def test_windows_of_episodes_are_augmented_and_others_are_not(changes):
    options = SMALL | {"lr": 1e-30, "weight_decay": 0.0, "normalize": None}
    plain = PrototypicalClassifier("vgg32", **options).fit(FRAMES, WORDS)
    changed = PrototypicalClassifier("vgg32", **options, **changes).fit(FRAMES, WORDS)
    again = PrototypicalClassifier("vgg32", **options, **changes).fit(FRAMES, WORDS)
    assert changed.history_["train_loss"].tolist() != plain.history_["train_loss"].tolist()
    assert changed.history_["train_loss"].tolist() == again.history_["train_loss"].tolist()


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("vgg32", {"sample_rate": 8000, "front_end": "panns_8k", "n_frames": 32}),
        (StandInWaveform("wave", weights=None, sample_rate=16000), {}),
    ],
)
def test_waveforms_of_episodes_are_augmented_and_those_of_prototypes_are_not(network, options):
    options |= {"n_support": 1, "n_query": 1, "n_episodes": 2, "random_state": 0, "lr": 1e-30, "weight_decay": 0.0}
    plain, seen = PrototypicalClassifier(network, **options).fit(WAVES, THREE), []
    changes = [lambda waveform: seen.append(waveform.ndim) or waveform * 0.1]
    changed = PrototypicalClassifier(network, augmentations=changes, **options).fit(WAVES, THREE)
    assert seen == [1] * 12  # two episodes of three classes of two clips
    np.testing.assert_allclose(changed.predict_proba(WAVES), plain.predict_proba(WAVES), atol=0.05)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"spec_augment": True}, "spec_augment=True has no effect here: it needs network, as vectors have no time"),
        ({"augmentations": [np.copy]}, r"augmentations=.* has no effect here: it needs network, as vectors"),
        ({"patience": 3}, "patience=3 has no effect here: it needs early_stopping=True"),
        ({"validation_fraction": ["a"]}, r"validation_fraction=\['a'\] names groups; pass the groups of the clips"),
        ({"validation_fraction": 0.0, "early_stopping": True}, "validation_fraction must not be 0"),
        ({"lr_schedule": {"milestone": [3]}}, "unknown key of lr_schedule 'milestone'"),
        ({"lr_schedule": "plateau"}, "The 'lr_schedule' parameter"),
    ],
)
def test_parameters_of_training_without_effect(options, match):
    with pytest.raises(ValueError, match=match):
        PrototypicalClassifier(**({"embedding_dim": 2} | EPISODES | options)).fit(X, Y)


@pytest.mark.parametrize("options", [{"warmup": 3.0}, {"validation_fraction": 0.5}, {"early_stopping": True}])
def test_parameters_of_training_without_training(options):
    with pytest.raises(ValueError, match=r"has no effect here: it needs network or embedding_dim"):
        PrototypicalClassifier(**options).fit(X, Y)


def test_masks_of_a_network_without_frames():
    with pytest.raises(
        ValueError, match=r"masks frames, which the network of .* does not take; leave spec_augment at None"
    ):
        on_embedder(spec_augment=True).fit(WAVES, THREE)


def test_parameters_that_episodes_do_not_have():
    with pytest.raises(TypeError, match="unexpected keyword argument 'mixup'"):
        PrototypicalClassifier(mixup=0.3)


def test_groups_are_routed_to_the_validation_split():
    episodes = EPISODES | {"n_support": 1, "n_query": 1}
    fitted = PrototypicalClassifier(embedding_dim=2, validation_fraction=0.3, **episodes)
    clips, labels, groups = np.tile(X, (4, 1)), np.tile(Y, 4), np.arange(120) % 7
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_validate(fitted, clips, labels, params={"groups": groups}, cv=GroupKFold(2))
    assert np.isfinite(scores["test_score"]).all()
    with pytest.raises(ValueError, match=r"1 group\(s\) cannot be split into training and validation"):
        fitted.fit(X, Y, groups=np.zeros(30))
