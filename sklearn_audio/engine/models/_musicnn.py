"""MusiCNN as its author runs it: Pons & Serra 2019."""

from __future__ import annotations

from sklearn_audio.dsp import preset
from sklearn_audio.engine.models._card import FramePatching, ModelCard
from sklearn_audio.engine.models._labels import magnatagatune_labels, million_song_labels
from sklearn_audio.nets import MusiCNN

__all__ = ["MUSICNN"]

# 187 frames are 3 s; the frames of silence are zero
_FRAMES = 187

MUSICNN = {
    name: ModelCard(
        name=f"musicnn_{name}",
        build=MusiCNN,
        front_end=preset("musicnn"),
        patching=FramePatching(_FRAMES, shortest=(_FRAMES - 1) * 256, batch=4),
        converter="musicnn",
        weights=f"musicnn_{name}",
        layer="max_pool",
        labels=labels,
    )
    for name, labels in (("msd_musicnn", million_song_labels), ("mtt_musicnn", magnatagatune_labels))
}
