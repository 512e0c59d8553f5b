"""`engine._tuning`: the same answers, whatever is rewritten."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_audio.engine._tuning import MatmulConv, fold_batch_norms, tune
from sklearn_audio.engine.models import CARDS, ClipPatching, ast_card
from tests.parity.seeded import checkpoint

CPU = torch.device("cpu")
SMALL = [
    ("vggish", "vggish"),
    ("panns", "cnn6"),
    ("panns", "mobilenet_v1"),
    ("panns", "mobilenet_v2"),
    ("panns", "leenet11"),
    ("panns", "dainet19"),
    ("efficientat", "mn04_as"),
    ("musicnn", "msd_musicnn"),
    ("speech", "speech_embedding"),
    ("openl3", "env_mel128"),
    ("yamnet", "yamnet"),
    ("ast", "tiny224"),
]
LARGE = [
    ("panns", name)
    for name in (
        "cnn14",
        "cnn14_decision_att",
        "cnn10",
        "resnet22",
        "resnet54",
        "leenet24",
        "res1dnet31",
        "wavegram_cnn14",
        "wavegram_logmel_cnn14",
    )
] + [("efficientat", "mn10_as")]


def seeded(card):
    """A network whose every tensor is random, the statistics of its batch norms too."""
    network = card.on_meta()
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    state = {name: torch.from_numpy(np.asarray(value)) for name, value in checkpoint(shapes).items()}
    network.load_state_dict(state, assign=True)
    return network.eval()


def inputs(card, n_clips=2):
    generator = torch.Generator().manual_seed(0)
    whole = isinstance(card.patching, ClipPatching)
    n_frames = card.front_end.n_frames(card.sample_rate) if whole else card.patching.n_frames
    decibels = card.name.startswith("panns")
    frames = torch.randn(n_clips, n_frames, card.front_end.n_features, generator=generator)
    drawn = {
        "waveform": torch.randn(n_clips, card.sample_rate, generator=generator) * 0.1,
        "frames": 20 * frames - 40 if decibels else frames,
    }
    return [drawn[name] for name in card.reads]


@pytest.mark.parametrize(("family", "model"), SMALL + [pytest.param(*large, marks=pytest.mark.slow) for large in LARGE])
def test_every_layer_stays_what_it_was(family, model):
    # the layers of a transformer are the same for a quarter of its frames
    card = ast_card(model, n_frames=256) if family == "ast" else CARDS[family][model]
    network = seeded(card)
    tuned = copy.deepcopy(network)
    tune(tuned, card, CPU, "float32")
    x = inputs(card)
    with torch.inference_mode():
        for layer in network.layers:
            wanted, got = network(*x, layer=layer), tuned(*x, layer=layer)
            # measured: 1e-6 to 3e-6 of the largest value, 3e-5 in the deepest networks
            assert (got - wanted).abs().max() <= 1e-4 * wanted.abs().max(), layer


@pytest.mark.parametrize(
    ("family", "model", "left"),
    # the norm over the bands of the input stays, and those of MusiCNN, which come behind the activation
    [("panns", "cnn6", 1), ("efficientat", "mn04_as", 0), ("panns", "mobilenet_v2", 1), ("musicnn", "msd_musicnn", 11)],
)
def test_batch_norms_are_folded(family, model, left):
    card = CARDS[family][model]
    network = seeded(card)
    tune(network, card, CPU, "float32")
    assert sum(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in network.modules()) == left


def test_few_bands_of_many_channels_become_matrix_products():
    network = CARDS["panns"]["cnn10"].build().eval()
    tune(network, CARDS["panns"]["cnn10"], CPU, "float32")
    products = [name for name, module in network.named_modules() if isinstance(module, MatmulConv)]
    assert products == []  # the last block has eight bands
    card = CARDS["panns"]["resnet22"]
    network = card.build().eval()
    tune(network, card, CPU, "float32")
    assert isinstance(network.conv_block_after1.conv2, MatmulConv)


def test_nothing_is_trained_any_more():
    network = CARDS["panns"]["leenet11"].build().eval()
    tune(network, CARDS["panns"]["leenet11"], CPU, "float32")
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_bfloat16_is_close():
    card = CARDS["efficientat"]["mn04_as"]
    network = seeded(card)
    half = copy.deepcopy(network)
    tune(half, card, CPU, "bfloat16")
    assert {module.weight.dtype for module in half.modules() if isinstance(module, nn.Conv2d)} == {torch.bfloat16}
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        got = half(*inputs(card), layer="embedding").float()
    with torch.inference_mode():
        wanted = network(*inputs(card), layer="embedding")
    assert nn.functional.cosine_similarity(got, wanted).min() > 0.99


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kernel", [(3, 3), (5, 3), (1, 3)])
def test_a_narrow_convolution_is_a_convolution(kernel, bias):
    torch.manual_seed(0)
    conv = nn.Conv2d(6, 7, kernel, padding=(kernel[0] // 2, kernel[1] // 2), bias=bias)
    x = torch.randn(2, 6, 9, 3)
    got = MatmulConv(conv)(x)
    assert got.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(got, conv(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bias", [True, False])
def test_folding(bias):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, bias=bias), nn.BatchNorm2d(4)).eval()
    norm = network[1]
    for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        nn.init.uniform_(tensor, 0.5, 2.0)
    x = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        wanted = network(x)
        fold_batch_norms(network, [("0", "1")])
        torch.testing.assert_close(network(x), wanted, rtol=1e-5, atol=1e-5)
    assert isinstance(network[1], nn.Identity)
