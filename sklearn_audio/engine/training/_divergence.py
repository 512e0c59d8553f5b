"""Training whose steps are too long: what is looked at when it ends, and what the user is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

__all__ = ["check_answers", "check_weights_finite", "divergence"]


def divergence(what: str, rate: float, lr: float) -> ValueError:
    """Make the error that says that training diverged, and what to do.

    Parameters
    ----------
    what : str
        What was seen, and when.
    rate : float
        Learning rate of that moment.
    lr : float
        The parameter of the estimator.

    Returns
    -------
    ValueError
        To be raised.

    Examples
    --------
    >>> from sklearn_audio.engine.training._divergence import divergence
    >>> str(divergence("the loss became nan in epoch 2", 0.5, 1.0)).split(":")[0]
    'the loss became nan in epoch 2 at a learning rate of 0.5'
    """
    return ValueError(
        f"{what} at a learning rate of {rate:g}: most likely the steps are too long. Lower lr (say, to {lr / 10:g}), "
        "clip the gradient (gradient_clip=1.0), or warm up."
    )


def check_weights_finite(network: nn.Module, when: str, rate: float, lr: float) -> None:
    """Refuse a network whose last steps led to NaN or infinity, which no loss has seen.

    Parameters
    ----------
    network : nn.Module
        With the weights that it is to be used with: the average, or those of the best epoch.
    when : str
        Such as "in epoch 3".
    rate, lr : float
        As in `divergence`.

    Raises
    ------
    ValueError
        If a parameter, or a running statistic of a normalisation, is not finite.
    """
    for name, tensor in _learned(network):
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise divergence(f"the weights {name} became NaN or infinite {when}", rate, lr)


def _learned(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from network.named_parameters()
    # other buffers may hold infinity by design, such as masks
    for prefix, module in network.named_modules():
        if isinstance(module, _NormBase):
            yield from ((f"{prefix}.{name}", buffer) for name, buffer in module.named_buffers(recurse=False))


def check_answers(answers: NDArray[Any], owners: NDArray[np.int64] | None = None, first_row: int = 0) -> None:
    """Refuse what a network gives for a clip if it is NaN or infinite.

    Parameters
    ----------
    answers : ndarray of shape (n_pieces, ...)
        Logits, vectors or errors.
    owners : ndarray of int, shape (n_pieces,), default=None
        Clip of each piece; None is one piece per clip.
    first_row : int, default=0
        Row of X of the first clip.

    Raises
    ------
    ValueError
        If there are such; the message names the row.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.engine.training import check_answers
    >>> check_answers(np.zeros((2, 3)))
    """
    finite = np.isfinite(answers.reshape(len(answers), -1)).all(axis=1)
    if finite.all():
        return
    piece = int(np.argmin(finite))
    row = first_row + (piece if owners is None else int(owners[piece]))
    raise ValueError(
        f"row {row}: the network gives NaN or infinity for this clip. Its numbers are far larger than those of "
        "training, or training diverged; check the recording, or fit again with a lower lr."
    )
