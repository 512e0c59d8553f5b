"""The space that prototypes live in: that of the vectors, or one that a network learns in episodes."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length
from torch import Tensor

from sklearn_audio._meaning import Uses, needs
from sklearn_audio.classification._architecture_checks import check_length, check_options
from sklearn_audio.classification._labels import Labels
from sklearn_audio.classification._trained_network import TrainedNetwork
from sklearn_audio.classification._training_parameters import BY_NAME
from sklearn_audio.engine import resolve_device
from sklearn_audio.engine.models import check_name
from sklearn_audio.engine.training import (
    EmbeddedSpace,
    EpisodeRecipe,
    Episodes,
    RowView,
    Windowing,
    check_answers,
    cut_patches,
    draw_seed,
    seeded,
    train_in_episodes,
    window_logits,
)
from sklearn_audio.nets import ARCHITECTURES, FrameInput, FrameNetwork
from sklearn_audio.ragged import Ragged, mean_and_std

__all__ = ["LearnedSpace"]

_NETWORK = needs("network", lambda owner: owner.network is not None, "network")
_LEARNED = needs(
    "network or embedding_dim, without which nothing is trained",
    lambda owner: owner._is_learned,
    "network",
    "embedding_dim",
)
_OF_LEARNING = (
    *("n_way", "n_support", "n_query", "n_episodes"),
    *("normalize", "lr", "optimizer", "weight_decay", "lr_schedule", "gradient_clip"),
)
_OF_TRAINING = ("network_", "history_", "n_parameters_")


class Admitted(NamedTuple):
    """Rows and their labels."""

    rows: Ragged
    labels: Labels
    codes: NDArray[np.int64]


class LearnedSpace(ClassifierMixin, TrainedNetwork):
    """Base class of `PrototypicalClassifier`: admits X, and maps it to vectors by what was learned, if anything was."""

    network: str | None
    embedding_dim: int | None
    distance: Literal["sqeuclidean", "cosine"]
    n_way: int | None
    n_support: int
    n_query: int
    n_episodes: int
    patch_frames: int
    patch_hop: int | None
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
    _parameter_uses: ClassVar[Uses] = {
        **dict.fromkeys(_OF_LEARNING, _LEARNED),
        **dict.fromkeys(("patch_frames", "patch_hop", "options"), _NETWORK),
        "weight_decay": (_LEARNED, BY_NAME),
    }

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # scikit-learn's checks make frames of a single number, of which networks of patches cannot learn much
        tags.classifier_tags.poor_score = self.network is not None
        return tags

    @property
    def _is_learned(self) -> bool:
        return self.network is not None or self.embedding_dim is not None

    def _validate_params(self) -> None:
        if isinstance(self.network, str):
            check_name("network", self.network, [name for name, what in ARCHITECTURES.items() if not what.waveforms])
        super()._validate_params()
        if self.network is None:
            return
        what = ARCHITECTURES[self.network]
        check_options("network", self.network, self.options or (), what.options)
        check_length("network", self.network, what, "patch_frames", self.patch_frames)

    # X and y

    def _admit(self, X: Any, *, reset: bool) -> Ragged:
        """Admit frames; or vectors, of which a row of a 2-D array is one clip."""
        return self._admit_vectors(X, reset=reset) if self.network is None else self._admit_frames(X, reset=reset)

    def _admit_clips(self, X: Any, y: Any, *, reset: bool, is_more: bool = False) -> Admitted:
        """Admit clips with their labels; of one class only those that are `is_more` to what is there."""
        rows = self._admit(X, reset=reset)
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
        return Admitted(rows, labels, codes)

    # the network

    def _forget_space(self) -> None:
        for name in _OF_TRAINING:
            if hasattr(self, name):
                delattr(self, name)

    def _learn_space(self, admitted: Admitted) -> None:
        rows, labels, codes = admitted
        episodes = Episodes(codes, self.n_way, self.n_support, self.n_query, labels.classes)
        recipe = EpisodeRecipe(
            n_episodes=self.n_episodes,
            lr=self.lr,
            optimizer=self.optimizer,
            weight_decay=self.weight_decay,
            lr_schedule=self.lr_schedule,
            gradient_clip=self.gradient_clip,
            precision=self.precision,
            progress=type(self).__name__ if self.verbose else None,
        )
        view = self._view(rows)
        windowing = Windowing(self._n_places, "random")

        def pick(chosen: NDArray[np.int64], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
            return windowing.collate(view, chosen, rng)

        device = resolve_device(self.device)
        draws = np.random.SeedSequence(draw_seed(self.random_state)).generate_state(2).tolist()
        with seeded(draws[0]) as generators:
            self._build_network(rows)
        space = EmbeddedSpace(self.network_.to(device), self._forward, self._width, self.distance)
        self.history_ = train_in_episodes(space, pick, episodes, recipe, device, seed=draws[1], generators=generators)

    def _build_network(self, rows: Ragged) -> None:
        n_features = rows.item_shape[0]
        options: dict[str, Any] = {"n_features": n_features, "per_clip": self.normalize == "clip"}
        network: FrameInput | FrameNetwork
        if self.network is None:
            options["width"] = self.embedding_dim
            frames = network = FrameInput(**options)
        else:
            # without a layer for the embedding, the last layer is there, but not asked
            options |= {"n_outputs": self.embedding_dim or 1, "architecture": self.network}
            options |= {"n_frames": self.patch_frames, "options": dict(self.options or {})}
            network = FrameNetwork(**options)
            frames = network.input
        if self.normalize == "standard":
            frames.standardise_by(*mean_and_std(rows.values))
        self._own(network, options)

    @property
    def _n_places(self) -> int:
        """Items of a row that the network takes: one vector, or the frames of a patch."""
        return 1 if self.network is None else self.patch_frames

    @property
    def _width(self) -> int:
        if self.embedding_dim is not None:
            return self.embedding_dim
        backbone: Any = self.network_.backbone
        return int(backbone.n_embedding)

    def _forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        network: Any = self.network_
        if self.network is None:
            return network(values, lengths)[:, 0]  # type: ignore[no-any-return]  # (B, 1, d) -> (B, d)
        vectors: Tensor = network.embed(values, lengths) if self.embedding_dim is None else network(values, lengths)
        return vectors

    def _view(self, rows: Ragged) -> RowView:
        # networks compute in float32, whatever a 2-D array of vectors holds
        return RowView.of(rows.with_values(rows.values.astype(np.float32, copy=False)))

    def _embed(self, rows: Ragged) -> Ragged:
        """Map clips to vectors in the space of the prototypes: several per clip, where it has several patches."""
        if not self._is_learned:
            return rows
        hop = self.patch_hop or max(1, self._n_places // 3)
        pieces, owners = cut_patches(self._view(rows), self._n_places, hop)
        device = self._device_of_inference()
        self.network_.to(device)
        vectors = window_logits(
            self._forward,
            pieces,
            Windowing(self._n_places),
            device=device,
            precision=self.precision,
            one_by_one=device.type == "cpu",
        )
        check_answers(vectors, owners)
        return Ragged.from_lengths(vectors, np.bincount(owners, minlength=len(rows)))
