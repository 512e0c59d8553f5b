"""Modules of the HEAR API as embedders: what the module gives for the clip alone, with spans, and errors that help."""

from __future__ import annotations

import pickle
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklearn_audio import HEAREmbedder
from sklearn_audio.embedding import _hear, _hear_module
from tests import hear_module

NAME = "tests.hear_module"
RATE, HOP = hear_module.RATE, hear_module.HOP


def waveform(n_timepoints, seed=0):
    return np.random.default_rng(seed).normal(scale=0.1, size=n_timepoints).astype(np.float32)


CLIPS = [waveform(n, seed) for seed, n in enumerate([8000, 4000, 8000, 2500])]
MODEL = hear_module.load_model()


@torch.no_grad()
def scene_of(clip):
    return hear_module.get_scene_embeddings(torch.from_numpy(clip[None]), MODEL)[0].numpy()


@torch.no_grad()
def frames_of(clip):
    return hear_module.get_timestamp_embeddings(torch.from_numpy(clip[None]), MODEL)[0][0].numpy()


def module_with(**changed):
    names = ("load_model", "get_scene_embeddings", "get_timestamp_embeddings")
    return SimpleNamespace(**({name: getattr(hear_module, name) for name in names} | changed))


def model_with(**changed):
    model = hear_module.load_model()
    for name, value in changed.items():
        setattr(model, name, value)
    return module_with(load_model=lambda: model)


@pytest.mark.parametrize("module", [NAME, hear_module, module_with()], ids=["name", "module", "object"])
def test_equals_the_module_for_the_clip_alone(module):
    embedder = HEAREmbedder(module, sample_rate=RATE)
    np.testing.assert_array_equal(embedder.transform(CLIPS), [scene_of(clip) for clip in CLIPS])
    vectors = embedder.set_params(pooling=None).transform(CLIPS)
    for found, clip in zip(vectors, CLIPS, strict=True):
        np.testing.assert_array_equal(found, frames_of(clip))


@pytest.mark.parametrize("pooling", ["mean", "max", "mean_std", "mean_max"])
def test_statistics_over_the_timestamps(pooling):
    frames = [frames_of(clip).astype(np.float64) for clip in CLIPS]
    parts = {"mean": [f.mean(axis=0) for f in frames], "max": [f.max(axis=0) for f in frames]}
    parts["std"] = [f.std(axis=0) for f in frames]
    expected = np.hstack([parts[name] for name in pooling.split("_")])
    embedder = HEAREmbedder(NAME, sample_rate=RATE, pooling=pooling)
    np.testing.assert_allclose(embedder.transform(CLIPS), expected, atol=1e-6)
    assert len(embedder.get_feature_names_out()) == expected.shape[1]


def test_spans_meet_in_the_middles():
    embedder = HEAREmbedder(NAME, sample_rate=RATE)
    table, vectors = embedder.segments([CLIPS[3], CLIPS[0][:600]], return_vectors=True)
    expected = [[0, 0, 0.05], [0, 0.05, 0.1], [0, 0.1, 0.15], [0, 0.15, 0.15625], [1, 0, 0.0375]]
    np.testing.assert_allclose(table.to_numpy(), expected, atol=1e-9)
    assert [len(row) for row in vectors] == [4, 1]
    np.testing.assert_array_equal(embedder.segments([CLIPS[3]]).to_numpy(), table.to_numpy()[:4])


@pytest.mark.parametrize("pooling", ["scene", "mean_std"])
def test_neighbours_and_order_change_no_bit(pooling, monkeypatch):
    embedder = HEAREmbedder(NAME, sample_rate=RATE, pooling=pooling)
    alone = np.concatenate([embedder.transform([clip]) for clip in CLIPS])
    np.testing.assert_array_equal(embedder.transform(CLIPS[::-1])[::-1], alone)
    np.testing.assert_array_equal(embedder.set_params(n_jobs=2).transform(CLIPS), alone)


@pytest.fixture
def as_on_an_accelerator(monkeypatch):
    """Let clips of one length go through a module together, as on an accelerator."""
    monkeypatch.setattr(_hear_module, "_loaded", type(_hear_module._loaded)())
    monkeypatch.setattr(_hear_module, "_ON_ACCELERATOR", 3)
    monkeypatch.setattr(_hear, "resolve_device", lambda _: SharingDevice())


class SharingDevice:
    type = "accelerator"

    def __hash__(self):
        return 0

    def __eq__(self, other):
        return True


@pytest.fixture
def calls(as_on_an_accelerator, monkeypatch):
    shapes = []

    def called(audio, model):
        shapes.append(tuple(audio.shape))
        return hear_module.get_scene_embeddings(audio, model)

    monkeypatch.setattr(torch.Tensor, "to", lambda self, *_, **__: self)
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, *_, **__: self)
    return SimpleNamespace(shapes=shapes, function=called)


def test_clips_of_one_length_share_a_call_where_the_module_keeps_them_apart(calls):
    embedder = HEAREmbedder(module_with(get_scene_embeddings=calls.function), sample_rate=RATE)
    found = embedder.transform(CLIPS)
    assert calls.shapes[2:] == [(3, 8000), (3, 4000), (3, 2500)]
    np.testing.assert_array_equal(embedder.transform(CLIPS[:1])[0], found[0])
    np.testing.assert_array_equal(embedder.transform(CLIPS[::-1])[::-1], found)


def test_clips_go_alone_through_a_module_that_mixes_them(calls):
    def mixing(audio, model):
        return calls.function(audio / audio.abs().max(), model)

    found = HEAREmbedder(module_with(get_scene_embeddings=mixing), sample_rate=RATE).transform(CLIPS)
    assert calls.shapes[2:] == [(1, len(clip)) for clip in CLIPS]
    np.testing.assert_array_equal(found, [scene_of(clip / np.abs(clip).max()) for clip in CLIPS])


def test_long_clips_in_windows_of_which_the_last_is_filled_with_silence():
    clip, size = waveform(20000), 8000
    pieces = [clip[:size], clip[size : 2 * size], np.pad(clip[2 * size :], (0, 4000))]
    embedder = HEAREmbedder(NAME, sample_rate=RATE, window=0.5)
    expected = np.average([scene_of(piece) for piece in pieces], axis=0, weights=[1, 1, 0.5])
    np.testing.assert_allclose(embedder.transform([clip])[0], expected, atol=1e-6)
    table, vectors = embedder.segments([clip], return_vectors=True)
    assert len(vectors[0]) == 25
    np.testing.assert_array_equal(vectors[0], np.concatenate([frames_of(piece) for piece in pieces])[:25])
    np.testing.assert_allclose(table["end"], 0.05 * np.arange(1, 26), atol=1e-9)


def test_the_path_of_weights_goes_to_load_model():
    np.testing.assert_allclose(
        HEAREmbedder(NAME, weights="2", sample_rate=RATE).transform([np.ones(800, np.float32)])[0],
        2 * np.linspace(0.5, 2.0, 5) + 1,
        rtol=1e-6,
    )
    required = module_with(load_model=lambda model_file_path: hear_module.load_model(model_file_path))
    np.testing.assert_array_equal(HEAREmbedder(required, sample_rate=RATE).transform(CLIPS[:1])[0], scene_of(CLIPS[0]))


def test_the_path_of_weights_may_begin_at_home(monkeypatch):
    given = []
    monkeypatch.setenv("HOME", "/home/somebody")
    module = module_with(load_model=lambda path: given.append(path) or hear_module.load_model())
    HEAREmbedder(module, weights="~/model.pt", sample_rate=RATE).fit(CLIPS)
    assert given == ["/home/somebody/model.pt"]


def test_weights_that_the_module_cannot_load():
    with pytest.raises(
        ValueError, match=r"load_model of 'tests.hear_module' failed with weights='x': ValueError: .*'x'\."
    ):
        HEAREmbedder(NAME, weights="x", sample_rate=RATE).fit(CLIPS)


def test_a_window_of_no_timepoint():
    with pytest.raises(ValueError, match=r"window=1e-09 s is less than a timepoint at 16000 Hz; give a longer one"):
        HEAREmbedder(NAME, window=1e-9, sample_rate=RATE).transform(CLIPS)


def test_the_numbers_of_the_program_are_left_alone():
    _hear_module._loaded.clear()
    torch.manual_seed(7)
    before = torch.get_rng_state()
    HEAREmbedder(NAME, sample_rate=RATE).transform(CLIPS[:1])
    assert torch.equal(torch.get_rng_state(), before)


def test_clones_and_pickles_of_a_module_have_it():
    embedder = HEAREmbedder(hear_module, sample_rate=RATE, pooling="max")
    assert clone(embedder).module is hear_module
    loaded = pickle.loads(pickle.dumps(embedder))
    assert loaded.module == NAME
    np.testing.assert_array_equal(loaded.transform(CLIPS), clone(embedder).transform(CLIPS))
    assert embedder.module is hear_module


def test_models_of_tensorflow_get_its_tensors(monkeypatch):
    class TensorflowTensor:
        def __init__(self, values):
            self.values = values

        def numpy(self):
            return self.values

    fake = ModuleType("tensorflow")
    fake.constant = TensorflowTensor
    monkeypatch.setitem(sys.modules, "tensorflow", fake)
    model = SimpleNamespace(sample_rate=RATE, scene_embedding_size=1, timestamp_embedding_size=1)
    module = module_with(
        load_model=lambda: model,
        get_scene_embeddings=lambda audio, _: TensorflowTensor(audio.values.mean(axis=1, keepdims=True)),
    )
    found = HEAREmbedder(module, sample_rate=RATE).transform(CLIPS)
    np.testing.assert_array_equal(found[:, 0], [clip[None].mean(axis=1)[0] for clip in CLIPS])
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    _hear_module._loaded.clear()
    with pytest.raises(TypeError, match="the model of 'SimpleNamespace' is a SimpleNamespace, and none of torch or"):
        HEAREmbedder(module, sample_rate=RATE).transform(CLIPS)


def of_wrong_times(audio, model):
    found, times = hear_module.get_timestamp_embeddings(audio, model)
    return found, times[:, :-1]


@pytest.mark.parametrize(
    ("module", "pooling", "error", "message"),
    [
        ("no.such.module", "scene", ImportError, r"module='no.such.module' cannot be imported: .* Install the package"),
        (np, "scene", TypeError, "module 'numpy' is not of the HEAR API: it lacks load_model, get_scene_embeddings"),
        (module_with(get_scene_embeddings=None), "scene", TypeError, "it lacks get_scene_embeddings"),
        (model_with(sample_rate=None), "scene", TypeError, "must have an integer sample_rate, .* got None"),
        (model_with(scene_embedding_size=0.5), "scene", TypeError, "an integer scene_embedding_size, .* got 0.5"),
        (model_with(timestamp_embedding_size=4), "mean", ValueError, r"shape \(1, 10, 10\), .* ask for \(1, 10, 4\)"),
        (model_with(scene_embedding_size=4), "scene", ValueError, r"row 0.*scene embeddings of shape \(1, 5\)"),
        (
            module_with(get_timestamp_embeddings=of_wrong_times),
            "mean",
            ValueError,
            r"shape \(1, 10, 10\), .*\(1, 9, 10\)",
        ),
        (NAME, "scenes", ValueError, "The 'pooling' parameter"),
        ("", "scene", ValueError, "module='' is no full name of a module; give one such as"),
        (".hear_module", "scene", ValueError, "module='.hear_module' is no full name"),
    ],
)
def test_refuses(module, pooling, error, message):
    with pytest.raises(error, match=message):
        HEAREmbedder(module, pooling=pooling, sample_rate=RATE).transform(CLIPS)


def with_times(change):
    def embedded(audio, model):
        return change(*hear_module.get_timestamp_embeddings(audio, model))

    return module_with(get_timestamp_embeddings=embedded)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (with_times(lambda found, times: found), "must return a pair of timestamp embeddings and timestamps"),
        (with_times(lambda found, times: (found, times, times)), "must return a pair of timestamp embeddings"),
        (with_times(lambda found, times: (found[:, :0], times[:, :0])), "returned no timestamps"),
        (with_times(lambda found, times: (found, times.flip(1))), "returned timestamps that do not increase"),
        (with_times(lambda found, times: (found, 0 * times)), "returned timestamps that do not increase"),
        (with_times(lambda found, times: (found, times * float("nan"))), "returned timestamps that do not increase"),
        (with_times(lambda found, times: (found[:0], times[:0])), r"shape \(0, 10, 10\), .* ask for \(1, 10, 10\)"),
        (with_times(lambda found, times: (found, times[0, 0])), r"ask for \(1, 0, 10\)"),
    ],
)
def test_timestamps_without_sense(module, message):
    embedder = HEAREmbedder(module, pooling=None, sample_rate=RATE)
    with pytest.raises(ValueError, match=rf"row 0.*: the module cannot embed this clip .*{message}"):
        embedder.transform(CLIPS[:1])
    with pytest.warns(UserWarning, match=r"1 clip\(s\) could not be used"):
        assert embedder.set_params(on_error="nan").segments(CLIPS[:1])["start"].isna().tolist() == [True]


@pytest.mark.parametrize(
    ("scenes", "message"),
    [
        (lambda audio, model: torch.zeros(0, 5), r"shape \(0, 5\), .* ask for \(1, 5\)"),
        (lambda audio, model: torch.zeros(2, 5), r"shape \(2, 5\), .* ask for \(1, 5\)"),
        (lambda audio, model: (torch.zeros(1, 5), audio), "returned several arrays instead of scene embeddings"),
    ],
)
def test_scenes_of_another_number_of_clips(scenes, message):
    with pytest.raises(ValueError, match=rf"row 0.*{message}"):
        HEAREmbedder(module_with(get_scene_embeddings=scenes), sample_rate=RATE).transform(CLIPS[:1])


def test_an_error_of_the_module_names_the_clip():
    def picky(audio, model):
        if audio.shape[1] < 3000:
            raise RuntimeError("too short")
        return hear_module.get_scene_embeddings(audio, model)

    embedder = HEAREmbedder(module_with(get_scene_embeddings=picky), sample_rate=RATE)
    with pytest.raises(ValueError, match=r"row 3.*: the module cannot embed this clip of 0.15625 s: too short"):
        embedder.transform(CLIPS)
    with pytest.warns(UserWarning, match=r"1 clip\(s\) could not be used"):
        found = embedder.set_params(on_error="nan").transform(CLIPS)
    assert np.isnan(found).any(axis=1).tolist() == [False, False, False, True]
    with pytest.warns(UserWarning, match=r"1 clip\(s\) could not be used"):
        found = embedder.set_params(pooling=None).transform([CLIPS[0], "no/such.wav"])
    assert np.isnan(found[1]).all()


def test_bare_arrays_need_a_rate():
    with pytest.raises(ValueError, match="is an array without a sample rate"):
        HEAREmbedder(NAME).transform(CLIPS)
