"""`AudioIndex`: search in a collection of recordings by sound."""

from __future__ import annotations

import os
from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils.validation import check_array, check_is_fitted

from sklearn_audio._meaning import Uses, check_idle_parameters, needs
from sklearn_audio._saved_version import VersionedState
from sklearn_audio._sklearn import HasMethods, Interval, StrOptions
from sklearn_audio.base import restores_on_failure
from sklearn_audio.retrieval._embedded import (
    PLACES,
    Embedded,
    embed,
    fitted,
    hear,
    is_array,
    one_per_clip,
    places_of,
    without_places,
)
from sklearn_audio.retrieval._folder import Stored, read_folder, write_folder
from sklearn_audio.retrieval._nearest import EFFORTS, KINDS, NearestVectors, prepared

__all__ = ["AudioIndex"]


@restores_on_failure
class AudioIndex(VersionedState, MetaEstimatorMixin, BaseEstimator):
    """Index of a collection of recordings: finds the clips, or windows of them, that sound like a query.

    An embedder makes a vector of each clip or, with ``pooling=None``, of each window, and FAISS finds the nearest ones.

    Parameters
    ----------
    embedder : estimator or None
        An embedder, or another transformer of clips to one vector each; cloned and fitted by `fit`. Wrap a fitted
        pipeline in `sklearn.frozen.FrozenEstimator` to keep it. None: X holds vectors.
    metric : {"cosine", "euclidean"}, default="cosine"
        Distance of vectors; that of the cosine is 1 - cos.
    index : {"exact", "ivf", "hnsw"}, default="exact"
        "exact": compare with all vectors; "hnsw": walk along a graph of neighbours, the fastest in queries and slowest
        in `add`; "ivf": compare with the vectors of the nearest clusters. The last two may miss neighbours.
    effort : int, default=None
        Effort of an approximate index, for fewer misses: candidates of "hnsw", visited clusters of "ivf". None: 256
        and 32.

    Attributes
    ----------
    embedder_ : estimator or None
        The fitted embedder.
    items_ : DataFrame
        One row per vector: "id", "path" (None if the clip is not a file), "start" and "end" (seconds of the recording;
        NaN if unknown).
    vectors_ : ndarray of float32, shape (n_vectors, n_features)
        The vectors, in the order of `items_`; with the metric "cosine" they have length 1.

    See Also
    --------
    sklearn.neighbors.NearestNeighbors : Neighbours of rows of a matrix.
    sklearn_audio.embedding.PretrainedEmbedder : Base class of the embedders.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import AudioIndex, MFCCTransformer, SequencePooling
    >>> from sklearn.pipeline import make_pipeline
    >>> rng = np.random.default_rng(0)
    >>> hiss, hum = rng.normal(size=16000), np.sin(0.1 * np.arange(16000))
    >>> index = AudioIndex(
    ...     make_pipeline(MFCCTransformer(16000), SequencePooling())
    ... ).fit([hiss, hum])
    >>> index.query([hum / 2], k=1)[["query", "rank", "id", "start", "end"]]
       query  rank  id  start  end
    0      0     1   1    0.0  1.0
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "embedder": [HasMethods(["transform"]), None],
        "metric": [StrOptions({"cosine", "euclidean"})],
        "index": [StrOptions(set(KINDS))],
        "effort": [Interval(Integral, 1, None, closed="left"), None],
    }
    _parameter_uses: ClassVar[Uses] = {
        "effort": needs("an approximate index", lambda owner: owner.index in EFFORTS, "index"),
    }

    def __init__(
        self,
        embedder: Any,
        metric: Literal["cosine", "euclidean"] = "cosine",
        *,
        index: Literal["exact", "ivf", "hnsw"] = "exact",
        effort: int | None = None,
    ) -> None:
        self.embedder = embedder
        self.metric = metric
        self.index = index
        self.effort = effort

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_nearest")

    @property
    def vectors_(self) -> NDArray[np.float32]:
        """The vectors, in the order of `items_`."""
        check_is_fitted(self)
        return self._nearest.vectors

    def fit(self, X: Any, y: Any = None, *, vectors: ArrayLike | None = None) -> Self:
        """Index a collection.

        Parameters
        ----------
        X : sequence of clips, or array of shape (n_vectors, n_features)
            Paths, parts of files, arrays, ...; see the user guide. A rectangular array of numbers holds vectors; give
            waveforms of one length as a list.
        y : object, default=None
            Ignored.
        vectors : array of shape (n_clips, n_features), default=None
            Vectors of the clips, if they are known. Then the clips are not read, and `embedder` has to be fitted.

        Returns
        -------
        self
            The index.

        Raises
        ------
        AudioReadError
            If a recording cannot be read.
        TypeError, ValueError
            If a parameter, X or a clip is invalid, or if no clip has a vector.
        """
        self._validate_params()
        check_idle_parameters(self)
        is_given = vectors is not None or X is None or is_array(X)
        embedder = self.embedder if self.embedder is None else fitted(self.embedder, None if is_given else X)
        if is_given or embedder is None or embedder is not self.embedder:
            found = _embedded(embedder, X, vectors)
        else:
            embedder, found = _fit_transformed(embedder, X)
        if not len(found.vectors):
            raise ValueError("no clip of X has a vector, so there is nothing to search in; check the warnings.")
        heard = None if embedder is None else hear(embedder)
        if heard is not None and len(heard.vector) != found.vectors.shape[1]:
            raise _width_error(found.vectors.shape[1], len(heard.vector), type(embedder).__name__)
        nearest = NearestVectors(prepared(found.vectors, self.metric, "X"), self.metric, self.index, self.effort)
        self.embedder_, self._heard, self._nearest = embedder, heard, nearest
        self._embedder_name = None if embedder is None else " ".join(repr(embedder).split())
        self.items_ = _items(found, 0)
        self._next_id = len(self.items_)
        return self

    def add(self, X: Any, *, vectors: ArrayLike | None = None) -> Self:
        """Add clips.

        Many at once take less time than one after the other.

        Parameters
        ----------
        X : sequence of clips, or array of shape (n_vectors, n_features)
            As in `fit`.
        vectors : array of shape (n_clips, n_features), default=None
            Vectors of the clips, if they are known.

        Returns
        -------
        self
            The index. The new ids continue those given before, also of items that were removed.

        Raises
        ------
        AudioReadError
            If a recording cannot be read.
        NotFittedError
            If the index is not fitted.
        TypeError, ValueError
            If X or a clip is invalid.
        """
        found = self._embed(X, vectors)
        nearest = self._nearest.added(prepared(found.vectors, self.metric, "X"))
        items = pd.concat([self.items_, _items(found, self._next_id)], ignore_index=True)
        self._change(nearest, items, self._next_id + len(found.vectors))
        return self

    def remove(self, ids: ArrayLike) -> Self:
        """Remove items.

        Approximate indexes are built again, so that many at once take less time than one after the other.

        Parameters
        ----------
        ids : array-like of int
            Column "id" of `items_`, or of the result of `query` or `duplicates`.

        Returns
        -------
        self
            The index. The other items keep their ids.

        Raises
        ------
        NotFittedError
            If the index is not fitted.
        TypeError, ValueError
            If an id is not a whole number, or is unknown; then nothing is removed.
        """
        check_is_fitted(self)
        gone = np.atleast_1d(np.asarray(ids))
        if gone.size and gone.dtype.kind not in "iu":
            raise TypeError(f"ids must be whole numbers, as in the column 'id' of items_, got {gone.dtype}.")
        known = self.items_["id"].to_numpy()
        unknown = np.unique(gone[~np.isin(gone, known)])
        if unknown.size:
            raise ValueError(f"the index has no item(s) with id {unknown[:5].astype(int).tolist()}; see items_.")
        keep = ~np.isin(known, gone)
        self._change(self._nearest.kept(keep), self.items_[keep].reset_index(drop=True), self._next_id)
        return self

    def query(self, X: Any = None, k: int = 10, *, vectors: ArrayLike | None = None) -> pd.DataFrame:
        """Find the items nearest to each query.

        If the embedder makes several vectors per clip, the distance of an item to a query is that to the nearest
        window of the query.

        Parameters
        ----------
        X : sequence of clips, or array of shape (n_queries, n_features), default=None
            Paths, parts of files, arrays, ...; a rectangular array of numbers holds vectors. None: `vectors` are given.
        k : int, default=10
            Items per query; fewer if the index has fewer.
        vectors : array of shape (n_queries, n_features), default=None
            Vectors, such as rows of `vectors_`, in place of X.

        Returns
        -------
        DataFrame
            One row per query and item, nearest first, then by id: "query" (row of X), "rank" (from 1), "id", "path",
            "start" and "end" of the item, "distance", and "query_start" and "query_end", the part of the query that is
            nearest to the item. A query that cannot be embedded, with ``on_error="nan"``, has no rows.

        Raises
        ------
        AudioReadError
            If a recording cannot be read.
        NotFittedError
            If the index is not fitted.
        TypeError, ValueError
            If X or a clip is invalid, `k` is below 1, or the index is empty.
        """
        check_is_fitted(self)
        if isinstance(k, bool) or not isinstance(k, Integral) or k < 1:
            raise ValueError(f"k={k!r} must be a whole number of at least 1.")
        if not len(self._nearest):
            raise ValueError("the index is empty; add clips before a query.")
        found = self._embed(X, vectors)
        rows, distances = self._nearest.search(prepared(found.vectors, self.metric, "X"), int(k))
        counts = [len(each) for each in rows]
        flat = np.concatenate([*rows, np.empty(0, dtype=np.int64)])
        columns = {"query": np.repeat(found.clips, counts), "rank": np.zeros(len(flat), dtype=np.int64)}
        columns |= {name: self.items_[name].to_numpy()[flat] for name in self.items_}
        columns["distance"] = np.concatenate([*distances, np.empty(0)])
        for name in ("start", "end"):
            columns[f"query_{name}"] = np.repeat(found.places[name].to_numpy(np.float64), counts)
        return _nearest_windows(columns, int(k))

    def duplicates(self, threshold: float = 0.01, *, across_files: bool = False) -> pd.DataFrame:
        """Find pairs of items that are nearly the same.

        All pairs are compared, also by approximate indexes, so that the time grows with the square of their number.

        Parameters
        ----------
        threshold : float, default=0.01
            Largest distance of a pair.
        across_files : bool, default=False
            Whether to leave out pairs of one recording, such as its overlapping windows.

        Returns
        -------
        DataFrame
            One row per pair, nearest first, then by id: "id", "path", "start" and "end" of the item with the smaller
            id, "other_id", "other_path", "other_start" and "other_end" of the other, and "distance".

        Raises
        ------
        NotFittedError
            If the index is not fitted.
        ValueError
            If `threshold` is negative or not a number, or the index is empty.
        """
        check_is_fitted(self)
        if not threshold >= 0:
            raise ValueError(f"threshold={threshold!r} must be a distance of at least 0.")
        if not len(self._nearest):
            raise ValueError("the index is empty; add clips before looking for duplicates.")
        pairs, distances = self._nearest.pairs(float(threshold))
        one, other = (self.items_.iloc[pairs[:, side]].reset_index(drop=True) for side in (0, 1))
        result = pd.concat([one, other.add_prefix("other_")], axis=1).assign(distance=distances)
        if across_files:
            result = result[result["path"].isna() | (result["path"] != result["other_path"])]
        return result.sort_values(["distance", "id", "other_id"], ignore_index=True)

    def save(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the index to a folder: vectors, graph or clusters, and ``index.json`` with everything else.

        The embedder is not saved; its name is. The folder is complete at any moment, also if the process is killed.

        Parameters
        ----------
        folder : str or path-like
            Folder, which is created.
        overwrite : bool, default=False
            Whether to replace an index in an existing folder.

        Raises
        ------
        FileExistsError
            If the folder exists and `overwrite` is not set, or if it holds anything but an index.
        NotFittedError
            If the index is not fitted.
        """
        check_is_fitted(self)
        stored = Stored(self._embedder_name, self._heard, self.items_, self._next_id, self._nearest)
        write_folder(folder, stored, overwrite=overwrite)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], embedder: Any = None, *, memory_map: bool = True) -> Self:
        """Read an index that `save` wrote.

        Parameters
        ----------
        folder : str or path-like
            The folder.
        embedder : estimator, default=None
            The embedder of the index; it embeds a short sound, to see whether its vectors are the same. An estimator
            that learns has to be fitted. None: queries are vectors.
        memory_map : bool, default=True
            Whether vectors stay on disk until they are needed.

        Returns
        -------
        AudioIndex
            The fitted index.

        Raises
        ------
        FileNotFoundError
            If the folder holds no index.
        ValueError
            If the index is damaged, of another version of the format, or of another embedder.
        """
        stored = read_folder(folder, memory_map=memory_map)
        nearest = stored.nearest
        effort = None if nearest.effort == EFFORTS.get(nearest.kind) else nearest.effort
        loaded = cls(embedder, nearest.metric, index=nearest.kind, effort=effort)
        loaded._validate_params()
        loaded.embedder_ = None if embedder is None else fitted(embedder)
        if embedder is not None:
            if stored.heard is None:
                raise ValueError("the index was made of vectors, without an embedder; load it without one.")
            stored.heard.check(hear(loaded.embedder_), f"the embedder {type(embedder).__name__}")
        loaded._heard, loaded._embedder_name = stored.heard, stored.embedder
        loaded.items_, loaded._next_id, loaded._nearest = stored.items, stored.next_id, nearest
        return loaded

    def _change(self, nearest: NearestVectors, items: pd.DataFrame, next_id: int) -> None:
        """Replace all at once, as an interrupt may come in between."""
        self.__dict__.update(_nearest=nearest, items_=items, _next_id=next_id)

    def _embed(self, X: Any, vectors: ArrayLike | None) -> Embedded:
        check_is_fitted(self)
        if self.embedder_ is None and vectors is None and X is not None and not is_array(X):
            name = self._embedder_name
            advice = f"; load it with its embedder, {name}" if name else ", so that X holds vectors"
            raise ValueError(f"the index has no embedder{advice}.")
        found = _embedded(self.embedder_, X, vectors)
        width = self._nearest.vectors.shape[1]
        if len(found.vectors) and found.vectors.shape[1] != width:
            raise _width_error(found.vectors.shape[1], width, "the index")
        return found


def _embedded(embedder: Any, X: Any, vectors: ArrayLike | None) -> Embedded:
    """Return the vectors that are given, or embed the clips."""
    if vectors is None and X is None:
        raise ValueError("there is neither X nor vectors; give one of them.")
    if vectors is None and not is_array(X):
        if embedder is None:
            raise ValueError("embedder=None takes vectors, and X holds clips; give an embedder, or vectors=.")
        return embed(embedder, X)
    rows = check_array(X if vectors is None else vectors, dtype=np.float32, input_name="vectors")
    if vectors is None or X is None:
        return Embedded(rows, np.arange(len(rows)), without_places(len(rows)))
    places = places_of(embedder, X)
    if len(places) != len(rows):
        raise ValueError(f"X has {len(places)} clip(s) and vectors {len(rows)} row(s); give one vector per clip.")
    return Embedded(rows, np.arange(len(rows)), places)


def _fit_transformed(embedder: Any, X: Any) -> tuple[Any, Embedded]:
    """Fit a clone of a transformer, and embed the clips in the same pass."""
    learner = clone(embedder)
    is_joint = hasattr(learner, "fit_transform")  # a frozen estimator has none
    vectors = one_per_clip(learner.fit_transform(X) if is_joint else learner.fit(X, None).transform(X), embedder)
    return learner, Embedded(vectors, np.arange(len(vectors)), places_of(learner, X)).usable()


def _items(found: Embedded, first: int) -> pd.DataFrame:
    items = found.places[PLACES].copy()
    items.insert(0, "id", np.arange(first, first + len(items), dtype=np.int64))
    return items


def _nearest_windows(columns: dict[str, NDArray[Any]], k: int) -> pd.DataFrame:
    """Keep each item of a query once, with the nearest window of the query, and the k nearest items."""
    # By NumPy, as pandas takes longer than the search.
    order = np.lexsort([columns[name] for name in ("query_start", "id", "distance", "query")])
    query, item = columns["query"][order], columns["id"][order]
    _, first = np.unique(np.stack([query, item]), axis=1, return_index=True)
    kept = np.sort(first)
    starts = np.searchsorted(query[kept], query[kept])
    columns["rank"][order[kept]] = rank = np.arange(1, len(kept) + 1) - starts
    rows = order[kept[rank <= k]]
    return pd.DataFrame({name: _column(values[rows]) for name, values in columns.items()})


def _column(values: NDArray[Any]) -> Any:
    return pd.Series(values, dtype=object) if values.dtype == object else values  # else paths are of the type str


def _width_error(width: int, wanted: int, owner: str) -> ValueError:
    return ValueError(
        f"the vectors have {width} numbers, and those of {owner} {wanted}; if X is an array of waveforms, give them "
        "as a list."
    )
