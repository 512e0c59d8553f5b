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
    """Round lengths up to multiples of a quarter of the power of two below them, and at least of 16."""
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

    Shapes: -> (n_rows, n_outputs).
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
