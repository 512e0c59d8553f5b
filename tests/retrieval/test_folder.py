import json

import faiss
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from sklearn_audio import AudioIndex, EfficientATEmbedder, MFCCTransformer, SequencePooling
from sklearn_audio.retrieval import _folder

VECTORS = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
HISS = [{"array": np.random.default_rng(i).normal(size=32000) / 9, "sampling_rate": 16000} for i in range(3)]


def network(**parameters):
    return EfficientATEmbedder("mn04_as", **{"weights": None, "random_state": 0, **parameters})


@pytest.mark.parametrize("memory_map", [True, False])
@pytest.mark.parametrize("parameters", [{}, {"index": "hnsw", "effort": 40}, {"index": "ivf", "metric": "euclidean"}])
def test_a_saved_index_answers_alike(tmp_path, parameters, memory_map):
    index = AudioIndex(None, **parameters).fit(["a.wav", ("b.wav", 0.5, 1.0), *HISS], vectors=VECTORS[:5])
    index.add(VECTORS[5:]).remove([1, 7])
    index.save(tmp_path / "new" / "index")
    loaded = AudioIndex.load(tmp_path / "new" / "index", memory_map=memory_map)
    assert isinstance(loaded.vectors_, np.memmap) == memory_map
    assert loaded.get_params() == index.get_params()
    pd.testing.assert_frame_equal(loaded.items_, index.items_)
    pd.testing.assert_frame_equal(loaded.query(VECTORS, 5), index.query(VECTORS, 5))
    assert loaded.add(VECTORS[:1]).items_["id"].tolist()[-1] == 60


def test_an_empty_index_is_saved_too(tmp_path):
    AudioIndex(None, index="hnsw").fit(VECTORS[:1]).remove(0).save(tmp_path / "index")
    assert AudioIndex.load(tmp_path / "index").add(VECTORS).query(VECTORS[:1], 1)["id"].tolist() == [1]


def test_the_embedder_is_checked(tmp_path):
    index = AudioIndex(network(window=0.5, pooling=None)).fit(HISS)
    index.save(tmp_path / "index")
    same = AudioIndex.load(tmp_path / "index", network(window=0.5, pooling=None))
    pd.testing.assert_frame_equal(same.query(HISS, 3), index.query(HISS, 3))
    other_features = make_pipeline(MFCCTransformer(16000), SequencePooling()).fit(HISS)
    for other, message in (
        (network(window=0.5, pooling=None, random_state=1), "makes other vectors of the same sound"),
        (network(window=1.0, pooling=None), r"makes 4 window\(s\) of 1 s in 3.3 s, and the index has 7 window\(s\)"),
        (network(), "makes one vector per clip, and the index has 7 window"),
        (
            other_features,
            "vectors of 40 numbers, .* the index have 384",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            AudioIndex.load(tmp_path / "index", other)
    alone = AudioIndex.load(tmp_path / "index")
    assert alone.query(index.vectors_[[4]], 1)["id"].tolist() == [4]
    alone.save(tmp_path / "copy")
    with pytest.raises(ValueError, match=r"load it with its embedder, EfficientATEmbedder\(.*window=0.5"):
        AudioIndex.load(tmp_path / "copy").query(HISS)
    AudioIndex.load(tmp_path / "copy", network(window=0.5, pooling=None))
    AudioIndex(None).fit(VECTORS).save(tmp_path / "vectors")
    with pytest.raises(ValueError, match="the index was made of vectors, without an embedder"):
        AudioIndex.load(tmp_path / "vectors", network())


def test_a_folder_that_exists_is_kept(tmp_path):
    index = AudioIndex(None).fit(VECTORS)
    folder = tmp_path / "index"
    index.save(folder)
    with pytest.raises(FileExistsError, match="exists; choose another folder, or replace it by overwrite=True"):
        index.save(folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("mine", "file"):
        for overwrite in (False, True):
            with pytest.raises(FileExistsError, match="exists and holds no index"):
                index.save(tmp_path / name, overwrite=overwrite)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_an_index_replaces_another_that_is_mapped(tmp_path):
    folder = tmp_path / "index"
    AudioIndex(None, index="ivf").fit(VECTORS).save(folder)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    loaded = AudioIndex.load(folder)
    loaded.save(folder, overwrite=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    AudioIndex(None).fit(VECTORS[:9]).save(folder, overwrite=True)
    assert len(list(folder.iterdir())) == 2
    assert len(AudioIndex.load(folder).items_) == 9
    assert loaded.query(VECTORS[[50]], 1)["id"].tolist() == [50]
    (tmp_path / "empty").mkdir()
    loaded.save(tmp_path / "empty")
    assert {path.name: path.read_bytes() for path in (tmp_path / "empty").iterdir()} == first


@pytest.mark.parametrize("stage", ["vectors", "structure", "index.json"])
def test_a_save_that_fails_leaves_what_was_there(tmp_path, monkeypatch, stage):
    folder = tmp_path / "index"
    AudioIndex(None, index="ivf").fit(VECTORS[:30]).save(folder)
    before = AudioIndex.load(folder, memory_map=False)
    whole = _folder.written_whole

    def fail(target, **options):
        if target.name.startswith(stage):
            raise KeyboardInterrupt
        return whole(target, **options)

    monkeypatch.setattr(_folder, "written_whole", fail)
    index = AudioIndex(None, index="ivf").fit(VECTORS)
    with pytest.raises(KeyboardInterrupt):
        index.save(folder, overwrite=True)
    pd.testing.assert_frame_equal(AudioIndex.load(folder).query(VECTORS, 3), before.query(VECTORS, 3))
    with pytest.raises(KeyboardInterrupt):
        index.save(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_two_saves_at_once_do_not_mix(tmp_path, monkeypatch):
    write = _folder._write

    def overtaken(folder, stored):
        if folder.parent == tmp_path and not (tmp_path / "index").exists():
            (tmp_path / "index").mkdir()
            (tmp_path / "index" / "index.json").write_text("{}")
        return write(folder, stored)

    monkeypatch.setattr(_folder, "_write", overtaken)
    with pytest.raises(FileExistsError, match="was written by another process meanwhile"):
        AudioIndex(None).fit(VECTORS).save(tmp_path / "index")
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def changed(folder, **values):
    contents = json.loads((folder / "index.json").read_text()) | values
    (folder / "index.json").write_text(json.dumps(contents))


def test_damaged_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no index; give a folder that AudioIndex\.save wrote"):
        AudioIndex.load(tmp_path)
    index = AudioIndex(None, index="hnsw").fit(VECTORS)
    other = faiss.IndexFlatL2(3)
    for number, (damage, message) in enumerate(
        [
            (lambda folder: changed(folder, format=99), "has version 99 of the format, and this .* reads 1"),
            (lambda folder: changed(folder, vectors="../vectors.npy"), "is damaged .*is no name of a file"),
            (lambda folder: changed(folder, index="tree"), "is damaged .*unknown kind of index 'tree'"),
            (lambda folder: changed(folder, items={}), "is damaged .*'id'"),
            (lambda folder: (folder / "index.json").write_text("{"), "is damaged"),
            (lambda folder: next(folder.glob("*.npy")).write_bytes(b"\x93NUMPY"), "is damaged"),
            (lambda folder: np.save(next(folder.glob("*.npy")), VECTORS[1:]), r"damaged .*60 items and .*\(59, 8\)"),
            (lambda folder: next(folder.glob("*.npy")).unlink(), "is damaged"),
            (lambda folder: next(folder.glob("*.faiss")).write_bytes(b"IHNf"), "is damaged"),
            (lambda folder: faiss.write_index(other, str(next(folder.glob("*.faiss")))), "structure of 0"),
        ]
    ):
        folder = tmp_path / str(number)
        index.save(folder)
        damage(folder)
        with pytest.raises(ValueError, match=message):
            AudioIndex.load(folder)


def test_nothing_is_unpickled(tmp_path):
    AudioIndex(None).fit(VECTORS).save(tmp_path / "index")
    with next((tmp_path / "index").glob("*.npy")).open("wb") as stream:
        np.save(stream, np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="is damaged"):
        AudioIndex.load(tmp_path / "index")
