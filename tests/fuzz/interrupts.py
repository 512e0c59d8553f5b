"""SIGINT at random moments of `fit` with a checkpoint, and what becomes of it.

    python -m tests.fuzz.interrupts --seed 0 --moments 100

Each time `fit` must raise KeyboardInterrupt and leave the estimator unfitted, the checkpoint must be there as soon as
training has begun, and the same call must end with the network of a fit that nobody interrupted, to the bit.
"""

from __future__ import annotations

import argparse
import collections
import os
import signal
import sys
import tempfile
import threading
import time

import numpy as np
import torch
from skorch.callbacks import Callback, EpochScoring

from sklearn_audio import (
    ConvAutoencoder,
    FrameMLPClassifier,
    GradientAccumulation,
    LSTMClassifier,
    TokenMeanClassifier,
    WeightAveraging,
)

RNG = np.random.default_rng(0)
X = [RNG.normal(size=(12, 8)).astype(np.float32) + i % 2 for i in range(24)]
Y = np.arange(24) % 2


class Begun(Callback):
    """Notes that training has begun, before which the checkpoint is written."""

    seen = False

    def on_epoch_begin(self, net, **kwargs):
        Begun.seen = True


def raise_by_hand(number, frame):
    raise KeyboardInterrupt


HANDLERS = {"of Python": signal.default_int_handler, "of a user": raise_by_hand}
WATCHED = {"validation_fraction": 0.25, "early_stopping": True, "patience": 30}
OPTIONS = {"max_epochs": 8, "batch_size": 8, "random_state": 0}
FITS = {
    "mlp, ema": lambda **k: FrameMLPClassifier(hidden_sizes=(4,), **WATCHED, **OPTIONS, **k),
    "lstm, plateau": lambda **k: LSTMClassifier(hidden_size=4, lr_schedule="plateau", **WATCHED, **OPTIONS, **k),
    "token mean, swa": lambda **k: TokenMeanClassifier(mixup=0.3, **OPTIONS, **k),
    "auto-encoder": lambda **k: ConvAutoencoder(2, n_filters=(4, 8), warmup=1, **OPTIONS, **k),
}
CALLBACKS = {
    "mlp, ema": [WeightAveraging()],
    "lstm, plateau": [EpochScoring("f1_macro", lower_is_better=False)],
    "token mean, swa": [WeightAveraging("swa"), GradientAccumulation(2)],
}


def build(name, folder=None):
    return FITS[name](callbacks=[Begun(), *CALLBACKS.get(name, [])], checkpoint_dir=folder)


def result_of(estimator):
    weights = {name: tensor.numpy() for name, tensor in estimator.network_.state_dict().items()}
    return weights | {"history": estimator.history_.drop(columns="seconds").to_numpy()}


def interrupt_at(delay, estimator):
    """Fit with a signal after some seconds, and tell whether it was over before that."""
    Begun.seen = False
    timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
    done = []
    timer.start()
    try:
        # no interrupt comes between the end of the one call and the other
        done.append(estimator.fit(X, Y))
        timer.cancel()
        timer.join()
    except KeyboardInterrupt:
        pass
    return bool(done)


def faults_of(name, estimator, folder, wanted):
    faults = []
    if hasattr(estimator, "network_") or hasattr(estimator, "history_"):
        faults.append("the estimator is fitted")
    if Begun.seen and not os.listdir(folder):
        faults.append("the checkpoint is gone")
    resumed = result_of(build(name, folder).fit(X, Y))
    different = [key for key in wanted if not np.array_equal(resumed[key], wanted[key], equal_nan=True)]
    if different:
        faults.append(f"the resumed network has another {', '.join(different)}")
    if os.listdir(folder):
        faults.append("the checkpoint stays when all is done")
    return faults


def run(seed, n_moments):
    """Interrupt so many fits; return how they ended, and what was wrong."""
    rng = np.random.default_rng(seed)
    endings, faults = collections.Counter(), []
    handler = signal.getsignal(signal.SIGINT)
    try:
        wanted = {name: result_of(build(name).fit(X, Y)) for name in FITS}
        while sum(endings.values()) - endings["over before the signal"] < n_moments:
            name, handled = list(FITS)[rng.integers(len(FITS))], list(HANDLERS)[rng.integers(2)]
            signal.signal(signal.SIGINT, HANDLERS[handled])
            with tempfile.TemporaryDirectory() as folder:
                estimator = build(name, folder)
                delay = rng.uniform(0, _seconds(name))
                if interrupt_at(delay, estimator):
                    endings["over before the signal"] += 1
                    continue
                endings["in training" if Begun.seen else "before training"] += 1
                found = faults_of(name, estimator, folder, wanted[name])
                faults += [f"{name}, handler {handled}, after {delay:.4f} s: {fault}" for fault in found]
    finally:
        signal.signal(signal.SIGINT, handler)
    return endings, faults


_known_seconds = {}


def _seconds(name):
    """Measure the time of a fit."""
    if name not in _known_seconds:
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            build(name, folder).fit(X, Y)
            _known_seconds[name] = time.perf_counter() - start
    return _known_seconds[name]


def main():
    """Print what was found; exit with 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--moments", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    endings, faults = run(options.seed, options.moments)
    print("\n".join([*(f"{count} {ending}" for ending, count in endings.items()), f"{len(faults)} faults", *faults]))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
