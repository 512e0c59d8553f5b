"""A user's embedder: a small network over log-mel patches of one second."""

from typing import ClassVar

from torch import nn

from sklearn_audio.dsp import FrontEnd
from sklearn_audio.embedding import FramePatching, ModelCard, PretrainedEmbedder


class BandNetwork(nn.Module):
    layers = ("bands", "embedding")

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(40, 16)
        self.last = nn.Linear(16, 8)

    def forward(self, frames, layer="embedding"):
        bands = self.first(frames).relu().mean(dim=1)  # (B, T, 40) -> (B, 16)
        return bands if layer == "bands" else self.last(bands)  # (B, 16) -> (B, 8)


CARD = ModelCard(
    name="band_small",
    build=BandNetwork,
    front_end=FrontEnd(sample_rate=16000, n_fft=512, hop_length=160, n_mels=40, log="ln", log_floor=1e-6),
    patching=FramePatching(n_frames=100, shortest=16000),
)


class BandEmbedder(PretrainedEmbedder):
    """Embed clips with a network over bands."""

    cards: ClassVar = {"small": CARD}
