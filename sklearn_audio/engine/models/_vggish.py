"""Model card of VGGish, with the front end of the code released with AudioSet: Hershey et al. 2017."""

from __future__ import annotations

import math

from sklearn_audio.dsp import preset
from sklearn_audio.engine.models._card import FramePatching, ModelCard
from sklearn_audio.nets import VGGish

__all__ = ["VGGISH"]

# 96 frames of 25 ms at steps of 10 ms; silence is the logarithm of the offset
_PATCHING = FramePatching(n_frames=96, shortest=15600, fill=math.log(0.01), batch=16)

VGGISH = {
    "vggish": ModelCard(
        name="vggish",
        build=VGGish,
        front_end=preset("vggish"),
        patching=_PATCHING,
        converter="vggish",
        weights="vggish",
    )
}
