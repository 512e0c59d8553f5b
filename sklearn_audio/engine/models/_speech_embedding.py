"""Model card of speech_embedding, with the front end of openWakeWord: Lin et al. 2020."""

from __future__ import annotations

from sklearn_audio.dsp import preset
from sklearn_audio.engine.models._card import FramePatching, ModelCard
from sklearn_audio.nets import SpeechEmbedding

__all__ = ["SPEECH_EMBEDDING"]

# 76 frames every 80 ms; a shorter clip is centred in 1.28 s; -8 is silence
_PATCHING = FramePatching(n_frames=76, shortest=20480, fill=-8.0, batch=4, hop=8, joint=(64, 32, 16, 8), centred=True)

SPEECH_EMBEDDING = {
    "speech_embedding": ModelCard(
        name="speech_embedding",
        build=SpeechEmbedding,
        front_end=preset("speech_embedding"),
        patching=_PATCHING,
        converter="speech_embedding",
        weights="speech_embedding",
    )
}
