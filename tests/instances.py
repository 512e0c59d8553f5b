"""One table of instances for scikit-learn's checks, the audio checks and the documentation checks."""

from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from sklearn_audio import (
    AcousticFeatures,
    ASTEmbedder,
    AudioLoader,
    AudioTagger,
    EfficientATEmbedder,
    MelSpectrogramTransformer,
    MFCCTransformer,
    MusiCNNEmbedder,
    PANNsEmbedder,
    PatchVotingClassifier,
    SequencePooling,
    SpectrogramTransformer,
    VGGishEmbedder,
)
from tests.standin import StandInMusiCNN, StandInVGGish

AUDIO = {
    "AudioLoader": AudioLoader(),
    "AudioLoader-fixed": AudioLoader(duration=0.2, fix_length=True),
    "AcousticFeatures": AcousticFeatures(),
    "MelSpectrogramTransformer": MelSpectrogramTransformer(),
    "MelSpectrogramTransformer-standard": MelSpectrogramTransformer.from_preset("panns_16k", normalize="standard"),
    "MelSpectrogramTransformer-vggish": MelSpectrogramTransformer.from_preset("vggish", normalize="minmax"),
    "MelSpectrogramTransformer-efficientat": MelSpectrogramTransformer.from_preset("efficientat", normalize="l2"),
    "MFCCTransformer": MFCCTransformer(),
    "MFCCTransformer-deltas": MFCCTransformer(sample_rate=16000, n_mfcc=13, deltas=2, lifter=22.0),
    "SpectrogramTransformer": SpectrogramTransformer(),
    "SpectrogramTransformer-cqt": SpectrogramTransformer(kind="cqt", log="db"),
}
EMBEDDERS = {
    "ASTEmbedder": ASTEmbedder("tiny224", n_frames=48, stride=(16, 16), weights=None, sample_rate=16000),
    "EfficientATEmbedder": EfficientATEmbedder("mn04_as", weights=None, sample_rate=32000),
    "PANNsEmbedder": PANNsEmbedder("leenet11", weights=None, sample_rate=32000),
    "PANNsEmbedder-patches": PANNsEmbedder("leenet11", weights=None, sample_rate=32000, pooling=None, hop=0.5),
    "StandInVGGish": StandInVGGish(weights=None, sample_rate=16000, pooling="mean_std", n_jobs=2),
    "StandInMusiCNN": StandInMusiCNN(weights=None, sample_rate=16000, partial="drop", short_clip="zero"),
}
# the networks that the stand-ins stand in for, and those of the size that is published
LARGE = {
    "VGGishEmbedder": VGGishEmbedder(weights=None, sample_rate=16000),
    "MusiCNNEmbedder": MusiCNNEmbedder(weights=None, sample_rate=16000),
    "PANNsEmbedder": PANNsEmbedder("cnn6", weights=None, sample_rate=32000),
    "ASTEmbedder": ASTEmbedder("tiny224", n_frames=256, weights=None, sample_rate=16000),
}
SEQUENCES = {
    "SequencePooling": SequencePooling(),
    "SequencePooling-all": SequencePooling(statistics=("mean", "std", "min", "max", "median", "first", "last")),
}
TAGGERS = {
    "AudioTagger": AudioTagger("efficientat_mn04_as", weights=None, sample_rate=32000, window=0.5, hop=0.25),
}
CLASSIFIERS = {
    "PatchVotingClassifier": PatchVotingClassifier(LogisticRegression()),
    "PatchVotingClassifier-hard": PatchVotingClassifier(SVC(random_state=0), voting="hard"),
    "PatchVotingClassifier-log": PatchVotingClassifier(LogisticRegression(), voting="log"),
}
INSTANCES = AUDIO | EMBEDDERS | TAGGERS | SEQUENCES | CLASSIFIERS
