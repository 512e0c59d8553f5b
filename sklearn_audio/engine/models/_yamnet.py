"""YAMNet as its authors run it: Plakal & Ellis 2020."""

from __future__ import annotations

import math

from sklearn_audio.dsp import preset
from sklearn_audio.engine.models._card import FramePatching, ModelCard
from sklearn_audio.engine.models._labels import yamnet_labels
from sklearn_audio.nets import YAMNet

__all__ = ["YAMNET"]

# 96 frames of 25 ms at steps of 10 ms, every 0.48 s; silence is the logarithm of the offset
_PATCHING = FramePatching(n_frames=96, shortest=15600, fill=math.log(0.001), batch=8, hop=48, keeps_end=True)

YAMNET = {
    "yamnet": ModelCard(
        name="yamnet",
        build=YAMNet,
        front_end=preset("yamnet"),
        patching=_PATCHING,
        converter="yamnet",
        weights="yamnet",
        labels=yamnet_labels,
    )
}
