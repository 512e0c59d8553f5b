"""Classifiers over frames and over tokens: the same class takes both, clips of any length, and each learns."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from sklearn_audio import (
    BERTClassifier,
    CNNClassifier,
    FrameMLPClassifier,
    LSTMClassifier,
    MelSpectrogramTransformer,
    Ragged,
    TokenMeanClassifier,
)
from sklearn_audio.testing._probes import assert_same_rows
from tests.instances import NEURAL

RNG = np.random.default_rng(0)
Y = np.arange(40) % 2
LENGTHS = RNG.integers(6, 30, size=40)
FRAMES = [(RNG.normal(size=(n, 3)) + np.array([y, 0, -y])).astype(np.float32) for n, y in zip(LENGTHS, Y, strict=True)]
TOKENS = [RNG.integers(0, 6, size=n) + 3 * y for n, y in zip(LENGTHS, Y, strict=True)]
# the same tokens, up or down: only their order tells
ORDERED = [np.sort(RNG.integers(0, 8, size=n))[:: 1 - 2 * y] for n, y in zip(LENGTHS + 6, Y, strict=True)]

QUICK = {
    "bert": BERTClassifier(width=16, n_heads=2, n_layers=1, feedforward_size=32, max_epochs=25, lr=0.005),
    "lstm": LSTMClassifier(hidden_size=16, max_epochs=15, lr=0.02),
    "mean": TokenMeanClassifier(max_epochs=15, lr=0.02),
    "mlp": FrameMLPClassifier(hidden_sizes=(32,), max_epochs=15, lr=0.01),
}
every_kind = pytest.mark.parametrize("name", QUICK)


def fit(name, X, y=Y, **options):
    classifier = QUICK[name].__class__(**(QUICK[name].get_params() | {"random_state": 0} | options))
    return classifier.fit(X, y)


@every_kind
@pytest.mark.parametrize("X", [FRAMES, TOKENS], ids=["frames", "tokens"])
def test_learns_clips_of_unequal_length(name, X):
    fitted = fit(name, X)
    assert fitted.score(X, Y) > 0.9
    assert fitted.n_tokens_ == (None if X is FRAMES else 9)
    wanted = list(fitted.predict_proba(X))
    assert_same_rows([fitted.predict_proba([row])[0] for row in X], wanted, "one by one")
    assert_same_rows(list(fitted.predict_proba(Ragged.from_list(X[::-1])))[::-1], wanted, "in reverse")


@pytest.mark.parametrize("network", [BERTClassifier, CNNClassifier, LSTMClassifier, TokenMeanClassifier])
def test_rows_of_usual_lengths_and_widths_do_not_depend_on_others(network):
    """Small matrix products may round alike where large ones do not."""
    X = [RNG.normal(size=(n, 64)).astype(np.float32) for n in (1, 17, 60, 61, 62, 63, 64, 300, 310, 305)]
    fitted = network(max_epochs=1, random_state=0).fit(X, Y[:10])
    wanted = list(fitted.predict_proba(X))
    assert_same_rows([fitted.predict_proba([row])[0] for row in X], wanted, "one by one")
    assert_same_rows(list(fitted.predict_proba(X[::-1]))[::-1], wanted, "in reverse")
    assert_same_rows(list(fitted.predict_proba(X[3:7])), wanted[3:7], "a subset")


@pytest.mark.parametrize("name", ["bert", "lstm"])
def test_learns_order(name):
    assert fit(name, ORDERED).score(ORDERED, Y) > 0.9


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_poolings_of_lstm(pooling, bidirectional):
    options = {"options": {"pooling": pooling}, "bidirectional": bidirectional}
    assert fit("lstm", FRAMES, n_layers=2, **options).score(FRAMES, Y) > 0.8


@pytest.mark.parametrize("normalize", ["standard", "clip", None])
def test_normalisation(normalize):
    """A feature of another scale and level hides the others unless it is normalised."""
    scaled = [frames * [1, 1, 1000] + [0, 0, 50_000] for frames in FRAMES]
    score = fit("mean", scaled, normalize=normalize, weight_decay=0.0).score(scaled, Y)
    assert (score > 0.9) == (normalize == "standard")  # the mean of a clip is what tells these classes


def test_standardisation_is_that_of_the_training_frames():
    layer = fit("mean", FRAMES).network_.input
    values = np.concatenate(FRAMES)
    np.testing.assert_allclose(layer.mean, values.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(layer.scale, 1 / values.std(axis=0), rtol=1e-5)


def test_a_constant_feature_does_no_harm():
    constant = [np.column_stack([frames, np.ones(len(frames))]) for frames in FRAMES]
    assert fit("mean", constant).score(constant, Y) > 0.9


@pytest.mark.parametrize(
    "form",
    [
        np.stack([t[:6] for t in TOKENS]),
        np.stack([t[:6] for t in TOKENS]).tolist(),
        [t[:6].astype(np.int16) for t in TOKENS],
    ],
    ids=["array", "lists", "int16"],
)
def test_forms_of_tokens(form):
    fitted = fit("mean", form)
    assert fitted.n_tokens_ == 9
    wanted = fit("mean", Ragged.from_list([t[:6] for t in TOKENS])).predict_proba(Ragged.from_list(form))
    assert np.array_equal(fitted.predict_proba(form), wanted)


def test_whole_numbers_as_floats_pass_for_tokens_after_fit():
    fitted = fit("mean", TOKENS)
    assert np.array_equal(fitted.predict_proba([t.astype(float) for t in TOKENS]), fitted.predict_proba(TOKENS))
    with pytest.raises(ValueError, match=r"row 1 holds the number 0.5, but fit had tokens"):
        fitted.predict([np.ones(3), np.array([1.0, 0.5])])


def test_integers_pass_for_frames_after_fit():
    X = np.arange(80.0).reshape(40, 2)
    fitted = fit("mean", X)
    assert fitted.n_tokens_ is None
    assert np.array_equal(fitted.predict_proba(X.astype(int)), fitted.predict_proba(X))


def test_tokens_beyond_the_vocabulary_are_refused_or_reserved():
    fitted = fit("mean", TOKENS)
    with pytest.raises(ValueError, match="row 1 holds the token 9, but the vocabulary has 9 tokens, 0 to 8"):
        fitted.predict([TOKENS[0], np.array([1, 9])])
    with pytest.raises(ValueError, match="row 0 holds the token -1"):
        fitted.predict([np.array([-1])])
    with pytest.raises(ValueError, match="holds the token 5, but the vocabulary has 5 tokens"):
        fit("mean", [np.array([5])] * 40, options={"n_tokens": 5})
    assert fit("mean", TOKENS, options={"n_tokens": 12}).predict([np.array([11])]).shape == (1,)


def test_numbers_that_are_no_tokens_are_refused():
    with pytest.raises(ValueError, match="integers up to 5000000, which would be a vocabulary of 5000001 tokens"):
        fit("mean", [np.array([5_000_000])] * 40)


@every_kind
@pytest.mark.parametrize("X", [FRAMES, TOKENS], ids=["frames", "tokens"])
def test_empty_sequences_are_refused(name, X):
    with pytest.raises(ValueError, match=r"row 1 has no (frames|tokens)"):
        fit(name, [X[0], X[1][:0], *X[2:]])


def test_frames_of_nan_are_refused():
    bad = FRAMES[2].copy()
    bad[1, 1] = np.nan
    with pytest.raises(ValueError, match="row 2 contains NaN or infinity"):
        fit("lstm", [*FRAMES[:2], bad, *FRAMES[3:]])


class TestTruncation:
    """BERT over clips longer than its positions."""

    LONG = tuple(np.concatenate([clip, clip, clip]) for clip in FRAMES)

    def changed_at(self, place, **options):
        """Change of the answer with the frames at one end."""
        fitted = fit("bert", self.LONG, options={"max_length": 8, **options}, max_epochs=2)
        changed = [clip.copy() for clip in self.LONG]
        for clip in changed:
            clip[place] += 5
        return np.abs(fitted.predict_proba(changed) - fitted.predict_proba(self.LONG)).min(axis=(0, 1))

    @pytest.mark.parametrize("place", [slice(None, 2), slice(-2, None), slice(9, 10)])
    def test_chunks_see_all_of_the_clip(self, place):
        assert self.changed_at(place, truncation="chunks") > 0

    @pytest.mark.parametrize(
        ("truncation", "seen", "unseen"),
        [("head", slice(None, 2), slice(8, None)), ("tail", slice(-2, None), slice(None, -8))],
    )
    def test_the_others_see_one_end(self, truncation, seen, unseen):
        assert self.changed_at(seen, truncation=truncation) > 0
        assert self.changed_at(unseen, truncation=truncation) == 0

    def test_logits_of_chunks_are_averaged(self):
        fitted = fit("bert", self.LONG, options={"max_length": 8}, max_epochs=2)
        clip = self.LONG[0][:16]
        logits = [np.log(fitted.predict_proba([half])[0]) for half in (clip[:8], clip[8:])]
        margins = [logit[1] - logit[0] for logit in logits]
        whole = fitted.predict_proba([clip])[0]
        assert np.log(whole[1] / whole[0]) == pytest.approx(np.mean(margins), rel=1e-4)

    def test_chunks_of_a_clip_weigh_as_much_as_a_whole_one(self):
        """A long clip of the wrong label must not outvote the others by its number of chunks."""
        X = [np.zeros((8, 1), dtype=np.float32)] * 20 + [np.zeros((800, 1), dtype=np.float32)]
        with pytest.warns(UserWarning, match="all frames, tokens or timepoints of X are equal"):
            fitted = fit("bert", X, np.array([0, 1] * 5 + [1] * 10 + [0]), options={"max_length": 8}, max_epochs=30)
        assert fitted.predict_proba(X[:1])[0, 1] == pytest.approx(15 / 21, abs=0.1)

    def test_a_fitted_network_keeps_its_length(self):
        fitted = fit("bert", self.LONG, options={"max_length": 8}, max_epochs=1)
        wanted = fitted.predict_proba(self.LONG)
        assert np.array_equal(fitted.set_params(options={"max_length": 100}).predict_proba(self.LONG), wanted)


def test_heads_must_share_the_width():
    with pytest.raises(ValueError, match="width=16 is not divisible by n_heads=3; choose a multiple"):
        fit("bert", FRAMES, n_heads=3)


def test_flat_network_takes_one_length():
    fitted = fit("mlp", FRAMES)
    assert fitted.n_frames_ == LENGTHS.max()
    short = fit("mlp", FRAMES, n_frames=7)
    beyond = [np.concatenate([clip[:7], clip[7:] + 100]) for clip in FRAMES]
    assert np.array_equal(short.predict_proba(FRAMES), short.predict_proba(beyond))
    longer = [np.concatenate([clip] * 5) for clip in FRAMES]
    assert fitted.predict(longer).shape == (40,)


@pytest.mark.parametrize("name", NEURAL)
def test_other_architectures_are_told_by_their_names(name):
    assert NEURAL[name].__class__.__name__ == name.split("-")[0]


@pytest.mark.slow
def test_lstm_hears_digits(shared_data):
    table = pd.read_csv(shared_data / "digits" / "labels.csv", dtype=str)
    paths, labels = [str(shared_data / "digits" / path) for path in table["path"]], table["label"].to_numpy()
    frames = MelSpectrogramTransformer(8000, n_fft=256, hop_length=160, n_mels=40).fit_transform(paths)
    train = table["take"].astype(int).to_numpy() % 4 != 0  # takes of the test are new, their speakers are not
    classifier = LSTMClassifier(hidden_size=64, max_epochs=12, lr=3e-3, random_state=0)
    classifier.fit(frames[train], labels[train])
    assert classifier.score(frames[~train], labels[~train]) > 0.8


def test_bert_fitted_again_takes_its_new_length():
    X = [np.arange(12) % 3 for _ in range(4)]
    classifier = BERTClassifier(width=8, n_heads=2, n_layers=1, options={"max_length": 4, "truncation": "chunks"})
    classifier.set_params(max_epochs=1)
    classifier.fit(X, [0, 1, 0, 1]).set_params(options={"max_length": 12}).fit(X, [0, 1, 0, 1])
    assert classifier._segments(classifier._read_rows(X, reset=False), training=False).owners.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("classifier", [LSTMClassifier(max_epochs=1), BERTClassifier(max_epochs=1)])
def test_a_table_is_not_taken_for_frames_of_its_width(classifier):
    frames = [np.full((5, 4), i, np.float32) for i in range(4)]
    classifier = clone(classifier).fit(frames, [0, 1, 0, 1])
    with pytest.raises(
        ValueError, match=r"X has frames of 1 features, but .*Classifier was fitted on frames of 4; pass"
    ):
        classifier.predict(np.zeros((3, 4)))
