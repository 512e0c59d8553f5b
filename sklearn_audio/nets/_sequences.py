"""What networks over sequences share: frames or tokens become vectors, and vectors of one clip become one.

Everywhere `lengths` tells how many of the padded places of a row are real. What stands in the others never reaches an
answer.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

__all__ = ["FrameInput", "MaskedPooling", "SequencePool", "TokenInput", "length_mask", "sequence_input"]

SequencePool = Literal["last", "mean", "max", "attention"]
_EPSILON = 1e-5
_LEAST_DEVIATION = 1e-8


def length_mask(lengths: Tensor, n_places: int) -> Tensor:
    """Tell real places from padding.

    Parameters
    ----------
    lengths : Tensor of int, shape (B,)
        Real places of each row.
    n_places : int
        Places of a padded row.

    Returns
    -------
    Tensor of bool, shape (B, n_places)
        True where the place is real.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.nets import length_mask
    >>> length_mask(torch.tensor([2, 1]), 3).tolist()
    [[True, True, False], [True, False, False]]
    """
    return torch.arange(n_places, device=lengths.device) < lengths[:, None]


class FrameInput(nn.Module):
    """Frames, standardised, and if a width is given projected to it.

    Parameters
    ----------
    n_features : int
        Numbers per frame.
    width : int, default=None
        Numbers per vector that comes out; None leaves the frames as wide as they are.
    per_clip : bool, default=False
        Standardise by the mean and deviation of the clip; else by the buffers `mean` and `scale`, which
        `standardise_by` sets.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.nets import FrameInput
    >>> FrameInput(4, 8)(torch.zeros(2, 5, 4), torch.tensor([5, 3])).shape
    torch.Size([2, 5, 8])
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, n_features: int, width: int | None = None, *, per_clip: bool = False) -> None:
        super().__init__()
        self.per_clip = per_clip
        self.width = n_features if width is None else width
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))
        self.projection = nn.Identity() if width is None else nn.Linear(n_features, width)

    @torch.no_grad()
    def standardise_by(self, mean: Any, deviation: Any) -> None:
        """Take means and standard deviations of a training set; a constant feature is only centred.

        Parameters
        ----------
        mean, deviation : array-like of shape (n_features,)
            Of each feature.

        Examples
        --------
        >>> import torch
        >>> from sklearn_audio.nets import FrameInput
        >>> frames = FrameInput(2)
        >>> frames.standardise_by([1.0, 5.0], [2.0, 0.0])
        >>> frames(torch.tensor([[[3.0, 6.0]]]), torch.tensor([1])).tolist()
        [[[1.0, 1.0]]]
        """
        spread = torch.as_tensor(deviation, dtype=torch.float64)
        self.mean.copy_(torch.as_tensor(mean))
        self.scale.copy_(1 / torch.where(spread > _LEAST_DEVIATION, spread, 1.0))

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Compute the vectors.

        Parameters
        ----------
        values : Tensor of shape (B, T, n_features)
            Padded frames.
        lengths : Tensor of int, shape (B,)
            Real frames of each row.

        Returns
        -------
        Tensor of shape (B, T, width)
            Vectors; zero where the place is padding.
        """
        mask = length_mask(lengths, values.shape[1])[..., None]
        standard = _standardise_clips(values, mask, lengths) if self.per_clip else (values - self.mean) * self.scale
        return torch.where(mask, self.projection(standard), 0.0)


def _standardise_clips(values: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
    n_frames = lengths[:, None, None]
    centred = values - torch.where(mask, values, 0.0).sum(dim=1, keepdim=True) / n_frames
    variance = torch.where(mask, centred.square(), 0.0).sum(dim=1, keepdim=True) / n_frames
    return centred * torch.rsqrt(variance + _EPSILON)


class TokenInput(nn.Module):
    """Tokens, each with a learned vector; padding is one more token, whose vector is zero and stays so.

    Parameters
    ----------
    n_tokens : int
        Size of the vocabulary.
    width : int
        Numbers per vector.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.nets import TokenInput
    >>> TokenInput(10, 8)(torch.tensor([[3, 1, 10]]), torch.tensor([2])).shape
    torch.Size([1, 3, 8])
    """

    def __init__(self, n_tokens: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.embedding = nn.Embedding(n_tokens + 1, width, padding_idx=n_tokens)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Look the vectors up.

        Parameters
        ----------
        values : Tensor of int, shape (B, T)
            Padded tokens.
        lengths : Tensor of int, shape (B,)
            Real tokens of each row; not needed, as padding is a token of its own.

        Returns
        -------
        Tensor of shape (B, T, width)
            Vectors; zero where the place is padding.
        """
        vectors: Tensor = self.embedding(values)
        return vectors


def sequence_input(
    n_features: int | None, n_tokens: int | None, width: int, *, project: bool = True, per_clip: bool = False
) -> FrameInput | TokenInput:
    """Build the input layer: of tokens where a vocabulary is given, else of frames.

    Parameters
    ----------
    n_features : int or None
        Numbers per frame; None for tokens.
    n_tokens : int or None
        Size of the vocabulary; None for frames.
    width : int
        Numbers per vector.
    project : bool, default=True
        Project frames to `width`; else they stay as wide as they are.
    per_clip : bool, default=False
        Standardise frames clip by clip.

    Returns
    -------
    FrameInput or TokenInput
        Its attribute `width` tells how wide the vectors are.

    Raises
    ------
    ValueError
        If neither or both are given.

    Examples
    --------
    >>> from sklearn_audio.nets import sequence_input
    >>> sequence_input(64, None, 32, project=False).width
    64
    """
    if n_tokens is not None and n_features is None:
        return TokenInput(n_tokens, width)
    if n_features is not None and n_tokens is None:
        return FrameInput(n_features, width if project else None, per_clip=per_clip)
    raise ValueError("give n_features for a network over frames, or n_tokens for one over tokens.")


class MaskedPooling(nn.Module):
    """One vector per clip of the vectors of its places.

    Parameters
    ----------
    pooling : {"last", "mean", "max", "attention"}
        "attention" weighs the places by a learned score of each.
    width : int
        Numbers per vector.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.nets import MaskedPooling
    >>> x = torch.tensor([[[1.0], [3.0], [9.0]]])
    >>> MaskedPooling("mean", 1)(x, torch.tensor([2])).tolist()
    [[2.0]]
    """

    def __init__(self, pooling: SequencePool, width: int) -> None:
        super().__init__()
        self.pooling = pooling
        if pooling == "attention":
            self.score = nn.Linear(width, 1)

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Pool the real places.

        Parameters
        ----------
        vectors : Tensor of shape (B, T, width)
            Vectors of padded rows.
        lengths : Tensor of int, shape (B,)
            Real places, at least one per row.

        Returns
        -------
        Tensor of shape (B, width)
            One vector per row.
        """
        if self.pooling == "last":
            last = (lengths - 1)[:, None, None].expand(-1, 1, vectors.shape[2])  # (B,) -> (B, 1, d)
            return vectors.gather(1, last).squeeze(1)
        mask = length_mask(lengths, vectors.shape[1])[..., None]
        if self.pooling == "mean":
            return torch.where(mask, vectors, 0.0).sum(dim=1) / lengths[:, None]
        if self.pooling == "max":
            return torch.where(mask, vectors, -torch.inf).amax(dim=1)
        weights = torch.where(mask, self.score(vectors), -torch.inf).softmax(dim=1)
        return (weights * vectors).sum(dim=1)
