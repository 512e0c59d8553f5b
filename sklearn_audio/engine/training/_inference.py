"""Batch-invariant inference: the output for a row does not depend on the other rows, bit for bit.

The order of summation in a kernel depends on the shape of the input, so the shape must depend on the row alone. Its
length is rounded up to a grid (or is fixed), and batches of one length always have the same number of rows; the last
one is padded with empty rows. If a kernel also depends on the position within the batch, batches have one row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

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
    order = np.argsort(lengths, kind="stable")
    parts: list[NDArray[np.float32]] = []
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        for length in np.unique(lengths).tolist():
            alike = order[lengths[order] == length]
            n_rows = 1 if one_by_one else _rows_per_batch(length, is_fixed=fixed is not None)
            for chosen in np.split(alike, range(n_rows, len(alike), n_rows)):
                values, true = collation.collate(rows, chosen, n_rows=n_rows, length=length)
                answers = network(values.to(device), true.to(device))
                parts.append(answers[: len(chosen)].float().cpu().numpy())
    logits: NDArray[Any] = np.empty((len(order), *parts[0].shape[1:]), dtype=np.float32)
    logits[order] = np.concatenate(parts)
    return logits


def _rows_per_batch(length: int, *, is_fixed: bool) -> int:
    return _MOST_ROWS if is_fixed else min(_MOST_ROWS, max(_FEWEST_ROWS, _STEPS_PER_BATCH // length))
