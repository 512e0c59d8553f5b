import pickle

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio import AudioIndex, EfficientATEmbedder, MFCCTransformer, SequencePooling

RATE = 32000
VECTORS = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)


def features():
    return make_pipeline(MFCCTransformer(RATE, n_mels=20), SequencePooling())


def tone(i, seconds=1.0):
    time = np.arange(round(seconds * RATE))
    rng = np.random.default_rng(i)
    return (0.2 * np.sin(0.03 * (i + 1) ** 2 * time) + 0.02 * rng.normal(size=len(time))).astype(np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tones")
    for i in range(5):
        soundfile.write(folder / f"{i}.wav", tone(i, 2.0), RATE, subtype="FLOAT")
    return [str(folder / f"{i}.wav") for i in range(5)]


@pytest.fixture(scope="module")
def windows():
    return EfficientATEmbedder("mn04_as", weights=None, window=0.5, pooling=None, random_state=0, sample_rate=RATE)


def test_clips_are_found_by_file_span_array_and_vector(files):
    index = AudioIndex(features()).fit(files)
    assert index.items_.to_dict("list") == {
        "id": [0, 1, 2, 3, 4],
        "path": files,
        "start": [0.0] * 5,
        "end": [2.0] * 5,
    }
    table = index.query([files[3], (files[2], 0.5, 1.5), tone(1, 2.0), {"array": tone(4), "sampling_rate": RATE}], 2)
    assert table.columns.tolist() == [
        *("query", "rank", "id", "path", "start", "end", "distance", "query_start", "query_end")
    ]
    assert table["id"][table["rank"] == 1].tolist() == [3, 2, 1, 4]
    assert table["query"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert table["distance"][0] == 0
    assert table[["query_start", "query_end"]][2:3].to_numpy().tolist() == [[0.5, 1.5]]
    pd.testing.assert_frame_equal(
        index.query(index.vectors_[[3]], 2).iloc[:, :7], index.query(vectors=index.vectors_[[3]], k=2).iloc[:, :7]
    )
    assert index.query(index.vectors_[[3]], 2)["id"].tolist() == table["id"][:2].tolist()


def test_windows_are_found_with_their_spans(files, windows):
    index = AudioIndex(windows).fit([*files, (files[0], 1.0, 2.0)])
    assert index.items_["start"].tolist() == [0.0, 0.5, 1.0, 1.5] * 5 + [1.0, 1.5]
    table = index.query([(files[2], 0.5, 1.5), files[4]], 3)
    assert table.groupby("query")["id"].nunique().tolist() == [3, 3]
    best = table[table["distance"] == 0]
    assert best[["query", "path", "start"]].to_numpy().tolist() == [
        *([0, files[2], 0.5], [0, files[2], 1.0]),
        *([1, files[4], start] for start in (0.0, 0.5, 1.0)),
    ]
    assert best["query_start"].tolist() == best["start"].tolist()
    found = index.duplicates(0.0, across_files=False)
    assert found[["id", "other_id", "start", "other_start"]].to_numpy().tolist() == [[2, 20, 1, 1], [3, 21, 1.5, 1.5]]
    assert len(index.duplicates(0.0, across_files=True)) == 0


def test_an_item_is_as_near_as_the_nearest_window_of_the_query(files, windows):
    index = AudioIndex(windows, "euclidean").fit(files)
    _, vectors = windows.segments(files[:1], return_vectors=True)
    distances = np.linalg.norm(index.vectors_[:, None].astype(np.float64) - vectors.values, axis=2).min(axis=1)
    table = index.query(files[:1], len(index.items_))
    assert np.allclose(table.sort_values("id")["distance"], distances)


def test_added_and_removed_items(files):
    index = AudioIndex(features()).fit(files[:3])
    before = index.vectors_.copy()
    assert index.add(files[3:]).items_["id"].tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(index.vectors_, AudioIndex(features()).fit(files).vectors_)
    assert np.array_equal(index.vectors_[:3], before)
    assert index.remove([1, 3]).items_["path"].tolist() == [files[i] for i in (0, 2, 4)]
    assert index.query([files[4], files[1]], 1)["id"].tolist()[0] == 4
    assert index.add(files[1:2]).items_["id"].tolist() == [0, 2, 4, 5]
    assert index.query([files[1]], 1)["id"].tolist() == [5]
    assert len(index.remove([]).items_) == 4


def test_vectors_with_places(files):
    index = AudioIndex(None).fit([*files, (files[0], 0.5, 1.0)], vectors=VECTORS[:6])
    assert index.items_.iloc[5].tolist() == [5, files[0], 0.5, 1.0]
    index.add(VECTORS[6:8])
    assert index.items_["path"].tolist() == [*files, files[0], None, None]
    assert index.items_["end"].isna().tolist() == [False] * 6 + [True] * 2
    assert index.query(VECTORS[[7]], 1)["id"].tolist() == [7]


def test_an_estimator_that_learns_is_fitted_with_the_index(files):
    pipeline = make_pipeline(*features(), StandardScaler())
    index = AudioIndex(pipeline).fit(files)
    fitted = clone(pipeline).fit(files)
    assert np.allclose(index.embedder_.transform(files), fitted.transform(files))
    frozen = AudioIndex(FrozenEstimator(fitted)).fit(files[:2])
    assert np.allclose(frozen.embedder_.transform(files), fitted.transform(files))


@pytest.mark.parametrize("index", ["exact", "hnsw", "ivf"])
def test_copies_answer_alike(index):
    found = AudioIndex(None, "euclidean", index=index).fit(VECTORS)
    for copy in (pickle.loads(pickle.dumps(found)), clone(found).fit(VECTORS)):
        pd.testing.assert_frame_equal(copy.query(VECTORS[:9], 4), found.query(VECTORS[:9], 4))


def test_fewer_items_than_asked_for():
    assert len(AudioIndex(None).fit(VECTORS[:3]).query(VECTORS[:2], 10)) == 6


def test_clips_that_cannot_be_read_are_left_out(files, tmp_path, windows):
    missing = str(tmp_path / "none.wav")
    for embedder in (windows, EfficientATEmbedder("mn04_as", weights=None, random_state=0)):
        embedder = clone(embedder).set_params(on_error="nan")
        with pytest.warns(UserWarning, match="could not be used"):
            index = AudioIndex(embedder).fit([files[0], missing, files[1]])
        assert index.items_["path"].unique().tolist() == files[:2]
        with pytest.warns(UserWarning, match="could not be used"):
            assert index.query([missing, files[1]], 1)[["query", "path"]].to_numpy().tolist() == [[1, files[1]]]
        with (
            pytest.warns(UserWarning, match="could not be used"),
            pytest.raises(ValueError, match="no clip of X has a vector"),
        ):
            AudioIndex(embedder).fit([missing])
    with pytest.raises(OSError, match=r"row 0: cannot read .*none\.wav"):
        AudioIndex(windows).fit([missing])


def test_a_failed_change_leaves_the_index_as_it_was(files, tmp_path):
    index = AudioIndex(features()).fit(files[:3])
    for change in (
        lambda: index.add([files[3], str(tmp_path / "none.wav")]),
        lambda: index.remove([0, 9]),
        lambda: index.fit([str(tmp_path / "none.wav")]),
    ):
        with pytest.raises((OSError, ValueError)):
            change()
        assert index.items_["id"].tolist() == [0, 1, 2]
        assert index.query([files[2]], 1)["id"].tolist() == [2]


@pytest.mark.parametrize(
    ("parameters", "X", "message"),
    [
        ({"metric": "manhattan"}, VECTORS, "'metric' parameter of AudioIndex"),
        ({"index": "tree"}, VECTORS, "'index' parameter of AudioIndex"),
        ({"effort": 0, "index": "hnsw"}, VECTORS, "'effort' parameter of AudioIndex"),
        ({"effort": 64}, VECTORS, "effort=64 has no effect here: it needs an approximate index"),
        ({}, ["a.wav"], "embedder=None takes vectors, and X holds clips"),
        ({}, None, "there is neither X nor vectors"),
        (
            {"embedder": features().fit([tone(0)])},
            VECTORS,
            "the vectors have 8 numbers, and those of Pipeline 40; if X is an array",
        ),
        ({"embedder": MFCCTransformer(RATE)}, [tone(0)], "makes several vectors per clip whose times are unknown"),
    ],
)
def test_bad_fits(parameters, X, message):
    with pytest.raises((TypeError, ValueError), match=message):
        AudioIndex(**{"embedder": None, **parameters}).fit(X)


def test_bad_calls(files):
    index = AudioIndex(None).fit(VECTORS)
    for method, arguments in (("query", [VECTORS]), ("add", [VECTORS]), ("remove", [[0]]), ("duplicates", [])):
        with pytest.raises(NotFittedError):
            getattr(AudioIndex(None), method)(*arguments)
    for k in (0, -1, 2.0, True, "3"):
        with pytest.raises(ValueError, match="must be a whole number of at least 1"):
            index.query(VECTORS, k)
    with pytest.raises(ValueError, match=r"no item\(s\) with id \[60, 99\]"):
        index.remove([3, 60, 99])
    with pytest.raises(TypeError, match="ids must be whole numbers"):
        index.remove([0.5])
    with pytest.raises(ValueError, match="vectors have 5 numbers, and those of the index 8"):
        index.query(VECTORS[:, :5])
    with pytest.raises(ValueError, match="the index has no embedder, so that X holds vectors"):
        index.query(files)
    with pytest.raises(ValueError, match=r"X has 5 clip\(s\) and vectors 3 row\(s\)"):
        index.add(files, vectors=VECTORS[:3])
    for threshold in (-1, float("nan")):
        with pytest.raises(ValueError, match="must be a distance of at least 0"):
            index.duplicates(threshold)
    index.remove(index.items_["id"])
    with pytest.raises(ValueError, match="the index is empty; add clips before a query"):
        index.query(VECTORS)
    with pytest.raises(ValueError, match="the index is empty; add clips before looking"):
        index.duplicates()
    assert index.add(VECTORS[:1]).query(VECTORS[:1])["id"].tolist() == [60]
