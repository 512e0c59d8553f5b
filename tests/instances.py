"""One table of instances for scikit-learn's checks, the audio checks and the documentation checks."""

from sklearn_audio import (
    AcousticFeatures,
    AudioLoader,
    MelSpectrogramTransformer,
    MFCCTransformer,
    SequencePooling,
    SpectrogramTransformer,
)

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
SEQUENCES = {
    "SequencePooling": SequencePooling(),
    "SequencePooling-all": SequencePooling(statistics=("mean", "std", "min", "max", "median", "first", "last")),
}
INSTANCES = AUDIO | SEQUENCES
