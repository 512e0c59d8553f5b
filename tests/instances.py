"""One table of instances for scikit-learn's checks, the audio checks and the documentation checks."""

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_audio import (
    AcousticFeatures,
    ASTEmbedder,
    AudioLoader,
    AudioTagger,
    AugmentedClassifier,
    BERTClassifier,
    BlockScaler,
    CNNClassifier,
    ConvAutoencoder,
    EfficientATEmbedder,
    FineTunedClassifier,
    FrameMLPClassifier,
    HEAREmbedder,
    KMeansAudioTokenizer,
    LSTMClassifier,
    MelSpectrogramTransformer,
    MFCCTransformer,
    MusiCNNEmbedder,
    PANNsEmbedder,
    PatchVotingClassifier,
    PrototypicalClassifier,
    SequencePooling,
    SpectrogramTransformer,
    SpeechEmbedder,
    TokenCounts,
    TokenMeanClassifier,
    VGGishEmbedder,
    YAMNetEmbedder,
)
from sklearn_audio.augmentation import AddNoise
from sklearn_audio.embedding import PretrainedEmbedder
from sklearn_audio.model_selection import MultilabelThresholdClassifierCV
from tests.standin import StandInMusiCNN, StandInOpenL3, StandInVGGish, StandInWaveform
from tests.tiny_network import TinyNetwork

AUDIO = {
    "AudioLoader": AudioLoader(),
    "AudioLoader-trimmed": AudioLoader(trim=40.0),
    "AudioLoader-fixed": AudioLoader(duration=0.2, fix_length=True),
    "AcousticFeatures": AcousticFeatures(),
    "MelSpectrogramTransformer": MelSpectrogramTransformer(),
    "MelSpectrogramTransformer-standard": MelSpectrogramTransformer(front_end="panns_16k", normalize="standard"),
    "MelSpectrogramTransformer-vggish": MelSpectrogramTransformer(front_end="vggish", normalize="minmax"),
    "MelSpectrogramTransformer-efficientat": MelSpectrogramTransformer.from_preset("efficientat", normalize="l2"),
    "MFCCTransformer": MFCCTransformer(),
    "MFCCTransformer-clip": MFCCTransformer(normalize="clip"),
    "MFCCTransformer-deltas": MFCCTransformer(sample_rate=16000, n_mfcc=13, deltas=2, lifter=22.0),
    "SpectrogramTransformer": SpectrogramTransformer(),
    "SpectrogramTransformer-cqt": SpectrogramTransformer(kind="cqt", fmin=262.0, n_bins=36, log="db"),
}
EMBEDDERS = {
    "ASTEmbedder": ASTEmbedder("tiny224", n_frames=48, stride=(16, 16), weights=None, sample_rate=16000),
    "EfficientATEmbedder": EfficientATEmbedder("mn04_as", weights=None, sample_rate=32000),
    "HEAREmbedder": HEAREmbedder("tests.hear_module", sample_rate=16000),
    "HEAREmbedder-times": HEAREmbedder("tests.hear_module", sample_rate=16000, pooling=None),
    "PANNsEmbedder": PANNsEmbedder("leenet11", weights=None, sample_rate=32000),
    "PANNsEmbedder-patches": PANNsEmbedder("leenet11", weights=None, sample_rate=32000, pooling=None),
    "SpeechEmbedder": SpeechEmbedder(weights=None, sample_rate=16000),
    "StandInVGGish": StandInVGGish(weights=None, sample_rate=16000, pooling="max", n_jobs=2),
    "YAMNetEmbedder": YAMNetEmbedder(weights=None, sample_rate=16000),
    "StandInMusiCNN": StandInMusiCNN(weights=None, sample_rate=16000, partial="drop", short_clip="zero"),
    "StandInOpenL3": StandInOpenL3(weights=None, sample_rate=48000),
}
PRETRAINED = {name: found for name, found in EMBEDDERS.items() if isinstance(found, PretrainedEmbedder)}
# the networks that the stand-ins stand in for, and those of the size that is published
LARGE = {
    "VGGishEmbedder": VGGishEmbedder(weights=None, sample_rate=16000),
    "MusiCNNEmbedder": MusiCNNEmbedder(weights=None, sample_rate=16000),
    "PANNsEmbedder": PANNsEmbedder("cnn6", weights=None, sample_rate=32000),
    "ASTEmbedder": ASTEmbedder("tiny224", n_frames=256, weights=None, sample_rate=16000),
    "CNNClassifier-cnn4": CNNClassifier(
        "cnn4", options={"dropout": 0.0}, max_epochs=4, batch_size=16, lr_schedule="onecycle", random_state=0
    ),
}
# these take tables of features, and no clips
TABULAR = {
    "BlockScaler": BlockScaler(),
}
SEQUENCES = {
    "SequencePooling": SequencePooling(),
    "SequencePooling-parts": SequencePooling(n_parts=3),
    "SequencePooling-all": SequencePooling(
        statistics=("mean", "std", "min", "max", "median", "first", "last", "range", "skew", "slope", "p10", "p97.5")
    ),
}
TOKENIZERS = {
    "KMeansAudioTokenizer": KMeansAudioTokenizer(2, random_state=0),
    "KMeansAudioTokenizer-standard": KMeansAudioTokenizer(3, normalize="standard", random_state=0),
    "KMeansAudioTokenizer-minibatch": KMeansAudioTokenizer(
        3, normalize=None, algorithm="minibatch", random_convolution=(4, 3), random_state=0
    ),
}
TOKENS = {
    "TokenCounts": TokenCounts(),
    "TokenCounts-tfidf": TokenCounts((1, 2), "tfidf"),
}
TAGGERS = {
    "AudioTagger": AudioTagger("efficientat_mn04_as", weights=None, sample_rate=32000, window=0.5, hop=0.25),
}
CLASSIFIERS = {
    "AugmentedClassifier": AugmentedClassifier(
        make_pipeline(SequencePooling(("first", "last")), StandardScaler(), LogisticRegression()),
        [AddNoise(snr=30.0)],
        n_copies=1,
        n_votes=1,
        random_state=0,
    ),
    "PatchVotingClassifier": PatchVotingClassifier(LogisticRegression()),
    "PatchVotingClassifier-hard": PatchVotingClassifier(SVC(random_state=0), voting="hard"),
    "PatchVotingClassifier-log": PatchVotingClassifier(LogisticRegression(), voting="log"),
    "MultilabelThresholdClassifierCV": MultilabelThresholdClassifierCV(PatchVotingClassifier(LogisticRegression())),
}
# small, and with a random_state, so that fitting twice gives the same bits
NEURAL = {
    "BERTClassifier": BERTClassifier(
        width=16, n_heads=2, n_layers=1, feedforward_size=32, max_epochs=3, lr=0.01, random_state=0
    ),
    "CNNClassifier-audio": CNNClassifier(
        "timbre", front_end="panns_8k", sample_rate=8000, n_frames=8, windows="center", max_epochs=1, random_state=0
    ),
    "CNNClassifier-crnn": CNNClassifier(
        "crnn", options={"n_embedding": 16, "pooling": "mean"}, max_epochs=2, lr=0.02, batch_size=16, random_state=0
    ),
    "FineTunedClassifier": FineTunedClassifier(
        StandInWaveform("wave", weights=None, sample_rate=16000),
        lr=0.01,
        validation_fraction=0.0,
        max_epochs=2,
        random_state=0,
    ),
    "FrameMLPClassifier": FrameMLPClassifier(hidden_sizes=(16,), max_epochs=4, lr=0.05, random_state=0),
    "CNNClassifier-patches": CNNClassifier(
        TinyNetwork,
        n_frames=3,
        windows={"take": "all", "hop": 2, "short_clip": "zero", "voting": "log"},
        max_epochs=3,
        lr=0.1,
        random_state=0,
    ),
    "LSTMClassifier": LSTMClassifier(hidden_size=8, max_epochs=3, lr=0.15, random_state=0),
    "LSTMClassifier-attention": LSTMClassifier(
        hidden_size=8, options={"pooling": "attention"}, normalize=None, max_epochs=4, lr=0.05, random_state=0
    ),
    "TokenMeanClassifier": TokenMeanClassifier(embedding_size=16, max_epochs=4, lr=0.2, random_state=0),
}
AUTOENCODERS = {
    "ConvAutoencoder": ConvAutoencoder(2, n_filters=(4, 8), max_epochs=2, random_state=0),
}
PROTOTYPES = {
    "PrototypicalClassifier": PrototypicalClassifier(),
    "PrototypicalClassifier-cosine": PrototypicalClassifier(distance="cosine", shrinkage=1.0),
    "PrototypicalClassifier-learned": PrototypicalClassifier(
        embedding_dim=4, n_support=1, n_query=1, n_episodes=10, lr=0.01, random_state=0
    ),
    "PrototypicalClassifier-frames": PrototypicalClassifier(
        "timbre", embedding_dim=4, n_support=1, n_query=1, n_episodes=5, n_frames=8, random_state=0
    ),
}
INSTANCES = (
    AUDIO | EMBEDDERS | TAGGERS | SEQUENCES | TOKENIZERS | TOKENS | CLASSIFIERS | PROTOTYPES | NEURAL | AUTOENCODERS
)

# One of each class passes all checks of scikit-learn; the others those that a parameter could break.
VARIANTS = {name: estimator for name, estimator in INSTANCES.items() if "-" in name and name != "CNNClassifier-patches"}
