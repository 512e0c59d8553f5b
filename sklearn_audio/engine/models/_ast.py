"""Model cards of AST (Gong et al. 2021), and of its initial weights from DeiT (Touvron et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial

from torch import Tensor

from sklearn_audio.dsp import preset
from sklearn_audio.engine.models._card import FramePatching, ModelCard
from sklearn_audio.engine.models._labels import audioset_labels
from sklearn_audio.nets import AST, adapt_positions, grid_shape

__all__ = ["AST_MODELS", "ast_card"]

_N_MELS = 128
_POSITIONS = "v.pos_embed"


@dataclass(frozen=True)
class _Published:
    """Geometry of a checkpoint; a grid of None follows from the frames and the strides."""

    size: str = "base"
    n_labels: int | None = 527
    n_frames: int = 1024
    stride: tuple[int, int] = (10, 10)
    mean: float = -4.2677393
    std: float = 4.5689974
    grid: tuple[int, int] | None = None


# Mean and standard deviation of the training set; the original code divides by twice the latter.
AST_MODELS = {
    "audioset_10_10_0.4593": _Published(),
    "audioset_10_10_0.4495": _Published(),
    "audioset_10_10_0.4483": _Published(),
    "audioset_10_10_0.4475": _Published(),
    "audioset_12_12_0.4467": _Published(stride=(12, 12)),
    "audioset_14_14_0.4431": _Published(stride=(14, 14)),
    "audioset_16_16_0.4422": _Published(stride=(16, 16)),
    "audioset_bal_10_10_0.3499": _Published(),
    "speechcommands_10_10_0.9812": _Published(n_labels=35, n_frames=128, mean=-6.845978, std=5.5654526),
    "tiny224": _Published(size="tiny", n_labels=None, grid=(14, 14)),
    "small224": _Published(size="small", n_labels=None, grid=(14, 14)),
    "base224": _Published(n_labels=None, grid=(14, 14)),
    "base384": _Published(n_labels=None, grid=(24, 24)),
}


@lru_cache(maxsize=64)
def ast_card(model: str, *, n_frames: int | None = None, stride: tuple[int, int] | None = None) -> ModelCard:
    """Describe an AST, at its published geometry or another."""
    published = AST_MODELS[model]
    frames, strides = n_frames or published.n_frames, stride or published.stride
    front_end = replace(preset("ast"), mean=published.mean, std=2 * published.std)
    old = published.grid or grid_shape(published.n_frames, _N_MELS, published.stride)
    return ModelCard(
        name=f"ast_{model}_{frames}_{strides[0]}_{strides[1]}",
        build=partial(AST, published.size, published.n_labels, n_frames=frames, n_mels=_N_MELS, stride=strides),
        front_end=front_end,
        # the original code pads with zeros before normalisation, which is not silence
        patching=FramePatching(
            frames, shortest=400, fill=-published.mean / (2 * published.std), batch=max(1, 1024 // frames)
        ),
        converter="ast",
        weights=f"ast_{model}",
        prepare=partial(_fit_positions, old=old, new=grid_shape(frames, _N_MELS, strides)),
        # the order of the 35 words is not published with the weights
        labels=audioset_labels if published.n_labels == 527 else None,
    )


def _fit_positions(
    tensors: dict[str, Tensor], card: ModelCard, old: tuple[int, int], new: tuple[int, int]
) -> dict[str, Tensor]:
    positions = tensors.get(_POSITIONS)
    if positions is None or old == new or positions.shape[1] != 2 + old[0] * old[1]:
        return tensors  # raises later, with all other mismatches
    return tensors | {_POSITIONS: adapt_positions(positions, old, new)}
