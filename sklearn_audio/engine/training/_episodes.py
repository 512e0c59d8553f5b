"""Episodic training: small tasks drawn from the training clips, each with its own support set and queries."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio._isolation import Generators, drawing_from
from sklearn_audio._progress import progress_bar
from sklearn_audio.engine.training._callbacks import Schedule
from sklearn_audio.engine.training._divergence import check_weights_finite, divergence
from sklearn_audio.engine.training._optimizers import optimizer_of

__all__ = [
    "EmbeddedSpace",
    "Episode",
    "EpisodeConfig",
    "EpisodeValidation",
    "Episodes",
    "episode_logits",
    "train_in_episodes",
]

Rows = NDArray[np.int64]
EpisodeDistance = Literal["sqeuclidean", "cosine"]
# Initial logit scale for cosine similarity: within [-1, 1] the softmax would be almost uniform.
_COSINE_SLOPE = 10.0


class Episode(NamedTuple):
    """The clips of one episode."""

    support: Rows
    query: Rows


@dataclass(frozen=True)
class Episodes:
    """Draws episodes from labelled clips, each clip with a probability proportional to its weight.

    Shapes: codes (n_clips,), names (n_classes,), weights (n_clips,).
    """

    codes: Rows
    n_way: int | None
    n_support: int
    n_query: int
    names: NDArray[Any]
    weights: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        counts = np.bincount(self.codes, minlength=len(self.names))
        needed, scarce = self.n_support + self.n_query, int(counts.argmin())
        if counts[scarce] < needed:
            raise ValueError(
                f"class {self.names[scarce].item()!r} has {counts[scarce]} clip(s), fewer than the {needed} that an "
                f"episode needs: n_support={self.n_support} and n_query={self.n_query}. Lower these, or give more "
                "clips of the class."
            )
        if self.n_way is not None and self.n_way > len(self.names):
            raise ValueError(f"n_way={self.n_way} is more than the {len(self.names)} classes of y.")

    def draw(self, rng: np.random.Generator) -> Episode:
        """Draw an episode."""
        n_way = len(self.names) if self.n_way is None else self.n_way
        drawn = np.stack([self._draw_clips(code, rng) for code in rng.permutation(len(self.names))[:n_way]])
        return Episode(drawn[:, : self.n_support], drawn[:, self.n_support :])

    def _draw_clips(self, code: int, rng: np.random.Generator) -> Rows:
        members, n_clips = np.flatnonzero(self.codes == code), self.n_support + self.n_query
        if self.weights is None:
            return rng.permutation(members)[:n_clips]
        weights = self.weights[members]
        return rng.choice(members, n_clips, replace=False, p=weights / weights.sum())

    @property
    def n_per_epoch(self) -> int:
        """Number of episodes that hold as many clips as there are."""
        n_way = len(self.names) if self.n_way is None else self.n_way
        return -(-len(self.codes) // (n_way * (self.n_support + self.n_query)))


@dataclass(frozen=True)
class EpisodeConfig:
    """Options of training in episodes."""

    n_episodes: int
    lr: float
    optimizer: Any
    weight_decay: float = 0.0
    lr_schedule: Literal["cosine", "step", "onecycle"] | Mapping[str, Any] | None = None
    warmup: float = 0.0
    gradient_clip: float | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    progress: str | None = None

    def factor(self, number: int) -> float:
        """Return the factor of the learning rate of an episode, the first of which is part of the warm-up."""
        schedule = Schedule(self.lr_schedule, self.n_episodes, self.warmup)
        return schedule.factor(number + int(number < self.warmup))


@dataclass
class EpisodeValidation:
    """Measures loss and score on held-out clips after each epoch, and keeps the best weights for early stopping.

    `measure` receives the factor of the distances in the softmax.
    """

    measure: Callable[[float], tuple[float, float]]
    patience: int | None = None
    best: float = field(default=math.inf, init=False)
    n_worse: int = field(default=0, init=False)
    state: dict[str, Tensor] = field(default_factory=dict, init=False)

    def after_epoch(self, network: nn.Module, slope: float) -> dict[str, float]:
        """Return the entries of the history."""
        network.eval()
        loss, score = self.measure(slope)
        network.train()
        self.n_worse += 1
        if self.patience is not None and loss < self.best:
            self.best, self.n_worse, self.state = loss, 0, copy.deepcopy(network.state_dict())
        return {"valid_loss": loss, "valid_score": score}

    @property
    def is_over(self) -> bool:
        """Whether the loss has not fallen for `patience` epochs."""
        return self.patience is not None and self.n_worse >= self.patience


@dataclass(frozen=True)
class EmbeddedSpace:
    """The embedding space of a network."""

    network: nn.Module
    embed: Callable[[Tensor, Tensor], Tensor]
    width: int
    distance: EpisodeDistance

    def first_slope(self) -> float:
        """Return the initial factor of the distances in the softmax."""
        return 1 / self.width if self.distance == "sqeuclidean" else _COSINE_SLOPE


def episode_logits(vectors: Tensor, n_way: int, n_support: int, distance: EpisodeDistance, slope: Tensor) -> Tensor:
    """Classify the queries of an episode by the prototypes of its support set.

    Shapes: vectors (n_way * n_clips, d) -> (n_way * n_query, n_way).
    """
    if distance == "cosine":
        vectors = F.normalize(vectors, dim=1)
    by_class = vectors.reshape(n_way, -1, vectors.shape[1])  # (n_way * n_clips, d) -> (n_way, n_clips, d)
    prototypes = by_class[:, :n_support].mean(dim=1)
    queries = by_class[:, n_support:].flatten(0, 1)  # (n_way, n_query, d) -> (n_way * n_query, d)
    if distance == "cosine":
        return torch.mul(queries @ F.normalize(prototypes, dim=1).T, slope)
    gaps = (queries[:, None] - prototypes).square().sum(dim=2)  # (n, 1, d) - (n_way, d) -> (n, n_way)
    return torch.mul(gaps, -slope)


def train_in_episodes(
    space: EmbeddedSpace,
    pick: Callable[[Rows, np.random.Generator], tuple[Tensor, Tensor]],
    episodes: Episodes,
    config: EpisodeConfig,
    device: torch.device,
    *,
    seed: int,
    generators: Generators,
    validation: EpisodeValidation | None = None,
) -> pd.DataFrame:
    """Train a network to map clips near the prototypes of their classes.

    The factor of the distances in the softmax is also learned, and then discarded, as it applies to episodes only.

    Source: J. Snell, K. Swersky and R. Zemel, "Prototypical networks for few-shot learning", NeurIPS 2017.
    """
    rng = np.random.default_rng(seed)
    log_slope = torch.tensor(math.log(space.first_slope()), device=device, requires_grad=True)
    optimizer = _optimizer(space.network, log_slope, config, device)
    rows: list[dict[str, float]] = []
    space.network.train()
    with progress_bar(
        total=config.n_episodes, description=config.progress, unit="episode", shown=config.progress is not None
    ) as bar:
        for number in range(config.n_episodes):
            start = time.perf_counter()
            rate = _set_rate(optimizer, config, number)
            episode = episodes.draw(rng)
            values, lengths = pick(np.concatenate(episode, axis=1).ravel(), rng)
            autocast = torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16")
            with autocast, drawing_from(generators):
                vectors = space.embed(values.to(device), lengths.to(device)).float()
            n_way, n_support = episode.support.shape
            logits = episode_logits(vectors, n_way, n_support, space.distance, log_slope.exp())
            targets = torch.arange(n_way, device=device).repeat_interleave(episodes.n_query)
            loss = _step(space.network, optimizer, F.cross_entropy(logits, targets), config, number)
            score = float((logits.argmax(dim=1) == targets).float().mean())
            rows.append({"episode": number + 1, "train_loss": loss, "train_score": score, "lr": rate})
            rows[-1]["seconds"] = time.perf_counter() - start
            bar.set_postfix(loss=f"{loss:.3f}", score=f"{score:.3f}")
            bar.update()
            is_measured = (number + 1) % episodes.n_per_epoch == 0 or number + 1 == config.n_episodes
            if validation is not None and is_measured:
                rows[-1] |= validation.after_epoch(space.network, log_slope.exp().item())
                if validation.is_over:
                    break
    check_weights_finite(space.network, f"in episode {len(rows)}", rate, config.lr)
    if validation is not None and validation.state:
        space.network.load_state_dict(validation.state)
    space.network.eval()
    return pd.DataFrame(rows)


def _optimizer(
    network: nn.Module, log_slope: Tensor, config: EpisodeConfig, device: torch.device
) -> torch.optim.Optimizer:
    kind, options = optimizer_of(config.optimizer, config.weight_decay, device)
    make: Any = kind
    groups = [{"params": list(network.parameters())}, {"params": [log_slope], "weight_decay": 0.0}]
    optimizer: torch.optim.Optimizer = make(groups, lr=config.lr, **options)
    return optimizer


def _set_rate(optimizer: torch.optim.Optimizer, config: EpisodeConfig, number: int) -> float:
    rate = config.lr * config.factor(number)
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate


def _step(
    network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, config: EpisodeConfig, number: int
) -> float:
    value = loss.item()
    if not math.isfinite(value):
        rate = optimizer.param_groups[0]["lr"]
        raise divergence(f"the loss became {value} in episode {number + 1}", rate, config.lr)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    if config.gradient_clip is not None:
        torch.nn.utils.clip_grad_norm_(network.parameters(), config.gradient_clip)
    optimizer.step()
    return value
