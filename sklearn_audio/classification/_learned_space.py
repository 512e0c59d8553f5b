"""The space of the prototypes: that of X, or one that a network learns in episodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length
from torch import Tensor

from sklearn_audio._meaning import Item, Items, Uses, check_items, items_of, needs
from sklearn_audio._names import check_name
from sklearn_audio.augmentation import SpecAugment
from sklearn_audio.base import Reading
from sklearn_audio.classification._audio_input import AudioInput
from sklearn_audio.classification._labels import Labels, check_weights
from sklearn_audio.classification._network_options import COUNT, options_of
from sklearn_audio.classification._prototypes import Prototypes
from sklearn_audio.classification._trained_network import AUDIO_RATE, TrainedNetwork, TrainingData
from sklearn_audio.classification._training_parameters import BY_NAME
from sklearn_audio.engine import TunedNetwork, check_masks, resolve_device
from sklearn_audio.engine.training import (
    Augmentation,
    Batch,
    Collation,
    EmbeddedSpace,
    EpisodeConfig,
    Episodes,
    EpisodeValidation,
    Inputs,
    RowView,
    Segments,
    Split,
    build_spec_augment,
    draw_seed,
    patch_segments,
    running_statistics,
    seeded,
    train_in_episodes,
    whole_rows,
)
from sklearn_audio.nets import ARCHITECTURES, FrameInput, FrameNetwork
from sklearn_audio.ragged import Ragged

__all__ = ["LearnedSpace"]

_NETWORK = needs("network, by its name", lambda owner: isinstance(owner.network, str), "network")
_OWN_RATE = needs("network by its name, as an embedder has its own", lambda owner: not owner._has_body, "network")
_NORMALISED = needs("network by its name, or vectors", lambda owner: not owner._has_body, "network")
_LEARNED = needs(
    "network or embedding_dim, as nothing is trained without them",
    lambda owner: owner._is_learned,
    "network",
    "embedding_dim",
)
_OF_A_NETWORK = needs(
    "network, as vectors have no time and no frequency", lambda owner: owner.network is not None, "network"
)
_OF_LEARNING = (
    *("n_way", "n_support", "n_query", "n_episodes", "normalize", "lr", "optimizer", "lr_schedule", "warmup"),
    *("validation_fraction", "early_stopping", "gradient_clip"),
)
_OF_TRAINING = ("network_", "history_", "n_parameters_")


class Clips(NamedTuple):
    """Rows of a weight above 0, with their classes.

    Shapes: codes (n_rows,), weights (n_rows,), groups (n_rows,), classes (n_classes,), positions in X (n_rows,).
    """

    rows: RowView
    codes: NDArray[np.int64]
    weights: NDArray[np.float64]
    groups: Any
    classes: NDArray[Any]
    positions: NDArray[np.int64]


class LearnedSpace(ClassifierMixin, TrainedNetwork):
    """Base class of `PrototypicalClassifier`: reads X, and maps it to vectors, by a network if one is trained."""

    network: Any
    embedding_dim: int | None
    distance: Literal["sqeuclidean", "cosine"]
    shrinkage: float
    n_way: int | None
    n_support: int
    n_query: int
    n_episodes: int
    n_frames: int
    windows: dict[str, Any] | None
    options: dict[str, Any] | None
    normalize: Literal["standard", "clip"] | None
    lr: float
    optimizer: Any
    weight_decay: float
    warmup: float
    patience: int
    spec_augment: Any
    augmentations: Any
    gradient_clip: float | None
    precision: Literal["float32", "bfloat16"]
    random_state: Any
    verbose: int
    n_features_in_: int
    _parameter_items: ClassVar[Items] = {"options": {}, "windows": {"hop": Item(None, [COUNT, None])}}
    _parameter_uses: ClassVar[Uses] = {
        **dict.fromkeys(_OF_LEARNING, _LEARNED),
        **dict.fromkeys(("front_end", "n_frames", "windows", "options"), _NETWORK),
        **dict.fromkeys(("spec_augment", "augmentations"), _OF_A_NETWORK),
        "weight_decay": (_LEARNED, BY_NAME),
        "patience": (_LEARNED, needs("early_stopping=True", lambda owner: owner.early_stopping, "early_stopping")),
        "normalize": (_LEARNED, _NORMALISED),
        "sample_rate": (AUDIO_RATE, _OWN_RATE),
    }

    # as for other classifiers, request groups
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"groups": True}

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # frames in scikit-learn's checks have one feature, too few for networks over windows
        tags.classifier_tags.poor_score = self.network is not None
        return tags

    @property
    def _is_learned(self) -> bool:
        return self.network is not None or self.embedding_dim is not None

    @property
    def _has_body(self) -> bool:
        """Whether the network is that of an embedder, over recordings."""
        return self.network is not None and not isinstance(self.network, str)

    def _takes_audio(self) -> bool:
        return self._has_body or (self.front_end is not None and self.network is not None)

    def _reading(self) -> Reading:
        return self.network._reading() if self._has_body else super()._reading()

    def _audio(self) -> AudioInput:
        return AudioInput(None, self._reading().rate or 0) if self._has_body else super()._audio()

    def _validate_params(self) -> None:
        if isinstance(self.network, str):
            check_name("network", self.network, [name for name, takes in ARCHITECTURES.items() if not takes.waveforms])
        super()._validate_params()
        if hasattr(self.network, "_plain"):
            raise ValueError(
                f"network={self.network!r} takes the input of a classifier; give an embedder of recordings, or make "
                "vectors in a pipeline: make_pipeline(NetworkEmbedder(...), PrototypicalClassifier(embedding_dim=...))."
            )
        if isinstance(self.network, str):
            ARCHITECTURES[self.network].check_length("network", self.network, self.n_frames)

    def _check_items(self) -> None:
        check_items(self, "windows")
        if isinstance(self.network, str):
            check_items(self, "options", options_of(ARCHITECTURES[self.network]), f" for network {self.network!r}:")

    # X and y

    def _read_rows(self, X: Any, *, reset: bool) -> RowView:
        if self.network is None:
            return RowView.of(self._validate_vectors(X, reset=reset))
        if self._takes_audio():
            return self._read_audio(X, reset=reset, waveforms=False)
        return RowView.of(self._validate_frames(X, reset=reset))

    def _read_clips(
        self, X: Any, y: Any, sample_weight: Any, groups: Any = None, *, reset: bool, is_more: bool = False
    ) -> Clips:
        """Read clips with their labels; with `is_more`, which adds to earlier clips, they may be of one class."""
        rows = self._read_rows(X, reset=reset)
        labels = Labels.learn(y, type(self).__name__)
        check_consistent_length(rows, y, groups)
        if labels.multi_label:
            raise ValueError(
                f"{type(self).__name__} takes one label per clip, but y is a matrix of indicators; a prototype is the "
                "mean of the clips of one class."
            )
        weights = check_weights(sample_weight, len(rows))
        kept = np.flatnonzero(weights)
        codes = labels.encode(y)[kept]
        if not is_more:
            labels.check_learnable(codes, type(self).__name__)
        there, codes = np.unique(codes, return_inverse=True)
        groups = None if groups is None else np.asarray(groups)[kept]
        if len(kept) < len(rows):
            # vectors that are not mapped are read as a whole
            rows = rows[kept] if self._is_learned else RowView.of(_as_ragged(rows)[kept])
        return Clips(rows, codes, weights[kept], groups, labels.classes[there], kept)

    # the network

    def _forget_space(self) -> None:
        for name in _OF_TRAINING:
            if hasattr(self, name):
                delattr(self, name)

    def _learn_space(self, X: Any, clips: Clips) -> None:
        draws = np.random.SeedSequence(draw_seed(self.random_state)).generate_state(3).tolist()
        data = TrainingData(clips.rows, clips.codes, clips.weights, clips.groups, clips.classes)
        split = self._split(data, self._validation_fraction(), draws[2])
        weights = clips.weights[split.train]
        of_clips = None if weights.min() == weights.max() else weights
        options = (self.n_way, self.n_support, self.n_query, clips.classes, of_clips)
        episodes = Episodes(clips.codes[split.train], *options)
        device = resolve_device(self.device)
        with seeded(draws[0]) as generators:
            self._build_network(clips.rows if len(split.valid) == 0 else clips.rows[split.train])
        space = EmbeddedSpace(self.network_.to(device), self._forward, self._width, self.distance)
        self.history_ = train_in_episodes(
            space,
            self._pick(self._trained_rows(X, clips), clips.codes, split.train),
            episodes,
            self._episode_config(),
            device,
            seed=draws[1],
            generators=generators,
            validation=self._validation(clips, split),
        )
        if self._has_body:
            self._set_masks(None)

    def _episode_config(self) -> EpisodeConfig:
        options = {each.name: getattr(self, each.name) for each in fields(EpisodeConfig) if hasattr(self, each.name)}
        return EpisodeConfig(**options, progress=type(self).__name__ if self.verbose else None)

    def _trained_rows(self, X: Any, clips: Clips) -> RowView:
        """Return the rows that are trained on: waveforms, if these are augmented."""
        if self._has_body or not self._changes_waveforms():
            return clips.rows
        rows: RowView = self._read_audio(X, reset=False)[clips.positions]
        return rows

    def _pick(
        self, rows: RowView, codes: NDArray[np.int64], train: NDArray[np.int64]
    ) -> Callable[[NDArray[np.int64], np.random.Generator], tuple[Tensor, Tensor]]:
        """Return a function that collates training rows, and augments them."""
        collation = replace(self._collation(training=True), crop="random")
        changes = Augmentation(
            spec_augment=None if self._has_body else self.spec_augment,
            transforms=None if self._takes_audio() else self.augmentations,
            n_steps=collation.length,
        )

        def pick(chosen: NDArray[np.int64], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
            padded = collation.collate(rows, train[chosen], rng)
            if not changes.is_on:
                return padded
            inputs = Inputs(*padded, torch.ones(len(chosen)))
            changed = changes(Batch(inputs, torch.from_numpy(codes[train[chosen]])), rng).inputs
            return changed.values, changed.lengths

        return pick

    def _validation(self, clips: Clips, split: Split) -> EpisodeValidation | None:
        """Classify the held-out clips by the prototypes of the others."""
        if not len(split.valid):
            return None
        (train, valid), codes, weights = split, clips.codes, clips.weights

        def measure(slope: float) -> tuple[float, float]:
            vectors = self._embed([clips.rows])
            sums = Prototypes.empty(len(clips.classes), vectors.item_shape[0], self.distance, self.shrinkage)
            sums = sums.add(vectors[train], codes[train], weights[train])
            logs = log_softmax(-slope * sums.distances(vectors[valid]), axis=1)
            own, is_right = logs[np.arange(len(valid)), codes[valid]], logs.argmax(axis=1) == codes[valid]
            return -float(np.average(own, weights=weights[valid])), float(np.average(is_right, weights=weights[valid]))

        return EpisodeValidation(measure, self.patience if self.early_stopping else None)

    def _build_network(self, rows: RowView) -> None:
        if self._has_body:
            return self._build_body()
        n_features = rows.item_shape[0]
        options: dict[str, Any] = {"n_features": n_features, "per_clip": self.normalize == "clip"}
        network: FrameInput | FrameNetwork
        if self.network is None:
            options["width"] = self.embedding_dim
            network = FrameInput(**options)
        else:
            # without embedding_dim, the output layer exists but is unused
            options |= {"n_outputs": self.embedding_dim or 1, "architecture": self.network}
            options |= {"n_frames": self.n_frames, "options": dict(self.options or {})}
            network = FrameNetwork(**options)
        self._set_network(network, options)
        if self.normalize == "standard":
            frames = network if isinstance(network, FrameInput) else network.input
            frames.standardise_by(*running_statistics(rows.blocks()))

    def _build_body(self) -> None:
        """Build the network of the embedder, whose batch norms keep their statistics."""
        source = self.network._body()
        check_masks(source, self.spec_augment, self.network, None)
        # without embedding_dim, the head exists but is unused
        options = {"make_body": source.make, "width": source.width, "n_outputs": self.embedding_dim or 1}
        network = TunedNetwork(**options, body=source.load())
        network.still = [network.body]
        self._set_network(network, options)
        self._set_masks(build_spec_augment(self.spec_augment))

    def _set_masks(self, masks: SpecAugment | None) -> None:
        body: Any = self.network_.body
        body.masks = masks

    @property
    def _length(self) -> int | None:
        """Number of items that the network takes: one vector, the frames of a window, or a whole recording."""
        return None if self._has_body else 1 if self.network is None else self.n_frames

    @property
    def _width(self) -> int:
        if self.embedding_dim is not None:
            return self.embedding_dim
        network: Any = self.network_
        return int(network.head.in_features if self._has_body else network.backbone.n_embedding)

    def _forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        network: Any = self.network_
        if self.network is None:
            return network(values, lengths)[:, 0]  # type: ignore[no-any-return]  # (B, 1, d) -> (B, d)
        embed = network.body if self._has_body else network.embed
        vectors: Tensor = embed(values, lengths) if self.embedding_dim is None else network(values, lengths)
        return vectors

    def _segments(self, rows: RowView, *, training: bool) -> Segments:
        if self._length is None:
            return whole_rows(rows)
        return patch_segments(rows, self._length, items_of(self, "windows")["hop"] or max(1, self._length // 3))

    def _collation(self, *, training: bool) -> Collation:
        front_end = self._batch_front_end() if training else None
        return Collation(self._length, "center", "zero" if self._length is None else "tile", front_end=front_end)

    def _embed(self, chunks: Iterable[RowView]) -> Ragged:
        """Map clips to vectors in the space of the prototypes: one for each patch."""
        if not self._is_learned:
            (rows,) = chunks
            return _as_ragged(rows)
        vectors, counts = [], []
        for answers, segments in self._answers(chunks, self._forward):
            vectors.append(answers)
            counts.append(np.bincount(segments.owners))
        return Ragged.from_lengths(np.concatenate(vectors), np.concatenate(counts))


def _as_ragged(rows: RowView) -> Ragged:
    """Return all rows of a store."""
    return Ragged.from_lengths(rows.values[:], rows.lengths)
