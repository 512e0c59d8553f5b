"""Our BERT against that of transformers, under the same weights."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from sklearn_audio.nets import SequenceBERT
from tests.parity.bert_layout import CLIPS, OPTIONS, TOKENS, draw, to_ours
from tests.parity.golden_files import difference, read_golden

TOLERANCE = 1e-5


@pytest.fixture
def network():
    ours = SequenceBERT(n_tokens=TOKENS, **OPTIONS).eval()
    tensors = {name: torch.from_numpy(array) for name, array in to_ours(draw(read_golden("bert").layout)).items()}
    ours.load_state_dict(tensors, strict=True)
    return ours


def answers(network, clips):
    """All clips in one batch, padded."""
    lengths = torch.tensor([len(clip) for clip in clips])
    padded = torch.full((len(clips), max(lengths)), TOKENS)
    for row, clip in zip(padded, clips, strict=True):
        row[: len(clip)] = torch.tensor(clip)
    with torch.no_grad():
        encoded = network.encoder(network.input(padded, lengths), lengths)
        return encoded.numpy(), network(padded, lengths).numpy()


def test_padded_batch_answers_as_each_clip_does_alone_in_transformers(network):
    golden = read_golden("bert").answers
    encoded, logits = answers(network, list(CLIPS.values()))
    for i, (name, clip) in enumerate(CLIPS.items()):
        assert difference(encoded[i, : len(clip) + 1], golden[name]["encoded"], "encoded") < TOLERANCE
        assert difference(logits[i], golden[name]["logits"], "logits") < TOLERANCE


@pytest.mark.slow
def test_golden_values_are_those_of_transformers(monkeypatch):
    # transformers imports torchaudio where it finds it, whose build on PyPI needs the CUDA of its own torch
    monkeypatch.setitem(sys.modules, "torchaudio", None)
    transformers = pytest.importorskip("transformers", reason="transformers recorded the golden values")
    layout, golden = read_golden("bert")
    config = transformers.BertConfig(
        vocab_size=TOKENS + 2,
        hidden_size=OPTIONS["width"],
        num_hidden_layers=OPTIONS["n_layers"],
        num_attention_heads=OPTIONS["n_heads"],
        intermediate_size=OPTIONS["feedforward_size"],
        max_position_embeddings=OPTIONS["max_length"],
        num_labels=OPTIONS["n_outputs"],
    )
    theirs = transformers.BertForSequenceClassification(config).eval()
    theirs.load_state_dict({name: torch.from_numpy(array) for name, array in draw(layout).items()})
    for name, clip in CLIPS.items():
        logits = theirs(torch.tensor([[TOKENS + 1, *clip]])).logits[0].detach().numpy()
        np.testing.assert_allclose(logits, golden[name]["logits"], rtol=0, atol=1e-5)


def test_answers_depend_on_what_is_real(network):
    encoded, _ = answers(network, [[1, 2, 3]])
    changed, _ = answers(network, [[1, 2, 4]])
    assert np.abs(encoded[0, 0] - changed[0, 0]).max() > 1e-3
