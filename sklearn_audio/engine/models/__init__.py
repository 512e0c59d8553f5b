"""Model cards: every pretrained network with the front end and the patches it was trained on."""

from sklearn_audio.engine.models._ast import AST_MODELS, ast_card
from sklearn_audio.engine.models._card import (
    Backbone,
    ClipPatching,
    FramePatching,
    ModelCard,
    Patching,
    example_inputs,
    has_time_steps,
    layer_labels,
    layer_width,
    layers_of,
)
from sklearn_audio.engine.models._clap_text import check_two_towers, embed_texts
from sklearn_audio.engine.models._efficientat import EFFICIENTAT
from sklearn_audio.engine.models._labels import (
    audioset_labels,
    magnatagatune_labels,
    million_song_labels,
    yamnet_labels,
)
from sklearn_audio.engine.models._musicnn import MUSICNN
from sklearn_audio.engine.models._native import native_card
from sklearn_audio.engine.models._native_kinds import check_native, default_extractor
from sklearn_audio.engine.models._openl3 import OPENL3
from sklearn_audio.engine.models._panns import PANNS
from sklearn_audio.engine.models._speech_embedding import SPEECH_EMBEDDING
from sklearn_audio.engine.models._taggers import TAGGERS, any_window, score_layer, tagger_labels, windowed
from sklearn_audio.engine.models._vggish import VGGISH
from sklearn_audio.engine.models._yamnet import YAMNET

__all__ = [
    "AST_MODELS",
    "CARDS",
    "TAGGERS",
    "Backbone",
    "ClipPatching",
    "FramePatching",
    "ModelCard",
    "Patching",
    "any_window",
    "ast_card",
    "audioset_labels",
    "check_native",
    "check_two_towers",
    "default_extractor",
    "embed_texts",
    "example_inputs",
    "has_time_steps",
    "layer_labels",
    "layer_width",
    "layers_of",
    "magnatagatune_labels",
    "million_song_labels",
    "native_card",
    "score_layer",
    "tagger_labels",
    "windowed",
    "yamnet_labels",
]

# family -> model -> card
CARDS: dict[str, dict[str, ModelCard]] = {
    "vggish": VGGISH,
    "panns": PANNS,
    "ast": {name: ast_card(name) for name in AST_MODELS},
    "efficientat": EFFICIENTAT,
    "musicnn": MUSICNN,
    "speech": SPEECH_EMBEDDING,
    "openl3": OPENL3,
    "yamnet": YAMNET,
}
