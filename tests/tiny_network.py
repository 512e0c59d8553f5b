"""A network of a user's own: a class of torch modules that knows nothing of this library."""

import torch
from torch import nn


class TinyNetwork(nn.Module):
    """One layer over pairs of frames, the mean over time, and a linear layer."""

    shortest = 2

    def __init__(self, n_outputs, n_features, width=16):
        super().__init__()
        self.pairs = nn.Conv1d(n_features, width, 2)
        self.head = nn.Linear(width, n_outputs)
        # what is not saved with the weights has to be computed anew
        self.register_buffer("gain", torch.full((width,), 0.5), persistent=False)

    def forward(self, frames):
        x = torch.relu(self.pairs(frames.transpose(1, 2)))  # (B, T, F) -> (B, F, T) -> (B, width, T - 1)
        return self.head(x.mean(dim=2) * self.gain)
