"""What `random_state` draws from; the generator of NumPy that a whole process shares is never used."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

__all__ = ["own_random_state"]


def own_random_state(random_state: Any) -> np.random.RandomState:
    """Turn a parameter into a generator: as scikit-learn does, but for None, which is fresh from the operating system.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        As the user gave it.

    Returns
    -------
    RandomState
        The same instance, if it is one.

    Examples
    --------
    >>> from sklearn_audio._random_state import own_random_state
    >>> own_random_state(0).randint(100)
    44
    """
    return np.random.RandomState() if random_state is None else check_random_state(random_state)
