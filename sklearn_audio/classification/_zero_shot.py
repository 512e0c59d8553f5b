"""`ZeroShotClassifier`: classes that are described in words, without training."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from itertools import product
from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from joblib import Memory
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags

from sklearn_audio._meaning import Uses
from sklearn_audio._sklearn import Interval, StrOptions
from sklearn_audio.base import AUDIO_CONSTRAINTS, AudioEstimator, Reading
from sklearn_audio.engine import (
    CACHE_CONSTRAINTS,
    CACHE_USES,
    ClipVectors,
    PatchOptions,
    PretrainedModel,
    PromptSource,
    WeightsSource,
    cache_on_disk,
    label_rows,
    pool,
)
from sklearn_audio.engine.models import ModelCard, check_two_towers, native_card
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.optional import require
from sklearn_audio.validation import AudioClips
from sklearn_audio.weights._hub import PinnedModel, Repository

__all__ = ["ZeroShotClassifier"]

_PLACE = "{}"


class ZeroShotClassifier(PinnedModel, ClassifierMixin, AudioEstimator):
    """Classify clips by the words of the labels, with CLAP and without training.

    CLAP maps audio and text to the same space. Each label is put into a sentence, and the probability of a label is the
    softmax of the scaled cosines between the clip and the sentences, as transformers' ``ClapModel`` computes it for the
    clip on its own. Needs the extra ``transformers``. Code of a repository is never run, and of weights only
    safetensors are read.

    Parameters
    ----------
    model : str or path, default="laion/clap-htsat-unfused"
        Hub id of a CLAP model with both towers, a folder that ``save_pretrained`` of the model and its processor wrote,
        or the safetensors file in such a folder.
    labels : sequence of str, default=()
        The classes, two or more, in words: "a barking dog" rather than "dog_bark_03".
    template : str or sequence of str, default="the sound of {}"
        Sentence in which ``{}`` is replaced by a label. Of several, a label is the mean of their vectors.
    revision : str, default=None
        Branch, tag or commit of the repository. None: the commit in the hub's cache, else the newest; `fit` records it
        as ``revision_``, and the fitted estimator stays with it.
    sample_rate : int, default=None
        Rate in Hz of arrays without one; None: raise for such arrays. Files and arrays with a rate are resampled to
        48 kHz.
    batch_size : int, default=32
        Windows collected before they go through the network; changes speed and memory, never a result.
    device : str or torch.device, default="auto"
        Device of the audio tower. "auto": CUDA if available, else Apple's MPS, else the CPU.
    precision : {"float32", "bfloat16"}, default="float32"
        Precision of the audio tower. "bfloat16" is faster on hardware that supports it, and correct to two or three
        digits.
    n_jobs : int, default=None
        Number of threads that decode clips; None: 1, -1: one per core.
    cache : None, str, path or joblib.Memory, default=None
        Folder of vectors, one entry per clip and one per set of prompts; None: no cache. See the user guide.
    cache_key : {"content", "stat"}, default="content"
        Identity of a file in the cache: its bytes, or, without reading it, its path with links resolved, size, inode
        and times of modification and change.
    on_error : {"raise", "nan"}, default="raise"
        "raise": raise at the first clip that cannot be used; "nan": its probabilities are NaN, its label is "", and one
        warning at the end lists such clips.
    verbose : int, default=0
        1: show progress bars, also of a download.

    Attributes
    ----------
    classes_ : ndarray of str, shape (n_classes,)
        The labels in alphabetical order, as the metrics of scikit-learn expect it; present without `fit`.
    revision_ : str or None
        Commit of the repository, recorded by `fit`; None for local files.
    n_features_in_ : int
        Number of timepoints, if X was an array of shape (n_clips, n_timepoints).
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if X was a DataFrame of numbers.

    See Also
    --------
    sklearn_audio.embedding.HuggingFaceEmbedder : The vectors of clips, for a classifier that is trained.
    AudioTagger : The 527 labels of AudioSet.

    References
    ----------
    Y. Wu et al., "Large-scale contrastive language-audio pretraining with feature fusion and keyword-to-caption
    augmentation", ICASSP 2023.

    Examples
    --------
    Nothing is read or downloaded before the first use:

    >>> from sklearn_audio import ZeroShotClassifier
    >>> classifier = ZeroShotClassifier(labels=["rain", "a barking dog"])
    >>> classifier.classes_
    array(['a barking dog', 'rain'], dtype='<U13')
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AUDIO_CONSTRAINTS,
        "model": [str, os.PathLike],
        "labels": ["array-like"],
        "template": [str, "array-like"],
        "revision": [str, None],
        "sample_rate": [None, *AUDIO_CONSTRAINTS["sample_rate"]],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "device": [str, torch.device],
        "precision": [StrOptions({"float32", "bfloat16"})],
        **CACHE_CONSTRAINTS,
    }
    _parameter_uses: ClassVar[Uses] = CACHE_USES

    def __init__(
        self,
        model: str | os.PathLike[str] = "laion/clap-htsat-unfused",
        labels: Sequence[str] = (),
        template: str | Sequence[str] = "the sound of {}",
        *,
        revision: str | None = None,
        sample_rate: int | None = None,
        batch_size: int = 32,
        device: Any = "auto",
        precision: Literal["float32", "bfloat16"] = "float32",
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | Memory | None = None,
        cache_key: Literal["content", "stat"] = "content",
        on_error: Literal["raise", "nan"] = "raise",
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.labels = labels
        self.template = template
        self.revision = revision
        self.sample_rate = sample_rate
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.n_jobs = n_jobs
        self.cache = cache
        self.cache_key = cache_key
        self.on_error = on_error
        self.verbose = verbose

    @property
    def classes_(self) -> NDArray[np.str_]:
        """Labels in alphabetical order."""
        return np.sort(np.array(self._checked_labels()))

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and X, and record the commit of the model; nothing is learned.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        WeightsError
            If there is no such model, or it cannot be had without a network.
        TypeError, ValueError
            If a parameter or X is not admissible.
        """
        self._check_fitted()
        self._prompts()
        self._pinned = None
        repository = self._repository()
        self._validate_X(self._card(repository), X, reset=True)
        self._pin(repository.commit)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Compute the probability of every label.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide. A clip longer than the 10 s that the model takes is cut into windows
            of 10 s, whose cosines are averaged by their lengths.

        Returns
        -------
        ndarray of float64, shape (n_clips, n_classes)
            In the order of `classes_`; each row sums to 1.

        Raises
        ------
        AudioReadError
            If a recording cannot be read and `on_error` is "raise".
        WeightsError
            If there is no such model, or it cannot be had without a network.
        TypeError, ValueError
            If a parameter, X or a clip is not admissible.
        """
        self._check_fitted()
        prompts, repository = self._prompts(), self._repository()
        card = self._card(repository)
        clips, weights = self._validate_X(card, X, reset=False), repository.weights()
        source = PromptSource(json.dumps(repository.json(), sort_keys=True), weights, repository.tokenizer())
        rows = label_rows(source, prompts, self.cache).astype(np.float64)
        logits = np.full((len(clips), len(rows)), np.nan)
        for row, clip in zip(logits, self._vectors(card, clips, WeightsSource(weights)), strict=True):
            if clip.vectors:
                row[:] = rows @ pool(clip.vectors, np.array(clip.weights), "mean").astype(np.float64)
        proba: NDArray[np.float64] = softmax(logits, axis=1)
        return proba

    def predict(self, X: Any) -> NDArray[np.str_]:
        """Choose the likeliest label of each clip.

        Parameters
        ----------
        X : sequence of clips
            Paths, arrays, ...; see the user guide.

        Returns
        -------
        ndarray of str, shape (n_clips,)
            Labels.

        Raises
        ------
        AudioReadError
            If a recording cannot be read and `on_error` is "raise".
        WeightsError
            If there is no such model, or it cannot be had without a network.
        TypeError, ValueError
            If a parameter, X or a clip is not admissible.
        """
        proba = self.predict_proba(X)
        labels: NDArray[np.str_] = np.where(np.isnan(proba).any(axis=1), "", self.classes_[proba.argmax(axis=1)])
        return labels

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def _checked_labels(self) -> list[str]:
        labels = _texts(self.labels, "labels")
        if len(labels) < 2:
            raise ValueError(f"labels={labels} names {len(labels) or 'no'} class; give two or more to choose from.")
        return labels

    def _prompts(self) -> tuple[tuple[str, ...], ...]:
        """Put each label into each template, in the order of `classes_`."""
        templates = _texts([self.template] if isinstance(self.template, str) else self.template, "template")
        if not templates:
            raise ValueError("template=[] holds no sentence; give one such as 'the sound of {}'.")
        for template in templates:
            if _PLACE not in template:
                raise ValueError(f"template={template!r} has no place {_PLACE} for a label; give one with it.")
        filled = [template.replace(_PLACE, label) for label, template in product(self.classes_.tolist(), templates)]
        return tuple(tuple(filled[at : at + len(templates)]) for at in range(0, len(filled), len(templates)))

    def _card(self, repository: Repository) -> ModelCard:
        require("transformers", needed_by=type(self).__name__, extra="transformers")
        config, extractor = repository.json(), repository.extractor()
        check_two_towers(config, repr(os.fspath(self.model)))
        if extractor is None:
            raise WeightsError(f"{self.model!r} holds no preprocessor_config.json; give a model that has one.")
        return native_card(json.dumps(config, sort_keys=True), json.dumps(extractor, sort_keys=True), None)

    def _reading(self) -> Reading:
        return Reading(self._card(self._repository()).sample_rate, self.sample_rate)

    def _validate_X(self, card: ModelCard, X: Any, *, reset: bool) -> AudioClips:
        cache_on_disk(self.cache)
        return self._validate_audio(X, card.sample_rate, reset=reset, bare_rate=self.sample_rate)

    def _vectors(self, card: ModelCard, clips: AudioClips, source: WeightsSource) -> Iterator[ClipVectors]:
        """Yield the vectors of the windows, clip by clip."""
        model = PretrainedModel(
            card,
            source,
            [card.layer],
            PatchOptions(),
            device=self.device,
            precision=self.precision,
            verbose=self.verbose,
        )
        return model.vectors(
            clips,
            cache=self.cache,
            cache_key=self.cache_key,
            batch_size=self.batch_size,
            n_jobs=self.n_jobs,
            on_error=self.on_error,
            description=type(self).__name__,
        )


def _texts(values: Sequence[str], name: str) -> list[str]:
    """Return a parameter as a list of different texts that are not empty."""
    texts: list[str] = []
    for number, text in enumerate(values):
        if not isinstance(text, str):
            raise TypeError(f"{name}[{number}] is {text!r} of type {type(text).__name__}; give strings.")
        if not text.strip():
            raise ValueError(f"{name}[{number}] is empty; give it words.")
        if text in texts:
            raise ValueError(f"{name} holds {text!r} twice; give it once.")
        texts.append(str(text))
    return texts
