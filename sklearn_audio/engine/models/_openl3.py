"""OpenL3 as its authors run it: Cramer et al. 2019."""

from __future__ import annotations

from sklearn_audio.dsp import preset
from sklearn_audio.engine.models._card import ClipPatching, ModelCard
from sklearn_audio.nets import OpenL3

__all__ = ["OPENL3"]

# windows of 1 s, centred on every 0.1 s of the clip
_PATCHING = ClipPatching(shortest=24000, seconds=1.0, whole=1.0, batch=2, hop=0.1, lead=0.5, fixed=True)

OPENL3 = {
    f"{content}_{frames}": ModelCard(
        name=f"openl3_{content}_{frames}",
        build=OpenL3,
        front_end=preset(f"openl3_{frames}"),
        patching=_PATCHING,
        converter="openl3",
        weights=f"openl3_{content}_{frames}",
        layer="embedding_512",
    )
    for content in ("music", "env")
    for frames in ("mel256", "mel128", "linear")
}
