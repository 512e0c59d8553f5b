"""OpenL3: Cramer et al. 2019, "Look, listen, and learn more: design choices for deep audio embeddings", ICASSP.

The audio network, as trained with Keras, whose batch norm has an epsilon of 1e-3.
"""

from __future__ import annotations

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from sklearn_audio.nets._layered import LayeredNetwork, Stages

__all__ = ["OpenL3"]

_CHANNELS = (64, 128, 256, 512)
_EPSILON, _MOMENTUM = 1e-3, 0.01
# of the map after three poolings: four parts along frequency and three along time, or all of it
_POOLS = {"embedding_512": (1, 1), "embedding_6144": (4, 3)}


class OpenL3(LayeredNetwork):
    """Blocks of two convolutions over frames of one second; the map is pooled to 512 or 6,144 numbers.

    Source: J. Cramer, H.-H. Wu, J. Salamon & J. P. Bello, "Look, listen, and learn more: design choices for deep audio
    embeddings", ICASSP 2019.
    """

    default_layer: ClassVar[str] = "embedding_6144"
    layers = ("block1", "block2", "block3", "block4", *_POOLS)

    def __init__(self) -> None:
        super().__init__()
        self.input_norm = nn.BatchNorm2d(1, eps=_EPSILON, momentum=_MOMENTUM)
        pairs = zip((1, *_CHANNELS), _CHANNELS, strict=False)
        widths = [width for n_in, n_out in pairs for width in ((n_in, n_out), (n_out, n_out))]
        self.convs = nn.ModuleList(nn.Conv2d(n_in, n_out, 3, padding=1) for n_in, n_out in widths)
        # none after the last convolution, whose map is compared with that of an image in training
        self.norms = nn.ModuleList(nn.BatchNorm2d(n_out, eps=_EPSILON, momentum=_MOMENTUM) for _, n_out in widths[:-1])

    def stages(self, *inputs: Tensor, wanted: tuple[str, ...]) -> Stages:
        """Iterate over the representations.

        Shapes: inputs (B, T, M).
        """
        (frames,) = inputs
        x = self.input_norm(frames.transpose(1, 2).unsqueeze(1))  # (B, T, M) -> (B, 1, M, T)
        for i, conv in enumerate(self.convs):
            x = conv(x)
            if i < len(self.norms):
                x = self.norms[i](x).relu_()
            if i % 2:
                yield f"block{i // 2 + 1}", x
                x = F.max_pool2d(x, 2) if i < len(self.norms) else x
        for name, parts in _POOLS.items():
            pooled = F.max_pool2d(x, (x.shape[2] // parts[0], x.shape[3] // parts[1]))
            yield name, pooled.permute(0, 2, 3, 1).flatten(1)  # (B, C, 4, 3) -> (B, 4, 3, C) -> (B, 6144)
