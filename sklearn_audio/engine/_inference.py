"""Batch-invariant inference: the output for a row does not depend on the other rows, bit for bit.

The order of summation in a kernel depends on the shape of the input, so the shape must depend on the row alone: rows of
one shape share batches that always have the same number of rows, the last one padded.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray

from sklearn_audio._forks import ForkSafeLock

__all__ = ["forward_pass", "in_fixed_batches"]

# A forward pass uses all cores; two at once, from threads of one process, would compete for them.
_one_at_a_time = ForkSafeLock()


@contextmanager
def forward_pass(device: torch.device, precision: str) -> Iterator[None]:
    """Compute without gradients, in the given precision, while no other thread does."""
    low = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
    with _one_at_a_time, torch.inference_mode(), low:
        yield


def in_fixed_batches(
    run: Callable[[list[int], int], NDArray[Any]], shapes: Sequence[Hashable], n_rows: Callable[[Any], int]
) -> list[NDArray[Any]]:
    """Return the outputs of the rows; `run` computes a batch of some of them, padded to `n_rows` of their shape."""
    rows_of: dict[Hashable, list[int]] = {}
    for row, shape in enumerate(shapes):
        rows_of.setdefault(shape, []).append(row)
    outputs: dict[int, NDArray[Any]] = {}
    for shape, rows in rows_of.items():
        size = n_rows(shape)
        for first in range(0, len(rows), size):
            chosen = rows[first : first + size]
            outputs.update(zip(chosen, run(chosen, size), strict=False))  # not those of the padding
    return [outputs[row] for row in range(len(shapes))]
