"""Every network that can be trained: one step of it, the sizes it takes, and that clips do not see each other."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sklearn_audio.nets import (
    ARCHITECTURES,
    CRNN,
    SBCNN,
    VGG,
    BCResNet,
    Cnn4,
    FNet,
    LearnedLog,
    Timbre,
)

N_OUTPUTS = 3


def cut_into_frames(waveform):
    """Stand in for a front end of 64 bands."""
    return waveform.unfold(0, 64, 320)


# what makes them small enough to be trained here
OPTIONS = {
    "crnn": {"n_embedding": 64},
    "cnn_transformer": {"n_embedding": 64},
    "efficientat": {"width": 0.1},
    "ast": {"size": "tiny"},
    "wavegram_logmel_cnn14": {"front_end": cut_into_frames},
}
# 60 to 80 million parameters, of the same parts as the others; the slow tests run them, too
LARGE = ("cnn14", "resnet22", "resnet38", "resnet54", "res1dnet31", "res1dnet51", "wavegram_cnn14")
LARGE += ("wavegram_logmel_cnn14",)
LARGE += ("cnn14_decision_max", "cnn14_decision_avg", "cnn14_decision_att")
# of the first block of DaiNet19, whose input has the width of its output
IDLE = ("conv_block1.downsample.", "conv_block1.bn_downsample.")
every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


def slow_if_large(names):
    return [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in names]


def build(name, n_frames=None, n_features=None, **options):
    """A network on the least it takes, unless told otherwise; seeded, and without touching the global generator."""
    architecture = ARCHITECTURES[name]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return architecture.build(
            N_OUTPUTS,
            n_features or architecture.fewest_features,
            n_frames or architecture.shortest,
            **OPTIONS.get(name, {}) | options,
        )


def clips(name, n_clips=2, n_frames=None, n_features=None):
    architecture = ARCHITECTURES[name]
    shape = (n_clips, n_frames or architecture.shortest)
    if not architecture.waveforms:
        shape += (n_features or architecture.fewest_features,)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def train_step(network, x, optimizer):
    optimizer.zero_grad()
    loss = F.cross_entropy(network(x), torch.arange(len(x)) % N_OUTPUTS)
    loss.backward()
    optimizer.step()


@pytest.mark.parametrize("name", slow_if_large(ARCHITECTURES))
def test_two_steps_of_training_reach_every_parameter(name):
    # two, as the last norms of residual blocks are zero at first and let nothing through
    longer = {"n_frames": 2 * ARCHITECTURES[name].shortest + 40, "n_features": ARCHITECTURES[name].fewest_features + 8}
    network, x = build(name, **longer).train(), clips(name, 4, **longer)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        for _ in range(2):
            train_step(network, x, optimizer)
    gradients = {
        key: p.grad for key, p in network.named_parameters() if not key.removeprefix("network.").startswith(IDLE)
    }
    assert [key for key, gradient in gradients.items() if gradient is None] == []
    assert [key for key, gradient in gradients.items() if not gradient.isfinite().all()] == []
    assert [key for key, gradient in gradients.items() if not gradient.any()] == []


@every_architecture
def test_norms_forget_their_first_statistics_within_a_hundred_steps(name):
    """With less momentum, a network trained on few clips is right in training and guesses in evaluation."""
    with torch.device("meta"):
        network = build(name)
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    assert all((1 - norm.momentum) ** 100 < 1e-4 for norm in norms)


@pytest.mark.parametrize("name", ["crnn", "cnn_transformer"])
def test_width_for_few_clips_is_the_default(name):
    with torch.device("meta"):
        assert ARCHITECTURES[name].build(3, 64, 128).n_embedding == 64


@every_architecture
@pytest.mark.parametrize("more", [0, 1, 37])
def test_logits_and_embedding_of_the_shortest_clips_and_of_longer_ones(name, more):
    n_frames = ARCHITECTURES[name].shortest + more
    with torch.device("meta"):
        network = build(name, n_frames).eval()
    x = clips(name, 2, n_frames).to("meta")
    assert network(x).shape == (2, N_OUTPUTS)
    assert network.embed(x).shape == (2, network.n_embedding)


@pytest.mark.parametrize("name", [name for name, what in ARCHITECTURES.items() if what.shortest > 1])
def test_nothing_shorter_is_taken(name):
    shorter = ARCHITECTURES[name].shortest - 1
    with torch.device("meta"), pytest.raises((RuntimeError, ValueError)):
        build(name, shorter).eval()(clips(name, 2, shorter).to("meta"))


@pytest.mark.parametrize("name", [name for name, what in ARCHITECTURES.items() if what.fewest_features > 1])
def test_narrower_frames_are_refused(name):
    fewest = ARCHITECTURES[name].fewest_features
    message = rf"takes frames of at least {fewest} features, but they have {fewest - 1}; compute more mel bands or"
    with torch.device("meta"), pytest.raises(ValueError, match=message):
        build(name, n_features=fewest - 1)


@pytest.mark.parametrize(
    "name", [name for name, what in ARCHITECTURES.items() if what.fixed_length and what.shortest > 1]
)
def test_networks_of_one_length_refuse_one_that_is_too_short(name):
    shortest = ARCHITECTURES[name].shortest
    with pytest.raises(ValueError, match=rf"at least {shortest} frames, but n_frames is {shortest - 1}; give longer"):
        build(name, shortest - 1)


@pytest.mark.parametrize("name", slow_if_large(ARCHITECTURES))
def test_rows_do_not_see_their_neighbours(name):
    network, x = build(name).eval(), clips(name, 3)
    with torch.no_grad():
        together, alone = network(x), torch.cat([network(row[None]) for row in x])
        louder = network(torch.cat([x[:1], 10 * x[1:]]))
    scale = together.abs().max()
    assert (together - alone).abs().max() <= 1e-4 * scale
    assert (together[0] - louder[0]).abs().max() <= 1e-4 * scale
    assert (together[0] - together[1]).abs().max() > 1e-3 * scale


@pytest.mark.parametrize("name", slow_if_large(ARCHITECTURES))
def test_copies_and_pickles(name):
    network, x = build(name).eval(), clips(name)
    with torch.no_grad():
        for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
            assert torch.equal(twin(x), network(x))


def test_table_can_be_pickled_and_tells_what_its_networks_tell():
    assert list(pickle.loads(pickle.dumps(ARCHITECTURES))) == list(ARCHITECTURES)
    for network_class, name in ((Cnn4, "cnn4"), (SBCNN, "sbcnn"), (VGG, "vgg32"), (Timbre, "timbre"), (CRNN, "crnn")):
        architecture = ARCHITECTURES[name]
        assert architecture.fixed_length == network_class.fixed_length
        assert architecture.shortest == network_class.shortest
        assert architecture.waveforms == network_class.waveforms
    assert ARCHITECTURES["leenet11"].waveforms


@pytest.mark.parametrize("name", slow_if_large(n for n, what in ARCHITECTURES.items() if "dropout" in what.options))
def test_dropout_is_that_of_the_option(name):
    x = clips(name)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(0)
        half = build(name, dropout=0.5).train()
        assert not torch.equal(half(x), half(x))
        none = build(name, dropout=0.0, **({"transformer_dropout": 0.0} if name == "cnn_transformer" else {})).train()
        if name not in ("cnn6", "cnn10", "leenet24", *LARGE):  # these drop parts of their maps, too
            assert torch.equal(none(x), none(x))


@pytest.mark.parametrize(
    ("name", "shares"),
    [
        # in the order of computation, each as often as in the code of its authors
        ("cnn6", [0.2, 0.2, 0.2, 0.2, 0.5]),
        ("cnn14", [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.5]),
        ("resnet22", [0.2, *[0.1] * 8, 0.2, 0.2, 0.5]),
        ("mobilenet_v1", [0.5]),
        ("mobilenet_v2", []),
        ("leenet11", [0.5]),
        ("res1dnet31", [*[0.1] * 14, 0.5]),
    ],
)
def test_panns_drop_what_their_authors_drop(name, shares, monkeypatch):
    dropped = []
    dropout = F.dropout

    def watched(x, p=0.5, training=True, inplace=False):
        dropped.extend([p] if training and p else [])
        return dropout(x, p, training, inplace)

    monkeypatch.setattr(F, "dropout", watched)
    with torch.device("meta"):
        network = build(name).train()
    network(clips(name).to("meta"))
    assert dropped == shares
    dropped.clear()
    network.eval()(clips(name).to("meta"))
    assert dropped == []


def test_unknown_sizes_are_refused():
    with pytest.raises(ValueError, match=r"no size 'huge'; choose one of \['tiny', 'small', 'base'\]"):
        build("ast", size="huge")


def test_sizes_are_those_of_the_papers():
    """Parameters of the published sizes, at 128 bands."""

    def count(name, n_outputs, n_frames=None, **options):
        with torch.device("meta"):
            network = ARCHITECTURES[name].build(n_outputs, 128, n_frames, **options)
        return sum(parameter.numel() for parameter in network.parameters())

    assert count("cnn4", 4, 51) == 7_633_348
    assert (count("sbcnn", 10, 128), count("sbcnn", 15, 128)) == (241_434, 241_759)
    assert count("sbcnn", 10, 128, input_norm=True) == 241_436
    assert (count("timbre", 10), count("timbre", 15)) == (7_572, 11_357)
    assert (count("vgg32", 10, 128), count("vgg32", 15, 128)) == (42_764, 45_329)
    assert (count("vgg128", 10, 128), count("vgg128", 15, 128)) == (613_388, 623_633)
    assert round(count("crnn", 527, n_embedding=1024, pooling="attention") / 1e6, 2) == 6.98


def test_learned_log_starts_as_published_and_is_learned():
    compression = LearnedLog()
    x = torch.tensor([0.0, 1.0])
    alpha, beta = torch.tensor(7.0).exp(), torch.log1p(torch.tensor(1.0).exp())
    torch.testing.assert_close(compression(x), torch.log(alpha * x + beta))
    compression(x).sum().backward()
    assert all(parameter.grad != 0 for parameter in compression.parameters())


@pytest.mark.parametrize(("width", "published"), [(1.0, 9.2e3), (1.5, 16.9e3), (2.0, 27.3e3)])
def test_bcresnet_has_the_published_size(width, published):
    network = BCResNet(12, 40, width=width)
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(published, rel=0.1)


@pytest.mark.parametrize("n_features", [33, 41, 64, 128])
def test_bcresnet_takes_any_number_of_bands(n_features):
    assert BCResNet(12, n_features).eval()(torch.zeros(2, 3, n_features)).shape == (2, 12)


def test_bcresnet_normalises_parts_of_the_frequency_axis():
    norm = BCResNet(2, 40).blocks[0].frequency[-1].train()
    x = torch.randn(4, 8, 6, 20, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 21)
    parts = norm(x).unflatten(3, (5, 4))  # (B, C, T, M) -> (B, C, T, 5, M / 5)
    torch.testing.assert_close(parts.mean(dim=(0, 2, 4)), torch.zeros(8, 5), atol=1e-5, rtol=0)
    torch.testing.assert_close(parts.var(dim=(0, 2, 4), correction=0), torch.ones(8, 5), atol=1e-3, rtol=0)


def test_a_layer_of_fnet_mixes_by_the_fourier_transform():
    layer = FNet(2, 6, n_embedding=8, n_layers=1).eval().layers[0]
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    mixed = torch.from_numpy(np.fft.fft2(x.numpy()).real).float()
    mixed = F.layer_norm(x + mixed, (8,))
    with torch.no_grad():
        torch.testing.assert_close(layer(x), F.layer_norm(mixed + layer.dense(mixed), (8,)), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["max", "avg", "att"])
def test_logits_of_decisions_over_time_are_those_of_the_network(name):
    network, x = build(f"cnn14_decision_{name}").eval(), clips(f"cnn14_decision_{name}")
    with torch.no_grad():
        torch.testing.assert_close(network(x).sigmoid(), network.network(x, layer="probabilities"))
