"""A network of my own for `CNNClassifier`: convolutions over time, and a mean over what is left."""

from torch import nn


class PulseNetwork(nn.Module):
    shortest = 4  # frames of the shortest clip that it takes
    fewest_features = 1  # values of a frame

    def __init__(self, n_outputs, n_features, width=16):
        super().__init__()
        self.convs = nn.Sequential(
            nn.Conv1d(n_features, width, 3, padding=1),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.MaxPool1d(4),
        )
        self.last = nn.Linear(width, n_outputs)

    def forward(self, frames):
        maps = self.convs(frames.transpose(1, 2))  # (B, T, n_features) -> (B, width, T // 4)
        return self.last(maps.mean(dim=2))  # (B, width) -> (B, n_outputs)
