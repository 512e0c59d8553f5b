"""The auto-encoder network: cells, the way back, and nothing that passes the bottleneck by."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sklearn_audio.nets import Cnn4, FrameAutoencoder, FrameDecoder

FILTERS = (4, 4, 8, 8)


def seeded(build):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        network = build()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.running_mean, std=0.3)
                nn.init.uniform_(module.running_var, 0.5, 2)
        return network.eval().requires_grad_(False)


def frames(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("n_frames", "n_features", "cells"), [(1, 1, 1), (16, 16, 1), (17, 16, 2), (51, 128, 4 * 8), (33, 40, 3 * 3)]
)
def test_a_vector_has_so_many_numbers_per_cell(n_frames, n_features, cells):
    network = seeded(lambda: FrameAutoencoder(n_frames, n_features, n_channels=3, n_filters=FILTERS))
    values, lengths = frames(2, n_frames, n_features), torch.tensor([n_frames, 1])
    vectors = network.encode(values, lengths)
    assert vectors.shape == (2, network.n_embedding) == (2, 3 * cells)
    assert network.decode(vectors).shape == network(values, lengths).shape == (2, n_frames, n_features)


def test_the_encoder_is_that_of_cnn4():
    encoder, classifier = FrameAutoencoder(50, 40).encoder.eval(), seeded(lambda: Cnn4(3, 40, 50))
    encoder.load_state_dict(classifier.encoder.state_dict())
    assert torch.equal(encoder(frames(2, 50, 40)), classifier.encoder(frames(2, 50, 40)))


def test_the_reconstruction_is_a_function_of_the_vector():
    network = seeded(lambda: FrameAutoencoder(32, 16, n_filters=FILTERS))
    lengths = torch.tensor([32, 32])
    one, other = frames(2, 32, 16), frames(2, 32, 16) * 3
    network(other, lengths)  # would leave places of maxima behind
    assert torch.equal(network(one, lengths), network.decode(network.encode(one, lengths)))
    network.encode = lambda values, lengths: torch.zeros(len(values), network.n_embedding)
    assert torch.equal(network(one, lengths), network(other, lengths))


def test_no_layer_gives_places_of_maxima():
    kinds = {type(module) for module in FrameAutoencoder(16, 16).modules()}
    assert nn.MaxUnpool2d not in kinds
    assert not any(
        module.return_indices for module in FrameAutoencoder(16, 16).modules() if type(module) is nn.MaxPool2d
    )


def test_what_stands_behind_the_end_does_not_matter():
    network = seeded(lambda: FrameAutoencoder(20, 5, n_filters=FILTERS))
    quiet, loud = frames(1, 20, 5), frames(1, 20, 5)
    loud[:, 12:] = 1e6
    lengths = torch.tensor([12])
    assert torch.equal(network.encode(quiet, lengths), network.encode(loud, lengths))
    assert torch.equal(network.errors(quiet, lengths), network.errors(loud, lengths))


def test_standardisation_is_undone():
    network = seeded(lambda: FrameAutoencoder(16, 16, n_filters=FILTERS))
    values, lengths = frames(2, 16, 16), torch.tensor([16, 16])
    vectors, answers = network.encode(values, lengths), network(values, lengths)
    network.input.mean.fill_(-30.0)
    network.input.scale.fill_(0.25)
    torch.testing.assert_close(network.encode(4 * values - 30, lengths), vectors, rtol=0, atol=1e-5)
    torch.testing.assert_close(network(4 * values - 30, lengths), 4 * answers - 30, rtol=0, atol=1e-4)


def test_errors_are_means_over_real_frames():
    network = seeded(lambda: FrameAutoencoder(18, 6, n_filters=FILTERS))
    network.input.scale.fill_(2.0)
    values, lengths = frames(2, 18, 6), torch.tensor([18, 7])
    errors, answers = network.errors(values, lengths), network(values, lengths)
    for row, length in enumerate(lengths):
        wanted = 4 * (answers[row, :length] - values[row, :length]).square().mean(dim=0)
        torch.testing.assert_close(errors[row], wanted)


def test_the_decoder_doubles_by_repetition():
    decoder = seeded(lambda: FrameDecoder(2, (3,)))
    maps = frames(1, 2, 4, 5)
    repeated = F.leaky_relu(decoder.widen(maps)).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    torch.testing.assert_close(decoder(maps), decoder.blocks[0][2](repeated)[:, 0])


def test_every_frame_reaches_the_vector_and_every_number_the_frames():
    network = seeded(lambda: FrameAutoencoder(35, 20, n_filters=FILTERS))
    values = frames(1, 35, 20).requires_grad_()
    network.encode(values, torch.tensor([35])).square().sum().backward()
    assert (values.grad.abs().sum(dim=2) > 0).all()
    vectors = frames(1, network.n_embedding).requires_grad_()
    network.decode(vectors).square().sum().backward()
    assert (vectors.grad != 0).all()
