"""Environmental sounds (ESC-10): embeddings of two small pretrained networks and a logistic regression.

    python benchmarks/environment.py FOLDER     # default: $SKLEARN_AUDIO_DATA, else ../shared/data

Leaves one official fold out. The folder holds environment/labels.csv with its recordings, and the weights
weights/mn04_as_mAP_432.pt and weights/yamnet_int8.npz.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_score

from sklearn_audio import EfficientATEmbedder, YAMNetEmbedder

_DEFAULT = Path(__file__).parents[2] / "shared" / "data"


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SKLEARN_AUDIO_DATA", _DEFAULT))
    table = pd.read_csv(folder / "environment" / "labels.csv")
    paths = [str(folder / "environment" / path) for path in table["path"]]
    weights = folder / "weights"
    for embedder in (
        EfficientATEmbedder("mn04_as", weights=weights / "mn04_as_mAP_432.pt", n_jobs=2),
        YAMNetEmbedder(weights=weights / "yamnet_int8.npz", n_jobs=2),
    ):
        start = time.perf_counter()
        embeddings = embedder.transform(paths)
        seconds = time.perf_counter() - start
        scores = cross_val_score(
            LogisticRegression(max_iter=1000), embeddings, table["label"], groups=table["fold"], cv=LeaveOneGroupOut()
        )
        folds = " ".join(f"{score:.3f}" for score in scores)
        print(f"{embedder.model}: {len(paths)} clips in {seconds:.1f} s; accuracy {scores.mean():.3f} ({folds})")


if __name__ == "__main__":
    main()
