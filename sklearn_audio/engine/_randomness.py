"""Random generators by seed and key, and temporary seeding of the global generators."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import numpy as np
from sklearn.utils import check_random_state

from sklearn_audio._forks import ForkSafeLock
from sklearn_audio._generators import Generators
from sklearn_audio._isolation import isolated

__all__ = ["Purpose", "seeded_globals", "stream"]

_one_at_a_time = ForkSafeLock()


class Purpose(IntEnum):
    """Purpose of a generator; generators of different purposes are independent."""

    AUGMENTATION = 0
    CLASS_ORDER = 1
    CLASS_MEMBERS = 2
    PLAIN_ORDER = 3
    WEIGHTED_DRAW = 4
    COLLATION = 5


def stream(seed: int, purpose: Purpose, *key: int) -> np.random.Generator:
    """Return the generator of a seed and a key."""
    # not the list [seed, *key]: NumPy takes one that ends in zeros for the shorter one
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, *key)))


@contextmanager
def seeded_globals(rng: np.random.Generator) -> Iterator[None]:
    """Seed the global generators of Python and NumPy, and restore them afterwards; torch uses a separate generator.

    For third-party code that draws from them. A lock lets one thread at a time do so; other code that draws from these
    two generators must not run at the same time.
    """
    seed = int(rng.integers(2**32))
    of_numpy = check_random_state(None)  # the generator behind the functions of numpy.random
    with _one_at_a_time, isolated(Generators(seed)):
        states = (random.getstate(), of_numpy.get_state())
        try:
            random.seed(seed)
            of_numpy.seed(seed)
            yield
        finally:
            random.setstate(states[0])
            of_numpy.set_state(states[1])
