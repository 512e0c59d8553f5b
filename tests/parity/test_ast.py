"""ASTEmbedder against the authors' code and transformers, from seeded checkpoints in the published layouts."""

from __future__ import annotations

import pytest
import torch
from safetensors.numpy import save_file

from sklearn_audio import ASTEmbedder
from tests.parity.golden_files import difference, read_golden
from tests.parity.seeded import SECONDS, checkpoint, clips
from tests.parity.transformers_layout import to_transformers

# measured 1e-5; the usual approximation of GELU makes 2e-4
TOLERANCE = 1e-4
RATE = 16000
TAGGERS = {"audioset": "audioset_10_10_0.4593", "speechcommands": "speechcommands_10_10_0.9812"}
# image model -> strides along frequency and time, frames: cut and stretched grids of positions, along both axes
STARTS = [
    ("tiny224", (16, 16), 1024),
    ("tiny224", (10, 10), 96),
    pytest.param("small224", (10, 12), 400, marks=pytest.mark.slow),
    pytest.param("base384", (10, 10), 128, marks=pytest.mark.slow),
]


def to_torch(tensors, prefix=""):
    return {f"{prefix}{name}": torch.from_numpy(array) for name, array in tensors.items()}


def assert_equal(embedder, answers, names=tuple(SECONDS)):
    """Compare the first patches, which are what the authors' loader keeps of a clip."""
    waveforms = {name: clip for name, clip in clips(RATE).items() if name in names}
    assert answers.keys() >= waveforms.keys() > set()
    for layer in next(iter(answers.values())):
        patches = embedder.set_params(layer=layer, pooling=None).transform(list(waveforms.values()))
        for clip, ours in zip(waveforms, patches, strict=True):
            assert difference(ours[0], answers[clip][layer], layer) < TOLERANCE, (clip, layer)


@pytest.mark.parametrize(
    ("name", "clips"),
    [("audioset", ("1s",)), *(pytest.param(name, tuple(SECONDS), marks=pytest.mark.slow) for name in TAGGERS)],
)
def test_authors_layout(name, clips, tmp_path):
    golden = read_golden(f"ast_{name}")
    assert {"v.head.weight", "v.head_dist.weight"} < golden.layout.keys()
    path = tmp_path / "checkpoint.pth"
    torch.save(to_torch(checkpoint(golden.layout), "module."), path)
    assert_equal(ASTEmbedder(TAGGERS[name], weights=path, sample_rate=RATE), golden.answers, clips)


@pytest.mark.slow
@pytest.mark.parametrize("name", TAGGERS)
def test_transformers_layout(name, tmp_path):
    golden = read_golden(f"ast_{name}_transformers")
    tensors = to_transformers(checkpoint(read_golden(f"ast_{name}").layout))
    assert {key: array.shape for key, array in tensors.items()} == golden.layout
    path = tmp_path / "model.safetensors"
    save_file(tensors, path, metadata={"format": "pt"})
    assert_equal(ASTEmbedder(TAGGERS[name], weights=path, sample_rate=RATE), golden.answers)


@pytest.mark.slow
def test_shorter_patches_of_the_tagger(tmp_path):
    golden = read_golden("ast_audioset_512")
    path = tmp_path / "checkpoint.pth"
    torch.save(to_torch(checkpoint(golden.layout), "module."), path)
    embedder = ASTEmbedder("audioset_10_10_0.4593", weights=path, sample_rate=RATE, n_frames=512)
    assert_equal(embedder, golden.answers)


@pytest.mark.parametrize(("model", "stride", "n_frames"), STARTS)
def test_start_from_an_image_model(model, stride, n_frames, tmp_path):
    golden = read_golden(f"ast_{model}_{stride[0]}_{stride[1]}_{n_frames}")
    assert golden.layout["patch_embed.proj.weight"][1:] == (3, 16, 16)
    path = tmp_path / "checkpoint.pth"
    torch.save({"model": to_torch(checkpoint(golden.layout))}, path)
    embedder = ASTEmbedder(model, weights=path, sample_rate=RATE, n_frames=n_frames, stride=stride)
    assert_equal(embedder, golden.answers)
