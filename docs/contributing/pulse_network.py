"""A user's network for `CNNClassifier`: convolutions over time, then the mean over the remaining time steps."""

from torch import nn


class PulseNetwork(nn.Module):
    shortest = 4  # minimum number of frames of a clip
    fewest_features = 1  # minimum number of features of a frame

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
