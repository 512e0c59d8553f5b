"""Record the golden values of BERT: ``python tests/parity/record_bert.py``.

torch and transformers must be installed. Their BertForSequenceClassification answers, with weights that any machine can
draw again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from bert_layout import CLIPS, OPTIONS, TOKENS, draw
from golden_files import write_golden
from transformers import BertConfig, BertForSequenceClassification, BertModel


def theirs() -> Any:
    """Their network of the size of ours; the token in front is the last of its vocabulary."""
    config = BertConfig(
        vocab_size=TOKENS + 2,  # a token of padding, and the one in front
        hidden_size=OPTIONS["width"],
        num_hidden_layers=OPTIONS["n_layers"],
        num_attention_heads=OPTIONS["n_heads"],
        intermediate_size=OPTIONS["feedforward_size"],
        max_position_embeddings=OPTIONS["max_length"],
        num_labels=OPTIONS["n_outputs"],
        pad_token_id=TOKENS,
        attn_implementation="eager",
    )
    return BertForSequenceClassification(config).eval()


def answers(network: Any) -> dict[str, dict[str, np.ndarray]]:
    """Of each clip alone, so that there is no padding to get wrong."""
    encoder: BertModel = network.bert
    found = {}
    with torch.no_grad():
        for name, tokens in CLIPS.items():
            ids = torch.tensor([[TOKENS + 1, *tokens]])
            encoded = encoder(ids).last_hidden_state[0]
            found[name] = {"encoded": encoded.numpy(), "logits": network(ids).logits[0].numpy()}
    return found


def main() -> None:
    network = theirs()
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    drawn = {name: torch.from_numpy(array) for name, array in draw(shapes).items()}
    network.load_state_dict(drawn, strict=True)
    write_golden("bert", shapes, answers(network))


if __name__ == "__main__":
    main()
