"""From the vectors of the patches of a clip to one vector."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["POOLINGS", "pool"]

# pooling -> the statistics it joins
POOLINGS = {"mean": ("mean",), "max": ("max",), "mean_std": ("mean", "std"), "mean_max": ("mean", "max")}


def pool(vectors: NDArray[Any], weights: NDArray[np.float64], pooling: str) -> NDArray[np.float32]:
    """Join the vectors of a clip.

    Parameters
    ----------
    vectors : ndarray of shape (n_patches, n_features)
        At least one.
    weights : ndarray of float64, shape (n_patches,)
        Share of each patch in the mean and the standard deviation; the maximum looks at all patches alike.
    pooling : {"mean", "max", "mean_std", "mean_max"}
        Which statistics.

    Returns
    -------
    ndarray of float32, shape (n_features * n_statistics,)
        Computed in float64.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio.engine._pooling import pool
    >>> pool(np.array([[1.0], [4.0]]), np.array([1.0, 0.5]), "mean_max")
    array([2., 4.], dtype=float32)
    """
    mean = np.average(vectors.astype(np.float64), axis=0, weights=weights)
    statistics = {"mean": mean, "max": vectors.max(axis=0)}
    if "std" in POOLINGS[pooling]:
        statistics["std"] = np.sqrt(np.average(np.square(vectors - mean), axis=0, weights=weights))
    return np.concatenate([statistics[name] for name in POOLINGS[pooling]]).astype(np.float32)
