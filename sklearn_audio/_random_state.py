"""Random generators from `random_state`; NumPy's global generator is never used."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state


def own_random_state(random_state: Any) -> np.random.RandomState:
    """Convert a parameter to a generator, as in scikit-learn, but None is seeded by the operating system."""
    return np.random.RandomState() if random_state is None else check_random_state(random_state)
