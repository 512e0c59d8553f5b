"""Random numbers from a seed: generators by key, those of torch in a thread, and temporary seeding of global ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sklearn_audio._forks import ForkSafeLock
from sklearn_audio._isolation import Generators, isolated

__all__ = ["Purpose", "draw_seed", "seeded", "seeded_globals", "stream"]

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
