"""Training in episodes: small tasks drawn from the training clips, each with a support set and queries of its own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio._generators import Generators, drawing_from
from sklearn_audio._progress import progress_bar
from sklearn_audio.engine.training._divergence import check_weights_finite, divergence
from sklearn_audio.engine.training._optimizers import optimizer_of
from sklearn_audio.engine.training._schedules import SCHEDULES

__all__ = ["EmbeddedSpace", "Episode", "EpisodeRecipe", "Episodes", "episode_logits", "train_in_episodes"]

Rows = NDArray[np.int64]
EpisodeDistance = Literal["sqeuclidean", "cosine"]
# Of cosines at the start, so that the softmax of numbers within [-1, 1] can be sure of itself.
_COSINE_SLOPE = 10.0


class Episode(NamedTuple):
    """The clips of one episode.

    Attributes
    ----------
    support : ndarray of int, shape (n_way, n_support)
        Clips that make the prototypes; a row per class.
    query : ndarray of int, shape (n_way, n_query)
        Clips that are classified; none of them is in the support set.
    """

    support: Rows
    query: Rows


@dataclass(frozen=True)
class Episodes:
    """Where episodes are drawn from.

    Parameters
    ----------
    codes : ndarray of int, shape (n_clips,)
        Classes of the clips.
    n_way : int or None
        Classes of an episode; None takes all.
    n_support, n_query : int
        Clips of each class in the support set and among the queries.
    names : ndarray of shape (n_classes,)
        Names of the classes, for messages.

    Raises
    ------
    ValueError
        If a class has fewer clips than support and queries take, or there are fewer classes than `n_way`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.engine.training import Episodes
    >>> episodes = Episodes(np.repeat([0, 1, 2], 4), 2, 3, 1, np.array(["a", "b", "c"]))
    >>> episode = episodes.draw(np.random.default_rng(0))
    >>> episode.support.shape, episode.query.shape
    ((2, 3), (2, 1))
    >>> np.intersect1d(episode.support, episode.query).tolist()
    []
    """

    codes: Rows
    n_way: int | None
    n_support: int
    n_query: int
    names: NDArray[Any]

    def __post_init__(self) -> None:
        counts = np.bincount(self.codes, minlength=len(self.names))
        needed, scarce = self.n_support + self.n_query, int(counts.argmin())
        if counts[scarce] < needed:
            raise ValueError(
                f"class {self.names[scarce].item()!r} has {counts[scarce]} clip(s), fewer than the {needed} that an "
                f"episode takes: n_support={self.n_support} and n_query={self.n_query}. Lower these, or give more "
                "clips of the class."
            )
        if self.n_way is not None and self.n_way > len(self.names):
            raise ValueError(f"n_way={self.n_way} is more than the {len(self.names)} classes of y.")

    def draw(self, rng: np.random.Generator) -> Episode:
        """Draw an episode.

        Parameters
        ----------
        rng : numpy.random.Generator
            Draws classes and clips.

        Returns
        -------
        Episode
            Clips, none of them twice.
        """
        n_way = len(self.names) if self.n_way is None else self.n_way
        n_clips = self.n_support + self.n_query
        drawn = np.stack(
            [
                rng.permutation(np.flatnonzero(self.codes == code))[:n_clips]
                for code in rng.permutation(len(self.names))[:n_way]
            ]
        )
        return Episode(drawn[:, : self.n_support], drawn[:, self.n_support :])


@dataclass(frozen=True)
class EpisodeRecipe:
    """How to train in episodes.

    Parameters
    ----------
    n_episodes : int
        Steps of the optimiser.
    lr : float
        Learning rate.
    optimizer : str, type, functools.partial or dict
        What `optimizer_of` takes.
    weight_decay : float, default=0.0
        Of an optimiser by name.
    lr_schedule : {"cosine", "step", "onecycle"}, default=None
        Of the learning rate over the episodes.
    gradient_clip : float, default=None
        Largest norm of the gradient.
    precision : {"float32", "bfloat16"}, default="float32"
        Of the forward pass.
    progress : str, default=None
        Title of a progress bar; None shows none.

    Examples
    --------
    >>> from sklearn_audio.engine.training import EpisodeRecipe
    >>> EpisodeRecipe(n_episodes=200, lr=0.001, optimizer="adamw").precision
    'float32'
    """

    n_episodes: int
    lr: float
    optimizer: Any
    weight_decay: float = 0.0
    lr_schedule: Literal["cosine", "step", "onecycle"] | None = None
    gradient_clip: float | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    progress: str | None = None


@dataclass(frozen=True)
class EmbeddedSpace:
    """The space that a network maps clips into.

    Parameters
    ----------
    network : nn.Module
        What is trained.
    embed : callable
        Of the network: values of shape (B, T, n_features) and lengths (B,) -> vectors (B, width).
    width : int
        Numbers of a vector.
    distance : {"sqeuclidean", "cosine"}
        Of vectors.

    Examples
    --------
    >>> from sklearn_audio.engine.training import EmbeddedSpace
    >>> from sklearn_audio.nets import FrameInput
    >>> network = FrameInput(4, 2)
    >>> EmbeddedSpace(network, network.forward, 2, "cosine").first_slope()
    10.0
    """

    network: nn.Module
    embed: Callable[[Tensor, Tensor], Tensor]
    width: int
    distance: EpisodeDistance

    def first_slope(self) -> float:
        """Return what distances are multiplied with before the softmax, when training begins.

        Returns
        -------
        float
            Squared distances are averaged instead of summed, or logits would grow with the width.
        """
        return 1 / self.width if self.distance == "sqeuclidean" else _COSINE_SLOPE


def episode_logits(vectors: Tensor, n_way: int, n_support: int, distance: EpisodeDistance, slope: Tensor) -> Tensor:
    """Classify the queries of an episode by the prototypes of its support set.

    Parameters
    ----------
    vectors : Tensor of shape (n_way * n_clips, d)
        Embedded clips, class by class: of each class the support set first, then the queries.
    n_way, n_support : int
        Shape of the support set.
    distance : {"sqeuclidean", "cosine"}
        Of queries to prototypes.
    slope : Tensor
        A number above zero that distances are multiplied with.

    Returns
    -------
    Tensor of shape (n_way * n_query, n_way)
        Logits; the query of class k has the target k.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.engine.training import episode_logits
    >>> vectors = torch.tensor([[0.0], [1.0], [4.0], [3.0]])  # support and query of two classes
    >>> episode_logits(vectors, 2, 1, "sqeuclidean", torch.tensor(1.0)).tolist()
    [[-1.0, -9.0], [-9.0, -1.0]]
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
    recipe: EpisodeRecipe,
    device: torch.device,
    *,
    seed: int,
    generators: Generators,
) -> pd.DataFrame:
    """Train a network so that clips lie near the prototypes of their classes.

    What distances are multiplied with before the softmax is learned, too, and thrown away: it belongs to episodes.

    Parameters
    ----------
    space : EmbeddedSpace
        Its network is on the device, is trained in place, and left in evaluation mode.
    pick : callable
        Rows and a generator -> values of shape (B, T, n_features) and lengths (B,): one patch of each clip.
    episodes : Episodes
        Where clips are drawn from.
    recipe : EpisodeRecipe
        How to train.
    device : torch.device
        Where.
    seed : int
        Of clips and patches.
    generators : Generators
        Of dropout.

    Returns
    -------
    DataFrame
        Per episode: ``episode``, ``train_loss``, ``train_score`` (accuracy on the queries), ``lr``, ``seconds``.

    Raises
    ------
    ValueError
        If the loss or the weights become NaN or infinite.

    References
    ----------
    J. Snell, K. Swersky and R. Zemel, "Prototypical networks for few-shot learning", NeurIPS 2017.
    """
    rng = np.random.default_rng(seed)
    log_slope = torch.tensor(math.log(space.first_slope()), device=device, requires_grad=True)
    optimizer = _optimizer(space.network, log_slope, recipe, device)
    rows: list[dict[str, float]] = []
    space.network.train()
    with progress_bar(
        total=recipe.n_episodes, description=recipe.progress, unit="episode", shown=recipe.progress is not None
    ) as bar:
        for number in range(recipe.n_episodes):
            start = time.perf_counter()
            rate = _set_rate(optimizer, recipe, number)
            episode = episodes.draw(rng)
            values, lengths = pick(np.concatenate(episode, axis=1).ravel(), rng)
            autocast = torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16")
            with autocast, drawing_from(generators):
                vectors = space.embed(values.to(device), lengths.to(device)).float()
            n_way, n_support = episode.support.shape
            logits = episode_logits(vectors, n_way, n_support, space.distance, log_slope.exp())
            targets = torch.arange(n_way, device=device).repeat_interleave(episodes.n_query)
            loss = _step(space.network, optimizer, F.cross_entropy(logits, targets), recipe, number)
            score = float((logits.argmax(dim=1) == targets).float().mean())
            rows.append({"episode": number + 1, "train_loss": loss, "train_score": score, "lr": rate})
            rows[-1]["seconds"] = time.perf_counter() - start
            bar.set_postfix(loss=f"{loss:.3f}", score=f"{score:.3f}")
            bar.update()
    check_weights_finite(space.network, f"in episode {recipe.n_episodes}", rate, recipe.lr)
    space.network.eval()
    return pd.DataFrame(rows)


def _optimizer(
    network: nn.Module, log_slope: Tensor, recipe: EpisodeRecipe, device: torch.device
) -> torch.optim.Optimizer:
    kind, options = optimizer_of(recipe.optimizer, recipe.weight_decay, device)
    make: Any = kind
    groups = [{"params": list(network.parameters())}, {"params": [log_slope], "weight_decay": 0.0}]
    optimizer: torch.optim.Optimizer = make(groups, lr=recipe.lr, **options)
    return optimizer


def _set_rate(optimizer: torch.optim.Optimizer, recipe: EpisodeRecipe, number: int) -> float:
    factor = 1.0 if recipe.lr_schedule is None else SCHEDULES[recipe.lr_schedule](number / recipe.n_episodes)
    for group in optimizer.param_groups:
        group["lr"] = recipe.lr * factor
    return recipe.lr * factor


def _step(
    network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, recipe: EpisodeRecipe, number: int
) -> float:
    value = loss.item()
    if not math.isfinite(value):
        rate = optimizer.param_groups[0]["lr"]
        raise divergence(f"the loss became {value} in episode {number + 1}", rate, recipe.lr)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    if recipe.gradient_clip is not None:
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.gradient_clip)
    optimizer.step()
    return value
