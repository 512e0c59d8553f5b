"""Base class of `FineTunedClassifier`: its rows, its network, and its runs of training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from torch import nn

from sklearn_audio._meaning import items_of
from sklearn_audio._names import check_name
from sklearn_audio.base import Reading
from sklearn_audio.classification._audio_input import AudioInput
from sklearn_audio.classification._labels import label_weights
from sklearn_audio.classification._neural import NeuralClassifier
from sklearn_audio.classification._probe import Head, fit_head
from sklearn_audio.classification._trained_network import TrainingData
from sklearn_audio.engine import TunedNetwork, add_low_rank, blend, check_masks, merge_low_rank
from sklearn_audio.engine.training import (
    Augmentation,
    BatchFrontEnd,
    Collation,
    Net,
    RowView,
    Segments,
    Split,
    TrainingConfig,
    Unfreezing,
    build_spec_augment,
    draw_seed,
    whole_rows,
)
from sklearn_audio.metrics import mean_average_precision
from sklearn_audio.ragged import Ragged
from sklearn_audio.validation import AudioClips, check_audio

__all__ = ["FineTuning"]

_DEFAULT_FRACTION = 0.2
_ALPHAS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_LAST = 4  # "last_blocks" trains the last of so many parts of the blocks


class EmbeddedRows(RowView):
    """Rows for training, with the vectors that the pretrained network gives them.

    Shapes: vectors (n_rows, d).
    """

    def __init__(self, rows: RowView, vectors: NDArray[np.float32]) -> None:
        super().__init__(rows.values, rows.starts, rows.lengths)
        self.vectors = vectors

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return EmbeddedRows(found, self.vectors[key]) if isinstance(found, RowView) else found


def rows_of(vectors: NDArray[np.float32]) -> RowView:
    """View each vector as a row of one item."""
    return RowView.of(Ragged.from_lengths(vectors, np.ones(len(vectors), dtype=np.int64)))


class FineTuning(NeuralClassifier):
    """Base class of `FineTunedClassifier`: reads clips, and trains a pretrained network from the head of a probe."""

    embedder: Any
    strategy: str
    freeze: int | str | Sequence[str] | None
    probe: Any
    lr: float | Sequence[float]
    head_factor: float
    layer_decay: float
    lora_rank: int
    unfreeze_every: int | None
    mixup: float | dict[str, Any]
    spec_augment: Any
    alpha_: float
    trials_: pd.DataFrame
    network_: TunedNetwork
    _start: Head | None
    _tuned: Any  # the embedder with the trained network

    @property
    def _trains_body(self) -> bool:
        return self.strategy != "probe" and self.freeze != "backbone"

    # rows

    def _takes_audio(self) -> bool:
        return bool(self.embedder._takes_audio())

    def _classifier(self) -> Any:
        """Return the classifier whose network is trained on its own rows; None for an embedder of recordings."""
        return self._embedder()._plain() if hasattr(self._embedder(), "_plain") else None

    def _reading(self) -> Reading:
        reading: Reading = self.embedder._reading()
        return reading

    def _audio(self) -> AudioInput:
        return AudioInput(None, self._reading().rate or 0)

    def _embedder(self) -> Any:
        """Return the embedder, on the device of this estimator; that within a `NetworkEmbedder`, if it has one."""
        embedder = self.embedder._resolved() if hasattr(self.embedder, "_resolved") else self.embedder
        options = {"device": self.device, "verbose": self.verbose}
        options |= {} if self.n_jobs is None else {"n_jobs": self.n_jobs}
        known = embedder.get_params(deep=False)
        return clone(embedder).set_params(**{name: value for name, value in options.items() if name in known})

    def _clips(self, X: Any, *, reset: bool) -> AudioClips:
        reading = self._reading()
        return self._validate_audio(X, reading.rate or 0, reset=reset, bare_rate=reading.bare_rate)

    def _read_rows(self, X: Any, *, reset: bool) -> RowView:
        """Read X, and embed it, both once."""
        embedder = self._embedder()
        self._check_body(embedder._body())  # before anything is read
        classifier = self._classifier()
        if classifier is not None:
            rows = self._rows_of(classifier, X, reset=reset)
            vectors = embedder._of_chunks([rows], "mean")
            return EmbeddedRows(rows if self._trains_body else rows_of(vectors), vectors)
        clips = self._clips(X, reset=reset)
        if reset:
            embedder._check_several_patches(embedder._windowed(), clips)
        vectors = embedder._embed(embedder._windowed(), clips)
        if not self._trains_body:
            return EmbeddedRows(rows_of(vectors), vectors)
        options = {"n_jobs": self.n_jobs, "verbose": self.verbose, "description": type(self).__name__}
        return EmbeddedRows(self._audio().store(clips, waveforms=True, **options), vectors)

    def _rows_of(self, classifier: Any, X: Any, *, reset: bool) -> RowView:
        """Read X as the classifier does whose network is trained."""
        rows: RowView = classifier._read_rows(X, reset=False)
        if reset:
            self._forget_features()
            for name in ("n_features_in_", "feature_names_in_"):
                if hasattr(classifier, name):
                    setattr(self, name, getattr(classifier, name))
        return rows

    def _segments(self, rows: RowView, *, training: bool) -> Segments:
        classifier = self._classifier()
        if classifier is None or (training and not self._trains_body):
            return whole_rows(rows)
        segments: Segments = classifier._segments(rows, training=training)
        return segments

    def _check_body(self, body: Any) -> None:
        self._frozen_blocks(list(body.names))
        check_masks(body, self.spec_augment, self.embedder, "auto")
        if self.augmentations and self._takes_audio() and self._classifier() is not None:
            raise ValueError(
                "augmentations change waveforms, but the network of a NetworkEmbedder is trained on stored frames; "
                "compute the frames before, or leave augmentations at None."
            )

    def _collation(self, *, training: bool) -> Collation:
        if training and not self._trains_body:
            return Collation(1)
        classifier = self._classifier()
        if classifier is not None:
            collation: Collation = classifier._collation(training=training)
            return collation
        # clips of a batch are repeated to one length if the network takes clips of any length, to be one batch for it
        varies = not getattr(self._embedder()._windowed().patching, "fixed", True)
        return Collation(short_clip="tile" if varies else "zero", front_end=self._batch_front_end())

    def _batch_front_end(self) -> BatchFrontEnd | None:
        return super()._batch_front_end() if self._trains_body else None

    def _augmentation(self) -> Augmentation | None:
        masks = self._masks() if self._trains_body and self._classifier() is not None else None
        mixup = items_of(self, "mixup")
        rate = self._audio().rate if mixup["loudness"] else None
        return self._build_augmentation(mixup["alpha"], masks, mixed_fraction=mixup["fraction"], loudness_rate=rate)

    # the network

    @property
    def _trained_method(self) -> str:  # type: ignore[override]
        return "forward" if self._trains_body else "classify"

    def _build_network(self, rows: RowView) -> None:
        """Build the network at the start of training: the pretrained body, and the head of the probe."""
        source = self._embedder()._body()
        options = {"make_body": source.make, "width": source.width, "n_outputs": len(self.classes_)}
        network = TunedNetwork(**options, body=source.load())
        _write_head(network.head, self._start)
        self._freeze(network, source.blocks(network.body))
        self._set_network(network, options)

    def _freeze(self, network: TunedNetwork, blocks: dict[str, list[str]]) -> None:
        """Freeze blocks; the body stays in evaluation mode, except for the trained blocks of strategy "full"."""
        frozen = self._frozen_blocks([name for name in blocks if name])
        body: Any = network.body.network
        network.still = [] if self.strategy == "full" else [body]
        for name, leaves in blocks.items():
            network.hold(leaves, name in frozen or not name)

    def _frozen_blocks(self, names: list[str]) -> list[str]:
        """Return the names of the blocks that are not trained."""
        freeze: Any = self.freeze
        if not self._trains_body:
            return names
        if self.strategy == "last_blocks":
            return names[: len(names) - max(1, len(names) // _LAST)]
        if isinstance(freeze, Integral):
            if int(freeze) > len(names):
                raise ValueError(f"freeze={freeze} is more than the {len(names)} blocks of the network: {names}.")
            return names[: int(freeze)]
        frozen = [] if freeze is None else [freeze] if isinstance(freeze, str) else list(freeze)
        for name in frozen:
            check_name("block to freeze", name, [*names, "backbone"])
        return frozen

    def _build_net(self, loss: Any, config: TrainingConfig) -> Net:
        network = self.network_
        blocks = self._embedder()._body().blocks(network.body)
        self._freeze(network, blocks)  # also after a pickle
        if self.unfreeze_every is not None:
            frozen = self._frozen_blocks([name for name in blocks if name])
            trained = [leaves for name, leaves in blocks.items() if name and name not in frozen]
            unfreezing = Unfreezing(trained[::-1], self.unfreeze_every)
            config = replace(config, callbacks=[*(config.callbacks or ()), unfreezing])
        if self.strategy == "lora":
            add_low_rank(network.body, self.lora_rank)
        self.n_parameters_ = sum(p.numel() for p in network.parameters() if p.requires_grad)
        body: Any = network.body
        body.masks = self._masks() if self._trains_body else None
        return super()._build_net(loss, replace(config, rate_factors=self._rate_factors(network)))

    def _masks(self) -> Any:
        if self.spec_augment != "auto":
            return build_spec_augment(self.spec_augment)
        has_frames = self._embedder()._body().has_frames
        return build_spec_augment({"time_masks": 0, "frequency_masks": 1} if has_frames else None)

    def _rate_factors(self, network: TunedNetwork) -> dict[str, float]:
        """Return the factors of the learning rates of the parameters, by name."""
        prefix = "" if self._trains_body else "network."
        factors = {f"{prefix}{name}": 1.0 for name, _ in network.named_parameters()}
        factors |= {name: self.head_factor for name in factors if name.startswith(f"{prefix}head.")}
        if self.layer_decay < 1:
            blocks = [leaves for name, leaves in self._embedder()._body().blocks(network.body).items() if name]
            for number, leaves in enumerate(reversed(blocks)):
                begun = tuple(f"body.network.{leaf}." for leaf in leaves)
                factors |= {name: self.layer_decay**number for name in factors if name.startswith(begun)}
        return factors

    # training

    def _validation_fraction(self) -> Any:
        if self.strategy == "probe":
            return 0.0
        return _DEFAULT_FRACTION if self.validation_fraction is None else self.validation_fraction

    def _fit_network(
        self,
        data: TrainingData,
        config: TrainingConfig,
        make_loss: Callable[[NDArray[Any]], Any],
        *,
        fraction: Any,
        is_warm_start: bool,
        resumable: bool = True,
        split: Split | None = None,
    ) -> Self:
        """Choose the learning rate and the interpolation by validation, then train on all rows."""
        run = {"make_loss": make_loss, "is_warm_start": is_warm_start, "resumable": resumable}
        rates, self.alpha_, self._start = self._rates(), 1.0, None
        if not resumable:
            (rate,) = self._only(rates, "partial_fit")
            return self._trained(data, replace(config, lr=rate), run)
        self.trials_ = pd.DataFrame()
        if fraction:
            config = self._choose(data, config, run, fraction)
        else:
            (rate,) = self._only(rates, "validation_fraction=0") if self.strategy != "probe" else rates[:1]
            self.alpha_, config = float(self.strategy != "probe"), replace(config, lr=rate)
        self._start = self._probe(data)
        return self._finish(data, replace(config, early_stopping=False), run)

    def _only(self, rates: list[float], why: str) -> list[float]:
        if len(rates) > 1:
            raise ValueError(f"lr={self.lr!r} is chosen by validation, but {why} has none; give a single lr.")
        return rates

    def _probe(self, data: TrainingData, chosen: Any = slice(None)) -> Head | None:
        """Fit the head to the vectors of the pretrained network."""
        if self.strategy == "full":
            return None
        targets, weights = data.targets[chosen], data.weights[chosen]
        if self.multi_label_:
            balance = label_weights(self._labels, targets, self.class_weight)
            weights = weights[:, None] * (1.0 if balance is None else np.where(targets > 0, balance[1], balance[0]))
            weights = np.broadcast_to(weights, targets.shape)
        vectors: NDArray[np.float32] = data.rows.vectors[chosen]  # type: ignore[attr-defined]
        return fit_head(self.probe, vectors, targets, weights, len(self.classes_))

    def _trained(self, data: TrainingData, config: TrainingConfig, run: dict[str, Any], **options: Any) -> Self:
        """Train from the start once."""
        super()._fit_network(data, config, **run, **({"fraction": 0.0} | options))
        body: Any = self.network_.body
        body.masks = None
        merge_low_rank(body)
        return self._with_tuned()

    def _finish(self, data: TrainingData, config: TrainingConfig, run: dict[str, Any]) -> Self:
        """Train on all rows, and interpolate; without training, keep the probe."""
        if not self.alpha_:
            self._build_network(data.rows)
            self.network_.eval()
            self.history_, self.n_iter_ = pd.DataFrame(), 0
            return self._with_tuned()
        self._trained(data, config, run)
        if self.alpha_ < 1:
            self._interpolate(self._states(data.rows), self.alpha_)
        return self

    def _states(self, rows: RowView) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the state of the network before and after training."""
        trained = self.network_
        self._build_network(rows)
        start, self.network_ = self.network_, trained.eval()
        return start.state_dict(), {name: tensor.clone() for name, tensor in trained.state_dict().items()}

    def _interpolate(self, states: tuple[dict[str, Any], dict[str, Any]], alpha: float) -> None:
        self.network_.load_state_dict(blend(*states, alpha))
        self._with_tuned()

    def _choose(self, data: TrainingData, config: TrainingConfig, run: dict[str, Any], fraction: Any) -> TrainingConfig:
        """Train with each rate on a part of the rows, and find the best rate and interpolation on the others."""
        split = self._split(data, fraction, draw_seed(self.random_state))
        self._start, trials = self._probe(data, split.train), []
        for rate in self._rates():
            self._trained(data, replace(config, lr=rate), run, fraction=fraction, split=split)
            n_epochs = int(self.history_["valid_loss"].argmin()) + 1 if config.early_stopping else config.n_epochs
            states = self._states(data.rows[split.train])
            for alpha in _ALPHAS if self._start is not None else (1.0,):
                self._interpolate(states, alpha)
                score, loss = self._validate(data, split.valid)
                trials.append(
                    {"lr": rate, "alpha": alpha, "valid_score": score, "valid_loss": loss, "n_epochs": n_epochs}
                )
        self.trials_ = pd.DataFrame(trials)
        best = max(trials, key=lambda trial: (trial["valid_score"], -trial["valid_loss"]))
        self.alpha_ = float(best["alpha"])
        return replace(config, lr=best["lr"], n_epochs=best["n_epochs"])

    def _validate(self, data: TrainingData, rows: NDArray[np.int64]) -> tuple[float, float]:
        """Return the score and the loss of some rows: the accuracy or, with several labels, the average precision."""
        targets, weights = data.targets[rows], data.weights[rows]
        probabilities = self._of_vectors(self._vectors_of(data.rows[rows]))
        if self.multi_label_:
            right = np.where(targets > 0, probabilities, 1 - probabilities)
            score = mean_average_precision(targets, probabilities) if targets.any() else 0.0
            return float(score), float(-np.average(_logarithm(right).mean(axis=1), weights=weights))
        right = probabilities[np.arange(len(rows)), targets]
        score = np.average(probabilities.argmax(axis=1) == targets, weights=weights)
        return float(score), float(-np.average(_logarithm(right), weights=weights))

    # inference

    def _with_tuned(self) -> Self:
        """Give the trained network to a copy of the embedder, which computes the vectors."""
        body: Any = self.network_.body
        self._tuned = self._embedder()._with_network(body.network)
        return self

    def _embed(self, clips: AudioClips) -> NDArray[np.float32]:
        embedder = clone(self._tuned).set_params(device=self._device_of_inference(), verbose=self.verbose)
        vectors: NDArray[np.float32] = embedder._embed(embedder._windowed(), clips)
        return vectors

    def _vectors_of(self, rows: RowView) -> NDArray[np.float32]:
        if not self._trains_body:
            return rows.vectors  # type: ignore[attr-defined,no-any-return]
        if self._classifier() is not None:
            return self._of_chunks([rows])
        rate = self._reading().rate or 0
        return self._embed(check_audio([rows[row] for row in range(len(rows))], rate, bare_rate=rate))

    def _of_chunks(self, chunks: Iterable[RowView]) -> NDArray[np.float32]:
        """Compute the vectors of rows of the classifier whose network was trained."""
        vectors: NDArray[np.float32] = self._tuned._of_chunks(chunks, "mean")
        return vectors

    def _vectors(self, X: Any) -> NDArray[np.float32]:
        classifier = self._classifier()
        if classifier is None:
            return self._embed(self._clips(X, reset=False))
        return self._of_chunks(classifier._rows_in_chunks(X))

    def _of_vectors(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        parameters = (p.detach().cpu().numpy().astype(np.float64) for p in self.network_.head.parameters())
        return self._probabilities(Head(*parameters).logits(vectors))

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in ("_start", "_tuned")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "network_"):
            self._with_tuned()


def _logarithm(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))


def _write_head(layer: nn.Linear, head: Head | None) -> None:
    """Write a head into a layer; without one, all classes are equally likely."""
    with torch.no_grad():
        for parameter, values in zip(layer.parameters(), head or (None, None), strict=True):
            if values is None:
                parameter.zero_()
            else:
                parameter.copy_(torch.from_numpy(values))
