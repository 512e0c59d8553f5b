"""Few clips per class: prototypes, nearest neighbours, linear models and networks, on real recordings.

    python benchmarks/few_shot.py FOLDER                    # default: $SKLEARN_AUDIO_DATA, else ../shared/data
    python benchmarks/few_shot.py FOLDER --data digits --shots 1 5 --repeats 2 --episodes 20 --seeds 1
    python benchmarks/few_shot.py FOLDER --parts novel speed
    python benchmarks/few_shot.py FOLDER --table few_shot.csv --figure few_shot.svg

FOLDER holds commands, digits and environment, each with labels.csv and its recordings, and the weights
weights/mn04_as_mAP_432.pt. All methods see the same draws. No speaker, and of environment no fold, is on both sides.

Parts: `shots`, the learning curves; `episodes`, the same network trained by prototypes and by cross-entropy, with as
many steps; `novel`, episodes on half of the keywords, then the other half from a few shots, whose speakers are others
than those of the test; `speed`, fit and predict on 2048 numbers per clip.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_audio import (
    CNNClassifier,
    EfficientATEmbedder,
    FewShotDisplay,
    FewShotSplit,
    MelSpectrogramTransformer,
    MFCCTransformer,
    PrototypicalClassifier,
    SequencePooling,
    learning_curve_few_shot,
)
from sklearn_audio.model_selection import summarize_few_shot

_DEFAULT = Path(__file__).parents[2] / "shared" / "data"
# sample rate of the frames, what is never on both sides, frames of a patch (20 ms each)
DATA = {"commands": (16000, "speaker", 48), "digits": (8000, "speaker", 32), "environment": (16000, "fold", 64)}
WEIGHTS = "weights/mn04_as_mAP_432.pt"
NETWORK = "vgg32"
SEED = 0


class Recordings:
    """The recordings of one folder, and their features, each computed once."""

    def __init__(self, folder: Path, name: str, n_jobs: int) -> None:
        table = pd.read_csv(folder / name / "labels.csv", dtype=str)
        self.folder, self.name, self.n_jobs = folder, name, n_jobs
        self.rate, group, self.n_frames = DATA[name]
        self.paths = [str(folder / name / path) for path in table["path"]]
        self.y, self.groups = table["label"].to_numpy(), table[group].to_numpy()
        self._features: dict[str, Any] = {}

    def features(self, kind: str) -> Any:
        if kind not in self._features:
            self._features[kind] = self._transformer(kind).fit_transform(self.paths)
        return self._features[kind]

    def _transformer(self, kind: str) -> Any:
        hop = self.rate // 100
        if kind == "frames":
            return MelSpectrogramTransformer(
                self.rate, n_fft=4 * hop, hop_length=2 * hop, n_mels=40, n_jobs=self.n_jobs
            )
        if kind == "mfcc":  # 20 coefficients and their first and second differences: 120 numbers per clip
            mfcc = MFCCTransformer(self.rate, n_mfcc=20, deltas=2, n_fft=4 * hop, hop_length=hop, n_jobs=self.n_jobs)
            return make_pipeline(mfcc, SequencePooling(("mean", "std")))
        weights = self.folder / WEIGHTS
        return EfficientATEmbedder("mn04_as", weights=weights, n_jobs=self.n_jobs)


def on_vectors() -> dict[str, dict[str, Any]]:
    """The baselines, by the features that they take."""
    nearest = KNeighborsClassifier(1, metric="cosine")
    return {
        "mfcc": {
            "MFCC, 1-NN": make_pipeline(StandardScaler(), nearest),
            "MFCC, prototypes": make_pipeline(StandardScaler(), PrototypicalClassifier(distance="cosine")),
        },
        "embeddings": {
            "mn04, 1-NN": nearest,
            "mn04, prototypes": PrototypicalClassifier(distance="cosine"),
            "mn04, LogisticRegression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
            "mn04, SVC": make_pipeline(StandardScaler(), SVC(C=10)),
        },
    }


def curves(recordings: Recordings, methods: dict[str, Any], kind: str, args: argparse.Namespace) -> pd.DataFrame:
    table = learning_curve_few_shot(
        methods,
        recordings.features(kind),
        recordings.y,
        n_shots=args.shots,
        n_repeats=args.repeats,
        groups=None if args.known_speakers else recordings.groups,
        **({} if args.known_speakers else {"held_out": 0.33}),
        random_state=SEED,
        n_jobs=args.n_jobs,
    )
    return table.assign(data=recordings.name)


def shots(recordings: Recordings, args: argparse.Namespace) -> pd.DataFrame:
    """The baselines over vectors."""
    return pd.concat([curves(recordings, methods, kind, args) for kind, methods in on_vectors().items()])


def prototypical(n_shots: int, n_frames: int, n_episodes: int) -> PrototypicalClassifier:
    """As many clips of a class as there are, divided into support and query."""
    n_query = max(1, n_shots // 2)
    return PrototypicalClassifier(
        NETWORK,
        distance="sqeuclidean",
        n_support=max(1, n_shots - n_query),
        n_query=n_query,
        n_episodes=n_episodes,
        n_frames=n_frames,
        lr=0.003,
        random_state=SEED,
    )


def cross_entropy(n_frames: int, n_steps: int) -> CNNClassifier:
    """The same network and as many steps over all clips, each of which gives one patch per step, as it is."""
    return CNNClassifier(
        NETWORK,
        n_frames=n_frames,
        windows={"take": "random", "voting": "log"},
        max_epochs=n_steps,
        batch_size=4096,
        lr=0.003,
        mixup=0.0,
        spec_augment=None,
        random_state=SEED,
    )


def episodes(recordings: Recordings, args: argparse.Namespace) -> pd.DataFrame:
    """The same network by prototypes and by cross-entropy; an episode needs two clips per class, so not for one."""
    size = recordings.n_frames
    more_than_one = [n for n in args.network_shots if n > 1]
    by_prototypes = {f"{NETWORK}, episodes": lambda n: prototypical(n, size, args.episodes)}
    by_entropy = {f"{NETWORK}, cross-entropy": lambda n: cross_entropy(size, args.episodes)}
    untrained = {f"{NETWORK}, untrained": lambda n: prototypical(2, size, 1).set_params(lr=1e-12)}
    any_number, several = (
        argparse.Namespace(**(vars(args) | {"shots": shots})) for shots in (args.network_shots, more_than_one)
    )
    parts = [curves(recordings, by_entropy, "frames", any_number)]
    if more_than_one:
        parts += [curves(recordings, some, "frames", several) for some in (by_prototypes, untrained)]
    return pd.concat(parts)


def novel_run(recordings: Recordings, seed: int, args: argparse.Namespace) -> list[dict[str, Any]]:
    """One division of keywords and speakers: scores of each method on keywords that no network was trained on."""
    rng = np.random.default_rng(seed)
    known = np.isin(recordings.y, rng.permutation(np.unique(recordings.y))[: len(set(recordings.y)) // 2])
    speakers = rng.permutation(np.unique(recordings.groups))
    trained_on = np.isin(recordings.groups, speakers[: len(speakers) // 2])
    frames, mfcc = recordings.features("frames"), recordings.features("mfcc")
    options: dict[str, Any] = {"n_frames": recordings.n_frames, "random_state": seed}
    base = known & trained_on if args.new_speakers else known
    episode = {"n_way": args.ways, "n_support": args.support, "n_query": args.support, "lr": 0.003}
    fitted = PrototypicalClassifier(NETWORK, n_episodes=args.novel_episodes, **episode, **options)
    fitted.fit(frames[base], recordings.y[base])
    untrained = clone(fitted).set_params(n_episodes=1, lr=1e-12).fit(frames[base], recordings.y[base])
    rows = np.flatnonzero(~known & ~trained_on) if args.new_speakers else np.flatnonzero(~known)
    splitter = FewShotSplit(args.novel_shots, 1, held_out=0.33, random_state=seed)
    ((train, test),) = splitter.split(rows, recordings.y[rows], recordings.groups[rows])
    train, test = rows[train], rows[test]
    nearest = make_pipeline(StandardScaler(), KNeighborsClassifier(1, metric="cosine"))
    methods: dict[str, tuple[Any, Callable[..., Any]]] = {
        f"{NETWORK}, episodes on other keywords": (frames, fitted.adapt),
        f"{NETWORK}, untrained": (frames, untrained.adapt),
        "MFCC, 1-NN": (mfcc, nearest.fit),
    }
    return [
        {
            "method": name,
            "metric": "score",
            "n_shots": args.novel_shots,
            "repeat": seed,
            "score": learn(X[train], recordings.y[train]).score(X[test], recordings.y[test]),
            "data": f"{recordings.name}, novel",
        }
        for name, (X, learn) in methods.items()
    ]


def novel(recordings: Recordings, args: argparse.Namespace) -> pd.DataFrame:
    for kind in ("frames", "mfcc"):
        recordings.features(kind)
    runs = Parallel(n_jobs=args.n_jobs)(delayed(novel_run)(recordings, seed, args) for seed in range(args.seeds))
    return pd.DataFrame([row for run in runs for row in run])


def speed() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(25, 2048)).astype(np.float32), np.repeat(np.arange(5), 5)
    queries = rng.normal(size=(10_000, 2048)).astype(np.float32)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        PrototypicalClassifier().fit(X, y).predict(queries)
        seconds.append(time.perf_counter() - start)
    print(f"5-way 5-shot on 2048 numbers, 10 000 clips: {np.median(seconds):.2f} s\n", flush=True)


def report(table: pd.DataFrame) -> None:
    for data, part in table.groupby("data", sort=False):
        summary = summarize_few_shot(part)
        print(f"{data}: mean accuracy over {summary['n_repeats'].max()} draws, its interval of 95 %, deviation")
        for method, of_method in summary.groupby("method", sort=False):
            cells = "   ".join(
                f"{row.n_shots:2d}: {row.mean:.3f} [{row.low:.3f}, {row.high:.3f}] {row.std:.3f}"
                for row in of_method.itertuples()
            )
            print(f"  {method:<36} {cells}")
        _report_gains(part)
        print(flush=True)


def _report_gains(part: pd.DataFrame) -> None:
    """Differences on the same draw, which spread less than scores do."""
    scores = part.pivot_table(index=["n_shots", "repeat"], columns="method", values="score", sort=False)
    mine = [name for name in scores if "episodes" in name]
    for name in mine:
        for other in [name for name in scores if name not in mine and name.startswith((NETWORK, "MFCC, 1-NN"))]:
            gain = (scores[name] - scores[other]).dropna().groupby(level="n_shots")
            cells = "   ".join(f"{n:2d}: {values.mean():+.3f} ± {values.std():.3f}" for n, values in gain)
            print(f"  {name} over {other:<24} {cells}")


def draw(table: pd.DataFrame, file: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    table = table[~table["data"].str.endswith("novel")]
    names = table["data"].unique().tolist()
    size = (5 * len(names) + 2, 4)
    figure, axes = plt.subplots(1, len(names), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for ax, name in zip(axes[0], names, strict=True):
        lines = FewShotDisplay(table[table["data"] == name]).plot(ax=ax).lines_
        ax.set_title(name)
        ax.get_legend().remove()
    figure.legend(lines.values(), lines, loc="outside right upper")
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "few_shot"}):
        figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(os.environ.get("SKLEARN_AUDIO_DATA", _DEFAULT)))
    parser.add_argument("--data", nargs="+", choices=[*DATA], default=[*DATA])
    parser.add_argument("--parts", nargs="+", choices=["shots", "episodes", "novel", "speed"], default=None)
    parser.add_argument("--shots", nargs="+", type=int, default=[1, 2, 5, 10])
    parser.add_argument(
        "--network-shots", nargs="+", type=int, default=[1, 2, 5, 10], help="for networks that are trained"
    )
    parser.add_argument("--known-speakers", action="store_true", help="let speakers, or folds, be on both sides")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--episodes", type=int, default=75, help="steps of training, for both ways of it")
    parser.add_argument("--novel-shots", type=int, default=5)
    parser.add_argument("--novel-episodes", type=int, default=300)
    parser.add_argument("--ways", type=int, default=5, help="classes of an episode on known keywords")
    parser.add_argument("--support", type=int, default=5, help="clips of a class in its support set, and as queries")
    parser.add_argument("--new-speakers", action="store_true", help="novel keywords by speakers never trained on, too")
    parser.add_argument("--seeds", type=int, default=10, help="divisions into known and novel keywords")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--table", type=Path, help="where to write the scores, as CSV")
    parser.add_argument("--figure", type=Path, help="where to draw the curves")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    parts = args.parts or ["shots", "episodes", "novel", "speed"]
    tables = []
    for name in args.data:
        recordings = Recordings(args.folder, name, args.n_jobs)
        wanted = [part for part in (shots, episodes) if part.__name__ in parts]
        tables += [part(recordings, args) for part in wanted]
        if name == "commands" and "novel" in parts:
            tables.append(novel(recordings, args))
        if tables:
            report(pd.concat([table for table in tables if table["data"].str.startswith(name).all()]))
    if tables and args.table:
        pd.concat(tables).to_csv(args.table, index=False)
    if tables and args.figure:
        draw(pd.concat(tables), args.figure)
    if "speed" in parts:
        speed()


if __name__ == "__main__":
    main()
