"""`clear_cache`: remove cached embeddings."""

from __future__ import annotations

import os

from joblib import Memory

from sklearn_audio.engine import cache_on_disk, parse_bytes

__all__ = ["clear_cache"]


def clear_cache(cache: str | os.PathLike[str] | Memory, max_bytes: int | str | None = None) -> int:
    """Remove cached embeddings: all, or the least recently used until the others fit.

    No other file is changed: entries are in a separate subfolder and are recognised by their names.

    Parameters
    ----------
    cache : str, path or joblib.Memory
        The value of the parameter `cache` of the estimators. A missing folder counts as empty.
    max_bytes : int or str, default=None
        Maximum number of bytes that remain, such as 500_000_000 or "2G" (K, M, G and T are powers of 1024, as in
        joblib). None: remove everything.

    Returns
    -------
    int
        Bytes of the entries removed.

    Raises
    ------
    ValueError
        If `max_bytes` is not a number of bytes, or `cache` is a file.
    OSError
        If an entry cannot be removed.

    See Also
    --------
    PANNsEmbedder : Has a parameter `cache`, like all embedders.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn_audio import PANNsEmbedder, clear_cache
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     embedder = PANNsEmbedder(
    ...         "leenet11", weights=None, sample_rate=32000, cache=folder
    ...     )
    ...     embedding = embedder.transform([np.zeros(32000)])
    ...     (
    ...         clear_cache(folder, max_bytes="1M"),
    ...         clear_cache(folder) > embedding.nbytes,
    ...     )
    (0, True)
    """
    n_bytes = 0 if max_bytes is None else parse_bytes(max_bytes, "max_bytes")
    disk = cache_on_disk(cache)
    if disk is None:
        return 0
    removed = disk.shrink(n_bytes)
    disk.sweep()
    disk.remove_empty_folders()
    return removed
