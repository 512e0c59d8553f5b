import faiss
import numpy as np
import pytest
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

from sklearn_audio.retrieval._nearest import NearestVectors, prepared

VECTORS = np.random.default_rng(0).normal(size=(1500, 24)).astype(np.float32)
QUERIES = np.random.default_rng(1).normal(size=(40, 24)).astype(np.float32)


def nearest(vectors, metric="cosine", kind="exact", effort=None):
    return NearestVectors(prepared(vectors, metric, "X"), metric, kind, effort)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_exact_search_is_that_of_scikit_learn(metric):
    distances, rows = NearestNeighbors(n_neighbors=7, metric=metric, algorithm="brute").fit(VECTORS).kneighbors(QUERIES)
    found, far = nearest(VECTORS, metric).search(prepared(QUERIES, metric, "X"), 7)
    assert np.array_equal(np.stack(found), rows)
    assert np.allclose(np.stack(far), distances, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_approximate_search_finds_nearly_all(kind):
    queries = prepared(QUERIES, "cosine", "X")
    exact, _ = nearest(VECTORS).search(queries, 10)
    found, _ = nearest(VECTORS, kind=kind).search(queries, 10)
    recall = np.mean([len(np.intersect1d(one, other)) / 10 for one, other in zip(exact, found, strict=True)])
    assert recall > 0.95
    poor, _ = nearest(VECTORS, kind="ivf", effort=1).search(queries, 10)
    assert sum(map(len, poor)) <= 400
    assert np.mean([len(np.intersect1d(one, other)) / 10 for one, other in zip(exact, poor, strict=True)]) < 0.9


@pytest.mark.parametrize("kind", ["exact", "hnsw", "ivf"])
def test_a_query_alone_has_the_result_that_it_has_among_others(kind):
    search, queries = nearest(VECTORS, "euclidean", kind), prepared(QUERIES, "euclidean", "X")
    rows, distances = search.search(queries, 5)
    for i, query in enumerate(queries):
        row, distance = search.search(query[None], 5)
        assert np.array_equal(row[0], rows[i])
        assert np.array_equal(distance[0], distances[i])


@pytest.mark.parametrize("shift", [0, 1000])
def test_equal_vectors_come_in_the_order_of_their_rows(shift):
    search = nearest(np.repeat(VECTORS[:3] + np.float32(shift), 200, axis=0), "euclidean")
    rows, distances = search.search(search.vectors[[599, 0]], 100)
    assert rows[0].tolist() == list(range(400, 500))
    assert rows[1].tolist() == list(range(100))
    assert not np.any(distances)


def test_near_ties_are_decided_in_float64():
    """Far from the origin, the squared distance in float32 cannot tell these from each other."""
    rng = np.random.default_rng(2)
    vectors = (500 + rng.normal(scale=0.01, size=(3000, 16))).astype(np.float32)
    wanted = np.argsort(((vectors.astype(np.float64) - vectors[7]) ** 2).sum(axis=1), kind="stable")[:10]
    search = nearest(vectors, "euclidean")
    assert search.search(vectors[7:8], 10)[0][0].tolist() == wanted.tolist()


@pytest.mark.parametrize("kind", ["exact", "hnsw", "ivf"])
def test_added_and_kept_rows(kind):
    search = nearest(VECTORS[:1000], kind=kind)
    grown = search.added(prepared(VECTORS[1000:], "cosine", "X"))
    assert (len(search), len(grown)) == (1000, 1500)
    assert grown.search(grown.vectors[[1200]], 1)[0][0].tolist() == [1200]
    kept = grown.kept(np.arange(1500) % 2 == 0)
    assert kept.search(grown.vectors[[1200]], 1)[0][0].tolist() == [600]
    assert len(grown.kept(np.zeros(1500, dtype=bool))) == 0
    assert grown.kept(np.zeros(1500, dtype=bool)).added(search.vectors).search(search.vectors[[3]], 1)[0][0] == [3]


def test_clusters_are_found_again_when_there_are_many_more_vectors():
    search = nearest(VECTORS[:100], kind="ivf")
    assert search.structure.nlist == 10
    assert search.added(search.vectors).structure.nlist == 10
    assert search.added(prepared(VECTORS, "cosine", "X")).structure.nlist == 40


def test_graphs_are_the_same_each_time():
    one, other = (faiss.serialize_index(nearest(VECTORS, kind="hnsw").structure) for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_pairs_are_those_within_the_distance(metric):
    rows = np.concatenate([VECTORS[:300], VECTORS[:5]])
    distances = pairwise_distances(rows.astype(np.float64), metric=metric)
    threshold = float(np.quantile(distances, 0.01))
    pairs, found = nearest(rows, metric).pairs(threshold)
    wanted = np.argwhere(np.triu(distances <= threshold, 1))
    assert sorted(map(tuple, pairs)) == sorted(map(tuple, wanted))
    assert np.allclose(found, distances[tuple(pairs.T)], rtol=0, atol=1e-6)
    assert nearest(rows, metric).pairs(0.0)[0].tolist() == [[i, 300 + i] for i in range(5)]


@pytest.mark.parametrize(
    ("rows", "metric", "message"),
    [
        ([[1, 2], [np.nan, 1]], "cosine", "row 1 of X has a vector with NaN or infinity"),
        ([[1, 2], [np.inf, 1]], "euclidean", "row 1 of X has a vector with NaN or infinity"),
        ([[1, 2], [0, 0]], "cosine", "row 1 of X has a vector of zeros, which has no cosine"),
        ([[1, 2], [1e30, 0]], "euclidean", r"row 1 of X has a vector of length 1e\+30; scale"),
    ],
)
def test_vectors_that_cannot_be_compared(rows, metric, message):
    with pytest.raises(ValueError, match=message):
        prepared(np.array(rows, dtype=np.float32), metric, "X")


def test_the_length_of_a_vector_does_not_depend_on_the_others():
    alone = np.concatenate([prepared(row[None], "cosine", "X") for row in VECTORS])
    assert np.array_equal(prepared(VECTORS, "cosine", "X"), alone)
