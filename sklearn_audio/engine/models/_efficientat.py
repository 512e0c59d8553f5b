"""Model cards of EfficientAT, with the front end of the original code: Schmid et al. 2023."""

from __future__ import annotations

from functools import partial

from sklearn_audio.dsp import preset
from sklearn_audio.engine.models._card import ClipPatching, ModelCard
from sklearn_audio.engine.models._labels import audioset_labels
from sklearn_audio.nets import EfficientAT

__all__ = ["EFFICIENTAT"]

_WIDTHS = {"mn04_as": 0.4, "mn05_as": 0.5, "mn10_as": 1.0, "mn20_as": 2.0, "mn30_as": 3.0, "mn40_as": 4.0}

EFFICIENTAT = {
    name: ModelCard(
        name=f"efficientat_{name}",
        build=partial(EfficientAT, width),
        front_end=preset("efficientat"),
        # the pre-emphasis takes one timepoint, and the mirrored padding needs more than half a Fourier transform
        patching=ClipPatching(shortest=1024),
        converter="efficientat",
        weights=f"efficientat_{name}",
        labels=audioset_labels,
    )
    for name, width in _WIDTHS.items()
}
