"""Clustering backends: FAISS, or scikit-learn if FAISS cannot be imported."""

from __future__ import annotations

import importlib
import math
from types import ModuleType
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans, kmeans_plusplus
from threadpoolctl import threadpool_limits

Engine = Literal["faiss", "minibatch"]
_LARGEST_SEED = 2**31 - 1
# Frames per cluster from which k-means++ chooses the first centres. FAISS itself starts from random frames, whose
# inertia is some 4 % higher after 20 iterations on log-mel frames; more frames than these gain another 0.2 %.
_FIRST_POINTS = 64
# Larger frames are scaled before clustering.
_LARGEST_PLAIN = 1e12


def choose_engine(algorithm: Literal["auto", "faiss", "minibatch"]) -> Engine:
    """Resolve "auto"."""
    if algorithm == "auto":
        return "minibatch" if _faiss() is None else "faiss"
    if algorithm == "faiss" and _faiss() is None:
        raise ImportError(
            'algorithm="faiss" needs the package faiss, which does not import here. Install it with: '
            'pip install faiss-cpu; or choose algorithm="minibatch".'
        )
    return algorithm


def _faiss() -> ModuleType | None:
    try:
        return importlib.import_module("faiss")
    except ImportError:
        return None


def cluster(
    engine: Engine,
    sample: NDArray[np.float32],
    n_clusters: int,
    n_iter: int,
    random_state: np.random.RandomState,
) -> tuple[NDArray[np.float32], float]:
    """Cluster a sample (n_frames, n_dims) once: centres (n_clusters, n_dims) and inertia."""
    seed = int(random_state.randint(_LARGEST_SEED))
    scale = _power_of_two(sample)
    sample = sample if scale == 1 else sample / np.float32(scale)
    if engine == "faiss":
        centres, inertia = _cluster_by_faiss(sample, n_clusters, n_iter, seed)
    else:
        kmeans = MiniBatchKMeans(n_clusters, max_iter=n_iter, n_init=1, random_state=seed).fit(sample)
        centres, inertia = kmeans.cluster_centers_.astype(np.float32), float(kmeans.inertia_)
    centres = centres if scale == 1 else centres * np.float32(scale)
    if not np.isfinite(centres).all():
        raise ValueError(
            f"the engine {engine!r} of k-means gave centres that are NaN or infinite, though all frames are finite; "
            "scale the frames, or choose another algorithm."
        )
    return centres, inertia * scale**2


def _power_of_two(sample: NDArray[np.float32]) -> float:
    """Return an exact divisor of large frames, so that sums of their squares do not overflow float32."""
    largest = max(float(sample.max()), -float(sample.min()))
    return 2.0 ** math.frexp(largest)[1] if largest > _LARGEST_PLAIN else 1.0


def _first_centres(sample: NDArray[np.float32], n_clusters: int, seed: int) -> NDArray[np.float32]:
    random_state = np.random.RandomState(seed)
    chosen = random_state.permutation(len(sample))[: _FIRST_POINTS * n_clusters]
    with threadpool_limits(1):  # the products are too small for threads
        centres, _ = kmeans_plusplus(sample[chosen], n_clusters, random_state=random_state)
    return np.ascontiguousarray(centres, dtype=np.float32)


def _cluster_by_faiss(
    sample: NDArray[np.float32], n_clusters: int, n_iter: int, seed: int
) -> tuple[NDArray[np.float32], float]:
    faiss = importlib.import_module("faiss")
    # the sample is already drawn: these limits must neither subsample nor warn
    kmeans = faiss.Kmeans(
        sample.shape[1],
        n_clusters,
        niter=n_iter,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=len(sample),
        verbose=False,
        gpu=False,
    )
    inertia = kmeans.train(np.ascontiguousarray(sample), init_centroids=_first_centres(sample, n_clusters, seed))
    return np.array(kmeans.centroids, dtype=np.float32), float(inertia)
