"""Time and recall of searches in random vectors, exact and by a graph or clusters.

python benchmarks/search.py
python benchmarks/search.py --vectors 1000000 --width 512
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from sklearn_audio import AudioIndex

QUERIES, K = 50, 10


def clustered(n: int, width: int) -> np.ndarray:
    """Return vectors near a plane of 16 dimensions, as those of sounds are near one of few."""
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(16, width)).astype(np.float32)
    return rng.normal(size=(n, 16)).astype(np.float32) @ plane + rng.normal(0, 0.5, (n, width)).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--index", nargs="+", default=["exact", "hnsw"])
    options = parser.parse_args()
    rows = clustered(options.vectors + QUERIES, options.width)
    vectors, queries = rows[:-QUERIES], rows[-QUERIES:]
    exact = AudioIndex(None).fit(vectors).query(queries, K)
    for kind in options.index:
        start = time.perf_counter()
        index = AudioIndex(None, index=kind).fit(vectors)
        built = time.perf_counter() - start
        times = []
        for query in queries:
            start = time.perf_counter()
            index.query(query[None], K)
            times.append(time.perf_counter() - start)
        found = index.query(queries, K).merge(exact, on=["query", "id"])
        recall = len(found) / len(exact)
        start = time.perf_counter()
        index.add(vectors[: len(vectors) // 10] + np.float32(0.01))
        added = time.perf_counter() - start
        print(
            f"{kind}: built in {built:.1f} s, a tenth more added in {added:.1f} s, median query "
            f"{1000 * np.median(times):.1f} ms, recall@{K} {recall:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
