"""The parameter `optimizer`: names, dicts, classes and partials."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_audio import PrototypicalClassifier, TokenMeanClassifier
from sklearn_audio.engine.training import check_optimizer, is_named
from sklearn_audio.engine.training._optimizers import optimizer_of

CPU = torch.device("cpu")
X = [np.full((4, 2), i % 2, dtype=np.float32) for i in range(8)]
Y = ["off", "on"] * 4


class Plain(torch.optim.Optimizer):
    """An optimiser without weight decay, as torch's LBFGS and many others are."""

    def __init__(self, params, lr=0.1, slowness=1.0):
        super().__init__(params, {"lr": lr, "slowness": slowness})

    def step(self, closure=None):
        loss = None if closure is None else closure()
        with torch.no_grad():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        parameter -= group["lr"] / group["slowness"] * parameter.grad
        return loss


def groups(optimizer, **options):
    """Train a classifier and return the settings of its optimizer."""
    seen = {}

    class Watching(optimizer.func if isinstance(optimizer, partial) else optimizer):
        def __init__(self, params, **given):
            seen.update(given)
            super().__init__(params, **given)

    watched = partial(Watching, **optimizer.keywords) if isinstance(optimizer, partial) else Watching
    TokenMeanClassifier(optimizer=watched, max_epochs=1, **options).fit(X, Y)
    return seen


def test_class_is_given_the_learning_rate_alone():
    assert groups(torch.optim.Adam, lr=0.02) == {"lr": 0.02}
    assert optimizer_of(torch.optim.AdamW, 0.3, CPU) == (torch.optim.AdamW, {})


def test_partial_adds_its_arguments():
    given = groups(partial(torch.optim.SGD, momentum=0.5, weight_decay=0.1), lr=0.02)
    assert given == {"lr": 0.02, "momentum": 0.5, "weight_decay": 0.1}


@pytest.mark.parametrize("optimizer", [Plain, partial(Plain, slowness=2.0)])
def test_class_without_weight_decay_trains(optimizer):
    fitted = TokenMeanClassifier(
        optimizer=optimizer, max_epochs=3, lr=0.1, options={"dropout": 0.0}, random_state=0
    ).fit(X, Y)
    assert fitted.history_["train_loss"].iloc[-1] < fitted.history_["train_loss"].iloc[0]
    vectors = np.random.default_rng(0).normal(size=(8, 3))
    few = PrototypicalClassifier(embedding_dim=2, optimizer=optimizer, n_support=2, n_query=2, n_episodes=2)
    assert few.fit(vectors, Y).history_["train_loss"].notna().all()


def test_dict_changes_the_arguments_of_a_name():
    kind, options = optimizer_of({"name": "adam", "betas": (0.8, 0.99), "amsgrad": True}, 0.3, CPU)
    assert kind is torch.optim.Adam
    assert options == {"fused": True, "betas": (0.8, 0.99), "amsgrad": True, "weight_decay": 0.3}
    assert optimizer_of({"name": "sgd", "weight_decay": 0.5}, 0.3, CPU)[1]["weight_decay"] == 0.5
    assert not is_named({"name": "sgd", "weight_decay": 0.5})


@pytest.mark.parametrize("more", [{"momentum": 0.0}, {"dampening": 0.1}, {"foreach": True}, {"nesterov": False}])
def test_defaults_of_a_name_give_way(more):
    TokenMeanClassifier(optimizer={"name": "sgd", **more}, max_epochs=1).fit(X, Y)


def test_dict_of_a_name_alone_is_the_name():
    one, other = (
        TokenMeanClassifier(optimizer=optimizer, max_epochs=2, random_state=0).fit(X, Y).predict_proba(X)
        for optimizer in ("sgd", {"name": "sgd"})
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "optimizer", [torch.optim.RMSprop, partial(torch.optim.Adam, betas=(0.5, 0.9)), {"name": "adam"}]
)
def test_cloned_pickled_and_searched(optimizer):
    classifier = TokenMeanClassifier(optimizer=optimizer, max_epochs=1, random_state=0)
    again = pickle.loads(pickle.dumps(clone(classifier).fit(X, Y)))
    np.testing.assert_array_equal(again.predict_proba(X), classifier.fit(X, Y).predict_proba(X))
    search = GridSearchCV(classifier, {"optimizer": ["adamw", optimizer]}, cv=2, error_score="raise").fit(X, Y)
    assert len(search.cv_results_["mean_test_score"]) == 2


@pytest.mark.parametrize(
    ("optimizer", "error", "match"),
    [
        ({"name": "lion"}, ValueError, "must give its 'name', one of .*'adamw'"),
        ({"betas": (0.9, 0.99)}, ValueError, "must give its 'name'"),
        ({"name": "adam", "beta": 0.9}, ValueError, "sets 'beta', but Adam takes .*'betas'"),
        ({"name": "adam", "lr": 0.1}, ValueError, "sets 'lr'; leave it out, and set lr of the estimator"),
        (partial(torch.optim.SGD, mass=1.0), ValueError, "sets 'mass', but SGD takes .*'momentum'"),
        (partial(torch.optim.SGD, lr=1.0), ValueError, "sets 'lr'"),
        (partial(torch.optim.SGD, None), TypeError, "has positional arguments"),
        (partial(print), TypeError, "is neither a class of torch.optim nor a functools.partial of one"),
        (int, TypeError, "is neither a class of torch.optim"),
    ],
)
def test_refused(optimizer, error, match):
    with pytest.raises(error, match=match):
        check_optimizer(optimizer)
    with pytest.raises(error, match=match):
        TokenMeanClassifier(optimizer=optimizer).fit(X, Y)
