"""Networks in pure torch: tensor to tensor, one file per paper or part of it; no front end, no weights, no files.

Each published network has `layers`, the names of its representations in the order of computation, and
``forward(..., layer=)`` computes up to the requested one, or several in one pass (`LayeredNetwork`). Its parameters
have the names of the PyTorch checkpoint, if there is one. Networks over sequences of any length take padded values
and the true lengths.
"""

from sklearn_audio.nets._architectures import ARCHITECTURES, Architecture
from sklearn_audio.nets._ast import AST, AST_SIZES, adapt_positions, grid_shape
from sklearn_audio.nets._autoencoder import FrameAutoencoder, FrameDecoder, FrameEncoder
from sklearn_audio.nets._backbones import Backbone, DecisionBackbone, LayeredBackbone
from sklearn_audio.nets._bc_resnet import BCResNet
from sklearn_audio.nets._bert import BERTEncoder, SequenceBERT
from sklearn_audio.nets._cnn4 import Cnn4
from sklearn_audio.nets._cnn_transformer import CNNTransformer
from sklearn_audio.nets._efficientat import EfficientAT
from sklearn_audio.nets._few_audio import SBCNN, VGG, LearnedLog, Timbre
from sklearn_audio.nets._flat import MLP, MeanNetwork, SequenceMLP
from sklearn_audio.nets._fnet import FNet
from sklearn_audio.nets._frame_network import FrameNetwork, architecture_of
from sklearn_audio.nets._layered import OVER_TIME, LayeredNetwork
from sklearn_audio.nets._musicnn import MusiCNN
from sklearn_audio.nets._openl3 import OpenL3
from sklearn_audio.nets._panns import Cnn6, Cnn10, Cnn14, Cnn14DecisionLevel
from sklearn_audio.nets._panns_residual import MobileNetV1, MobileNetV2, ResNet
from sklearn_audio.nets._panns_waveform import (
    DaiNet19,
    LeeNet,
    Res1dNet,
    WavegramCnn14,
    WavegramLogmelCnn14,
    WavegramLogmelOfWaveforms,
)
from sklearn_audio.nets._recurrent import SequenceLSTM
from sklearn_audio.nets._sequences import FrameInput, MaskedPooling, TokenInput, length_mask, sequence_input
from sklearn_audio.nets._speech_embedding import SpeechEmbedding
from sklearn_audio.nets._talnet import CRNN, FRAME_POOLINGS, FramePooling
from sklearn_audio.nets._vggish import VGGish
from sklearn_audio.nets._yamnet import YAMNet

__all__ = [
    "ARCHITECTURES",
    "AST",
    "AST_SIZES",
    "CRNN",
    "FRAME_POOLINGS",
    "MLP",
    "OVER_TIME",
    "SBCNN",
    "VGG",
    "Architecture",
    "BCResNet",
    "BERTEncoder",
    "Backbone",
    "CNNTransformer",
    "Cnn4",
    "Cnn6",
    "Cnn10",
    "Cnn14",
    "Cnn14DecisionLevel",
    "DaiNet19",
    "DecisionBackbone",
    "EfficientAT",
    "FNet",
    "FrameAutoencoder",
    "FrameDecoder",
    "FrameEncoder",
    "FrameInput",
    "FrameNetwork",
    "FramePooling",
    "LayeredBackbone",
    "LayeredNetwork",
    "LearnedLog",
    "LeeNet",
    "MaskedPooling",
    "MeanNetwork",
    "MobileNetV1",
    "MobileNetV2",
    "MusiCNN",
    "OpenL3",
    "Res1dNet",
    "ResNet",
    "SequenceBERT",
    "SequenceLSTM",
    "SequenceMLP",
    "SpeechEmbedding",
    "Timbre",
    "TokenInput",
    "VGGish",
    "WavegramCnn14",
    "WavegramLogmelCnn14",
    "WavegramLogmelOfWaveforms",
    "YAMNet",
    "adapt_positions",
    "architecture_of",
    "grid_shape",
    "length_mask",
    "sequence_input",
]
