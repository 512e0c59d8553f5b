"""Classifiers of clips."""

from sklearn_audio.classification._augmented import AugmentedClassifier
from sklearn_audio.classification._autoencoder import ConvAutoencoder
from sklearn_audio.classification._bert import BERTClassifier
from sklearn_audio.classification._cnn import CNNClassifier
from sklearn_audio.classification._detector import SoundEventDetector
from sklearn_audio.classification._fine_tuned import FineTunedClassifier
from sklearn_audio.classification._frame_mlp import FrameMLPClassifier
from sklearn_audio.classification._lstm import LSTMClassifier
from sklearn_audio.classification._prototypical import PrototypicalClassifier
from sklearn_audio.classification._tagger import AudioTagger
from sklearn_audio.classification._token_mean import TokenMeanClassifier
from sklearn_audio.classification._voting import PatchVotingClassifier
from sklearn_audio.classification._zero_shot import ZeroShotClassifier
from sklearn_audio.engine.training import GradientAccumulation, LabelSmoothing, WeightAveraging

__all__ = [
    "AudioTagger",
    "AugmentedClassifier",
    "BERTClassifier",
    "CNNClassifier",
    "ConvAutoencoder",
    "FineTunedClassifier",
    "FrameMLPClassifier",
    "GradientAccumulation",
    "LSTMClassifier",
    "LabelSmoothing",
    "PatchVotingClassifier",
    "PrototypicalClassifier",
    "SoundEventDetector",
    "TokenMeanClassifier",
    "WeightAveraging",
    "ZeroShotClassifier",
]
