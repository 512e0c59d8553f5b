"""Networks that are trained in threads at once are those that are trained alone."""

import pickle
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from joblib import parallel_config
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict

from sklearn_audio import (
    BERTClassifier,
    ConvAutoencoder,
    EfficientATEmbedder,
    FrameMLPClassifier,
    LSTMClassifier,
    PrototypicalClassifier,
    TokenMeanClassifier,
)

FEW = {"max_epochs": 3, "batch_size": 4, "random_state": 0}
HALF = {"dropout": 0.5}


def noisy(frames):
    """An augmentation from elsewhere, which draws from all the global generators."""
    return frames + np.float32(np.random.rand() + random.random() + float(torch.rand(1)))  # noqa: NPY002


ESTIMATORS = {
    "FrameMLPClassifier": FrameMLPClassifier(hidden_sizes=(8,), options=HALF, mixup=0.3, augmentations=[noisy], **FEW),
    "LSTMClassifier": LSTMClassifier(hidden_size=8, n_layers=2, options=HALF, **FEW),
    "BERTClassifier": BERTClassifier(width=16, n_heads=2, n_layers=1, feedforward_size=16, options=HALF, **FEW),
    "TokenMeanClassifier": TokenMeanClassifier(embedding_size=8, options=HALF, **FEW),
    "ConvAutoencoder": ConvAutoencoder(2, n_filters=(4, 8), **FEW),
    "PrototypicalClassifier": PrototypicalClassifier(
        embedding_dim=4, n_support=2, n_query=1, n_episodes=5, random_state=0
    ),
}
Y = list("ab") * 6


def clips():
    return list(np.random.default_rng(0).standard_normal((12, 20, 6)).astype(np.float32))


def weights(name):
    network = clone(ESTIMATORS[name]).fit(clips(), Y).network_
    return {key: tensor.numpy().copy() for key, tensor in network.state_dict().items()}


def assert_same(got, wanted):
    for name in ESTIMATORS:
        for key, values in wanted[name].items():
            assert np.array_equal(got[name][key], values), (name, key)


@pytest.fixture(scope="module")
def alone():
    return {name: weights(name) for name in ESTIMATORS}


def test_at_once_as_alone(alone):
    over, before = threading.Event(), torch.get_rng_state()

    def build_meanwhile():
        while not over.is_set():
            EfficientATEmbedder("mn04_as", weights=None, sample_rate=32000, random_state=1).transform([np.zeros(100)])

    builder = threading.Thread(target=build_meanwhile)
    builder.start()
    try:
        with ThreadPoolExecutor(len(ESTIMATORS)) as pool:
            assert_same(dict(zip(ESTIMATORS, pool.map(weights, ESTIMATORS), strict=True)), alone)
    finally:
        over.set()
        builder.join()
    assert torch.equal(torch.get_rng_state(), before)


def test_copies_at_once_as_alone(alone):
    with ThreadPoolExecutor(4) as pool:
        for got in pool.map(weights, ["LSTMClassifier"] * 4):
            assert_same(alone | {"LSTMClassifier": got}, alone)


def test_folds_at_once_as_one_after_the_other():
    def probabilities():
        return cross_val_predict(ESTIMATORS["FrameMLPClassifier"], clips(), Y, cv=3, method="predict_proba")

    wanted = probabilities()
    with parallel_config("threading", n_jobs=3):
        assert np.array_equal(probabilities(), wanted)


FRESH = """
import pickle, sys
from tests.classification.test_fits_at_once import ESTIMATORS, weights
sys.stdout.buffer.write(pickle.dumps({name: weights(name) for name in [*ESTIMATORS][::-1]}))
"""


@pytest.mark.slow
def test_in_another_process_as_here(alone):
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", FRESH], capture_output=True, check=True)
    assert_same(pickle.loads(run.stdout), alone)
