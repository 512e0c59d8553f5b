"""Recordings of the same content on both sides of a split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.cli._folds import Splits

__all__ = ["copies_on_both_sides"]


def copies_on_both_sides(digests: NDArray[np.uint64], splits: Splits) -> int:
    """Count the held-out recordings whose content was trained on in the same split.

    Parameters
    ----------
    digests : ndarray of uint64, shape (n_clips,)
        Hashes of their content.
    splits : list of (train, test)
        Row numbers.

    Returns
    -------
    int
        How many, over all splits.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.cli._copies import copies_on_both_sides
    >>> copies_on_both_sides(np.array([5, 6, 5], dtype=np.uint64), [([0, 1], [2]), ([1, 2], [0]), ([0, 2], [1])])
    2
    """
    return sum(int(np.isin(digests[test], digests[train]).sum()) for train, test in splits)
