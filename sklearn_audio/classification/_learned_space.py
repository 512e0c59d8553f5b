"""The space of the prototypes: that of X, or one that a network learns in episodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length
from torch import Tensor

from sklearn_audio._meaning import Item, Items, Uses, check_items, items_of, needs
from sklearn_audio._names import check_name
from sklearn_audio.base import Reading
from sklearn_audio.classification._audio_input import AudioInput
from sklearn_audio.classification._labels import Labels
from sklearn_audio.classification._network_options import COUNT, options_of
from sklearn_audio.classification._trained_network import AUDIO_RATE, TrainedNetwork
from sklearn_audio.classification._training_parameters import BY_NAME
from sklearn_audio.engine import TunedNetwork, resolve_device
from sklearn_audio.engine.training import (
    Collation,
    EmbeddedSpace,
    EpisodeConfig,
    Episodes,
    RowView,
    Segments,
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
_OF_LEARNING = (
    *("n_way", "n_support", "n_query", "n_episodes"),
    *("normalize", "lr", "optimizer", "weight_decay", "lr_schedule", "gradient_clip"),
)
_OF_TRAINING = ("network_", "history_", "n_parameters_")


class Clips(NamedTuple):
    """Rows and their labels."""

    rows: RowView
    labels: Labels
    codes: NDArray[np.int64]


class LearnedSpace(ClassifierMixin, TrainedNetwork):
    """Base class of `PrototypicalClassifier`: reads X, and maps it to vectors, by a network if one is trained."""

    network: Any
    embedding_dim: int | None
    distance: Literal["sqeuclidean", "cosine"]
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
    lr_schedule: Literal["cosine", "step", "onecycle"] | None
    gradient_clip: float | None
    precision: Literal["float32", "bfloat16"]
    random_state: Any
    verbose: int
    n_features_in_: int
    _parameter_items: ClassVar[Items] = {"options": {}, "windows": {"hop": Item(None, [COUNT, None])}}
    _parameter_uses: ClassVar[Uses] = {
        **dict.fromkeys(_OF_LEARNING, _LEARNED),
        **dict.fromkeys(("front_end", "n_frames", "windows", "options"), _NETWORK),
        "weight_decay": (_LEARNED, BY_NAME),
        "normalize": (_LEARNED, _NORMALISED),
        "sample_rate": (AUDIO_RATE, _OWN_RATE),
    }

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
            return self._read_audio(X, reset=reset)
        return RowView.of(self._validate_frames(X, reset=reset))

    def _read_clips(self, X: Any, y: Any, *, reset: bool, is_more: bool = False) -> Clips:
        """Read clips with their labels; with `is_more`, which adds to earlier clips, they may be of one class."""
        rows = self._read_rows(X, reset=reset)
        labels = Labels.learn(y, type(self).__name__)
        check_consistent_length(rows, y)
        if labels.multi_label:
            raise ValueError(
                f"{type(self).__name__} takes one label per clip, but y is a matrix of indicators; a prototype is the "
                "mean of the clips of one class."
            )
        codes = labels.encode(y)
        if not is_more:
            labels.check_learnable(codes, type(self).__name__)
        return Clips(rows, labels, codes)

    # the network

    def _forget_space(self) -> None:
        for name in _OF_TRAINING:
            if hasattr(self, name):
                delattr(self, name)

    def _learn_space(self, clips: Clips) -> None:
        rows, labels, codes = clips
        episodes = Episodes(codes, self.n_way, self.n_support, self.n_query, labels.classes)
        config = EpisodeConfig(
            n_episodes=self.n_episodes,
            lr=self.lr,
            optimizer=self.optimizer,
            weight_decay=self.weight_decay,
            lr_schedule=self.lr_schedule,
            gradient_clip=self.gradient_clip,
            precision=self.precision,
            progress=type(self).__name__ if self.verbose else None,
        )
        collation = replace(self._collation(training=True), crop="random")

        def pick(chosen: NDArray[np.int64], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
            return collation.collate(rows, chosen, rng)

        device = resolve_device(self.device)
        draws = np.random.SeedSequence(draw_seed(self.random_state)).generate_state(2).tolist()
        with seeded(draws[0]) as generators:
            self._build_network(rows)
        space = EmbeddedSpace(self.network_.to(device), self._forward, self._width, self.distance)
        self.history_ = train_in_episodes(space, pick, episodes, config, device, seed=draws[1], generators=generators)

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
        # without embedding_dim, the head exists but is unused
        options = {"make_body": source.make, "width": source.width, "n_outputs": self.embedding_dim or 1}
        network = TunedNetwork(**options, body=source.load())
        network.still = [network.body]
        self._set_network(network, options)

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
        return Collation(self._length, "center", "zero" if self._length is None else "tile")

    def _embed(self, chunks: Iterable[RowView]) -> Ragged:
        """Map clips to vectors in the space of the prototypes: one for each patch."""
        if not self._is_learned:
            (rows,) = chunks
            return Ragged.from_lengths(rows.values[:], rows.lengths)
        vectors, counts = [], []
        for answers, segments in self._answers(chunks, self._forward):
            vectors.append(answers)
            counts.append(np.bincount(segments.owners))
        return Ragged.from_lengths(np.concatenate(vectors), np.concatenate(counts))
