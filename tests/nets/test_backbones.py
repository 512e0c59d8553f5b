"""Every network: the size of its published checkpoint, its layers, and what it refuses."""

from functools import partial

import pytest
import torch

from sklearn_audio import nets

LOGMEL = (2, 101, 64)
WAVEFORM = (2, 32000)

# builder, shapes of the inputs, parameters as the papers' code counts them, keys of a checkpoint less those of its
# front end (3), of parts that no answer depends on, and of the head that AST's image models lack
NETWORKS = {
    "vggish": (nets.VGGish, [(2, 96, 64)], 72_141_184, 18),
    "cnn14": (nets.Cnn14, [LOGMEL], 80_753_615, 84 - 3),
    "cnn10": (nets.Cnn10, [LOGMEL], 5_219_279, 60 - 3),
    "cnn6": (nets.Cnn6, [LOGMEL], 4_837_455, 36 - 3),
    "cnn14_decision_max": (partial(nets.Cnn14DecisionLevel, "max"), [LOGMEL], 80_753_615, 84 - 3),
    "cnn14_decision_att": (partial(nets.Cnn14DecisionLevel, "attention"), [LOGMEL], 81_833_438, 91 - 3 - 5),
    "resnet22": (partial(nets.ResNet, 22), [LOGMEL], 63_675_087, 150 - 3),
    "resnet38": (partial(nets.ResNet, 38), [LOGMEL], 73_783_247, 246 - 3),
    "resnet54": (partial(nets.ResNet, 54), [LOGMEL], 104_318_159, 348 - 3),
    "mobilenet_v1": (nets.MobileNetV1, [LOGMEL], 4_796_303, 174 - 3),
    "mobilenet_v2": (nets.MobileNetV2, [LOGMEL], 4_075_343, 324 - 3),
    "leenet11": (partial(nets.LeeNet, 11), [WAVEFORM], 748_367, 58),
    "leenet24": (partial(nets.LeeNet, 24), [WAVEFORM], 10_003_791, 112),
    "dainet19": (nets.DaiNet19, [WAVEFORM], 4_385_807, 130),
    "res1dnet31": (partial(nets.Res1dNet, 31), [WAVEFORM], 80_464_463, 214),
    "res1dnet51": (partial(nets.Res1dNet, 51), [WAVEFORM], 106_538_063, 334),
    "wavegram_cnn14": (nets.WavegramCnn14, [WAVEFORM], 80_953_935, 135 - 5 - 12),
    "wavegram_logmel_cnn14": (nets.WavegramLogmelCnn14, [WAVEFORM, LOGMEL], 81_065_487, 138 - 3),
    "ast_base": (nets.AST, [(2, 1024, 128)], 86_594_063, 155),
    "ast_tiny": (partial(nets.AST, "tiny", None), [(2, 1024, 128)], 5_621_568, 151),
    "mn04": (partial(nets.EfficientAT, 0.4), [(2, 100, 128)], 983_599, 312),
    "mn10": (partial(nets.EfficientAT, 1.0), [(2, 100, 128)], 4_876_831, 312),
}
SMALL = ("cnn6", "leenet11", "ast_tiny", "mn04", "mobilenet_v2")


def on_meta(build):
    with torch.device("meta"):
        return build().eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_are_those_of_the_published_checkpoints(name):
    build, _, n_parameters, n_keys = NETWORKS[name]
    network = on_meta(build)
    assert sum(parameter.numel() for parameter in network.parameters()) == n_parameters
    assert len(network.state_dict()) == n_keys


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_is_one_vector_per_row(name):
    build, shapes, *_ = NETWORKS[name]
    network = on_meta(build)
    inputs = [torch.empty(shape, device="meta") for shape in shapes]
    widths = {layer: network(*inputs, layer=layer).shape for layer in network.layers}
    assert all(shape[0] == 2 and len(shape) == 2 for shape in widths.values())
    assert "embedding" in widths
    assert network(*inputs).shape == widths["embedding"]


@pytest.mark.parametrize("name", NETWORKS)
def test_unknown_layers_are_refused(name):
    build, shapes, *_ = NETWORKS[name]
    inputs = [torch.empty(shape, device="meta") for shape in shapes]
    with pytest.raises(ValueError, match=r"no layer 'blok1'; choose one of \['"):
        on_meta(build)(*inputs, layer="blok1")


@pytest.mark.parametrize("name", SMALL)
def test_a_layer_stops_the_computation(name):
    build, shapes, *_ = NETWORKS[name]
    network = build().eval()
    inputs = [torch.randn(shape, generator=torch.Generator().manual_seed(0)) for shape in shapes]
    seen = []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv1d | torch.nn.Conv2d | torch.nn.Linear):
            module.register_forward_hook(lambda *_: seen.append(1))
    with torch.no_grad():
        network(*inputs, layer=network.layers[0])
        n_first = len(seen)
        network(*inputs, layer=network.layers[-1])
    assert n_first < len(seen) - n_first


@pytest.mark.parametrize("name", SMALL)
def test_networks_can_be_trained(name):
    build, shapes, *_ = NETWORKS[name]
    network = build().train()
    generator = torch.Generator().manual_seed(0)
    out = network(*(torch.randn(shape, generator=generator) for shape in shapes), layer=network.layers[-1])
    out.square().mean().backward()
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_decisions_on_segments():
    network = on_meta(partial(nets.Cnn14DecisionLevel, "attention"))
    assert network(torch.empty(1, 1001, 64, device="meta"), layer="segments").shape == (1, 31, 527)
