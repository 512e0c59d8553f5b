"""The embedding cache as a user meets it: the same rows, computed once, and never those of something else."""

import gc
import io
import os
import pickle
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
import soundfile
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from sklearn_audio import AudioTagger, EfficientATEmbedder, PANNsEmbedder, clear_cache
from sklearn_audio.engine import _cache, _networks, _pretrained
from sklearn_audio.engine._pretrained import Forward
from sklearn_audio.exceptions import AudioReadError, WeightsError
from tests.instances import PRETRAINED
from tests.standin import StandInVGGish

RATE = 16000


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(scale=0.1, size=n).astype(np.float32)


CLIPS = [noise(n, n) for n in (9000, 16000, 40_000, 7)]


def embedder(folder, **params):
    return StandInVGGish(weights=None, sample_rate=RATE, cache=folder).set_params(**params)


def entries(folder):
    return sorted(Path(folder).rglob("*.vectors"))


def same(a, b):
    np.testing.assert_array_equal(getattr(a, "values", a), getattr(b, "values", b))


@pytest.fixture
def patches(monkeypatch):
    """The number of patches of each forward pass."""
    seen = []
    run = Forward.__call__

    def counted(self, batch):
        seen.append(len(batch))
        return run(self, batch)

    monkeypatch.setattr(Forward, "__call__", counted)
    return seen


@pytest.fixture
def no_network(monkeypatch):
    """Any network that is loaded from here on is one too many."""

    def forbid():
        def refuse(*args, **kwargs):
            raise RuntimeError("a network was loaded")

        monkeypatch.setattr(_pretrained, "load_network", refuse)

    return forbid


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / f"{name}.wav" for name in "abcd"]
    for seed, path in enumerate(paths):
        soundfile.write(path, noise(9000 + 100 * seed, seed), RATE)
    return paths


@pytest.mark.parametrize("name", PRETRAINED)
def test_off_cold_and_warm_are_equal_to_the_bit(name, tmp_path, patches):
    plain = clone(PRETRAINED[name])
    cached = clone(plain).set_params(cache=tmp_path / "cache")
    wanted = plain.transform(CLIPS)
    same(cached.transform(CLIPS), wanted)
    assert len(entries(tmp_path)) == len(CLIPS)
    del patches[:]
    same(cached.transform(CLIPS), wanted)
    assert patches == []


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_hits_and_misses_mix_in_any_order(tmp_path, n_jobs, patches):
    cached = embedder(tmp_path, n_jobs=n_jobs, pooling=None)
    cached.transform([CLIPS[2], CLIPS[0]])
    del patches[:]
    X = [CLIPS[i] for i in (1, 2, 0, 3, 2, 1)]
    got = cached.transform(X)
    assert patches == [2 + 1 + 2]  # the second clip, which is there twice, and the last one
    same(got, embedder(None, pooling=None).transform(X))
    assert len(entries(tmp_path)) == 4


def test_many_hits_behind_a_miss_wait_in_bounded_number(tmp_path, patches, monkeypatch):
    monkeypatch.setattr(_pretrained, "_MAX_CACHED", 5)
    cached = embedder(tmp_path, batch_size=3)
    cached.transform(CLIPS[:1])
    del patches[:]
    X = [CLIPS[1][:15600], *[CLIPS[0]] * 20, CLIPS[3]]
    same(cached.transform(X), embedder(None).transform(X))
    assert patches[:2] == [1, 1]


def test_one_entry_serves_every_pooling(tmp_path, patches):
    for pooling in ("mean", None, "max", "mean_std", "mean_max"):
        same(embedder(tmp_path, pooling=pooling).transform(CLIPS), embedder(None, pooling=pooling).transform(CLIPS))
    assert len(entries(tmp_path)) == len(CLIPS)


@pytest.mark.parametrize(
    "params",
    [
        {"layer": "max_pool"},
        {"hop": 0.5},
        {"partial": "drop"},
        {"short_clip": "zero"},
        {"precision": "bfloat16"},
        {"random_state": 1},
        {"output_activation": "relu"},
        {"sample_rate": 8000},
    ],
)
def test_whatever_can_change_a_vector_is_told_apart(tmp_path, params):
    embedder(tmp_path).transform(CLIPS)
    other = embedder(tmp_path, **params)
    before = len(entries(tmp_path))
    same(other.transform(CLIPS), embedder(None, **params).transform(CLIPS))
    assert len(entries(tmp_path)) == 2 * before
    same(other.transform(CLIPS), embedder(None, **params).transform(CLIPS))


@pytest.mark.parametrize(
    "params",
    [
        {"batch_size": 3},
        {"device": "cpu"},
        {"n_jobs": 2},
        {"on_error": "nan"},
        {"verbose": 0},
        {"bundle_weights": True},
    ],
)
def test_whatever_cannot_is_not(tmp_path, params, no_network):
    wanted = embedder(tmp_path).transform(CLIPS)
    no_network()
    same(embedder(tmp_path, **params).transform(CLIPS), wanted)


def test_models_share_a_folder(tmp_path):
    small = PANNsEmbedder("leenet11", weights=None, sample_rate=32000)
    other = EfficientATEmbedder("mn04_as", weights=None, sample_rate=32000)
    for _ in range(2):
        for each in (small, other):
            same(clone(each).set_params(cache=tmp_path).transform(CLIPS), each.transform(CLIPS))
    assert len(entries(tmp_path)) == 8


def test_a_new_version_of_the_library_starts_anew(tmp_path, monkeypatch, patches):
    embedder(tmp_path).transform(CLIPS)
    monkeypatch.setattr(_pretrained, "__version__", "another")
    del patches[:]
    embedder(tmp_path).transform(CLIPS)
    assert sum(patches) == 7
    assert len(entries(tmp_path)) == 8


def test_a_grid_embeds_each_clip_once(tmp_path, patches):
    X = [noise(9000, seed) for seed in range(12)]
    y = [0, 1] * 6
    pipeline = Pipeline([("emb", embedder(tmp_path)), ("svm", SVC())])
    grid = {"svm__C": [0.1, 1, 10, 100], "svm__gamma": [0.1, 1, 10]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert len(search.cv_results_["params"]) == 12
    assert sum(patches) == len(X)
    plain = GridSearchCV(clone(pipeline).set_params(emb__cache=None), grid, cv=3).fit(X, y)
    same(search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"])


@pytest.mark.slow
def test_a_grid_in_two_processes(tmp_path, files):
    X, y = [str(file) for file in files] * 3, [0, 1] * 6
    leenet = PANNsEmbedder("leenet11", weights=None, cache=tmp_path / "cache")
    grid = {"svm__C": [0.1, 1, 10, 100], "svm__gamma": [0.1, 1, 10]}
    pipeline = Pipeline([("emb", leenet), ("svm", SVC())])
    scores = [GridSearchCV(pipeline, grid, cv=3, n_jobs=n).fit(X, y).cv_results_["mean_test_score"] for n in (2, 1)]
    same(*scores)
    assert len(entries(tmp_path)) == len(files)
    assert not list(tmp_path.rglob("*.partial"))


TRANSFORM = """
import sys, numpy as np
from sklearn_audio import PANNsEmbedder
embedder = PANNsEmbedder("leenet11", weights=None, sample_rate=16000, cache=sys.argv[1], batch_size=1)
X = [np.random.default_rng(seed).normal(size=9000).astype(np.float32) for seed in range(12)]
np.save(sys.argv[2], embedder.transform(X))
"""


@pytest.mark.slow
def test_two_processes_write_at_once(tmp_path):
    cache, outputs = tmp_path / "cache", [tmp_path / "one.npy", tmp_path / "two.npy"]
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    started = [
        subprocess.Popen([sys.executable, "-c", TRANSFORM, str(cache), str(output)], env=environment)
        for output in outputs
    ]
    assert [process.wait() for process in started] == [0, 0]
    X = [np.random.default_rng(seed).normal(size=9000).astype(np.float32) for seed in range(12)]
    wanted = PANNsEmbedder("leenet11", weights=None, sample_rate=RATE).transform(X)
    for output in outputs:
        same(np.load(output), wanted)
    same(PANNsEmbedder("leenet11", weights=None, sample_rate=RATE, cache=cache).transform(X), wanted)
    assert len(entries(cache)) == 12
    assert not list(cache.rglob("*.partial"))


def test_threads_share_a_folder(tmp_path):
    wanted = embedder(None).transform(CLIPS)
    with ThreadPoolExecutor(4) as pool:
        for got in pool.map(lambda _: embedder(tmp_path).transform(CLIPS), range(8)):
            same(got, wanted)
    assert len(entries(tmp_path)) == len(CLIPS)


def test_hits_are_neither_decoded_nor_computed(tmp_path, files, no_network, monkeypatch):
    cached = embedder(tmp_path / "cache")
    wanted = cached.transform(files)
    no_network()
    monkeypatch.setattr("sklearn_audio.validation._audio.open_audio", None)
    same(cached.transform(files), wanted)


@pytest.mark.parametrize("cache_key", ["content", "stat"])
def test_a_changed_file_of_the_same_size(tmp_path, files, cache_key):
    cached = embedder(tmp_path / "cache", cache_key=cache_key)
    before = cached.transform(files)
    n_bytes = files[1].stat().st_size
    soundfile.write(files[1], noise(9100, 77), RATE)
    os.utime(files[1], (1e9, 1e9))
    assert files[1].stat().st_size == n_bytes
    after = cached.transform(files)
    same(after, embedder(None).transform(files))
    assert (before != after).any(axis=1).tolist() == [False, True, False, False]


def test_content_is_told_by_bytes_alone(tmp_path, files):
    cached = embedder(tmp_path / "cache")
    cached.transform(files)
    times = files[0].stat()
    soundfile.write(files[0], noise(9000, 78), RATE)
    os.utime(files[0], ns=(times.st_atime_ns, times.st_mtime_ns))  # the same size and time
    same(cached.transform(files), embedder(None).transform(files))


@pytest.mark.parametrize(("cache_key", "n_computed"), [("content", 0), ("stat", 1)])
def test_a_moved_file(tmp_path, files, cache_key, n_computed, patches):
    cached = embedder(tmp_path / "cache", cache_key=cache_key)
    wanted = cached.transform(files[:1])
    del patches[:]
    same(cached.transform([files[0].rename(tmp_path / "moved.wav")]), wanted)
    assert sum(patches) == n_computed


def times_of(path, like):
    """Give a file the size and the time of modification of another."""
    assert path.stat().st_size == like.stat().st_size
    os.utime(path, ns=(like.stat().st_atime_ns, like.stat().st_mtime_ns))


@pytest.mark.parametrize("cache_key", ["content", "stat"])
def test_a_link_that_is_turned(tmp_path, cache_key):
    one, two, link = (tmp_path / name for name in ("one.wav", "two.wav", "link.wav"))
    for seed, path in enumerate((one, two)):
        soundfile.write(path, noise(9000, seed), RATE)
    times_of(two, one)
    link.symlink_to(one)
    cached = embedder(tmp_path / "cache", cache_key=cache_key)
    first = cached.transform([link])
    link.unlink()
    link.symlink_to(two)
    second = cached.transform([link])
    same(second, embedder(None).transform([two]))
    assert not np.array_equal(first, second)
    same(cached.transform([one]), first)


@pytest.mark.parametrize("how", ["renamed", "rewritten"])
def test_stat_tells_a_file_that_was_exchanged_and_dated_back(tmp_path, files, how):
    cached = embedder(tmp_path / "cache", cache_key="stat")
    first = cached.transform(files[:1])
    other = tmp_path / "other.wav"
    soundfile.write(other, noise(9000, 77), RATE)
    times_of(other, files[0])
    if how == "renamed":
        other.rename(files[0])
    else:
        times = files[0].stat()
        files[0].write_bytes(other.read_bytes())
        os.utime(files[0], ns=(times.st_atime_ns, times.st_mtime_ns))
    second = cached.transform(files[:1])
    same(second, embedder(None).transform(files[:1]))
    assert not np.array_equal(first, second)


def test_stat_needs_not_read_the_file(tmp_path, files, monkeypatch):
    cached = embedder(tmp_path / "cache", cache_key="stat")
    wanted = cached.transform([str(file) for file in files])
    monkeypatch.setattr("sklearn_audio.engine._cache.open_source", None)
    monkeypatch.setattr("sklearn_audio.validation._audio.open_audio", None)
    monkeypatch.chdir(tmp_path)
    same(cached.transform([file.name for file in files]), wanted)  # a relative path is the same file


def test_paths_bytes_and_file_objects_of_one_recording_share_an_entry(tmp_path, files, patches):
    cached = embedder(tmp_path / "cache")
    wanted = cached.transform(files[:1])
    content = files[0].read_bytes()
    del patches[:]
    with files[0].open("rb") as file:
        for clip in (str(files[0]), content, bytearray(content), io.BytesIO(content), file):
            same(cached.transform([clip]), wanted)
    assert patches == []


def test_spans_of_a_file_are_told_apart(tmp_path, files, patches):
    X = [(files[0], 0.0, 0.3), (files[0], 0.1, 0.3), (files[0], 0.1, None), files[0]]
    cached = embedder(tmp_path / "cache")
    for _ in range(2):
        same(cached.transform(X), embedder(None).transform(X))
    assert len(entries(tmp_path / "cache")) == 4


def test_arrays_are_told_by_all_that_counts(tmp_path):
    samples = (noise(20000) * 1000).astype(np.int16)
    floats = samples.astype(np.float32)
    stereo = np.stack([floats, floats[::-1]], axis=1)
    rated = [
        samples,
        floats,
        floats.astype(np.float64),
        (samples, 22050),
        (samples, 16000),  # as the first
        {"array": stereo, "sampling_rate": 16000},
        {"array": np.asfortranarray(stereo), "sampling_rate": 16000},  # as the one before
    ]
    cached = embedder(tmp_path)
    for _ in range(2):
        same(cached.transform(rated), embedder(None).transform(rated))
    assert len(entries(tmp_path)) == 5


def test_whole_numbers_in_a_table_are_not_scaled(tmp_path):
    table = (noise(2 * 9000) * 1000).astype(np.int16).reshape(2, 9000)
    cached = embedder(tmp_path)
    for X in (table, list(table)):
        same(cached.transform(X), embedder(None).transform(X))
    assert len(entries(tmp_path)) == 4


class Pipe(io.RawIOBase):
    """A file object that can be read once."""

    def __init__(self, content):
        self.inner = io.BytesIO(content)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.inner.readinto(buffer)


def test_what_can_be_read_only_once_is_not_cached(tmp_path, files):
    cached = embedder(tmp_path / "cache")
    same(cached.transform([Pipe(files[0].read_bytes())]), embedder(None).transform(files[:1]))
    assert entries(tmp_path / "cache") == []


def test_a_file_that_changes_while_it_is_read_is_not_kept(tmp_path, files, monkeypatch):
    cached = embedder(tmp_path / "cache")
    run = Forward.__call__

    def overwrite(self, batch):
        soundfile.write(files[0], noise(9000, 99), RATE)
        return run(self, batch)

    monkeypatch.setattr(Forward, "__call__", overwrite)
    cached.transform(files[:1])
    assert entries(tmp_path / "cache") == []


@pytest.fixture
def checkpoint(tmp_path):
    def write(seed):
        network = _networks.read_network(PANNsEmbedder("leenet11")._card(), _networks.WeightsSource(None, seed=seed))
        path = tmp_path / "leenet.pth"
        torch.save({"model": network.state_dict()}, path)
        return path

    return write


def test_changed_weights_at_the_same_path(tmp_path, checkpoint, no_network):
    path = checkpoint(1)
    cached = PANNsEmbedder("leenet11", weights=path, sample_rate=32000, cache=tmp_path / "cache")
    first = cached.transform(CLIPS)
    n_bytes = path.stat().st_size
    assert checkpoint(2).stat().st_size == n_bytes
    second = cached.transform(CLIPS)
    same(second, PANNsEmbedder("leenet11", weights=None, random_state=2, sample_rate=32000).transform(CLIPS))
    assert not np.array_equal(first, second)
    moved = path.rename(tmp_path / "elsewhere.pth")
    no_network()
    same(cached.set_params(weights=str(moved)).transform(CLIPS), second)  # the same bytes are the same weights


def test_weights_exchanged_while_they_are_loaded_are_not_kept(tmp_path, checkpoint, monkeypatch):
    path, load = checkpoint(1), _pretrained.load_network

    def exchange(*args, **kwargs):
        checkpoint(2)
        return load(*args, **kwargs)

    monkeypatch.setattr(_pretrained, "load_network", exchange)
    PANNsEmbedder("leenet11", weights=path, sample_rate=32000, cache=tmp_path / "cache").transform(CLIPS)
    assert entries(tmp_path / "cache") == []


def test_packed_weights(tmp_path, checkpoint, no_network):
    bundled = PANNsEmbedder("leenet11", weights=str(checkpoint(1)), sample_rate=32000, bundle_weights=True)
    unpacked = pickle.loads(pickle.dumps(bundled)).set_params(cache=tmp_path / "cache")
    checkpoint(2)
    wanted = unpacked.transform(CLIPS)
    no_network()
    same(unpacked.transform(CLIPS), wanted)


@pytest.mark.parametrize("how", ["renamed", "rewritten"])
def test_weights_exchanged_and_dated_back(tmp_path, checkpoint, how):
    path = checkpoint(1)
    network = PANNsEmbedder("leenet11", weights=path, sample_rate=32000)
    before = network.transform(CLIPS[:1])
    old = path.stat()
    if how == "renamed":
        path.rename(tmp_path / "old.pth")
    checkpoint(2)
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert path.stat().st_size == old.st_size
    assert not np.array_equal(network.transform(CLIPS[:1]), before)


def test_what_is_no_checkpoint_is_the_same_error_with_a_cache(tmp_path):
    path = tmp_path / "weights.safetensors"
    for header in (b'{"__metadata__": 7}', b'{"a":' * 60_000, b'{"\\ud800": 1}', b"\xff\xfe"):
        path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
        for cache in (None, tmp_path / "cache"):
            with pytest.raises(WeightsError, match=r"weights\.safetensors' is damaged or no safetensors file"):
                PANNsEmbedder("leenet11", weights=path, sample_rate=RATE, cache=cache).transform(CLIPS)
    path = tmp_path / "weights.txt"
    path.write_text("no checkpoint")
    with pytest.raises(WeightsError, match=r"weights\.txt' is no checkpoint of PyTorch or TensorFlow"):
        PANNsEmbedder("leenet11", weights=path, sample_rate=RATE, cache=tmp_path).transform(CLIPS)


def test_missing_weights(tmp_path):
    for weights, match in (("no/such.pth", r"no/such\.pth"), ("", "holds no TensorFlow checkpoint")):
        cached = PANNsEmbedder("leenet11", weights=weights, cache=tmp_path, sample_rate=RATE)
        for on_error in ("raise", "nan"):
            with pytest.raises(WeightsError, match=match):
                cached.set_params(on_error=on_error).transform(CLIPS)


def test_the_matrix_of_vggish_counts(tmp_path):
    path = tmp_path / "pca.npz"
    described = []
    for offset in (0, 1):
        np.savez(path, pca_eigen_vectors=np.eye(128), pca_means=np.full((128, 1), offset))
        for kind in ("pca", "quantized"):
            described += [embedder(None, postprocess=kind, pca_weights=path)._postprocess().identity()]
    assert len(set(described)) == 4
    assert embedder(None)._postprocess() is None


def test_a_damaged_entry_is_computed_again_and_replaced(tmp_path, patches):
    cached = embedder(tmp_path)
    wanted = cached.transform(CLIPS)
    whole = {entry: entry.read_bytes() for entry in entries(tmp_path)}
    ways = [
        lambda content: b"",
        lambda content: content[:10],
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: content[:-3] + bytes([content[-3] ^ 1]) + content[-2:],
        lambda content: b"\x00" * len(content),
    ]
    for damage in ways:
        for entry, content in whole.items():
            entry.write_bytes(damage(content))
        del patches[:]
        same(cached.transform(CLIPS), wanted)
        assert sum(patches) == 7
        assert {entry: entry.read_bytes() for entry in entries(tmp_path)} == whole


def test_a_damaged_entry_leaves_no_file_open(tmp_path, files):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for n_jobs in (1, 2):
            cached = embedder(tmp_path / "cache", n_jobs=n_jobs)
            cached.transform(files)
            for entry in entries(tmp_path):
                entry.write_bytes(entry.read_bytes()[:-1])
            cached.transform(files)
            gc.collect()
    if Path("/proc/self/fd").is_dir():
        links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))
        assert not [path for link in links if link.is_symlink() and str(tmp_path) in (path := os.readlink(link))]


def cancelling(path):
    tone = noise(9000)
    soundfile.write(path, np.stack([tone, -tone * 0.999], axis=1), RATE)
    return path


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("cache_key", ["content", "stat"])
def test_warnings_of_a_clip_come_from_the_cache_too(tmp_path, files, cache_key, n_jobs):
    path = cancelling(tmp_path / "antiphase.wav")
    cached = embedder(tmp_path / "cache", cache_key=cache_key, n_jobs=n_jobs)
    said = []
    for X in ([path, files[0]], [path, files[0]], [files[1], files[0], path], [path]):
        with pytest.warns(UserWarning, match="cancel each other out") as caught:
            cached.transform(X)
        said += [str(warning.message) for warning in caught]
    rows = [text.split(":")[0] for text in said]
    assert rows == [f"row {row} ('{path}')" for row in (0, 0, 2, 0)]
    assert len({text.partition(": ")[2] for text in said}) == 1


def test_warnings_of_an_array_come_from_the_cache_too(tmp_path):
    tone = noise(9000)
    clip = {"array": np.stack([tone, -tone], axis=1), "sampling_rate": RATE}
    for _ in range(2):
        with pytest.warns(UserWarning, match="row 1: the mean of the channels is silent") as caught:
            embedder(tmp_path).transform([CLIPS[0], clip])
        assert len(caught) == 1


def test_an_entry_under_another_name_is_not_believed(tmp_path):
    cached = embedder(tmp_path)
    wanted = cached.transform(CLIPS)
    first, second, *_ = entries(tmp_path)
    shutil.copy(first, second)
    same(cached.transform(CLIPS), wanted)


def test_a_full_disk_is_warned_of_once(tmp_path, monkeypatch):
    written = Path.write_bytes
    n_written = []

    def full(self, content):
        n_written.append(self)
        if len(n_written) > 2:
            written(self, content[:5])
            raise OSError(28, "No space left on device")
        return written(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    cached = embedder(tmp_path / "cache", batch_size=1)
    with pytest.warns(UserWarning, match="no longer cached in '.*cache': No space left on device") as caught:
        got = cached.transform(CLIPS)
    same(got, embedder(None).transform(CLIPS))
    assert len(caught) == 1
    assert len(n_written) == 3
    assert len(entries(tmp_path)) == 2
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything may be written to")
def test_a_read_only_folder(tmp_path):
    cached = embedder(tmp_path)
    wanted = cached.transform(CLIPS[:1])
    folders = [tmp_path, *(folder for folder in tmp_path.rglob("*") if folder.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    try:
        same(cached.transform(CLIPS[:1]), wanted)
        with pytest.warns(UserWarning, match="no longer cached in .*: Permission denied"):
            cached.transform(CLIPS)
    finally:
        for folder in folders:
            folder.chmod(0o700)


def test_a_file_where_our_folder_should_be(tmp_path):
    (tmp_path / "sklearn_audio_vectors").write_text("mine")
    with pytest.warns(UserWarning, match="embeddings are no longer cached in"):
        got = embedder(tmp_path).transform(CLIPS)
    same(got, embedder(None).transform(CLIPS))
    assert clear_cache(tmp_path) == 0
    assert (tmp_path / "sklearn_audio_vectors").read_text() == "mine"


@pytest.mark.parametrize("method", ["fit", "transform"])
def test_a_file_is_no_folder(tmp_path, method):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"cache='.*file' is a file; give a folder, which need not exist yet\."):
        getattr(embedder(tmp_path / "file"), method)(CLIPS)
    with pytest.raises(ValueError, match="cache='' names no folder"):
        getattr(embedder(""), method)(CLIPS)
    with pytest.raises(ValueError, match="'cache' parameter of StandInVGGish must be"):
        getattr(embedder(3), method)(CLIPS)
    with pytest.raises(ValueError, match="'cache_key' parameter of StandInVGGish must be a str among"):
        getattr(embedder(None, cache_key="name"), method)(CLIPS)


def interrupt(*args):
    raise KeyboardInterrupt


def test_an_interrupt_while_writing(tmp_path, monkeypatch):
    cached = embedder(tmp_path, batch_size=1)
    with monkeypatch.context() as patch:
        patch.setattr(_cache.os, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            cached.transform(CLIPS)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    same(cached.transform(CLIPS), embedder(None).transform(CLIPS))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_interrupt_in_the_network_keeps_what_was_done(tmp_path, monkeypatch, n_jobs, patches):
    cached = embedder(tmp_path, batch_size=1, n_jobs=n_jobs)
    with monkeypatch.context() as patch:
        run, calls = Forward.__call__, []

        def later(self, batch):
            calls.append(batch)
            return run(self, batch) if len(calls) < 3 else interrupt()

        patch.setattr(Forward, "__call__", later)
        with pytest.raises(KeyboardInterrupt):
            cached.transform(CLIPS)
    assert len(entries(tmp_path)) == 1  # of one patch; the next has two
    del patches[:]
    same(cached.transform(CLIPS), embedder(None).transform(CLIPS))
    assert len(entries(tmp_path)) == 4


def test_what_a_killed_process_left_is_swept_and_what_is_being_written_is_not(tmp_path):
    incoming = tmp_path / "sklearn_audio_vectors" / "incoming"
    incoming.mkdir(parents=True)
    old, new = (incoming / f".{'0' * 64}.vectors.{letter * 16}.partial" for letter in "ab")
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1e9, 1e9))
    embedder(tmp_path).transform(CLIPS)
    assert not old.exists()
    assert new.exists()


def test_clips_that_fail_are_not_cached(tmp_path, files):
    X = [files[0], tmp_path / "missing.wav", np.array([np.nan, 1.0], dtype=np.float32), files[1]]
    for cache_key in ("content", "stat"):
        cached = embedder(tmp_path / cache_key, on_error="nan", cache_key=cache_key)
        for _ in range(2):
            with pytest.warns(
                UserWarning, match=r"2 clip\(s\) could not be used and became NaN:\n  row 1: .*\n  row 2: "
            ):
                got = cached.transform(X)
            assert np.isnan(got).all(axis=1).tolist() == [False, True, True, False]
            same(got[[0, 3]], embedder(None).transform([files[0], files[1]]))
        assert len(entries(tmp_path / cache_key)) == 2


@pytest.mark.parametrize("cache_key", ["content", "stat"])
def test_errors_are_those_without_a_cache(tmp_path, cache_key):
    closed = io.BytesIO(b"")
    closed.close()
    cases = [
        ("no/such.wav", AudioReadError, r"row 1: cannot read 'no/such\.wav': there is no such file"),
        (str(tmp_path), AudioReadError, "row 1: .* it is a folder"),
        ("a\0b", AudioReadError, "row 1: "),
        (closed, AudioReadError, "row 1: .*closed"),
        (np.array(["a", "b"]), TypeError, "row 1: an array of <U1 is not a waveform"),
    ]
    for clip, kind, match in cases:
        with pytest.raises(kind, match=match):
            embedder(tmp_path / "cache", cache_key=cache_key).transform([CLIPS[0], clip])
    with pytest.raises(ValueError, match="row 0 is an array without a sample rate"):
        embedder(tmp_path / "cache", sample_rate=None).transform([CLIPS[0]])


def test_joblib_memory_and_clones(tmp_path, no_network):
    wanted = embedder(tmp_path / "cache").transform(CLIPS)
    no_network()
    by_memory = embedder(joblib.Memory(tmp_path / "cache", verbose=0))
    for each in (by_memory, clone(by_memory), pickle.loads(pickle.dumps(by_memory))):
        same(each.transform(CLIPS), wanted)
    by_path = embedder(tmp_path / "cache")
    for each in (clone(by_path), pickle.loads(pickle.dumps(by_path)), embedder(str(tmp_path / "cache"))):
        same(each.transform(CLIPS), wanted)
    assert clone(by_path).get_params()["cache"] == tmp_path / "cache"
    assert "Memory" in repr(by_memory)


@pytest.mark.parametrize("compress", [True, 1, 9])
def test_a_memory_that_compresses(tmp_path, compress, no_network):
    silence = [np.zeros(5 * 15600, np.float32)]
    plain, small = tmp_path / "plain", tmp_path / "small"
    wanted = embedder(plain, layer="max_pool").transform(silence)
    memory = joblib.Memory(small, compress=compress, verbose=0)
    same(embedder(memory, layer="max_pool").transform(silence), wanted)
    assert entries(small)[0].stat().st_size < 0.5 * entries(plain)[0].stat().st_size
    no_network()
    for cache in (memory, small):  # whoever reads needs not know
        same(embedder(cache, layer="max_pool").transform(silence), wanted)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"mmap_mode": "r"}, "mmap_mode='r'"),
        ({"verbose": 10}, "verbose=10"),
        ({"compress": 10}, "compress=10"),
        ({"compress": "lz4"}, "compress='lz4'"),
        ({"compress": ("zlib", 3)}, r"compress=\('zlib', 3\)"),
        ({"backend_options": {"colour": 1}}, "backend_options={'colour': 1}"),
        ({"mmap_mode": "c", "verbose": 2}, "mmap_mode='c', verbose=2"),
    ],
)
def test_options_of_a_memory_that_mean_nothing_here(tmp_path, options, match):
    memory = joblib.Memory(tmp_path, **options)
    wanted = rf"cache=joblib\.Memory\(\.\.\., {match}\) is not supported: of a Memory, only `location` and"
    for method in ("fit", "transform"):
        with pytest.raises(ValueError, match=wanted):
            getattr(embedder(memory), method)(CLIPS)
    with pytest.raises(ValueError, match=wanted):
        clear_cache(memory)


def test_memory_without_a_location_is_off(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    same(embedder(joblib.Memory(None)).transform(CLIPS), embedder(None).transform(CLIPS))
    assert list(tmp_path.iterdir()) == []
    assert clear_cache(joblib.Memory(None)) == 0


def test_a_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    embedder("~/cache").transform(CLIPS)
    assert len(entries(tmp_path / "cache")) == 4


def test_clearing_touches_nothing_else(tmp_path, monkeypatch):
    embedder(tmp_path).transform(CLIPS)
    ours = tmp_path / "sklearn_audio_vectors"
    shard = entries(tmp_path)[0].parent
    others = [tmp_path / "a.wav", ours / "notes.txt", shard / "b.vectors", shard / "c.wav", ours / "zz" / "d.vectors"]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    n_bytes = sum(entry.stat().st_size for entry in entries(tmp_path) if len(entry.stem) == 64)
    assert clear_cache(tmp_path) == n_bytes
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(others)


def test_clearing_leaves_no_trace(tmp_path):
    embedder(tmp_path).transform(CLIPS)
    assert clear_cache(str(tmp_path)) > 0
    assert list(tmp_path.iterdir()) == []
    assert clear_cache(joblib.Memory(tmp_path / "nowhere", verbose=0)) == 0


def used_long_ago(folder):
    for entry in entries(folder):
        os.utime(entry, (1e9, 1e9))


def test_the_least_recently_used_go_first(tmp_path, no_network):
    cached = embedder(tmp_path)
    wanted = cached.transform(CLIPS)
    total = sum(entry.stat().st_size for entry in entries(tmp_path))
    used_long_ago(tmp_path)
    cached.transform([CLIPS[1]])
    assert clear_cache(tmp_path, max_bytes=total) == 0
    removed = clear_cache(tmp_path, max_bytes="0.4K")
    assert removed + sum(entry.stat().st_size for entry in entries(tmp_path)) == total
    assert 0 < total - removed <= 0.4 * 1024
    no_network()
    same(cached.transform([CLIPS[1]]), wanted[1:2])


@pytest.mark.parametrize("max_bytes", [-1, "many", "3X"])
def test_what_is_no_number_of_bytes(tmp_path, max_bytes):
    with pytest.raises(ValueError, match=r"max_bytes must be a number of bytes, such as 500000000 or '2G', got"):
        clear_cache(tmp_path, max_bytes)


def test_a_limit_for_every_cache(tmp_path, monkeypatch):
    X = [noise(9000, seed) for seed in range(20)]
    embedder(tmp_path).transform(X[:10])
    used_long_ago(tmp_path)
    size = entries(tmp_path)[0].stat().st_size
    monkeypatch.setenv("SKLEARN_AUDIO_CACHE_BYTES", str(12 * size))
    cached = embedder(tmp_path)
    same(cached.transform(X[5:]), embedder(None).transform(X[5:]))
    assert len(entries(tmp_path)) == 12
    no_longer_there = [path for path in entries(tmp_path) if path.stat().st_mtime < 1.5e9]
    assert no_longer_there == []
    monkeypatch.setenv("SKLEARN_AUDIO_CACHE_BYTES", "plenty")
    with pytest.raises(ValueError, match="SKLEARN_AUDIO_CACHE_BYTES must be a number of bytes"):
        cached.transform(X)


def test_a_limit_that_cannot_be_held_is_warned_of(tmp_path, monkeypatch):
    monkeypatch.setenv("SKLEARN_AUDIO_CACHE_BYTES", "1G")

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_cache.DiskCache, "shrink", refuse)
    with pytest.warns(UserWarning, match="no longer cached in .*: Permission denied"):
        embedder(tmp_path).transform(CLIPS)


def test_a_tagger_caches_too(tmp_path, monkeypatch):
    plain = AudioTagger("efficientat_mn04_as", weights=None, sample_rate=32000, window=0.5, hop=0.25)
    cached = clone(plain).set_params(cache=tmp_path)
    X = [noise(32000), noise(20000)]
    scores, frames = plain.predict_proba(X), plain.predict_frames(X)
    same(cached.predict_proba(X), scores)
    same(cached.predict_frames(X), frames)
    assert len(entries(tmp_path)) == 4
    monkeypatch.setattr("sklearn_audio.engine._pretrained.load_network", None)
    same(cached.predict_proba(X), scores)
    same(cached.predict_frames(X), frames)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_nothing_is_kept_of_a_reading_that_ended_early(tmp_path, kind):
    file = io.BytesIO()
    soundfile.write(file, noise(400_000), RATE, format="FLAC")

    class Stopping(io.BytesIO):
        left = 2 * len(file.getvalue()) - 100_000  # the first reading, for the key, goes well

        def read(self, size=-1):
            if self.left <= 0:
                raise kind("stop")
            data = super().read(size)
            self.left -= len(data)
            return data

    wanted = AudioReadError if kind is RuntimeError else kind
    with pytest.raises(wanted, match="stop"):
        embedder(tmp_path).transform([Stopping(file.getvalue())])
    assert entries(tmp_path) == []
