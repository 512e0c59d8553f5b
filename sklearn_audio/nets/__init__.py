"""Networks in pure torch: tensor to tensor, one file per paper or branch of it; no front end, no weights, no files.

Each published network has `layers`, the names of its representations in the order of computation, and
``forward(..., layer=)`` computes up to the one asked for. The names of its parameters are those of the checkpoints
where there are any in PyTorch. Networks over sequences of any length take padded values and the true lengths.
"""

from sklearn_audio.nets._ast import AST, adapt_positions, grid_shape
from sklearn_audio.nets._bert import BERTEncoder, SequenceBERT
from sklearn_audio.nets._efficientat import EfficientAT
from sklearn_audio.nets._flat import MeanNetwork, SequenceMLP
from sklearn_audio.nets._musicnn import MusiCNN
from sklearn_audio.nets._panns import Cnn6, Cnn10, Cnn14, Cnn14DecisionLevel
from sklearn_audio.nets._panns_residual import MobileNetV1, MobileNetV2, ResNet
from sklearn_audio.nets._panns_waveform import DaiNet19, LeeNet, Res1dNet, WavegramCnn14, WavegramLogmelCnn14
from sklearn_audio.nets._recurrent import SequenceLSTM
from sklearn_audio.nets._sequences import FrameInput, MaskedPooling, TokenInput, length_mask, sequence_input
from sklearn_audio.nets._vggish import VGGish

__all__ = [
    "AST",
    "BERTEncoder",
    "Cnn6",
    "Cnn10",
    "Cnn14",
    "Cnn14DecisionLevel",
    "DaiNet19",
    "EfficientAT",
    "FrameInput",
    "LeeNet",
    "MaskedPooling",
    "MeanNetwork",
    "MobileNetV1",
    "MobileNetV2",
    "MusiCNN",
    "Res1dNet",
    "ResNet",
    "SequenceBERT",
    "SequenceLSTM",
    "SequenceMLP",
    "TokenInput",
    "VGGish",
    "WavegramCnn14",
    "WavegramLogmelCnn14",
    "adapt_positions",
    "grid_shape",
    "length_mask",
    "sequence_input",
]
