"""Outputs of a trained network for rows of any length.

Lengths are rounded up to a grid (or are fixed), so that rows share shapes. If a kernel also depends on the position
within the batch, batches have one row.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_audio.engine._inference import forward_pass, in_fixed_batches
from sklearn_audio.engine.training._dataset import Collation
from sklearn_audio.engine.training._rows import RowView

__all__ = ["grid_lengths", "predict_logits"]

_FINEST = 16
_MOST_ROWS, _FEWEST_ROWS, _STEPS_PER_BATCH = 64, 8, 2048


def grid_lengths(lengths: NDArray[np.int64], max_length: int | None = None) -> NDArray[np.int64]:
    """Round lengths up to multiples of a quarter of the next lower power of two, and at least to multiples of 16."""
    steps = np.maximum(_FINEST, 2 ** np.log2(lengths).astype(np.int64) // 4)
    rounded = -(-lengths // steps) * steps
    return rounded if max_length is None else np.minimum(rounded, max_length)


def predict_logits(
    network: Callable[[Tensor, Tensor], Tensor],
    rows: RowView,
    collation: Collation,
    *,
    device: torch.device,
    precision: str = "float32",
    one_by_one: bool = False,
) -> NDArray[np.float32]:
    """Compute the outputs of the network for each row.

    Shapes: -> (n_rows, n_outputs).
    """
    fixed = collation.length
    lengths = grid_lengths(rows.lengths, collation.max_length) if fixed is None else np.full(len(rows), fixed)

    def run(chosen: list[int], n_rows: int) -> NDArray[np.float32]:
        values, true = collation.collate(rows, np.array(chosen), n_rows=n_rows, length=int(lengths[chosen[0]]))
        with forward_pass(device, precision):
            return network(values.to(device), true.to(device)).float().cpu().numpy()

    def rows_per_batch(length: int) -> int:
        if one_by_one:
            return 1
        return _MOST_ROWS if fixed else min(_MOST_ROWS, max(_FEWEST_ROWS, _STEPS_PER_BATCH // length))

    return np.stack(in_fixed_batches(run, lengths.tolist(), rows_per_batch))
