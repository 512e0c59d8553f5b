"""Embeddings of clips by pretrained networks, as scikit-learn transformers, and their cache."""

from sklearn_audio.embedding._ast import ASTEmbedder
from sklearn_audio.embedding._cache import clear_cache
from sklearn_audio.embedding._efficientat import EfficientATEmbedder
from sklearn_audio.embedding._musicnn import MusiCNNEmbedder
from sklearn_audio.embedding._panns import PANNsEmbedder
from sklearn_audio.embedding._vggish import VGGishEmbedder

__all__ = ["ASTEmbedder", "EfficientATEmbedder", "MusiCNNEmbedder", "PANNsEmbedder", "VGGishEmbedder", "clear_cache"]
