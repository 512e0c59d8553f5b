"""Networks over sequences: padding never reaches an answer, and each equals what it is named after."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sklearn_audio.nets import (
    FrameInput,
    MaskedPooling,
    MeanNetwork,
    SequenceBERT,
    SequenceLSTM,
    SequenceMLP,
    TokenInput,
    sequence_input,
)

LENGTHS = torch.tensor([5, 2, 9])


def frames(seed=0):
    return torch.randn(3, 9, 4, generator=torch.Generator().manual_seed(seed))


def build(network, **options):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return network(3, **options).eval()


def padded_with(values, filler):
    values = values.clone()
    for row, length in zip(values, LENGTHS, strict=True):
        row[length:] = filler
    return values


NETWORKS = [
    (SequenceLSTM, {"pooling": "last", "n_layers": 2}),
    (SequenceLSTM, {"pooling": "mean"}),
    (SequenceLSTM, {"pooling": "max"}),
    (SequenceLSTM, {"pooling": "attention"}),
    (SequenceLSTM, {"pooling": "last", "bidirectional": False}),
    (SequenceLSTM, {"per_clip": True}),
    (SequenceBERT, {"width": 8, "n_heads": 2}),
    (SequenceBERT, {"width": 8, "n_heads": 2, "pooling": "mean"}),
    (MeanNetwork, {}),
    (SequenceMLP, {"n_steps": 9}),
]


@pytest.mark.parametrize(("network", "options"), NETWORKS)
def test_what_stands_in_padded_places_does_not_matter(network, options):
    network = build(network, n_features=4, **options)
    with torch.no_grad():
        zeros, loud = (network(padded_with(frames(), filler), LENGTHS) for filler in (0.0, 1e6))
    assert torch.equal(zeros, loud)


@pytest.mark.parametrize(("network", "options"), NETWORKS[:-1])
def test_a_padded_row_answers_as_it_does_alone(network, options):
    network = build(network, n_features=4, **options)
    with torch.no_grad():
        together = network(padded_with(frames(), 0.0), LENGTHS)
        alone = [network(row[None, :n], LENGTHS[i : i + 1]) for i, (row, n) in enumerate(zip(frames(), LENGTHS))]  # noqa: B905
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("network", "options"), NETWORKS)
def test_every_real_frame_matters(network, options):
    network = build(network, n_features=4, **options)
    values = padded_with(frames(), 0.0).requires_grad_()
    network(values, LENGTHS).square().sum().backward()
    touched = values.grad.abs().sum(dim=2) > 0
    if options.get("pooling") == "max":
        touched = touched.any(dim=1)
        assert touched.all()
        return
    assert torch.equal(touched, torch.arange(9) < LENGTHS[:, None])


def test_lstm_equals_torch_on_packed_sequences():
    ours = build(SequenceLSTM, n_features=4, hidden_size=6, n_layers=2, pooling="last")
    theirs = nn.LSTM(4, 6, num_layers=2, bidirectional=True, batch_first=True)
    for i in range(2):
        for suffix, layer in (("", ours.forwards[i]), ("_reverse", ours.backwards[i])):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                getattr(theirs, f"{name}_l{i}{suffix}").data.copy_(getattr(layer, f"{name}_l0"))
    packed = pack_padded_sequence(frames(), LENGTHS, batch_first=True, enforce_sorted=False)
    with torch.no_grad():
        outputs, (last, _) = theirs(packed)
        wanted = ours.head(torch.cat([last[-2], last[-1]], dim=1))
        torch.testing.assert_close(ours(frames(), LENGTHS), wanted, rtol=0, atol=1e-6)
        mean = build(SequenceLSTM, n_features=4, hidden_size=6, n_layers=2, pooling="mean")
        mean.load_state_dict(ours.state_dict())
        padded = pad_packed_sequence(outputs, batch_first=True)[0]
        wanted = ours.head(padded.sum(dim=1) / LENGTHS[:, None])
        torch.testing.assert_close(mean(frames(), LENGTHS), wanted, rtol=0, atol=1e-6)


def test_vector_of_padding_is_zero_and_is_not_learned():
    layer = TokenInput(5, 3)
    vectors = layer(torch.tensor([[1, 5]]), torch.tensor([1]))
    vectors.sum().backward()
    assert not vectors[0, 1].any()
    assert not layer.embedding.weight.grad[5].any()
    assert layer.embedding.weight.grad[1].any()


def test_bert_keeps_the_vector_of_padding_at_zero():
    assert not build(SequenceBERT, n_tokens=5).input.embedding.weight[5].any()


def test_frames_are_standardised_clip_by_clip_over_real_frames():
    values = padded_with(frames(), 1e3)
    rows = FrameInput(4, per_clip=True)(values, LENGTHS)
    for row, got, length in zip(values, rows, LENGTHS, strict=True):
        real = row[:length]
        wanted = (real - real.mean(dim=0)) / (real.var(dim=0, correction=0) + 1e-5).sqrt()
        torch.testing.assert_close(got[:length], wanted)
        assert not got[length:].any()


@pytest.mark.parametrize(("pooling", "wanted"), [("last", 3.0), ("mean", 2.0), ("max", 3.0)])
def test_pooling_sees_real_places_only(pooling, wanted):
    x = torch.tensor([[[1.0], [3.0], [9.0]]])
    assert MaskedPooling(pooling, 1)(x, torch.tensor([2])).item() == wanted


def test_attention_weighs_real_places_only():
    pool = MaskedPooling("attention", 1)
    x = torch.tensor([[[1.0], [3.0], [9.0]]])
    scores = pool.score(x)[0, :2, 0].detach().numpy()
    weights = np.exp(scores) / np.exp(scores).sum()
    assert pool(x, torch.tensor([2])).item() == pytest.approx(weights @ [1.0, 3.0], rel=1e-6)


@pytest.mark.parametrize(("n_features", "n_tokens"), [(None, None), (4, 5)])
def test_input_is_of_one_kind(n_features, n_tokens):
    with pytest.raises(ValueError, match="give n_features for a network over frames, or n_tokens"):
        sequence_input(n_features, n_tokens, 8)
