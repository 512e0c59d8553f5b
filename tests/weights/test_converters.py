"""Published layouts under our names, and checkpoints of something else."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights import read_checkpoint
from tests.registered import NPZ, PANNS, STATE, equal, torch_bytes, write

VGGISH = {"features.0.weight": torch.rand(2, 1, 3, 3), "embeddings.4.bias": torch.rand(3)}


TF_SHAPES = {
    "conv1": ("features.0", (3, 3, 1, 2)),
    "conv2": ("features.3", (3, 3, 2, 3)),
    "conv3/conv3_1": ("features.6", (3, 3, 3, 4)),
    "conv3/conv3_2": ("features.8", (3, 3, 4, 4)),
    "conv4/conv4_1": ("features.11", (3, 3, 4, 5)),
    "conv4/conv4_2": ("features.13", (3, 3, 5, 5)),
    "fc1/fc1_1": ("embeddings.0", (7, 6)),
    "fc1/fc1_2": ("embeddings.2", (6, 5)),
    "fc2": ("embeddings.4", (5, 4)),
}


def test_torchvggish(tmp_path):
    body = torch_bytes(VGGISH | {"pproc.pca_means": torch.zeros(3)})
    assert equal(read_checkpoint(write(tmp_path, body), "vggish"), VGGISH)


def tensorflow_variables():
    rng = np.random.default_rng(0)
    kernels = {f"vggish/{name}/weights": rng.normal(size=shape).astype("f4") for name, (_, shape) in TF_SHAPES.items()}
    biases = {
        f"vggish/{name}/biases": rng.normal(size=shape[-1]).astype("f4") for name, (_, shape) in TF_SHAPES.items()
    }
    return kernels | biases


def test_vggish_of_tensorflow():
    from sklearn_audio.weights._converters import convert_vggish

    raw = tensorflow_variables()
    state = convert_vggish(raw)
    assert len(state) == 18
    for name, (ours, shape) in TF_SHAPES.items():
        kernel, weight = raw[f"vggish/{name}/weights"], state[f"{ours}.weight"].numpy()
        if len(shape) == 4:
            # convolving with either gives the same: output o at (y, x) weighs input i
            assert all(weight[o, i, y, x] == kernel[y, x, i, o] for y, x, i, o in np.ndindex(*shape))
        else:
            np.testing.assert_array_equal(weight, kernel.T)
        np.testing.assert_array_equal(state[f"{ours}.bias"].numpy(), raw[f"vggish/{name}/biases"])


def test_vggish_of_tensorflow_that_lacks_a_layer():
    from sklearn_audio.weights._converters import convert_vggish

    raw = tensorflow_variables()
    del raw["vggish/fc2/biases"]
    with pytest.raises(WeightsError, match="not a checkpoint of VGGish: it lacks vggish/fc2/biases, and holds vggish/"):
        convert_vggish(raw)


@pytest.mark.parametrize("layout", ["npz", "pth"])
def test_the_matrix_of_vggish(tmp_path, layout):
    vectors, means = np.random.default_rng(0).normal(size=(4, 4)).astype("f4"), np.arange(4, dtype="f4")
    path = tmp_path / f"pca.{layout}"
    if layout == "npz":
        np.savez(path, pca_eigen_vectors=vectors, pca_means=means)
    else:
        torch.save({"pca_eigen_vectors": vectors, "pca_means": means[:, None]}, path)
    got = read_checkpoint(path, "vggish_pca")
    np.testing.assert_array_equal(got["eigen_vectors"].numpy(), vectors)
    np.testing.assert_array_equal(got["means"].numpy(), means)


AST = {
    "v.cls_token": torch.rand(1, 1, 4),
    "v.dist_token": torch.rand(1, 1, 4),
    "v.pos_embed": torch.rand(1, 6, 4),
    "v.patch_embed.proj.weight": torch.rand(4, 1, 16, 16),
    "v.patch_embed.proj.bias": torch.rand(4),
    **{
        f"v.blocks.{i}.{name}.{part}": torch.rand((rows, 4) if part == "weight" and rows != 1 else (max(rows, 4),))
        for i in range(2)
        for name, rows in {"norm1": 1, "norm2": 1, "attn.qkv": 12, "attn.proj": 4, "mlp.fc1": 16, "mlp.fc2": 4}.items()
        for part in ("weight", "bias")
    },
    "v.norm.weight": torch.rand(4),
    "v.norm.bias": torch.rand(4),
    "mlp_head.0.weight": torch.rand(4),
    "mlp_head.0.bias": torch.rand(4),
    "mlp_head.1.weight": torch.rand(3, 4),
    "mlp_head.1.bias": torch.rand(3),
}


LEFT_OVER = {"v.head.weight": torch.rand(2, 4), "v.head_dist.bias": torch.rand(2)}


def test_ast_of_its_authors(tmp_path):
    body = torch_bytes({f"module.{name}": value for name, value in (AST | LEFT_OVER).items()})
    assert equal(read_checkpoint(write(tmp_path, body), "ast"), AST)


HUGGING_FACE = {
    "v.cls_token": "embeddings.cls_token",
    "v.dist_token": "embeddings.distillation_token",
    "v.pos_embed": "embeddings.position_embeddings",
    "v.patch_embed.proj": "embeddings.patch_embeddings.projection",
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
    "v.norm": "layernorm",
}


def hugging_face():
    """The same weights under the names of the file at Hugging Face."""
    state = {}
    for name, value in AST.items():
        stem, _, part = name.rpartition(".")
        if name.startswith("mlp_head"):
            state[name.replace("mlp_head.0", "classifier.layernorm").replace("mlp_head.1", "classifier.dense")] = value
        elif "blocks" in name:
            _, _, i, layer = stem.split(".", 3)
            start = f"audio_spectrogram_transformer.encoder.layer.{i}"
            if layer == "attn.qkv":
                for kind, third in zip(("query", "key", "value"), value.chunk(3), strict=True):
                    state[f"{start}.attention.attention.{kind}.{part}"] = third.clone()
            else:
                state[f"{start}.{HUGGING_FACE[layer]}.{part}"] = value
        else:
            theirs = HUGGING_FACE.get(name) or f"{HUGGING_FACE[stem]}.{part}"
            state[f"audio_spectrogram_transformer.{theirs}"] = value
    return state


def test_ast_of_hugging_face(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(hugging_face(), path, {"format": "pt"})
    assert equal(read_checkpoint(path, "ast"), AST)


def test_deit(tmp_path):
    body = {name.removeprefix("v."): value for name, value in AST.items() if name.startswith("v.")}
    colours = torch.rand(4, 3, 16, 16)
    body |= {"patch_embed.proj.weight": colours, "head.weight": torch.rand(2, 4), "head_dist.bias": torch.rand(2)}
    got = read_checkpoint(write(tmp_path, torch_bytes({"model": body})), "ast")
    wanted = {name: value for name, value in AST.items() if name.startswith("v.")}
    assert equal(got, wanted | {"v.patch_embed.proj.weight": colours.sum(1, keepdim=True)})


def test_efficientat(tmp_path, shared_data):
    got = read_checkpoint(shared_data / "weights" / "mn04_as_mAP_432.pt", "efficientat")
    assert len(got) == 312
    body = torch_bytes(VGGISH)
    with pytest.raises(WeightsError, match=r"file\.pth': this is not a checkpoint of EfficientAT: it lacks features"):
        read_checkpoint(write(tmp_path, body), "efficientat")


def test_a_checkpoint_of_another_family_is_recognised(tmp_path):
    ast = torch_bytes({f"module.{name}": value for name, value in AST.items()})
    for body, converter, family in [(PANNS, "ast", "PANNs"), (ast, "panns", "AST"), (NPZ, "vggish", "VGGish's PCA")]:
        with pytest.raises(WeightsError, match=rf"this is not a checkpoint of .*\.\.\.; it looks like {family}$"):
            read_checkpoint(write(tmp_path, body), converter)


def test_another_wrapping_is_named(tmp_path):
    path = write(tmp_path, torch_bytes({"state_dict": STATE}))
    with pytest.raises(WeightsError, match=r"it lacks fc1\.weight, and holds state_dict \.\.\.$"):
        read_checkpoint(path, "panns")


def test_attention_without_its_keys(tmp_path):
    state = hugging_face()
    del state["audio_spectrogram_transformer.encoder.layer.1.attention.attention.key.weight"]
    path = tmp_path / "model.safetensors"
    save_file(state, path)
    with pytest.raises(WeightsError, match=r"lacks audio_spectrogram_transformer\.encoder\.layer\.1\..*\.key\.weight,"):
        read_checkpoint(path, "ast")


def test_a_deit_of_another_shape_is_left_to_the_network(tmp_path):
    body = dict.fromkeys(["cls_token", "dist_token", "pos_embed", "patch_embed.proj.weight"], torch.ones(2))
    got = read_checkpoint(write(tmp_path, torch_bytes({"model": body})), "ast")
    assert equal(got, {f"v.{name}": value for name, value in body.items()})


@pytest.mark.parametrize(
    ("converter", "match"),
    [
        ("panns", "not a checkpoint of PANNs: it lacks fc1.weight, and holds other"),
        ("ast", "not a checkpoint of AST: it lacks v.cls_token, v.dist_token, v.pos_embed"),
        ("vggish", "not a checkpoint of VGGish: it lacks features.0.weight, embeddings.4.bias"),
        ("vggish_pca", "not a checkpoint of VGGish's PCA: it lacks pca_eigen_vectors, pca_means"),
    ],
)
def test_a_checkpoint_of_something_else(tmp_path, converter, match):
    path = write(tmp_path, torch_bytes({"other": torch.zeros(1)}))
    with pytest.raises(WeightsError, match=match):
        read_checkpoint(path, converter)


@pytest.mark.parametrize("prefix", ["audio_spectrogram_transformer.x", "dist_token"])
def test_a_transformer_that_is_incomplete(tmp_path, prefix):
    path = write(tmp_path, torch_bytes({prefix: torch.zeros(1)}))
    with pytest.raises(WeightsError, match=r"not a checkpoint of (AST|DeiT): it lacks (v\.)?cls_token"):
        read_checkpoint(path, "ast")
