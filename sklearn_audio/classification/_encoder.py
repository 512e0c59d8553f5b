"""The start of a network that is trained, taken from an auto-encoder that was trained without labels."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted
from torch import nn

__all__ = ["start_from_encoder"]


def start_from_encoder(network: nn.Module, autoencoder: Any, architecture: object) -> None:
    """Copy the blocks of an encoder into a network that has the same."""
    check_is_fitted(autoencoder)
    backbone = getattr(network, "backbone", network)
    encoder, own = autoencoder.encoder_.state_dict(), backbone.state_dict()
    for name, array in encoder.items():
        if name not in own or own[name].shape != array.shape:
            there = tuple(own[name].shape) if name in own else "nothing"
            raise ValueError(
                f"the encoder holds {name!r} of shape {tuple(array.shape)}, where architecture {architecture!r} has "
                f"{there}; an encoder with the filters of its default starts 'cnn4' only."
            )
    # copied: the network is trained, and the encoder stays as it is
    backbone.load_state_dict(own | encoder)
