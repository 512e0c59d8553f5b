"""Networks in pure torch: tensor to tensor, one file per paper or branch of it; no front end, no weights, no files.

Each network has `layers`, the names of its representations in the order of computation, and ``forward(..., layer=)``
computes up to the one asked for. The names of the parameters are those of the published checkpoints where there are any
in PyTorch.
"""

from sklearn_audio.nets._ast import AST, adapt_positions, grid_shape
from sklearn_audio.nets._efficientat import EfficientAT
from sklearn_audio.nets._musicnn import MusiCNN
from sklearn_audio.nets._panns import Cnn6, Cnn10, Cnn14, Cnn14DecisionLevel
from sklearn_audio.nets._panns_residual import MobileNetV1, MobileNetV2, ResNet
from sklearn_audio.nets._panns_waveform import DaiNet19, LeeNet, Res1dNet, WavegramCnn14, WavegramLogmelCnn14
from sklearn_audio.nets._vggish import VGGish

__all__ = [
    "AST",
    "Cnn6",
    "Cnn10",
    "Cnn14",
    "Cnn14DecisionLevel",
    "DaiNet19",
    "EfficientAT",
    "LeeNet",
    "MobileNetV1",
    "MobileNetV2",
    "MusiCNN",
    "Res1dNet",
    "ResNet",
    "VGGish",
    "WavegramCnn14",
    "WavegramLogmelCnn14",
    "adapt_positions",
    "grid_shape",
]
