"""Methods of `train` that learn more than a linear classifier, and are fitted anew for every fold."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from sklearn_audio.classification import CNNClassifier, PrototypicalClassifier
from sklearn_audio.cli._recipe import RECIPE, built, built_grid
from sklearn_audio.dsp import FrontEnd
from sklearn_audio.preprocessing import MelSpectrogramTransformer
from sklearn_audio.tokenization import KMeansAudioTokenizer, TokenCounts

_N_MELS = 64


class Learner(NamedTuple):
    """A classifier of recordings, in words, and the values of its parameters to try."""

    method: str
    words: str
    estimator: Any
    grid: Mapping[str, Sequence[Any]] = MappingProxyType({})

    def for_labels(self, y: NDArray[Any]) -> Any:
        """Return the estimator for these labels."""
        if self.method == "prototypes":
            return self.estimator.set_params(**_episodes(y))
        if self.method == RECIPE:
            return _as_written(self.estimator, several=y.ndim == 2)
        if y.ndim == 2 and isinstance(self.estimator, Pipeline):
            name, last = self.estimator.steps[-1]
            return Pipeline([*self.estimator.steps[:-1], (name, OneVsRestClassifier(last))])
        return self.estimator


def _as_written(estimator: Any, *, several: bool) -> Any:
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    tags = get_tags(last).classifier_tags
    # one that wraps another decides by itself
    knows_several = "estimator" in last.get_params(deep=False) or (tags is not None and tags.multi_label)
    if several and not knows_several:
        raise ValueError(
            f"{type(last).__name__}, the last step of the recipe, gives one label per recording, and the data has "
            "several; make it the parameter estimator of sklearn.multiclass.OneVsRestClassifier."
        )
    return estimator


def of_recipe(options: Namespace) -> Learner:
    """Return the pipeline of the recipe that --config names."""
    estimator = built(options.recipe, options)
    steps = [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
    words = ", ".join(type(step).__name__ for step in steps)
    return Learner(RECIPE, words, estimator, built_grid(options.recipe, estimator))


def _episodes(y: NDArray[Any]) -> dict[str, int]:
    """Choose the clips of an episode: at most five of each kind, and a quarter of the rarest class."""
    if y.ndim == 2:
        raise ValueError("--method prototypes gives one label per recording, and the data has several; choose another.")
    size = int(np.clip(np.unique(y, return_counts=True)[1].min() // 4, 1, 5))
    return {"n_support": size, "n_query": size}


def _front_end(options: Namespace) -> FrontEnd:
    return _log_mel(options.sample_rate)


def log_mel_frames(sample_rate: int | None, n_jobs: int) -> MelSpectrogramTransformer:
    """Return the frames that tokens are learned from."""
    return MelSpectrogramTransformer(front_end=_log_mel(sample_rate), n_jobs=n_jobs)


def _log_mel(sample_rate: int | None) -> FrontEnd:
    rate = sample_rate or 16000
    return FrontEnd(sample_rate=rate, n_fft=round(rate * 0.04), hop_length=round(rate * 0.02), n_mels=_N_MELS)


def _crnn(options: Namespace) -> Learner:
    network = CNNClassifier(
        "crnn", front_end=_front_end(options), n_jobs=options.jobs, device=options.device, random_state=options.seed
    )
    return Learner("crnn", "convolutional recurrent network from scratch", network)


def _prototypes(options: Namespace) -> Learner:
    network = PrototypicalClassifier(
        "vgg32", front_end=_front_end(options), n_jobs=options.jobs, device=options.device, random_state=options.seed
    )
    return Learner("prototypes", "prototypes in a space learned by episodes", network)


def _tokens(options: Namespace) -> Learner:
    steps = [
        ("mel", log_mel_frames(options.sample_rate, options.jobs)),
        ("tokens", KMeansAudioTokenizer(200, random_state=options.seed)),
        ("counts", TokenCounts(weighting="tfidf")),
        ("classifier", LogisticRegression(C=10.0, class_weight="balanced", max_iter=2000)),
    ]
    return Learner("tokens", "counts of 200 tokens of log-mel frames", Pipeline(steps))


LEARNERS: dict[str, Callable[[Namespace], Learner]] = {"crnn": _crnn, "tokens": _tokens, "prototypes": _prototypes}
