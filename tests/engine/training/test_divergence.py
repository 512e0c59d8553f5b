"""Training that diverges, also in its last step, and answers that are no numbers."""

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from torch import nn

from sklearn_audio import (
    BERTClassifier,
    CNNClassifier,
    ConvAutoencoder,
    FrameMLPClassifier,
    LSTMClassifier,
    PrototypicalClassifier,
    TokenMeanClassifier,
    WeightAveraging,
)
from sklearn_audio.engine.training import check_answers
from sklearn_audio.engine.training._divergence import check_weights_finite
from tests.tiny_network import TinyNetwork

RNG = np.random.default_rng(0)
X = [RNG.normal(size=(12, 8)).astype(np.float32) + i % 2 for i in range(24)]
Y = np.arange(24) % 2
WILD = {"lr": 1e38, "random_state": 0, "lr_schedule": None, "gradient_clip": None}
ONE_STEP = WILD | {"max_epochs": 1, "batch_size": 64}
ESTIMATORS = {
    "bert": BERTClassifier(width=8, n_heads=1, n_layers=1, feedforward_size=8, **ONE_STEP),
    "lstm with ema": LSTMClassifier(hidden_size=4, callbacks=[WeightAveraging()], **ONE_STEP),
    "lstm with swa": LSTMClassifier(hidden_size=4, callbacks=[WeightAveraging("swa")], **ONE_STEP),
    "tokens": TokenMeanClassifier(embedding_size=4, **ONE_STEP),
    "mlp": FrameMLPClassifier(hidden_sizes=(4,), **ONE_STEP),
    "convolutions": CNNClassifier(TinyNetwork, **ONE_STEP),
    "batch normalisation": CNNClassifier("cnn4", n_frames=16, **ONE_STEP),
    "autoencoder": ConvAutoencoder(2, n_filters=(4, 8), **ONE_STEP),
    "episodes": PrototypicalClassifier(embedding_dim=4, n_support=1, n_query=1, n_episodes=1, **WILD),
    "second epoch": TokenMeanClassifier(embedding_size=4, **(ONE_STEP | {"max_epochs": 2})),
}


@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_a_fit_that_diverges_is_refused(estimator):
    match = r"row \d|became .* in (epoch|episode) \d+ at a learning rate of 1e\+38.*gradient_clip"
    with pytest.raises(ValueError, match=match):
        estimator.fit(X, Y)
    with pytest.raises(NotFittedError):
        (estimator.transform if hasattr(estimator, "transform") else estimator.predict)(X)


@pytest.mark.parametrize("name", ["tokens", "mlp", "bert"])
def test_one_more_epoch_that_diverges_is_refused_and_undone(name):
    fitted = ESTIMATORS[name].set_params(lr=0.001).fit(X, Y)
    wanted = fitted.predict_proba(X)
    with pytest.raises(ValueError, match=r"became .* in epoch 2 at a learning rate of 1e\+38"):
        fitted.set_params(lr=1e38).partial_fit(X, Y)
    assert np.array_equal(fitted.predict_proba(X), wanted)


def test_running_statistics_are_looked_at_and_masks_are_not():
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    network.register_buffer("mask", torch.tensor([-torch.inf]))
    check_weights_finite(network, "in epoch 1", 0.1, 0.1)
    network[1].running_var[0] = torch.inf
    with pytest.raises(ValueError, match=r"the weights 1\.running_var became NaN or infinite in epoch 1 at"):
        check_weights_finite(network, "in epoch 1", 0.1, 0.1)


@pytest.mark.parametrize(
    "estimator",
    [
        TokenMeanClassifier(max_epochs=1, random_state=0),
        CNNClassifier(TinyNetwork, n_frames=12, max_epochs=1, random_state=0),
        ConvAutoencoder(2, n_filters=(4, 8), max_epochs=1, random_state=0),
        PrototypicalClassifier(embedding_dim=4, n_support=1, n_query=1, n_episodes=1, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_a_clip_whose_answer_is_no_number_is_named(estimator):
    fitted = estimator.fit(X, Y)
    method = fitted.transform if hasattr(fitted, "transform") else fitted.predict
    with torch.no_grad():
        for parameter in fitted.network_.parameters():
            parameter.mul_(100)
    match = r"row 2: the network returns NaN or infinity for this clip.*check the recording"
    with pytest.raises(ValueError, match=match):
        method([*X[:2], np.full((12, 8), 3e38, dtype=np.float32), X[3]])


def test_rows_are_counted_from_the_first():
    with pytest.raises(ValueError, match="row 7:"):
        check_answers(np.array([[0.0], [0.0], [np.inf]]), np.array([0, 0, 2]), first_row=5)
