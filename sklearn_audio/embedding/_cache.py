"""`clear_cache`: make room where embeddings are cached."""

from __future__ import annotations

import os

from joblib import Memory

from sklearn_audio.engine import cache_on_disk, parse_bytes

__all__ = ["clear_cache"]


def clear_cache(cache: str | os.PathLike[str] | Memory, max_bytes: int | str | None = None) -> int:
    """Remove cached embeddings: all, or the least recently used until the rest fits.

    No other file is touched: entries lie in a folder of their own within that folder, and their names identify them.

    Parameters
    ----------
    cache : str, path or joblib.Memory
        What the parameter `cache` of the estimators was. A folder that is not there is empty.
    max_bytes : int or str, default=None
        Bytes that may stay, such as 500_000_000 or "2G" (K, M, G and T are powers of 1024, as in joblib). None removes
        everything.

    Returns
    -------
    int
        Bytes of the entries removed.

    Raises
    ------
    ValueError
        If `max_bytes` is no number of bytes, or there is a file where the folder should be.
    OSError
        If an entry cannot be removed.

    See Also
    --------
    PANNsEmbedder : Has a parameter `cache`, as all embedders do.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from sklearn_audio import PANNsEmbedder, clear_cache
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     embedder = PANNsEmbedder("leenet11", weights=None, sample_rate=32000, cache=folder)
    ...     embedding = embedder.transform([np.zeros(32000)])
    ...     clear_cache(folder, max_bytes="1M"), clear_cache(folder) > embedding.nbytes
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
