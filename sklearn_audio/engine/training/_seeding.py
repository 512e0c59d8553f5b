"""Random numbers from a seed, without changing the global generators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sklearn_audio._generators import Generators
from sklearn_audio._isolation import isolated

__all__ = ["draw_seed", "seeded"]


def draw_seed(random_state: Any) -> int:
    """Draw the seed of one fit."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, Integral):
        return int(random_state) % 2**31
    return int(check_random_state(random_state).randint(2**31 - 1))


@contextmanager
def seeded(seed: int) -> Iterator[Generators]:
    """Let torch draw from a seed in this thread; the generators of the process are neither used nor changed."""
    generators = Generators(seed)
    with isolated(generators):
        yield generators
