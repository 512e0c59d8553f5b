"""One-layer networks in the place of large ones, for the check suites.

scikit-learn's suite fits and transforms some hundred times; with 72 million parameters that takes minutes per class and
tests nothing about the class that a small network does not. The real networks run the same suites as slow tests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from torch import Tensor, nn

from sklearn_audio import MusiCNNEmbedder, OpenL3Embedder, VGGishEmbedder
from sklearn_audio.dsp import FrontEnd
from sklearn_audio.embedding import ClipPatching, ModelCard, PretrainedEmbedder
from sklearn_audio.engine.models import CARDS


class OneLayer(nn.Module):
    """The mean of the frames through one dense layer."""

    layers: ClassVar[tuple[str, ...]] = ("embedding", "max_pool", "embedding_512")

    def __init__(self, n_mels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(n_mels, 8)

    def forward(self, frames: Tensor, layer: str = "embedding") -> Tensor:
        return self.dense(frames.mean(dim=1))  # (B, T, M) -> (B, 8)


def vggish_network() -> nn.Module:
    return OneLayer(64)


def musicnn_network() -> nn.Module:
    return OneLayer(96)


def openl3_network() -> nn.Module:
    return OneLayer(256)


class StandInVGGish(VGGishEmbedder):
    cards: ClassVar = {"vggish": replace(CARDS["vggish"]["vggish"], name="standin_vggish", build=vggish_network)}


class StandInMusiCNN(MusiCNNEmbedder):
    cards: ClassVar = {
        name: replace(card, name="standin_musicnn", build=musicnn_network) for name, card in CARDS["musicnn"].items()
    }


class StandInOpenL3(OpenL3Embedder):
    cards: ClassVar = {
        "music_mel256": replace(CARDS["openl3"]["music_mel256"], name="standin_openl3", build=openl3_network)
    }


class WaveNetwork(nn.Module):
    """Two blocks over a waveform, with batch norms and dropout, and a block that the vectors do not use."""

    layers: ClassVar[tuple[str, ...]] = ("low", "embedding", "logits")

    def __init__(self) -> None:
        super().__init__()
        self.low = nn.Sequential(nn.Conv1d(1, 4, 8, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(0.5))
        self.high = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU())
        self.last = nn.Linear(8, 3)

    def forward(self, waveforms: Tensor, layer: str = "embedding") -> Tensor:
        low = self.low(waveforms[:, None]).mean(dim=2)  # (B, T) -> (B, 4)
        if layer == "low":
            return low
        high = self.high(low)
        return high if layer == "embedding" else self.last(high)  # (B, 8)


class StandInWaveform(PretrainedEmbedder):
    cards: ClassVar = {
        "wave": ModelCard(
            name="standin_wave",
            build=WaveNetwork,
            front_end=FrontEnd(sample_rate=16000),
            patching=ClipPatching(shortest=16),
            reads=("waveform",),
        )
    }
