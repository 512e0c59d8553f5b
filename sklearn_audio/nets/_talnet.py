"""TALNet: Wang, Li & Metze 2019, "A comparison of five multiple instance learning pooling functions", ICASSP.

arXiv:1810.09050. This file has the convolutional recurrent network, and the parts that it shares with `CNNTransformer`:
the convolutions, and the pooling of frame-level decisions.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._backbones import Backbone, check_size
from sklearn_audio.nets._layered import probabilities
from sklearn_audio.nets._panns import initialise

__all__ = ["CRNN", "FRAME_POOLINGS", "ConvStack", "FrameDecider", "FramePool", "FramePooling"]

FramePool = Literal["max", "mean", "linear", "exponential", "attention"]
FRAME_POOLINGS: tuple[FramePool, ...] = ("max", "mean", "linear", "exponential", "attention")
_N_POOLINGS = 5  # over frequency; the first two also pool over time
_N_HEADS = 8  # the output width is a multiple of it


class ConvStack(nn.Module):
    """Ten 3x3 convolutions, every second one followed by pooling: one vector per four frames."""

    def __init__(self, n_features: int, n_embedding: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        steps = []
        width, n_bands = 1, n_features
        for i in range(_N_POOLINGS):
            wide, n_bands = max(1, 2 * n_embedding // n_bands), n_bands // 2
            narrow = max(1, n_embedding // n_bands)
            if i == _N_POOLINGS - 1 and narrow * n_bands % _N_HEADS:
                narrow += -narrow % _N_HEADS
            steps += [_conv(width, wide), _conv(wide, narrow, (2, 2) if i < 2 else (1, 2))]
            width = narrow
        self.steps = nn.Sequential(*steps)
        self.width = width * n_bands

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the vectors.

        Shapes: frames (B, T, n_features) -> (B, T // 4, width).
        """
        x = frames.unsqueeze(1)  # (B, T, M) -> (B, 1, T, M)
        for step in self.steps:
            x = step(F.dropout(x, self.dropout, self.training))
        x = x.transpose(1, 2).flatten(2)  # (B, C, T // 4, M') -> (B, T // 4, C * M')
        return F.dropout(x, self.dropout, self.training)


def _conv(width: int, wider: int, pool: tuple[int, int] | None = None) -> nn.Sequential:
    conv = nn.Conv2d(width, wider, 3, padding=1, bias=False)  # the batch norm cancels a bias
    nn.init.xavier_uniform_(conv.weight)
    pooling = [] if pool is None else [nn.MaxPool2d(pool)]
    return nn.Sequential(conv, nn.BatchNorm2d(wider), nn.ReLU(), *pooling)


class FramePooling(nn.Module):
    """Decide for each frame whether each class is present, and pool the decisions.

    The published networks return the pooled probability. This class returns its logit, computed so that no probability
    is rounded to zero or one: every pooling but the maximum is a mean weighted by ``exp(score)``, whose logit is the
    difference of the log-sum-exps of ``score + log p`` and ``score + log (1 - p)``.
    """

    def __init__(self, width: int, n_outputs: int, pooling: FramePool = "linear") -> None:
        super().__init__()
        if pooling not in FRAME_POOLINGS:
            raise ValueError(f"no pooling {pooling!r}; choose one of {list(FRAME_POOLINGS)}.")
        self.pooling = pooling
        self.decide = nn.Linear(width, n_outputs)
        if pooling == "attention":
            self.attend = nn.Linear(width, n_outputs)
        initialise(self)

    def forward(self, vectors: Tensor) -> Tensor:
        """Compute the logits of the clips.

        Shapes: vectors (B, T, width) -> (B, n_outputs).
        """
        logits: Tensor = self.decide(vectors)  # (B, T, d) -> (B, T, n_outputs)
        if self.pooling == "max":
            return logits.amax(dim=1)
        score = self._score(vectors, logits)
        present, absent = score + F.logsigmoid(logits), score + F.logsigmoid(-logits)
        return present.logsumexp(dim=1) - absent.logsumexp(dim=1)

    def _score(self, vectors: Tensor, logits: Tensor) -> Tensor | float:
        if self.pooling == "attention":
            scores: Tensor = self.attend(vectors)
            return scores
        if self.pooling == "linear":
            return F.logsigmoid(logits)
        return probabilities(logits) if self.pooling == "exponential" else 0.0


class FrameDecider(Backbone):
    """Base of networks that compute a vector per four frames and pool the decisions on them."""

    shortest = 4
    fewest_features = 32
    decisions: FramePooling

    def forward(self, frames: Tensor) -> Tensor:
        """Compute the logits.

        Shapes: frames (B, T, n_features) -> (B, n_outputs).
        """
        logits: Tensor = self.decisions(self.encode(frames))
        return logits

    def embed(self, frames: Tensor) -> Tensor:
        """Average the vectors over time.

        Shapes: frames (B, T, n_features) -> (B, n_embedding).
        """
        return self.encode(frames).mean(dim=1)  # (B, T // 4, d) -> (B, d)

    def encode(self, frames: Tensor) -> Tensor:
        """Compute the vectors from which the decisions are made.

        Shapes: frames (B, T, n_features) -> (B, T // 4, n_embedding).
        """
        raise TypeError(f"{type(self).__name__} must define encode.")  # pragma: no cover - abstract


class CRNN(FrameDecider):
    """Ten convolutions, a bidirectional recurrent layer, decisions every four frames, and their pooling."""

    def __init__(
        self,
        n_outputs: int,
        n_features: int,
        *,
        n_embedding: int = 1024,
        pooling: FramePool = "linear",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_size("CRNN", n_features, None, fewest_features=self.fewest_features, shortest=self.shortest)
        self.convolutions = ConvStack(n_features, n_embedding, dropout)
        self.recurrent = nn.GRU(self.convolutions.width, n_embedding // 2, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.n_embedding = n_embedding // 2 * 2
        self.decisions = FramePooling(self.n_embedding, n_outputs, pooling)
        for name, weights in self.recurrent.named_parameters():
            if name.startswith("weight"):
                nn.init.orthogonal_(weights)
            else:
                nn.init.zeros_(weights)

    def encode(self, frames: Tensor) -> Tensor:
        """Compute the vectors from which the decisions are made.

        Shapes: frames (B, T, n_features) -> (B, T // 4, n_embedding).
        """
        vectors, _ = self.recurrent(self.convolutions(frames))
        kept: Tensor = self.dropout(vectors)
        return kept
