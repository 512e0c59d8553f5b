"""Contradictions that every transformer from audio to frames refuses before it reads anything."""

import pytest

from sklearn_audio import MelSpectrogramTransformer, MFCCTransformer, SpectrogramTransformer


@pytest.mark.parametrize("on_error", ["raise", "nan"])
@pytest.mark.parametrize(
    ("kind", "params", "match"),
    [
        (MelSpectrogramTransformer, {"win_length": 2048}, "win_length=2048 must lie between 1 and n_fft=1024"),
        (
            MelSpectrogramTransformer,
            {"log_floor": 0.0},
            "the logarithm of silence needs log_floor > 0 or log_offset > 0",
        ),
        (
            MelSpectrogramTransformer,
            {"fmin": 9000.0, "fmax": 100.0},
            "fmin=9000.0 and fmax=100.0 do not fit sample_rate=22050: need 0 <= fmin",
        ),
        (MelSpectrogramTransformer, {"fmax": 11026.0}, "fmin=0.0 and fmax=11026.0 do not fit sample_rate=22050"),
        (MelSpectrogramTransformer, {"device": "gpu"}, "device='gpu' is not a torch device"),
        (
            MFCCTransformer,
            {"n_mfcc": 41, "n_mels": 40},
            "41 cepstral coefficients need at least as many mel bands, got 40",
        ),
        (
            MFCCTransformer,
            {"deltas": 1, "delta_width": 4},
            r"delta_width=4 must be odd: a frame and as many on each side of it\.",
        ),
        (MFCCTransformer, {"win_length": 4096}, "win_length=4096 must lie between 1 and n_fft=2048"),
        (MFCCTransformer, {"fmin": 9000.0, "fmax": 100.0}, "fmin=9000.0 and fmax=100.0 do not fit sample_rate=22050"),
        (MFCCTransformer, {"fmax": 20000.0}, "fmin=0.0 and fmax=20000.0 do not fit sample_rate=22050"),
        (
            SpectrogramTransformer,
            {"kind": "cqt", "sample_rate": 8000},
            "the 84 bins of the constant-Q transform reach 4186 Hz, beyond half the sample_rate=8000. Lower n_bins",
        ),
        (
            SpectrogramTransformer,
            {"kind": "cqt", "fmin": 200.0},
            "the 84 bins of the constant-Q transform reach 25600 Hz",
        ),
        (
            SpectrogramTransformer,
            {"kind": "cqt", "window": "povey"},
            "window='povey' is not supported with kind='cqt'; use 'hann', 'hamming' or",
        ),
        (SpectrogramTransformer, {"win_length": 2048}, "win_length=2048 must lie between 1 and n_fft=1024"),
        (SpectrogramTransformer, {"device": "gpu"}, "device='gpu' is not a torch device"),
    ],
)
def test_contradictions_are_refused_before_anything_is_read(kind, params, match, on_error):
    transformer = kind(on_error=on_error, **params)
    with pytest.raises(ValueError, match=match):
        transformer.fit(["no/such.wav"])
    with pytest.raises(ValueError, match=match):
        transformer.transform(["no/such.wav"])
