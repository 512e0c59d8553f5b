"""VGGish: Hershey et al. 2017, "CNN architectures for large-scale audio classification", ICASSP."""

from __future__ import annotations

from torch import Tensor, nn

from sklearn_audio.nets._layered import LayeredNetwork, Stages

__all__ = ["VGGish"]

_WIDTHS = ((64,), (128,), (256, 256), (512, 512))


class VGGish(LayeredNetwork):
    """Log-mel patches of 96 frames to vectors of 128: four blocks of convolutions and three dense layers.

    Its parameters have the names of the published PyTorch checkpoint.
    """

    # Maps are (B, C, T', M') as published, or (B, C, M', T') with transposed kernels if set: long rows are faster on a
    # CPU.
    transposed = False
    layers = ("block1", "block2", "block3", "block4", "fc1", "fc2", "embedding")

    def __init__(self) -> None:
        super().__init__()
        features: list[nn.Module] = []
        width = 1
        for widths in _WIDTHS:
            for wider in widths:
                features += [nn.Conv2d(width, wider, 3, padding=1), nn.ReLU(inplace=True)]
                width = wider
            features.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*features)
        self.embeddings = nn.Sequential(
            nn.Linear(512 * 6 * 4, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, 128),
        )

    def stages(self, *inputs: Tensor, wanted: tuple[str, ...]) -> Stages:
        """Iterate over the representations.

        Shapes: inputs (B, 96, 64).
        """
        (frames,) = inputs
        x = (frames.transpose(1, 2) if self.transposed else frames).unsqueeze(1)  # (B, T, M) -> (B, 1, T, M)
        n_blocks = 0
        for step in self.features:
            x = step(x)
            if isinstance(step, nn.MaxPool2d):
                n_blocks += 1
                yield f"block{n_blocks}", x
        x = x.transpose(2, 3) if self.transposed else x
        x = x.permute(0, 2, 3, 1).flatten(1)  # (B, 512, 6, 4) -> (B, 6, 4, 512) -> (B, 12288), TensorFlow's order
        for name, first, last in (("fc1", 0, 2), ("fc2", 2, 4), ("embedding", 4, 5)):
            x = self.embeddings[first:last](x)
            yield name, x
