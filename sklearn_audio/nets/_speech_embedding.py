"""speech_embedding: Lin et al. 2020, "Training keyword spotters with limited and synthesized speech data", ICASSP."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._layered import LayeredNetwork, Stages

__all__ = ["SpeechEmbedding"]

_WIDTHS = (24, 24, 24, 48, 48, 48, 48, 72, 72, 72, 72, 96, 96, 96, 96, 96, 96, 96, 96)
_KERNELS = ((3, 3), *((1, 3), (3, 1)) * 9, (3, 1))  # frames, bands
# after which convolution a maximum is taken, and over how many frames and bands
_POOLS = {3: (2, 2), 7: (1, 2), 11: (2, 2), 15: (1, 2), 19: (2, 2)}
_WINDOW, _HOP = 76, 8  # frames of a window, and between windows


def _activation(x: Tensor) -> Tensor:
    # in place where it can be, which saves two new maps; a gradient needs the maps before the minimum
    leaky = F.leaky_relu_(x, 0.2)
    return leaky.clamp(min=-0.4) if leaky.requires_grad else leaky.clamp_(min=-0.4)


class SpeechEmbedding(LayeredNetwork):
    """Log-mel windows of 76 frames to vectors of 96: convolutions over bands and over time in turn.

    No convolution pads along time, so windows that lie eight frames apart are computed together, from their joint
    frames, as what they would be alone.
    """

    # Maps are (B, C, T', M') as published, or (B, C, M', T') with transposed kernels if set: long rows are faster on a
    # CPU.
    transposed = False
    layers = (*(f"conv{i + 1}" for i in range(len(_WIDTHS))), "embedding")

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(width, wider, kernel, padding=(0, kernel[1] // 2))
            for width, wider, kernel in zip((1, *_WIDTHS), (*_WIDTHS, 96), _KERNELS, strict=True)
        )

    def stages(self, *inputs: Tensor, wanted: tuple[str, ...]) -> Stages:
        """Iterate over the wanted representations of each window, averaged over its time and the bands.

        Shapes: inputs (B, 76 + 8 (W - 1), 32) -> (B, W, n_features) each.
        """
        (frames,) = inputs
        n_windows = 1 + (frames.shape[1] - _WINDOW) // _HOP
        for name, value, stride, length in self._maps(frames):
            if name in wanted:
                rows = value.mean(dim=2 if self.transposed else 3)  # (B, C, T', M') -> (B, C, T')
                windows = rows.unfold(2, length, _HOP // stride).mean(dim=3)  # (B, C, T') -> (B, C, W)
                yield name, windows[:, :, :n_windows].transpose(1, 2)

    def _maps(self, frames: Tensor) -> Iterator[tuple[str, Tensor, int, int]]:
        """Yield each layer with the frames between its rows, and its rows in a window."""
        turn = -1 if self.transposed else 1
        x, stride, length = (frames.transpose(1, 2) if self.transposed else frames).unsqueeze(1), 1, _WINDOW
        for i, (name, conv) in enumerate(zip(self.layers, self.convs, strict=True), start=1):
            x, length = conv(x), length - _KERNELS[i - 1][0] + 1
            if i in _POOLS:  # first, since the activation of the maximum is the maximum of the activations
                x, stride, length = F.max_pool2d(x, _POOLS[i][::turn]), stride * _POOLS[i][0], length // _POOLS[i][0]
            if i <= len(_WIDTHS):
                x = _activation(x)
            yield name, x, stride, length
