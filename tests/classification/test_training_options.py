"""Options of training that all classifiers with a network of their own have, tried on the quickest of them."""

import copy
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from joblib import parallel_config
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_validate
from skorch.callbacks import Callback, EpochScoring

from sklearn_audio import (
    ConvAutoencoder,
    GradientAccumulation,
    LabelSmoothing,
    LSTMClassifier,
    Ragged,
    TokenMeanClassifier,
    WeightAveraging,
)

RNG = np.random.default_rng(0)
Y = np.array(["even", "odd", "third"])[np.arange(60) % 3]
X = [(RNG.normal(size=(4 + i % 5, 3)) + 2 * np.eye(3)[i % 3]).astype(np.float32) for i in range(60)]
TAGS = np.stack([np.arange(60) % 3 == 0, np.arange(60) % 2 == 0], axis=1).astype(int)
TOKENS = [np.array([i % 3, (i + 1) % 3, i % 2]) for i in range(60)]
SHARED = ["sampler", "mixup", "spec_augment", "augmentations", "callbacks", "checkpoint_dir"]


class Broken(Exception):
    """An error of a user's own code."""


class Break(Callback):
    """Raises in a batch of training, counted over the whole of it."""

    batches_left: ClassVar[int] = -1

    def on_batch_end(self, net, training=None, **kwargs):
        if training:
            type(self).batches_left -= 1
            if self.batches_left == 0:
                raise Broken("of mine")


class BreakAtEpoch(Callback):
    """Raises at the end of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise Broken("of mine")


def classifier(**options):
    return TokenMeanClassifier(**({"embedding_size": 8, "max_epochs": 6, "lr": 0.02, "random_state": 0} | options))


def assert_same_weights(one, other):
    states = one.network_.state_dict(), other.network_.state_dict()
    assert states[0].keys() == states[1].keys()
    for name in states[0]:
        assert torch.equal(states[0][name], states[1][name]), name


def differ(one, other):
    names = one.network_.state_dict()
    return any(not torch.equal(names[name], other.network_.state_dict()[name]) for name in names)


@pytest.mark.parametrize("estimator", [TokenMeanClassifier, LSTMClassifier])
def test_all_are_off_by_default(estimator):
    parameters = estimator().get_params()
    assert [parameters[name] for name in SHARED] == [None, 0.0, None, None, None, None]


@pytest.mark.parametrize(
    "option",
    [
        {"sampler": "balanced"},
        {"sampler": "alternate"},
        {"sampler": "weighted"},
        {"sampler": "worst_class"},
        {"mixup": 0.4},
        {"spec_augment": True},
        {"spec_augment": {"time_masks": 1, "time_width": 3}},
        {"augmentations": [np.negative]},
        {"callbacks": [GradientAccumulation(2)]},
        {"callbacks": [WeightAveraging()]},
        {"callbacks": [WeightAveraging("swa")]},
        {"callbacks": [LabelSmoothing()]},
    ],
    ids=str,
)
@pytest.mark.parametrize("y", [Y, TAGS], ids=["classes", "labels"])
def test_every_option_changes_training_and_repeats(option, y):
    first, again = (classifier(max_epochs=8, **option).fit(X, y) for _ in range(2))
    assert_same_weights(first, again)
    assert differ(first, classifier(max_epochs=8).fit(X, y))
    assert np.isfinite(first.predict_proba(X)).all()


def test_training_still_learns_with_all_of_them():
    options = {"sampler": "balanced", "mixup": 0.2, "spec_augment": {"time_width": 2, "frequency_width": 1}}
    options["callbacks"] = [WeightAveraging(), GradientAccumulation(2)]
    fitted = classifier(max_epochs=30, batch_size=8, **options).fit(X, Y)
    assert fitted.score(X, Y) > 0.9


def test_partial_fit_takes_them_too():
    with_mixup, without = (classifier(mixup=mixup).partial_fit(X, Y, classes=np.unique(Y)) for mixup in (1.0, 0.0))
    assert differ(with_mixup, without)


def test_steps_of_several_batches_are_those_of_one_large_batch():
    frames = np.stack([row[:4] for row in X])
    options = {"options": {"dropout": 0.0}, "optimizer": "sgd", "lr": 0.1}
    large = classifier(batch_size=30, **options).fit(frames, Y)
    small = classifier(batch_size=10, callbacks=[GradientAccumulation(3)], **options).fit(frames, Y)
    np.testing.assert_allclose(small.predict_proba(frames), large.predict_proba(frames), atol=1e-6)


def test_validation_scores_the_average():
    options = {"validation_fraction": 0.3, "lr_schedule": None}
    history = classifier(callbacks=[WeightAveraging()], **options).fit(X, Y).history_
    trained = classifier(**options).fit(X, Y).history_
    np.testing.assert_allclose(history["train_loss"], trained["train_loss"])
    assert (history["valid_loss"] != trained["valid_loss"]).all()


@pytest.mark.parametrize("option", [{"mixup": 0.2}, {"spec_augment": True}, {"spec_augment": {"time_masks": 1}}])
def test_changes_of_frames_are_refused_over_tokens(option):
    name = next(iter(option))
    with pytest.raises(ValueError, match=f"{name} changes frames, but X holds tokens; leave {name}"):
        classifier(**option).fit(TOKENS, Y)
    assert classifier(spec_augment=False, sampler="weighted").fit(TOKENS, Y).n_tokens_ == 3


@pytest.mark.parametrize(
    ("option", "match"),
    [
        ({"sampler": "random"}, "'sampler' parameter of TokenMeanClassifier must be"),
        ({"mixup": -1.0}, "'mixup' parameter"),
        ({"spec_augment": 3}, "'spec_augment' parameter"),
        ({"spec_augment": {"masks": 3}}, "spec_augment has no item 'masks'"),
        ({"augmentations": np.negative}, "'augmentations' parameter"),
        ({"callbacks": 3}, "'callbacks' parameter"),
        (
            {"callbacks": [GradientAccumulation(0)]},
            r"GradientAccumulation\(n_batches=0\): give a whole number of batches",
        ),
        ({"callbacks": [GradientAccumulation(1.5)]}, r"GradientAccumulation\(n_batches=1.5\): give a whole number"),
        ({"callbacks": [GradientAccumulation(True)]}, r"GradientAccumulation\(n_batches=True\): give a whole number"),
        (
            {"callbacks": [WeightAveraging("mean")]},
            r"unknown kind of WeightAveraging 'mean'; choose one of \['ema', 'swa'",
        ),
        ({"callbacks": [WeightAveraging(None)]}, "unknown kind of WeightAveraging None; choose"),
        (
            {"callbacks": [WeightAveraging(), ("mine", WeightAveraging())]},
            "callbacks holds 2 instances of WeightAveraging; give one",
        ),
        ({"callbacks": [LabelSmoothing(1.0)]}, r"LabelSmoothing\(share=1.0\): give a share of the targets, from 0"),
        ({"callbacks": [LabelSmoothing("0.1")]}, r"LabelSmoothing\(share='0.1'\): give a share of the targets"),
        ({"callbacks": [GradientAccumulation(2)] * 3}, "callbacks holds 3 instances of GradientAccumulation; give one"),
        ({"checkpoint_dir": 3}, "'checkpoint_dir' parameter"),
    ],
)
def test_refused_parameters(option, match):
    with pytest.raises(ValueError, match=match):
        classifier(**option).fit(X, Y)


@pytest.mark.parametrize("kind", [GradientAccumulation, LabelSmoothing, WeightAveraging])
def test_a_class_among_the_callbacks_is_refused(kind):
    with pytest.raises(TypeError, match=rf"callbacks holds the class {kind.__name__}; give an instance, as in"):
        classifier(callbacks=[kind]).fit(X, Y)


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_options_are_the_same_wherever_they_stand_among_the_callbacks(kind):
    options = {"early_stopping": True, "patience": 3, "validation_fraction": 0.3, "max_epochs": 12, "batch_size": 8}
    given = [WeightAveraging(kind), GradientAccumulation(2), EpochScoring("f1_macro", name="f1", lower_is_better=False)]
    orders = [given, given[::-1], [given[2], ("average", given[0]), ("steps", given[1])]]
    first, *others = (classifier(callbacks=order, **options).fit(X, Y) for order in orders)
    for other in others:
        assert_same_weights(other, first)
        assert other.history_.drop(columns="seconds").equals(first.history_.drop(columns="seconds"))
    assert differ(first, classifier(callbacks=[given[2]], **options).fit(X, Y))


def test_options_among_the_callbacks_are_part_of_a_clone_and_a_search():
    search = GridSearchCV(classifier(max_epochs=1), {"callbacks": [None, [WeightAveraging()]]}, cv=2).fit(X, Y)
    assert clone(search.set_params(estimator__callbacks=[WeightAveraging("swa")])).estimator.callbacks[0].kind == "swa"
    with pytest.raises(ValueError, match="callbacks holds 2 instances of WeightAveraging"):
        ConvAutoencoder(callbacks=[WeightAveraging(), WeightAveraging("swa")]).fit(X)
    with pytest.raises(ValueError, match="LabelSmoothing smooths labels, and this network learns without them"):
        ConvAutoencoder(callbacks=[LabelSmoothing()]).fit(X)


# what raises


def explode(frames):
    if Break.batches_left == 0:
        raise Broken("of mine")
    return frames


class StopAtEpoch(Callback):
    """Ends training at the end of an epoch, as skorch's callbacks do."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


def test_a_callback_that_raises_leaves_nothing_behind():
    Break.batches_left = 9
    broken = classifier(callbacks=[Break()], early_stopping=True, validation_fraction=0.2)
    before = dict(vars(broken))
    with pytest.raises(Broken, match="of mine"):
        broken.fit(X, Y)
    assert vars(broken) == before
    with pytest.raises(NotFittedError):
        broken.predict(X)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("warm_start", [False, True])
def test_a_callback_that_raises_leaves_the_good_fit_before(method, warm_start):
    fitted = classifier(warm_start=warm_start, optimizer="sgd").fit(X, Y)
    fitted.set_params(callbacks=[BreakAtEpoch(1 if method == "fit" and not warm_start else 7)], max_epochs=3)
    before, wanted = dict(vars(fitted)), fitted.predict_proba(X)
    optimizer = copy.deepcopy(fitted._optimizer_state)
    with pytest.raises(Broken, match="of mine"):
        getattr(fitted, method)(X, Y[::-1])
    assert vars(fitted) == before
    assert np.array_equal(fitted.predict_proba(X), wanted)
    assert str(fitted._optimizer_state) == str(optimizer)
    # and training goes on from there as if nothing had happened
    again = fitted.set_params(callbacks=None).partial_fit(X, Y)
    assert_same_weights(again, classifier(optimizer="sgd").fit(X, Y).partial_fit(X, Y))


def test_a_callback_that_stops_leaves_the_best_weights():
    noise = np.random.default_rng(1).permutation(Y)
    options = {"lr": 0.3, "lr_schedule": None, "options": {"dropout": 0.0}, "validation_fraction": 0.3}
    stopped = classifier(early_stopping=True, patience=9, max_epochs=60, callbacks=[StopAtEpoch(8)], **options).fit(
        X, noise
    )
    # what stops at the end of an epoch comes before it is judged
    best = int(stopped.history_["valid_loss"][:7].argmin()) + 1
    assert best < 7
    assert_same_weights(stopped, classifier(max_epochs=best, **options).fit(X, noise))


class FailsToClose(Callback):
    """Raises in training, and again when it is to close."""

    def on_batch_end(self, net, **kwargs):
        raise Broken("first")

    def on_train_end(self, net, **kwargs):
        raise ValueError("second")


def test_the_first_error_is_the_one_that_is_raised():
    with pytest.raises(Broken, match="first") as raised:
        classifier(callbacks=[FailsToClose()]).fit(X, Y)
    assert raised.value.__notes__ == ["The callback 'FailsToClose' then failed in on_train_end: ValueError('second')"]


def test_an_augmentation_that_raises_surfaces_as_it_is():
    Break.batches_left = 0
    broken = classifier(augmentations=[explode])
    with pytest.raises(Broken, match="of mine"):
        broken.fit(X, Y)
    assert not hasattr(broken, "network_")


# interrupted fits


@pytest.fixture
def no_sync(monkeypatch):
    # nobody pulls the plug here, and the disk is slow
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


def break_off(folder, n_batches, y=Y, **options):
    Break.batches_left = n_batches
    with pytest.raises(Broken):
        classifier(checkpoint_dir=folder, **({"callbacks": [Break()]} | options)).fit(X, y)
    Break.batches_left = -1


@pytest.mark.parametrize("n_batches", [3, 12, 25])
@pytest.mark.parametrize(
    "options",
    [
        {"early_stopping": True, "callbacks": [WeightAveraging()]},
        {
            "mixup": 0.3,
            "spec_augment": True,
            "sampler": "balanced",
            "callbacks": [GradientAccumulation(2)],
            "class_weight": "balanced",
        },
    ],
)
@pytest.mark.parametrize("y", [Y, TAGS], ids=["classes", "labels"])
@pytest.mark.usefixtures("no_sync")
def test_an_interrupted_fit_ends_at_the_same_bits(tmp_path, options, n_batches, y):
    options = {"batch_size": 8} | options
    options["callbacks"] = [Break(), *options["callbacks"]]
    break_off(tmp_path, n_batches, y, **options)
    resumed = classifier(checkpoint_dir=str(tmp_path), **options).fit(X, y)
    whole = classifier(**options).fit(X, y)
    assert_same_weights(resumed, whole)
    assert resumed.history_.drop(columns="seconds").equals(whole.history_.drop(columns="seconds"))
    assert np.array_equal(resumed.predict_proba(X), whole.predict_proba(X))
    assert list(tmp_path.iterdir()) == []


def test_fits_without_a_seed_are_not_told_apart(tmp_path):
    with pytest.raises(ValueError, match=r"checkpoint_dir needs a random_state: .* Pass random_state=0, or omit"):
        classifier(checkpoint_dir=tmp_path / "a", random_state=None).fit(X, Y)
    assert list(tmp_path.iterdir()) == []
    generator = np.random.RandomState(0)
    classifier(checkpoint_dir=tmp_path, random_state=generator).fit(X, Y)
    assert classifier(random_state=None).fit(X, Y).n_iter_ == 6


def test_without_interruption_it_changes_nothing(tmp_path):
    assert_same_weights(classifier(checkpoint_dir=tmp_path).fit(X, Y), classifier().fit(X, Y))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_sync")
def test_a_fit_that_continues_another_is_resumed_like_it(tmp_path):
    def twice(folder):
        warm = classifier(warm_start=True, callbacks=[Break()]).fit(X, Y)
        return warm.set_params(checkpoint_dir=folder)

    broken, resumed = twice(tmp_path), twice(tmp_path)
    Break.batches_left = 5
    with pytest.raises(Broken):
        broken.fit(X, Y)
    Break.batches_left = -1
    assert_same_weights(resumed.fit(X, Y), twice(None).fit(X, Y))
    assert resumed.n_iter_ == 12


@pytest.mark.parametrize(
    "change",
    [
        {"lr": 0.5},
        {"embedding_size": 9},
        {"random_state": 1},
        {"callbacks": [Break(), StopAtEpoch(100)]},
        {"X": [row + 1 for row in X]},
        {"y": Y[::-1]},
        {"sample_weight": np.arange(60) + 1.0},
        {"groups": np.arange(60) // 2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_fit_in_the_folder_is_a_fit_of_its_own(tmp_path, change):
    break_off(tmp_path, 9)
    (file,) = tmp_path.iterdir()
    given = {"X": X, "y": Y} | {name: change[name] for name in ("X", "y", "sample_weight", "groups") if name in change}
    options = {"callbacks": [Break()]} | {name: value for name, value in change.items() if name not in given}
    other = classifier(checkpoint_dir=tmp_path, **options).fit(**given)
    assert_same_weights(other, classifier(**options).fit(**given))
    assert list(tmp_path.iterdir()) == [file]
    # and the first one still continues
    assert_same_weights(classifier(checkpoint_dir=tmp_path, callbacks=[Break()]).fit(X, Y), classifier().fit(X, Y))


def folds(folder, n_jobs=None):
    estimator = classifier(checkpoint_dir=folder, callbacks=[Break()], max_epochs=4)
    return cross_validate(estimator, X, Y, cv=3, n_jobs=n_jobs, return_estimator=True, error_score="raise")["estimator"]


def test_a_cross_validation_that_was_killed_continues(tmp_path):
    """In its second fold; the first is done, and begins anew."""
    Break.batches_left = 4 * 2 + 5
    with pytest.raises(Broken):
        folds(tmp_path)
    Break.batches_left = -1
    assert len(list(tmp_path.iterdir())) == 1
    for one, other in zip(folds(tmp_path), folds(None), strict=True):
        assert_same_weights(one, other)
    assert list(tmp_path.iterdir()) == []


def test_folds_at_the_same_time_share_a_folder(tmp_path):
    with parallel_config("threading"):
        together = folds(tmp_path, n_jobs=3)
    assert len(together) == 3
    assert list(tmp_path.iterdir()) == []


def test_what_a_network_does_not_depend_on_may_change(tmp_path):
    break_off(tmp_path, 9)
    as_ragged = Ragged.from_list(X)
    other = classifier(checkpoint_dir=tmp_path, callbacks=[Break()], verbose=0, device="cpu").fit(as_ragged, list(Y))
    assert_same_weights(other, classifier(callbacks=[Break()]).fit(X, Y))


def louder(frames, by):
    return frames * np.float32(by)


def test_a_change_within_a_function_is_another_fit(tmp_path):
    one, other = (partial(louder, by=by) for by in (1.0, 50.0))
    break_off(tmp_path, 9, augmentations=[one])
    options = {"checkpoint_dir": tmp_path, "callbacks": [Break()]}
    fitted = classifier(augmentations=[other], **options).fit(X, Y)
    assert_same_weights(fitted, classifier(augmentations=[other]).fit(X, Y))
    assert len(list(tmp_path.iterdir())) == 1


def test_what_cannot_be_told_apart_is_refused(tmp_path):
    numbers = (number for number in range(9))
    broken = classifier(augmentations=[lambda frames: frames + next(numbers)], checkpoint_dir=tmp_path)
    with pytest.raises(
        ValueError, match=r"augmentations holds an object whose content cannot be read \(cannot pickle 'gen"
    ):
        broken.fit(X, Y)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    break_off(tmp_path, 9)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"fit-\w+\.checkpoint is damaged"):
        classifier(checkpoint_dir=tmp_path, callbacks=[Break()]).fit(X, Y)


def test_partial_fit_saves_nothing(tmp_path):
    classifier(checkpoint_dir=tmp_path / "folder").partial_fit(X, Y, classes=np.unique(Y))
    assert not (tmp_path / "folder").exists()


def test_a_clone_has_the_same_folder(tmp_path):
    assert clone(classifier(checkpoint_dir=tmp_path)).checkpoint_dir == tmp_path


PROGRAM = """
import os, random, signal, sys, threading, time
import numpy as np
from skorch.callbacks import Callback
from sklearn_audio import LSTMClassifier, WeightAveraging

class Slow(Callback):
    def on_train_begin(self, net, **kwargs):
        delay = float(sys.argv[2])
        if delay:
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()
    def on_batch_end(self, net, **kwargs):
        time.sleep(0.02)

rng = np.random.default_rng(0)
X = [rng.normal(size=(4 + i % 5, 3)) for i in range(48)]
options = dict(hidden_size=4, max_epochs=10, batch_size=4, early_stopping=True, patience=10, random_state=0)
lstm = LSTMClassifier(**options, callbacks=[Slow(), WeightAveraging()], checkpoint_dir=sys.argv[1] or None)
lstm.fit(X, np.arange(48) % 2)
np.savez(sys.argv[3], **{name: tensor.numpy() for name, tensor in lstm.network_.state_dict().items()})
"""


def run_program(folder, delay, result):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "COVERAGE"))}
    command = [sys.executable, "-c", PROGRAM, str(folder), str(delay), str(result)]
    root = Path(__file__).parents[2]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=root, timeout=300, check=False)


@pytest.mark.slow
def test_a_killed_fit_ends_at_the_same_bits(tmp_path):
    """Killed from another thread, wherever it then is: within a batch, between two, or while it saves."""
    folder, result = tmp_path / "folder", tmp_path / "result.npz"
    for delay in np.random.default_rng().uniform(0.2, 0.6, size=3):
        killed = run_program(folder, delay, result)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert not result.exists()
    resumed = run_program(folder, 0, result)
    assert resumed.returncode == 0, resumed.stderr
    whole = run_program("", 0, tmp_path / "whole.npz")
    assert whole.returncode == 0, whole.stderr
    with np.load(result) as found, np.load(tmp_path / "whole.npz") as wanted:
        assert set(found) == set(wanted)
        for name in wanted:
            assert np.array_equal(found[name], wanted[name]), name
    assert list(folder.iterdir()) == []


def test_callbacks_of_training_print_their_values():
    assert repr(GradientAccumulation(4)) == "GradientAccumulation(n_batches=4)"
    assert repr(WeightAveraging("swa")) == "WeightAveraging(kind='swa')"


@pytest.mark.parametrize("y", [Y, TAGS], ids=["classes", "labels"])
def test_scores_of_classes_choose_the_clips_of_the_next_epoch(y):
    """The score of a class is the mean probability of its clips in the training batches of the epoch before."""
    seen = []

    class Watch(Callback):
        def on_epoch_begin(self, net, **kwargs):
            seen.append({"scores": net.iterator_train__sampler(), "targets": [], "logits": []})

        def on_batch_end(self, net, batch=None, training=None, y_pred=None, **kwargs):
            seen[-1]["targets"].append(batch[1])
            seen[-1]["logits"].append(y_pred.detach())

    TokenMeanClassifier(
        sampler="worst_class", lr=0.05, batch_size=20, max_epochs=2, callbacks=[Watch()], random_state=0
    ).fit(X, y)
    first, second = seen
    assert first["scores"] is None
    targets, logits = (torch.cat(first[name]).double() for name in ("targets", "logits"))
    if y is Y:
        probabilities, targets = logits.softmax(dim=1), torch.nn.functional.one_hot(targets.long(), 3).double()
    else:
        probabilities = logits.sigmoid()
    wanted = (probabilities * targets).sum(dim=0) / targets.sum(dim=0)
    np.testing.assert_allclose(second["scores"], wanted.numpy(), rtol=1e-6)
