"""``sklearn-audio embed``: vectors of recordings by a pretrained network, in parts that are written whole."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklearn_audio._names import check_name
from sklearn_audio._paths import local_path
from sklearn_audio._version import __version__
from sklearn_audio.cli._compute import chunks, skipped_clips
from sklearn_audio.cli._data import distinct, expanded, path_of
from sklearn_audio.cli._messages import Progress, say
from sklearn_audio.cli._methods import EMBEDDERS, embedder_of
from sklearn_audio.cli._parts import PartFolder
from sklearn_audio.cli._survey import length_of
from sklearn_audio.optional import require

_NOT_OF_VECTORS = ("n_jobs", "device", "on_error", "verbose", "batch_size")
_PLACES = ["path", "start", "end"]


def run(options: Namespace) -> None:
    """Write a file per part of the list of recordings."""
    if options.format == "parquet":
        require("pyarrow", needed_by="--format parquet", extra="parquet")
    skip = options.on_error == "skip"
    clips = distinct(expanded(options.files, may_miss=skip))
    name, embedder = chosen_embedder(options)
    embedder.set_params(on_error="nan" if skip else "raise").fit(clips)
    settings = {"sklearn-audio": __version__, "embedder": _described(embedder), "format": options.format}
    folder = PartFolder(Path(local_path(options.output)), f".{options.format}")
    folder.open(settings, options)
    write = _WRITERS[options.format]
    n_parts = 0
    with Progress(len(clips), "recordings", quiet=options.quiet) as progress:
        for part in chunks(clips, map(length_of, clips)):
            chunk = clips[part]
            if not folder.is_done(n_parts, chunk):
                with folder.part(n_parts, chunk) as file:
                    write(_table(embedder, chunk), file)
            n_parts += 1
            progress.advance(len(chunk))
    folder.close(n_parts)
    say(f"{len(clips)} recordings embedded by {name}: {n_parts} file(s) in {options.output}")


def chosen_embedder(options: Namespace) -> tuple[str, Any]:
    """Return the name of the network, and the embedder with its parameters."""
    check_name("--embedder", options.embedder, EMBEDDERS)
    layers = options.layer.split(",") if options.layer else []
    is_cut = options.window is not None or options.hop is not None
    if is_cut and options.pooling is not None:
        raise ValueError("--pooling is for a vector per recording; leave it out with --window or --hop.")
    chosen = {
        "layer": layers[0] if len(layers) == 1 else layers or None,
        "window": options.window,
        "hop": options.hop,
        "pooling": None if is_cut else options.pooling or "mean",
    }
    return embedder_of(options.embedder, options, **chosen)


def _described(embedder: Any) -> str:
    """Describe all parameters that decide about the vectors."""
    given = {name: value for name, value in embedder.get_params().items() if name not in _NOT_OF_VECTORS}
    return f"{type(embedder).__name__} {json.dumps(given, default=str, sort_keys=True)}"


def _table(embedder: Any, clips: list[Any]) -> pd.DataFrame:
    """Embed recordings: a row per recording, or per window, without those that are skipped."""
    with skipped_clips({}):
        rows, places = _embedded(embedder, clips)
    table = pd.DataFrame(rows, columns=embedder.get_feature_names_out())
    usable = ~np.isnan(rows).any(axis=1)
    found: pd.DataFrame = pd.concat([places, table], axis=1)[usable].reset_index(drop=True)
    return found


def _embedded(embedder: Any, clips: list[Any]) -> tuple[Any, pd.DataFrame]:
    """Return vectors, and path, start and end of each; the times of a whole recording are empty."""
    given = [clip[1:] if isinstance(clip, tuple) else (np.nan, np.nan) for clip in clips]
    places = pd.DataFrame(given, columns=_PLACES[1:], dtype=float)
    places.insert(0, "path", pd.Series(list(map(path_of, clips)), dtype=object))
    if embedder.pooling is not None:
        return embedder.transform(clips), places
    spans, vectors = embedder.segments(clips, return_vectors=True)
    chosen = spans["clip"].to_numpy(dtype=np.int64)
    offsets = places["start"].fillna(0.0).to_numpy()[chosen, None]
    places = places.iloc[chosen].reset_index(drop=True)
    places[["start", "end"]] = spans[["start", "end"]].to_numpy() + offsets
    return vectors.values, places


def _write_npz(table: pd.DataFrame, file: Path) -> None:
    vectors = table.drop(columns=_PLACES).to_numpy(np.float32)
    start, end = (table[name].to_numpy(float) for name in _PLACES[1:])
    with file.open("wb") as stream:
        np.savez(stream, path=table["path"].to_numpy(str), start=start, end=end, vectors=vectors)


def _write_csv(table: pd.DataFrame, file: Path) -> None:
    table.to_csv(file, index=False, lineterminator="\n")


def _write_parquet(table: pd.DataFrame, file: Path) -> None:
    table.to_parquet(file, engine="pyarrow", index=False)


_WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    "npz": _write_npz,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
