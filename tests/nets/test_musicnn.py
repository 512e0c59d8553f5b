"""MusiCNN without its weights: shapes, stopping at a layer, independence of rows, conventions of TensorFlow."""

import pytest
import torch

from sklearn_audio.nets import MusiCNN

WIDTHS = {
    "timbral": 408,
    "temporal": 153,
    "cnn1": 64,
    "cnn2": 64,
    "cnn3": 64,
    "mean_pool": 753,
    "max_pool": 753,
    "penultimate": 200,
    "logits": 50,
    "taggram": 50,
}


def frames(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 3


@pytest.fixture(scope="module")
def network():
    """A network whose norms have statistics, so that no layer is constant or zero."""
    generator = torch.Generator().manual_seed(1)
    network = MusiCNN()
    for name, value in network.state_dict().items():
        if name.endswith("running_var") or "norm.weight" in name:
            value.uniform_(0.5, 2.0, generator=generator)
        elif value.is_floating_point():
            bound = value[0].numel() ** -0.5 if value.ndim > 1 else 0.1
            value.uniform_(-bound, bound, generator=generator)
    return network.eval().requires_grad_(False)


def test_layers_and_widths(network):
    assert network.layers == tuple(WIDTHS)
    patches = frames(2, 187, 96)
    assert {layer: network(patches, layer=layer).shape for layer in network.layers} == {
        layer: (2, width) for layer, width in WIDTHS.items()
    }
    assert torch.equal(network(patches), network(patches, layer="taggram"))


def test_size_is_that_of_the_published_checkpoints():
    with torch.device("meta"):
        network = MusiCNN()
    assert sum(parameter.numel() for parameter in network.parameters()) == 787_159
    assert len(network.state_dict()) == 75


def test_other_widths():
    with torch.device("meta"):
        network = MusiCNN(n_labels=7, n_mels=48, n_filters_midend=512, n_units=500).eval()
        patches = torch.empty(3, 20, 48)
    assert [network(patches, layer=layer).shape[1] for layer in ("cnn3", "max_pool", "penultimate", "logits")] == [
        512,
        561 + 3 * 512,
        500,
        7,
    ]
    assert [branch.conv.kernel_size for branch in network.timbral] == [(7, 19), (7, 33)]


@pytest.mark.parametrize("n_frames", [1, 2, 31, 64, 127, 128, 129, 500])
def test_any_number_of_frames(network, n_frames):
    out = network(frames(1, n_frames, 96), layer="max_pool")
    assert out.shape == (1, 753)
    assert out.isfinite().all()


def test_one_frame_is_its_own_mean_and_maximum(network):
    patch = frames(1, 1, 96)
    mean, highest = network(patch, layer="mean_pool"), network(patch, layer="max_pool")
    assert torch.equal(mean, highest)
    parts = [network(patch, layer=layer) for layer in ("timbral", "temporal", "cnn1", "cnn2", "cnn3")]
    assert torch.equal(torch.cat(parts, dim=1), mean)


def test_a_layer_stops_the_computation(network):
    seen = []
    handles = [
        module.register_forward_hook(lambda *_: seen.append(1))
        for module in network.modules()
        if isinstance(module, torch.nn.Conv1d | torch.nn.Conv2d | torch.nn.Linear)
    ]
    computed = {}
    for layer in network.layers:
        seen.clear()
        network(frames(1, 20, 96), layer=layer)
        computed[layer] = len(seen)
    for handle in handles:
        handle.remove()
    assert list(computed.values()) == [2, 5, 6, 7, 8, 8, 8, 9, 10, 10]


def test_layers_belong_to_one_computation(network):
    """Stopping early changes no number: the layers after can be computed from those before."""
    patches = frames(2, 187, 96)
    value = {layer: network(patches, layer=layer) for layer in network.layers}
    parts = [value[layer] for layer in ("timbral", "temporal", "cnn1", "cnn2", "cnn3")]
    torch.testing.assert_close(torch.cat(parts, dim=1), value["mean_pool"], rtol=0, atol=1e-6)
    pooled = torch.stack((value["max_pool"], value["mean_pool"]), dim=2).reshape(2, -1)
    penultimate = network.dense_norm(network.dense(network.pool_norm(pooled)).relu())
    assert torch.equal(penultimate, value["penultimate"])
    assert torch.equal(network.head(penultimate), value["logits"])
    assert torch.equal(value["logits"].sigmoid(), value["taggram"])


@pytest.mark.parametrize("layer", ["cnn3", "max_pool", "taggram"])
def test_rows_do_not_depend_on_their_neighbours(network, layer):
    patches, others = frames(4, 187, 96), frames(4, 187, 96, seed=7)
    others[2] = patches[0]
    assert torch.equal(network(others, layer=layer)[2], network(patches, layer=layer)[0])


@pytest.mark.parametrize("branch", range(3))
def test_even_kernels_pad_one_more_zero_behind(branch):
    """TensorFlow's rule: of k - 1 zeros, half, rounded down, come before the first frame."""
    rhythm = MusiCNN().eval().requires_grad_(False).temporal[branch]
    n_frames = rhythm.conv.kernel_size[0]
    rhythm.conv.weight.zero_()[:, :, n_frames - 1] = 1.0  # each output is the last frame of its window
    rhythm.conv.bias.zero_()
    impulse = torch.zeros(1, 1, 2 * n_frames, 96)
    impulse[:, :, n_frames] = 1.0
    out = rhythm(impulse)
    assert out.shape == (1, 51, 2 * n_frames)
    assert out[0, 0].argmax() == n_frames - n_frames // 2


def test_the_first_convolution_has_no_shortcut(network):
    silent = MusiCNN().eval().requires_grad_(False)
    for step in silent.midend:
        step.conv.weight.zero_()
        step.conv.bias.zero_()
    silent.midend[0].norm.bias.fill_(2.0)
    silent.midend[1].norm.bias.fill_(0.5)
    patch = frames(1, 10, 96)
    assert [float(silent(patch, layer=f"cnn{i}")[0, 0]) for i in (1, 2, 3)] == [2.0, 2.5, 2.5]


def test_it_can_be_trained():
    network = MusiCNN().train()
    network(frames(4, 30, 96)).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())


def test_checkpoints_load_strictly(network):
    state = dict(network.state_dict())
    other = MusiCNN().eval()
    other.load_state_dict(state)
    assert torch.equal(other(frames(1, 20, 96)), network(frames(1, 20, 96)))
    del state["midend.2.conv.bias"]
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "midend\.2\.conv\.bias"'):
        other.load_state_dict(state)


def test_unknown_layers_are_refused(network):
    with pytest.raises(ValueError, match=r"no layer 'cnn4'; choose one of \['timbral', "):
        network(frames(1, 20, 96), layer="cnn4")
