"""Time and recall of searches, exact and by a graph or clusters.

python benchmarks/search.py
python benchmarks/search.py --vectors 1000000 --width 512
python benchmarks/search.py --vectors 1000000 --width 512 --recordings

The vectors are random or, with --recordings, patches of log-mel frames of the recordings in the folder that
SKLEARN_AUDIO_DATA names: 64 bands, width / 64 frames, one every 4 ms. Queries are then patches of recordings that are
not in the collection.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np

from sklearn_audio import AudioIndex, MelSpectrogramTransformer

DATA = Path(os.environ.get("SKLEARN_AUDIO_DATA", Path(__file__).parents[2] / "shared" / "data"))
FOLDERS = ("environment", "instruments", "commands", "multilabel", "scenes", "digits", "examples")
BANDS, HELD_OUT = 64, 40
QUERIES, K = 50, 10


def clustered(n: int, width: int) -> np.ndarray:
    """Return vectors near a plane of 16 dimensions, as those of sounds are near one of few."""
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(16, width)).astype(np.float32)
    return rng.normal(size=(n, 16)).astype(np.float32) @ plane + rng.normal(0, 0.5, (n, width)).astype(np.float32)


def patches_of_recordings(n: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return patches of recordings, and others of every fortieth recording as queries."""
    paths = sorted(path for folder in FOLDERS for path in (DATA / folder).rglob("*.*") if path.suffix != ".csv")
    log_mel = MelSpectrogramTransformer(16000, n_fft=512, hop_length=64, n_mels=BANDS, on_error="nan")
    asked, others, rng = [], [], np.random.default_rng(0)
    for start in range(0, len(paths), HELD_OUT):
        for i, frames in enumerate(log_mel.fit_transform(paths[start : start + HELD_OUT])):
            if len(frames) < width // BANDS:
                continue
            cut = np.lib.stride_tricks.sliding_window_view(frames, (width // BANDS, BANDS))
            (others if i else asked).append(cut.reshape(-1, width))
        if sum(map(len, others)) >= n:
            break
    found, held_out = np.concatenate(others)[:n], np.concatenate(asked)
    return found, held_out[rng.choice(len(held_out), QUERIES, replace=False)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--recordings", action="store_true", help="patches of recordings, not random vectors")
    parser.add_argument("--index", nargs="+", default=["exact", "hnsw"])
    options = parser.parse_args()
    if options.recordings:
        vectors, queries = patches_of_recordings(options.vectors, options.width)
    else:
        rows = clustered(options.vectors + QUERIES, options.width)
        vectors, queries = rows[:-QUERIES], rows[-QUERIES:]
    print(f"{len(vectors)} vectors of {vectors.shape[1]} numbers", flush=True)
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
