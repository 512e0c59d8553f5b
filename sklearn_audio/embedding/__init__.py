"""Embeddings of clips by pretrained networks, as scikit-learn transformers, their cache, and what new ones build on."""

from sklearn_audio.embedding._ast import ASTEmbedder
from sklearn_audio.embedding._base import PretrainedEmbedder
from sklearn_audio.embedding._cache import clear_cache
from sklearn_audio.embedding._efficientat import EfficientATEmbedder
from sklearn_audio.embedding._hear import HEAREmbedder
from sklearn_audio.embedding._hugging_face import HuggingFaceEmbedder
from sklearn_audio.embedding._musicnn import MusiCNNEmbedder
from sklearn_audio.embedding._openl3 import OpenL3Embedder
from sklearn_audio.embedding._panns import PANNsEmbedder
from sklearn_audio.embedding._speech import SpeechEmbedder
from sklearn_audio.embedding._vggish import VGGishEmbedder
from sklearn_audio.embedding._yamnet import YAMNetEmbedder
from sklearn_audio.engine.models import Backbone, ClipPatching, FramePatching, ModelCard

__all__ = [
    "ASTEmbedder",
    "Backbone",
    "ClipPatching",
    "EfficientATEmbedder",
    "FramePatching",
    "HEAREmbedder",
    "HuggingFaceEmbedder",
    "ModelCard",
    "MusiCNNEmbedder",
    "OpenL3Embedder",
    "PANNsEmbedder",
    "PretrainedEmbedder",
    "SpeechEmbedder",
    "VGGishEmbedder",
    "YAMNetEmbedder",
    "clear_cache",
]
