"""YAMNet: Plakal & Ellis 2020, a MobileNet (Howard et al. 2017) on the patches of VGGish."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from sklearn_audio.nets._layered import LayeredNetwork, Stages, probabilities

__all__ = ["YAMNet"]

_WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
_HALVING = (1, 3, 5, 7, 13)  # layers of stride two


class _Conv(nn.Module):
    """A convolution and its ReLU; of stride two, it fills maps at their end, where TensorFlow does."""

    def __init__(self, width: int, wider: int, kernel: int, *, halves: bool = False, groups: int = 1) -> None:
        super().__init__()
        padding = 0 if halves else kernel // 2
        self.halves = halves
        self.conv = nn.Conv2d(width, wider, kernel, 2 if halves else 1, padding, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(self.conv(F.pad(x, (0, 1, 0, 1)) if self.halves else x))


class YAMNet(LayeredNetwork):
    """Log-mel patches of 96 frames to vectors of 1,024 and the scores of 521 sounds.

    The published batch norms are part of the convolutions. The last block, averaged, is the embedding.
    """

    # Maps are (B, C, T', M') as published, or (B, C, M', T') with transposed kernels if set: long rows are faster on a
    # CPU.
    transposed = False
    layers = (*(f"block{i}" for i in range(1, len(_WIDTHS))), "embedding", "logits", "probabilities")

    def __init__(self, n_labels: int = 521) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([_Conv(1, _WIDTHS[0], 3, halves=True)])
        for i in range(1, len(_WIDTHS)):
            width, wider = _WIDTHS[i - 1 : i + 1]
            depthwise = _Conv(width, width, 3, halves=i + 1 in _HALVING, groups=width)
            self.blocks.append(nn.Sequential(depthwise, _Conv(width, wider, 1)))
        self.dense = nn.Linear(_WIDTHS[-1], n_labels)

    def stages(self, *inputs: Tensor, wanted: tuple[str, ...]) -> Stages:
        """Iterate over the representations.

        Shapes: inputs (B, 96, 64).
        """
        (frames,) = inputs
        x = (frames.transpose(1, 2) if self.transposed else frames).unsqueeze(1)  # (B, T, M) -> (B, 1, T, M)
        for name, block in zip(self.layers, self.blocks, strict=False):
            x = block(x)
            yield name, x
        x = x.mean(dim=(2, 3))
        logits = self.dense(x)
        yield "logits", logits
        yield "probabilities", probabilities(logits)
