"""The transformer behind convolutions: its layers and positions."""

import torch

from sklearn_audio.nets import (
    ARCHITECTURES,
    CNNTransformer,
)

N_OUTPUTS = 3


# what makes them small enough to be trained here
OPTIONS = {
    "crnn": {"n_embedding": 64},
    "cnn_transformer": {"n_embedding": 64},
    "efficientat": {"width": 0.1},
    "ast": {"size": "tiny"},
}


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


def test_layers_of_the_transformer_are_one_or_several():
    def count(**options):
        with torch.device("meta"):
            return len(list(CNNTransformer(2, 32, n_embedding=32, **options).layers.parameters()))

    assert count(n_layers=1) == count(n_layers=3) == count(n_layers=3, shared_layers=False) / 3


def test_positions_tell_times_apart():
    x = torch.ones(1, 400, 33)  # the borders do not reach the middle
    plain, placed = (build("cnn_transformer", n_features=33, positions=on).eval() for on in (False, True))
    with torch.no_grad():
        middles = [network.encode(x)[0, 45:55] for network in (plain, placed)]
    alike, apart = ((middle - middle[0]).abs().max() for middle in middles)
    assert alike < 1e-5 < 1e-2 < apart
