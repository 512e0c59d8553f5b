"""Local checkpoints in every published layout, and files that are none."""

import io
import os
import pickle
import random

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights import read_checkpoint
from tests.registered import PANNS, SAMPLER, STATE, torch_bytes


def write(tmp_path, content, name="file.pth"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def equal(got, wanted):
    return got.keys() == wanted.keys() and all(torch.equal(got[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        {"iteration": 1, "model": STATE, "sampler": SAMPLER},
        {"model": {f"module.{name}": value for name, value in STATE.items()}},
        STATE,
        {"model": {f"base.{name}": value for name, value in STATE.items()} | {"fc_transfer.weight": torch.zeros(2)}},
    ],
    ids=["published", "data-parallel", "bare", "transfer"],
)
def test_panns(tmp_path, content, legacy):
    body = torch_bytes(content, _use_new_zipfile_serialization=not legacy)
    assert equal(read_checkpoint(write(tmp_path, body), "panns"), STATE)


def test_arrays_pickled_by_numpy_1(tmp_path):
    body = torch_bytes({"model": STATE, "sampler": SAMPLER}, _use_new_zipfile_serialization=False)
    assert b"numpy._core" in body
    # in an old pickle the length of a name does not matter to what follows
    old = body.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    assert b"numpy.core.multiarray" in old
    assert equal(read_checkpoint(write(tmp_path, old), "panns"), STATE)


class Malicious:
    def __reduce__(self):
        return os.system, ("touch hacked",)


@pytest.mark.parametrize("wrap", [lambda bad: bad, lambda bad: {"model": STATE, "sampler": bad}])
def test_code_is_never_run(tmp_path, monkeypatch, wrap):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, torch_bytes(wrap(Malicious())))
    never = (
        rf"or holds more than tensors and NumPy arrays, which is never loaded: it names {os.system.__module__}\.system"
    )
    with pytest.raises(WeightsError, match=never):
        read_checkpoint(path, "panns")
    plain = write(tmp_path, pickle.dumps(Malicious()), "plain.pt")
    with pytest.raises(WeightsError, match=r"plain\.pt' is damaged, no PyTorch checkpoint"):
        read_checkpoint(plain, "panns")
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("converter", ["panns", "ast", "efficientat", "vggish", "vggish_pca"])
def test_converted_files_pass_as_they_are(tmp_path, converter):
    path = tmp_path / "converted.safetensors"
    save_file(STATE, path, {"converter": converter})
    assert equal(read_checkpoint(path, converter), STATE)


def test_converted_files_of_another_family(tmp_path):
    path = tmp_path / "converted.safetensors"
    save_file(STATE, path, {"converter": "panns"})
    with pytest.raises(WeightsError, match=r"converted\.safetensors' holds converted weights of 'panns', not of 'ast'"):
        read_checkpoint(path, "ast")


def test_unknown_converter(tmp_path):
    with pytest.raises(ValueError, match=r"unknown converter 'pann'; did you mean 'panns'\? Choose one of \['ast', "):
        read_checkpoint(write(tmp_path, PANNS), "pann")


LEGACY = torch_bytes({"model": STATE, "sampler": SAMPLER}, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("name", ["file", "file.ckpt", "file.npz", "file.pth.tar", "file.safetensors", "FILE.PT"])
@pytest.mark.parametrize("body", [PANNS, LEGACY, save(STATE)], ids=["torch", "torch of old", "safetensors"])
def test_content_counts_and_not_the_name(tmp_path, body, name):
    assert equal(read_checkpoint(write(tmp_path, body, name), "panns"), STATE)


def npz_bytes(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


NPZ = npz_bytes(pca_eigen_vectors=np.eye(3), pca_means=np.ones(3))


def test_arrays_under_another_name(tmp_path):
    assert read_checkpoint(write(tmp_path, NPZ, "matrix.pth"), "vggish_pca")["means"].tolist() == [1, 1, 1]


def test_names_that_are_no_text_are_left_out(tmp_path):
    body = torch_bytes({"model": {**STATE, 1: torch.zeros(1)}, 2: torch.zeros(1)})
    assert equal(read_checkpoint(write(tmp_path, body), "panns"), STATE)


@pytest.mark.parametrize(
    ("body", "converter"),
    [(PANNS, "panns"), (LEGACY, "panns"), (save(STATE), "panns"), (NPZ, "vggish_pca")],
    ids=["torch", "torch of old", "safetensors", "npz"],
)
@pytest.mark.parametrize("name", ["file.pth", "file.npz"])
def test_damage_is_one_kind_of_error(tmp_path, body, converter, name):
    rng, refused = random.Random(0), 0
    for i in range(100):
        damaged = bytearray(body[: rng.randrange(len(body))] if i % 2 else body)
        for _ in range(20 * (1 - i % 2)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            read_checkpoint(write(tmp_path, bytes(damaged), name), converter)
        except WeightsError:
            refused += 1
    assert refused > 80  # what hits a number goes unseen without a hash


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
    with pytest.raises(WeightsError, match="no checkpoint of VGGish: it lacks vggish/fc2/biases, and holds vggish/"):
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
    with pytest.raises(WeightsError, match=r"file\.pth': this is no checkpoint of EfficientAT: it lacks features"):
        read_checkpoint(write(tmp_path, body), "efficientat")


def test_a_checkpoint_of_another_family_is_recognised(tmp_path):
    ast = torch_bytes({f"module.{name}": value for name, value in AST.items()})
    for body, converter, family in [(PANNS, "ast", "PANNs"), (ast, "panns", "AST"), (NPZ, "vggish", "VGGish's PCA")]:
        with pytest.raises(WeightsError, match=rf"this is no checkpoint of .*\.\.\.; it looks like {family}$"):
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
        ("panns", "no checkpoint of PANNs: it lacks fc1.weight, and holds other"),
        ("ast", "no checkpoint of AST: it lacks v.cls_token, v.dist_token, v.pos_embed"),
        ("vggish", "no checkpoint of VGGish: it lacks features.0.weight, embeddings.4.bias"),
        ("vggish_pca", "no checkpoint of VGGish's PCA: it lacks pca_eigen_vectors, pca_means"),
    ],
)
def test_a_checkpoint_of_something_else(tmp_path, converter, match):
    path = write(tmp_path, torch_bytes({"other": torch.zeros(1)}))
    with pytest.raises(WeightsError, match=match):
        read_checkpoint(path, converter)


@pytest.mark.parametrize("prefix", ["audio_spectrogram_transformer.x", "dist_token"])
def test_a_transformer_that_is_incomplete(tmp_path, prefix):
    path = write(tmp_path, torch_bytes({prefix: torch.zeros(1)}))
    with pytest.raises(WeightsError, match=r"no checkpoint of (AST|DeiT): it lacks (v\.)?cls_token"):
        read_checkpoint(path, "ast")


def npy_bytes(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.pth", b"", "is damaged, no PyTorch checkpoint, or holds more"),
        ("a.pth", b"text, not weights", "is damaged, no PyTorch checkpoint, or holds more"),
        ("a.pt", PANNS[:200], "is damaged, no PyTorch checkpoint, or holds more"),
        ("a.pth", torch_bytes(torch.zeros(3)), "holds a Tensor, not named tensors; save its state_dict"),
        ("a.safetensors", b"", "is damaged or no safetensors file"),
        ("a.safetensors", b"x" * 100, "is damaged or no safetensors file"),
        ("a.npz", b"x" * 100, r"is damaged or no \.npz file"),
        ("a.pth", b"PK\x03\x04" + b"x" * 100, "is damaged, no PyTorch checkpoint, or holds more"),
        ("a.npz", b"", r"is damaged or no \.npz file"),
        ("a.npz", b"PK\x03\x04" + b"x" * 100, r"is damaged or no \.npz file"),
        ("a.npz", npy_bytes(np.zeros(3)), r"holds no named arrays; write it with numpy\.savez"),
        ("a.h5", b"x" * 100, r"is no checkpoint of PyTorch or TensorFlow, and no safetensors or \.npz file"),
    ],
)
def test_files_that_are_no_checkpoints(tmp_path, name, content, match):
    with pytest.raises(WeightsError, match=rf"{name}' {match}"):
        read_checkpoint(write(tmp_path, content, name), "panns")


def test_arrays_that_would_need_pickle(tmp_path):
    path = tmp_path / "objects.npz"
    np.savez(path, pca_means=np.array([{}], dtype=object))
    with pytest.raises(WeightsError, match=r"is damaged or no \.npz file: Object arrays cannot be loaded"):
        read_checkpoint(path, "vggish_pca")


def test_places_without_a_checkpoint(tmp_path):
    with pytest.raises(WeightsError, match=r"there is no checkpoint 'no/such\.pth'; check the path"):
        read_checkpoint("no/such.pth", "panns")
    with pytest.raises(WeightsError, match="holds no TensorFlow checkpoint"):
        read_checkpoint(tmp_path, "panns")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.float64])
def test_numbers_that_are_none(tmp_path, bad, kind):
    weight = torch.ones(5, 3, dtype=kind)
    weight[2, 1] = weight[4, 0] = bad
    content = {"bn0.weight": torch.ones(3), "fc1.weight": weight}
    for body in (torch_bytes(content), save(content)):
        with pytest.raises(
            WeightsError, match=r"file\.pth': 2 of the 15 values of the tensor 'fc1\.weight' are NaN or infinite"
        ):
            read_checkpoint(write(tmp_path, body), "panns")


def test_numbers_beyond_float32(tmp_path):
    body = torch_bytes({"fc1.weight": torch.tensor([1.0, 1e300], dtype=torch.float64)})
    with pytest.raises(WeightsError, match=r"1 of the 2 values of the tensor 'fc1\.weight' are NaN or infinite in"):
        read_checkpoint(write(tmp_path, body), "panns")
    large = {"fc1.weight": torch.full((4,), 3e38)}  # their sum overflows, they do not
    assert equal(read_checkpoint(write(tmp_path, torch_bytes(large)), "panns"), large)


def test_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch):
    path = write(tmp_path, PANNS)
    load = torch.load

    def overwrite(stream, **options):
        raw = load(stream, **options)
        path.write_bytes(PANNS + b"more")
        return raw

    monkeypatch.setattr(torch, "load", overwrite)
    with pytest.raises(WeightsError, match=r"file\.pth' changed while it was read\. Use it when it is complete\."):
        read_checkpoint(path, "panns")


def test_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    path = write(tmp_path, PANNS)

    def refuse(self, *args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    with pytest.raises(WeightsError, match=r"file\.pth' cannot be read: Permission denied\."):
        read_checkpoint(path, "panns")
