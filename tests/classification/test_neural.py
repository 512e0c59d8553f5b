"""Behaviour that all classifiers with a network of their own share, tried on the quickest of them."""

import pickle
import warnings
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback, EarlyStopping, EpochScoring

from sklearn_audio import Ragged, SequencePooling, TokenMeanClassifier
from sklearn_audio.testing._probes import assert_same_rows

RNG = np.random.default_rng(0)
Y = np.array(["even", "odd", "third"])[np.arange(60) % 3]
X = [(RNG.normal(size=(4 + i % 5, 3)) + 2 * np.eye(3)[i % 3]).astype(np.float32) for i in range(60)]
TAGS = np.stack([np.arange(60) % 3 == 0, np.arange(60) % 2 == 0], axis=1).astype(int)


def classifier(**options):
    return TokenMeanClassifier(**({"embedding_size": 16, "max_epochs": 8, "lr": 0.02, "random_state": 0} | options))


def same_weights(one, other):
    states = one.network_.state_dict(), other.network_.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


class Rates(Callback):
    """Collects the learning rate of every batch; copied by fit, so it keeps them where they can be found."""

    found: ClassVar[list[float]] = []

    def on_batch_end(self, net, training=None, **kwargs):
        if training:
            self.found.append(net.optimizer_.param_groups[0]["lr"])


@pytest.mark.parametrize("labels", [Y, list(Y), np.arange(60) % 3 * 10 - 7, pd.Series(Y), Y.astype(object), Y == "odd"])
def test_labels_of_any_kind(labels):
    fitted = classifier(max_epochs=15).fit(X, labels)
    assert np.array_equal(fitted.classes_, np.unique(np.asarray(labels)))
    assert fitted.score(X, labels) > 0.9
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)


def test_several_labels_per_clip():
    fitted = classifier(max_epochs=15).fit(X, TAGS)
    p = fitted.predict_proba(X)
    assert fitted.classes_.tolist() == [0, 1]
    assert ((p > 0) & (p < 1)).all()
    assert np.array_equal(fitted.predict(X), (p > 0.5).astype(int))
    assert (fitted.predict(X)[:, 0] == TAGS[:, 0]).mean() > 0.9
    # probabilities are those of the logits, once
    logits = [fitted.network_(torch.from_numpy(row[None]), torch.tensor([len(row)]))[0] for row in X]
    np.testing.assert_allclose(p, torch.sigmoid(torch.stack(logits)).detach(), atol=1e-6)


def test_names_of_several_labels_are_those_of_a_table():
    table = pd.DataFrame(TAGS, columns=["dog", "rain"])
    assert classifier().fit(X, table).classes_.tolist() == ["dog", "rain"]


def test_fit_repeats_to_the_bit_and_another_seed_is_another_network():
    first, again, other = (classifier(random_state=seed).fit(X, Y) for seed in (0, 0, 1))
    assert same_weights(first, again)
    assert not same_weights(first, other)
    assert not same_weights(*(classifier(random_state=None).fit(X, Y) for _ in range(2)))


def test_a_generator_is_drawn_from():
    generator = np.random.RandomState(0)
    assert not same_weights(*(classifier(random_state=generator).fit(X, Y) for _ in range(2)))


@pytest.mark.parametrize("y", [Y, TAGS])
def test_history_has_a_row_per_epoch(y):
    history = classifier(validation_fraction=0.2).fit(X, y).history_
    columns = ["epoch", "train_loss", "valid_loss", "valid_score", "lr", "seconds"]
    assert list(history.columns) == columns
    assert history["epoch"].tolist() == list(range(1, 9))
    assert history["train_loss"].iloc[-1] < history["train_loss"].iloc[0]
    assert history["valid_score"].between(0, 1).all()
    assert (history["seconds"] > 0).all()


def test_last_training_loss_is_that_of_the_clips():
    """With a rate of nearly nothing the loss of an epoch is that of the network before it."""
    fitted = classifier(lr=1e-12, options={"dropout": 0.0}, max_epochs=1, lr_schedule=None).fit(X, Y)
    p = fitted.predict_proba(X)[np.arange(60), np.searchsorted(fitted.classes_, Y)]
    assert fitted.history_["train_loss"][0] == pytest.approx(-np.log(p).mean(), rel=1e-5)


def test_early_stopping_restores_the_best_weights():
    noise = np.random.default_rng(1).permutation(Y)
    options = {"lr": 0.3, "lr_schedule": None, "max_epochs": 60, "options": {"dropout": 0.0}}
    stopped = classifier(early_stopping=True, patience=3, validation_fraction=0.3, **options).fit(X, noise)
    assert stopped.n_iter_ == len(stopped.history_) < 60
    best = int(stopped.history_["valid_loss"].argmin()) + 1
    assert best <= stopped.n_iter_ - 3
    until_best = classifier(validation_fraction=0.3, **(options | {"max_epochs": best})).fit(X, noise)
    assert same_weights(stopped, until_best)


def test_validation_keeps_groups_whole():
    """Clips of a group are alike and its label is random: only a split by groups sees that nothing is learned."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 6)
    labels = rng.permutation(np.arange(20) % 2)[groups]
    of_group = rng.normal(size=(20, 16)) * 3
    clips = [(of_group[group] + 0.1 * rng.normal(size=(3, 16))).astype(np.float32) for group in groups]
    options = {"validation_fraction": 0.25, "max_epochs": 30, "embedding_size": 64}
    leaking = classifier(**options).fit(clips, labels).history_["valid_score"].iloc[-1]
    honest = classifier(**options).fit(clips, labels, groups=groups).history_["valid_score"].iloc[-1]
    assert leaking > 0.95
    assert honest < 0.9


def test_weights_of_clips_and_of_classes_multiply():
    weights = np.where(Y == "odd", 3.0, 1.0)
    by_clip = classifier().fit(X, Y, sample_weight=weights)
    by_class = classifier(class_weight={"odd": 3.0}).fit(X, Y)
    assert same_weights(by_clip, by_class)
    assert not same_weights(by_clip, classifier().fit(X, Y))


def test_only_relations_of_weights_matter():
    assert same_weights(classifier().fit(X, Y, sample_weight=np.full(60, 4.0)), classifier().fit(X, Y))


def test_clips_of_weight_zero_are_left_out():
    kept = np.arange(60) < 45
    assert same_weights(classifier().fit(X, Y, sample_weight=kept.astype(float)), classifier().fit(X[:45], Y[:45]))


def test_balanced_classes_find_the_rare_one():
    rng = np.random.default_rng(2)
    rare = np.arange(200) % 20 == 0
    clips = [rng.normal(loc=is_rare, scale=2.0, size=(2, 3)) for is_rare in rare]
    for y in (rare, np.stack([rare, ~rare], axis=1).astype(int)):
        found = [
            np.asarray(classifier(class_weight=weight, max_epochs=15).fit(clips, y).predict(clips)).reshape(200, -1)[
                :, 0
            ]
            for weight in (None, "balanced")
        ]
        assert found[0].sum() < 5 < 20 < found[1].sum()


def test_presence_of_labels_can_be_weighed():
    plain, heavy = (classifier(class_weight=weight).fit(X, TAGS).predict_proba(X) for weight in (None, {0: 20.0}))
    assert heavy[:, 0].mean() > plain[:, 0].mean() + 0.1


def test_warm_start_continues():
    both = classifier(max_epochs=4, warm_start=True, lr_schedule=None)
    first = both.fit(X, Y).history_["train_loss"].iloc[-1]
    both.fit(X, Y)
    assert both.n_iter_ == 8
    assert both.history_["epoch"].tolist() == list(range(1, 9))
    assert both.history_["train_loss"].iloc[-1] < first
    assert classifier(max_epochs=4).fit(X, Y).fit(X, Y).n_iter_ == 4


def test_optimizer_continues_with_the_rate_of_now():
    warm = classifier(max_epochs=2, warm_start=True, lr_schedule=None).fit(X, Y)
    steps = float(warm._optimizer_state["state"][0]["step"])
    warm.set_params(lr=0.001).fit(X, Y)
    assert warm._optimizer_state["state"][0]["step"] == 2 * steps
    assert warm.history_["lr"].tolist() == [0.02, 0.02, 0.001, 0.001]


def test_partial_fit_learns_by_epochs_and_continues_a_pickle():
    batch = classifier(max_epochs=99)
    for _ in range(10):
        batch.partial_fit(X, Y, classes=["even", "odd", "third"])
        batch = pickle.loads(pickle.dumps(batch))
    assert batch.n_iter_ == 10
    assert batch.score(X, Y) > 0.9


def test_partial_fit_of_several_labels_needs_no_classes():
    assert classifier().partial_fit(X, TAGS).partial_fit(X[:3], TAGS[:3]).classes_.tolist() == [0, 1]


def test_callbacks_are_copied_and_those_that_score_see_the_clips():
    scoring = EpochScoring("f1_macro", name="valid_f1", lower_is_better=False)
    fitted = classifier(callbacks=[scoring], validation_fraction=0.2).fit(X, Y)
    assert fitted.history_["valid_f1"].between(0, 1).all()
    assert fitted.history_["valid_f1"].iloc[-1] > 0.8
    assert not hasattr(scoring, "y_preds_")
    tags = classifier(callbacks=[scoring], validation_fraction=0.2).fit(X, TAGS)
    assert "valid_f1" in tags.history_


def test_a_callback_may_end_training():
    stop = EarlyStopping("train_loss", patience=1, threshold=0.9, sink=len)
    assert classifier(callbacks=[stop]).fit(X, Y).n_iter_ < 8


def test_interrupting_training_interrupts(monkeypatch):
    def interrupt(self, *args):
        raise KeyboardInterrupt

    monkeypatch.setattr("sklearn_audio.nets.MeanNetwork.forward", interrupt)
    with pytest.raises(KeyboardInterrupt):
        classifier().fit(X, Y)


def test_schedule_and_warm_up_reach_the_optimizer():
    Rates.found.clear()
    classifier(callbacks=[Rates()], warmup=2, lr_schedule="cosine", max_epochs=4).fit(X, Y)
    assert len(Rates.found) == 8
    np.testing.assert_allclose(Rates.found[:4], 0.02 * np.array([0.25, 0.5, 0.75, 1.0]))
    assert Rates.found[-1] < Rates.found[4] == 0.02


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd", torch.optim.RMSprop])
def test_optimizers(optimizer):
    assert (
        classifier(optimizer=optimizer, lr=0.05 if optimizer == "sgd" else 0.01, max_epochs=20).fit(X, Y).score(X, Y)
        > 0.8
    )


def test_weight_decay_reaches_the_optimizer():
    sizes = [
        sum(p.detach().square().sum() for p in classifier(weight_decay=decay).fit(X, Y).network_.parameters())
        for decay in (0.0, 5.0)
    ]
    assert sizes[1] < 0.7 * sizes[0]


def test_gradient_clip_bounds_the_step():
    gentle = classifier(optimizer="sgd", weight_decay=0.0, gradient_clip=1e-9).fit(X, Y)
    start = classifier(optimizer="sgd", lr=1e-20).fit(X, Y)
    for moved, before in zip(gentle.network_.parameters(), start.network_.parameters(), strict=True):
        torch.testing.assert_close(moved, before, rtol=0, atol=1e-6)


def test_bfloat16_is_near():
    fitted = classifier().fit(X, Y)
    wanted = fitted.predict_proba(X)
    np.testing.assert_allclose(fitted.set_params(precision="bfloat16").predict_proba(X), wanted, atol=0.03)
    assert classifier(precision="bfloat16", max_epochs=15).fit(X, Y).score(X, Y) > 0.9


def test_answers_do_not_depend_on_batch_size_or_neighbours():
    fitted = classifier().fit(X, Y)
    wanted = list(fitted.predict_proba(X))
    assert_same_rows([fitted.predict_proba([row])[0] for row in X], wanted, "one by one")
    assert_same_rows(list(fitted.set_params(batch_size=1).predict_proba(X)), wanted, "in batches of one")


def test_number_of_parameters():
    # 3 x 16 and 16 of the input, 16 x 3 and 3 of the head
    assert classifier().fit(X, Y).n_parameters_ == 48 + 16 + 48 + 3


def test_pickle_is_arrays_and_small():
    fitted = classifier().fit(X, Y)
    content = pickle.dumps(fitted)
    assert len(content) < 4 * fitted.n_parameters_ + 8000
    copy = pickle.loads(content)
    assert np.array_equal(copy.predict_proba(X), fitted.predict_proba(X))
    assert not copy.network_.training
    assert copy.history_.equals(fitted.history_)
    assert not clone(fitted).__sklearn_is_fitted__()


def test_parameters_set_later_do_not_break_a_pickle():
    fitted = classifier().fit(X, Y).set_params(embedding_size=99)
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), fitted.predict_proba(X))


def test_without_its_device_it_predicts_on_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    fitted = classifier().fit(X, Y)
    wanted = fitted.predict_proba(X)
    fitted.set_params(device="cuda")
    with pytest.warns(RuntimeWarning, match="device='cuda', on which this network was trained, is not available"):
        assert np.array_equal(fitted.predict_proba(X), wanted)
    with pytest.raises(ValueError, match="device='cuda' is not available"):
        fitted.fit(X, Y)


def test_progress_shows_epochs_loss_and_score(capsys):
    classifier(verbose=1, validation_fraction=0.2).fit(X, Y)
    shown = capsys.readouterr().err
    assert "TokenMeanClassifier: 100%" in shown
    assert "8/8" in shown
    assert "loss=" in shown
    assert "score=" in shown


def test_grid_search_over_a_pipeline_with_groups():
    groups = np.arange(60) // 10
    search = GridSearchCV(classifier(), {"lr": [1e-6, 0.05]}, cv=GroupKFold(3), n_jobs=2)
    search.fit(Ragged.from_list(X), Y, groups=groups)
    assert search.best_params_ == {"lr": 0.05}
    pooled = make_pipeline(SequencePooling(("mean", "std")), classifier())
    assert cross_val_score(pooled, X, Y, cv=3).shape == (3,)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"y": None}, "requires y to be passed"),
        ({"y": ["a"] * 60}, r"needs clips of at least 2 classes, and y holds one class: \['a'\]"),
        ({"y": RNG.normal(size=60)}, "Unknown label type"),
        ({"y": np.where(np.arange(60) == 3, np.nan, 1.0)}, "NaN"),
        ({"y": Y[:59]}, "inconsistent numbers of samples"),
        ({"groups": [1, 2]}, "inconsistent numbers of samples"),
        ({"sample_weight": np.arange(60) - 1.0}, "sample_weight of row 0 is negative: -1"),
        ({"sample_weight": np.ones(3)}, r"sample_weight has shape \(3,\), expected \(60,\)"),
        ({"sample_weight": np.full(60, np.inf)}, "infinity"),
        ({"sample_weight": np.zeros(60)}, "at least one non-zero"),
        ({"sample_weight": (Y == "odd") * 1.0}, "needs clips of at least 2 classes, and y holds one class"),
    ],
)
def test_refused_by_fit(options, match):
    with pytest.raises(ValueError, match=match):
        classifier().fit(X, **({"y": Y} | options))


@pytest.mark.parametrize("y", [Y, TAGS])
def test_weights_of_classes_that_are_not_there_are_refused(y):
    with pytest.raises(ValueError, match=r"class_weight names \['cat'\], which are not among the classes"):
        classifier(class_weight={"cat": 2.0}).fit(X, y)


@pytest.mark.parametrize("options", [{"early_stopping": True}, {"lr_schedule": "plateau"}])
def test_watching_needs_a_validation_set(options):
    with pytest.raises(ValueError, match="need a validation loss; validation_fraction must not be 0"):
        classifier(validation_fraction=0, **options).fit(X, Y)
    assert "valid_loss" in classifier(**options).fit(X, Y).history_


def test_a_class_of_one_clip_and_a_validation_set():
    with pytest.raises(ValueError, match="class 'lonely' has one clip"):
        classifier(early_stopping=True).fit(X, ["lonely", *Y[1:]])


def test_a_label_that_no_clip_has_is_warned_of():
    tags = np.column_stack([TAGS, np.zeros(60, dtype=int)])
    with pytest.warns(UserWarning, match=r"no clip has the label\(s\) \[2\]"):
        fitted = classifier(class_weight="balanced").fit(X, tags)
    assert np.isfinite(fitted.predict_proba(X)).all()


def test_silence_is_warned_of_where_the_fit_is_called():
    with pytest.warns(UserWarning, match="TokenMeanClassifier has almost nothing to learn from; check") as warned:
        classifier(max_epochs=1).fit([np.full((3, 2), -80.0)] * 4, [0, 1, 0, 1])
    assert warned[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classifier(max_epochs=1).fit([np.full((3, 2), -80.0)] * 3 + [np.zeros((3, 2))], [0, 1, 0, 1])


def test_a_loss_of_nan_is_explained():
    with pytest.raises(
        ValueError, match=r"the loss became (nan|inf) in epoch \d+ at a learning rate of 1e\+30"
    ) as error:
        classifier(lr=1e30, optimizer="sgd", gradient_clip=None, lr_schedule=None).fit(X, Y)
    assert "Lower lr" in str(error.value)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda c: c.partial_fit(X, ["cat"] * 60),
            r"y holds the label\(s\) \['cat'\], which are not among the classes",
        ),
        (lambda c: c.partial_fit(X, Y, classes=["even", "odd"]), "continues with the classes .* but began with"),
        (lambda c: c.set_params(warm_start=True).fit(X, Y == "odd"), "continues with the classes .* but began with"),
        (lambda c: c.set_params(class_weight="balanced").partial_fit(X, Y), "give partial_fit a dict"),
    ],
)
def test_other_labels_later_are_refused(call, match):
    fitted = classifier().partial_fit(X, Y, classes=["even", "odd", "third"])
    with pytest.raises(ValueError, match=match):
        call(fitted)


def test_other_columns_later_are_refused():
    fitted = classifier().partial_fit(X, TAGS)
    with pytest.raises(ValueError, match=r"indicators of 2 labels, as it was before; got shape \(60, 3\)"):
        fitted.partial_fit(X, np.ones((60, 3), dtype=int))


def test_first_partial_fit_needs_the_classes():
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        classifier().partial_fit(X, Y)
