"""Vectors of clips or of their windows, with their places; and a test sound by which embedders are told apart."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import check_array

from sklearn_audio.engine import reading_of
from sklearn_audio.ragged import Ragged
from sklearn_audio.validation import check_audio, container_kind

PLACES = ["path", "start", "end"]
_RATE = 16000
_TEST_SECONDS = 3.3  # no whole number of patches
_LONG_SECONDS = 130  # longer than what any network takes at once
# Devices and precisions of a network change its vectors by less than this, relative to their length.
_TOLERANCE = 0.05


class Embedded(NamedTuple):
    """Vectors, the row of X of each, and a table of their places.

    Shapes: vectors (n_vectors, n_features), clips (n_vectors,).
    """

    vectors: NDArray[np.float32]
    clips: NDArray[np.int64]
    places: pd.DataFrame

    def usable(self) -> Embedded:
        """Leave out vectors of NaN, which mark clips that failed."""
        rows = np.flatnonzero(~np.isnan(self.vectors).any(axis=1))
        return Embedded(self.vectors[rows], self.clips[rows], self.places.iloc[rows].reset_index(drop=True))


class TestSound(NamedTuple):
    """The mean vector of a sound of a few seconds, and start and end of its windows; no spans for a vector per clip."""

    vector: list[float]
    spans: list[list[float]] | None

    def check(self, other: TestSound, name: str) -> None:
        """Raise if another embedder, whose name is given, makes other vectors."""
        if len(other.vector) != len(self.vector):
            problem = f"vectors of {len(other.vector)} numbers, and those of the index have {len(self.vector)}"
        elif not _same_spans(self.spans, other.spans):
            problem = f"{_level(other.spans)}, and the index has {_level(self.spans)}"
        elif np.linalg.norm(np.subtract(self.vector, other.vector)) > _TOLERANCE * np.linalg.norm(self.vector):
            problem = "other vectors of the same sound than the one that made the index"
        else:
            return
        raise ValueError(f"{name} makes {problem}; give the embedder of the index, or fit a new one.")


def _same_spans(spans: Any, others: Any) -> bool:
    if spans is None or others is None:
        return spans is others
    return len(spans) == len(others) and np.allclose(spans, others, rtol=0, atol=1e-3)


def _level(spans: list[list[float]] | None) -> str:
    if spans is None:
        return "one vector per clip"
    lengths = " and ".join(f"{end - start:g} s" for start, end in spans[:1])
    return f"{len(spans)} window(s) of {lengths} in {_TEST_SECONDS} s"


def has_windows(embedder: Any) -> bool:
    """Whether an embedder makes several vectors per clip."""
    return hasattr(embedder, "segments") and getattr(embedder, "pooling", "") is None


def fitted(embedder: Any, X: Any = None) -> Any:
    """Return a fitted clone of an embedder of the library; any other estimator is returned as it is.

    Without X it has seen a long clip, so that its hop may have no effect on later ones.
    """
    if not hasattr(embedder, "segments"):
        return embedder
    long = [{"array": np.zeros(_LONG_SECONDS * _RATE, dtype=np.float32), "sampling_rate": _RATE}]
    return clone(embedder).fit(long if X is None else X)


def embed(embedder: Any, X: Any) -> Embedded:
    """Embed clips; those that failed, whose vectors are NaN, are left out."""
    if has_windows(embedder):
        table, ragged = embedder.segments(X, return_vectors=True)
        vectors, clips = np.asarray(ragged.values), table["clip"].to_numpy(np.int64)
        places = places_of(embedder, X).iloc[clips].reset_index(drop=True)
        spans = table[["start", "end"]].to_numpy(np.float64) + places["start"].to_numpy()[:, None]
        places[["start", "end"]] = spans
    else:
        vectors = one_per_clip(embedder.transform(X), embedder)
        clips = np.arange(len(vectors))
        places = places_of(embedder, X)
    return Embedded(vectors, clips, places).usable()


def one_per_clip(vectors: Any, embedder: Any) -> NDArray[np.float32]:
    """Return the output of a transformer as an array; raise if there are several vectors per clip."""
    if isinstance(vectors, Ragged):
        raise TypeError(
            f"{type(embedder).__name__} makes several vectors per clip whose times are unknown; pool them, such as "
            "with SequencePooling, or give an embedder with pooling=None."
        )
    checked: NDArray[np.float32] = check_array(vectors, dtype=np.float32, ensure_all_finite=False, input_name="vectors")
    return checked


def places_of(embedder: Any, X: Any) -> pd.DataFrame:
    """List path, start and end of clips; None and NaN where X does not tell."""
    clips = check_audio(X, _RATE, bare_rate=reading_of(embedder).bare_rate)
    paths, starts = zip(*(clips.place(row) for row in range(len(clips))), strict=True)
    seconds = [clips.stated_seconds(row) for row in range(len(clips))]
    ends = [np.nan if length is None else start + length for start, length in zip(starts, seconds, strict=True)]
    return pd.DataFrame({"path": pd.Series(paths, dtype=object), "start": np.array(starts, float), "end": ends})


def without_places(n: int) -> pd.DataFrame:
    """Return the places of vectors without clips."""
    return pd.DataFrame({"path": pd.Series([None] * n, dtype=object), "start": np.nan, "end": np.full(n, np.nan)})


def is_array(X: Any) -> bool:
    """Whether X is a rectangular array of numbers, which holds vectors."""
    return container_kind(X)[0] == "array"


def hear(embedder: Any) -> TestSound:
    """Embed the test sound: a rising tone in noise."""
    time = np.arange(round(_TEST_SECONDS * _RATE)) / _RATE
    noise = np.random.RandomState(0).uniform(-0.05, 0.05, len(time))
    sound = noise + 0.1 * np.sin(2 * np.pi * (200 + 400 * time) * time)
    found = embed(embedder, [{"array": sound.astype(np.float32), "sampling_rate": _RATE}])
    spans = found.places[["start", "end"]].to_numpy().tolist() if has_windows(embedder) else None
    return TestSound([float(value) for value in found.vectors.mean(axis=0, dtype=np.float64)], spans)
