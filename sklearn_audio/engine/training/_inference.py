"""Inference whose answer for a row does not depend on its neighbours, to the bit.

Kernels choose the order of their sums by the shapes they are given. So the shape in which a row is computed is a
function of that row alone: its length is rounded up to a grid, and a batch of rows of one such length always has the
same number of rows, filled up with empty ones. Where the place within the batch matters, too, that number is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio.engine.training._batches import pad_rows
from sklearn_audio.ragged import Ragged

__all__ = ["compute_logits", "grid_lengths"]

_FINEST = 16
_MOST_ROWS, _FEWEST_ROWS, _PLACES = 64, 8, 2048


def grid_lengths(lengths: NDArray[np.int64], max_length: int | None = None) -> NDArray[np.int64]:
    """Round lengths up to multiples of a quarter of the power of two below them, and at least of 16.

    Parameters
    ----------
    lengths : ndarray of int
        Lengths of rows.
    max_length : int, default=None
        Most places that the network takes.

    Returns
    -------
    ndarray of int
        Places that the rows are padded to.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.engine.training._inference import grid_lengths
    >>> grid_lengths(np.array([3, 70, 500, 513]))
    array([ 16,  80, 512, 640])
    """
    steps = np.maximum(_FINEST, 2 ** np.log2(lengths).astype(np.int64) // 4)
    places = -(-lengths // steps) * steps
    return places if max_length is None else np.minimum(places, max_length)


def compute_logits(
    network: Callable[[Tensor, Tensor], Tensor],
    sequences: Ragged,
    *,
    device: torch.device,
    precision: str = "float32",
    pad_value: int = 0,
    n_places: int | None = None,
    max_length: int | None = None,
    one_by_one: bool = False,
) -> NDArray[np.float32]:
    """Compute the logits of rows.

    Parameters
    ----------
    network : callable
        A network in evaluation mode, or a method of one; takes values and lengths.
    sequences : Ragged
        The rows.
    device : torch.device
        Where the network is.
    precision : {"float32", "bfloat16"}, default="float32"
        Of the computation.
    pad_value : int, default=0
        What padding is.
    n_places : int, default=None
        Length that the network wants; None takes the grid.
    max_length : int, default=None
        Most places that the network takes.
    one_by_one : bool, default=False
        Batches of one row: for networks whose matrix products, on a CPU, round by the place of a row in its batch.

    Returns
    -------
    ndarray of float32, shape (n_rows, n_outputs)
        Logits, or whatever else the network gives for each row, of whatever shape.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio import Ragged
    >>> from sklearn_audio.engine.training import compute_logits
    >>> from sklearn_audio.nets import MeanNetwork
    >>> X = Ragged.from_list([[[1.0]], [[2.0], [3.0]]], dtype="float32")
    >>> compute_logits(MeanNetwork(2, n_features=1).eval(), X, device=torch.device("cpu")).shape
    (2, 2)
    """
    lengths = sequences.lengths
    places = grid_lengths(lengths, max_length) if n_places is None else np.full(len(lengths), n_places)
    order = np.argsort(places, kind="stable")
    parts: list[NDArray[np.float32]] = []
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        for size in np.unique(places).tolist():
            rows = order[places[order] == size]
            n_rows = 1 if one_by_one else min(_MOST_ROWS, max(_FEWEST_ROWS, _PLACES // size))
            for some in np.split(rows, range(n_rows, len(rows), n_rows)):
                padded = pad_rows(sequences, some, n_rows, size, pad_value)
                true = np.ones(n_rows, dtype=np.int64)  # an empty row counts as one place of padding
                true[: len(some)] = np.minimum(lengths[some], size)
                answer = network(padded.to(device), torch.from_numpy(true).to(device))
                parts.append(answer[: len(some)].float().cpu().numpy())
    logits: NDArray[Any] = np.empty((len(order), *parts[0].shape[1:]), dtype=np.float32)
    logits[order] = np.concatenate(parts)
    return logits
