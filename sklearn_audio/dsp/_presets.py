"""The front ends of published networks, by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sklearn_audio._names import check_name
from sklearn_audio.dsp._front_end import FrontEnd

_VGGISH = FrontEnd(
    sample_rate=16000,
    n_fft=512,
    win_length=400,
    hop_length=160,
    window_align="left",
    center=False,
    power=1.0,
    n_mels=64,
    fmin=125.0,
    fmax=7500.0,
    mel_scale="htk",
    triangle_domain="mel",
    mel_norm=None,
    log="ln",
    log_offset=0.01,
    log_floor=0.0,
)

_PANNS_32K = FrontEnd(
    sample_rate=32000,
    n_fft=1024,
    hop_length=320,
    pad_mode="reflect",
    n_mels=64,
    fmin=50.0,
    fmax=14000.0,
    top_db=None,
)

_AST = FrontEnd(
    sample_rate=16000,
    n_fft=512,
    win_length=400,
    hop_length=160,
    window_periodic=False,
    window_align="left",
    center=False,
    remove_dc=True,
    preemphasis=0.97,
    n_mels=128,
    fmin=20.0,
    mel_scale="htk",
    triangle_domain="mel",
    mel_norm=None,
    drop_nyquist=True,
    log="ln",
    # float32's machine epsilon, the floor in Kaldi and torchaudio
    log_floor=1.1920928955078125e-07,
)

_FEW_AUDIO = FrontEnd(
    sample_rate=44100,
    n_fft=1024,
    hop_length=1024,
    pad_mode="reflect",
    n_mels=128,
    log="log10",
    log_offset=2.220446049250313e-16,
    log_floor=0.0,
)

_DEEP_AUDIO_FEATURES = FrontEnd(
    sample_rate=22050,
    n_fft=1102,
    hop_length=1102,
    pad_mode="reflect",
    n_mels=128,
    ref="max",
    top_db=80.0,
)

_AUDIO_TOKENS = FrontEnd(
    sample_rate=22050,
    n_fft=512,
    hop_length=128,
    pad_mode="reflect",
    n_mels=64,
    mel_scale="htk",
    mel_norm=None,
    top_db=None,
)

_EFFICIENTAT = FrontEnd(
    sample_rate=32000,
    n_fft=1024,
    win_length=800,
    hop_length=320,
    window_periodic=False,
    pad_mode="reflect",
    preemphasis=0.97,
    preemphasis_scope="waveform",
    n_mels=128,
    fmax=15000.0,
    mel_scale="htk",
    triangle_domain="mel",
    mel_norm=None,
    drop_nyquist=True,
    log="ln",
    log_offset=1e-5,
    log_floor=0.0,
    mean=-4.5,
    std=5.0,
)

_MUSICNN = FrontEnd(
    sample_rate=16000,
    n_fft=512,
    hop_length=256,
    pad_mode="reflect",
    n_mels=96,
    log="log10",
    log_gain=10000.0,
    log_offset=1.0,
    log_floor=0.0,
    half_precision=True,
)

_SPEECH_EMBEDDING = FrontEnd(
    sample_rate=16000,
    n_fft=512,
    win_length=400,
    hop_length=160,
    center=False,
    n_mels=32,
    fmin=60.0,
    fmax=3800.0,
    log_gain=32767.0**2,  # of the power: waveforms in the range of int16
    mean=-20.0,
    std=10.0,
)

_OPENL3_MEL256 = FrontEnd(
    sample_rate=48000,
    n_fft=2048,
    hop_length=242,
    center=False,
    pad_end=True,
    power=1.0,
    n_mels=256,
    ref="max",
    top_db=160.0,
    std=2.0,  # 10 times the logarithm of magnitudes, and 80 below the maximum
)

PRESETS: dict[str, FrontEnd] = {
    "vggish": _VGGISH,
    "panns_32k": _PANNS_32K,
    "panns_16k": replace(_PANNS_32K, sample_rate=16000, n_fft=512, hop_length=160, fmax=8000.0),
    "panns_8k": replace(_PANNS_32K, sample_rate=8000, n_fft=256, hop_length=80, fmax=4000.0),
    "ast": _AST,
    "few_audio": _FEW_AUDIO,
    "deep_audio_features": _DEEP_AUDIO_FEATURES,
    "audio_tokens": _AUDIO_TOKENS,
    "efficientat": _EFFICIENTAT,
    "musicnn": _MUSICNN,
    "speech_embedding": _SPEECH_EMBEDDING,
    "openl3_mel256": _OPENL3_MEL256,
    "openl3_mel128": replace(_OPENL3_MEL256, n_mels=128),
    "openl3_linear": replace(_OPENL3_MEL256, n_fft=512, pad_end=False, n_mels=None),
    "yamnet": replace(_VGGISH, log_offset=0.001),
}


def preset(name: str, **overrides: Any) -> FrontEnd:
    """Return the front end of a published system.

    ========================  ======  =====  ====================================================================
    name                      rate    bands  source
    ========================  ======  =====  ====================================================================
    "vggish"                  16000   64     Hershey et al. 2017, VGGish's released code
    "panns_32k", "panns_16k"  32000,  64     Kong et al. 2020, PANNs (before the networks' batch norm)
    "panns_8k"                16000,
                              8000
    "ast"                     16000   128    Gong et al. 2021; Kaldi's filterbank, before the normalisation
    "few_audio"               44100   128    Pons et al. 2019, "Training neural audio classifiers with few data"
    "deep_audio_features"     22050   128    deep_audio_features 0.2: 50 ms frames, no overlap, clip maximum = 0 dB
    "audio_tokens"            22050   64     audio-tokens (2024)
    "efficientat"             32000   128    Schmid et al. 2023, EfficientAT
    "musicnn"                 16000   96     Pons & Serra 2019, musicnn
    "speech_embedding"        16000   32     Lin et al. 2020, speech_embedding, as openWakeWord computes them
    "openl3_mel256"           48000   256    Cramer et al. 2019, OpenL3 0.4, for windows of 1 s, and its variants
    "openl3_mel128"                   128    "openl3_mel128" and "openl3_linear", the bins of the Fourier transform
    "openl3_linear"                   257
    "yamnet"                  16000   64     Plakal & Ellis 2020, YAMNet's released code
    ========================  ======  =====  ====================================================================

    Parameters
    ----------
    name : str
        One of the names above.
    **overrides
        Fields of `FrontEnd` to replace. With "deep_audio_features", changing only `sample_rate` keeps frames of
        50 ms.

    Returns
    -------
    FrontEnd
        The front end.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If an override is not a field of `FrontEnd`.

    Examples
    --------
    >>> from sklearn_audio.dsp import preset
    >>> preset("vggish").n_frames(16000)
    98
    >>> preset("deep_audio_features", sample_rate=16000).n_fft
    800
    """
    check_name("front end", name, sorted(PRESETS))
    if name == "deep_audio_features" and "sample_rate" in overrides:
        length = int(0.05 * overrides["sample_rate"])
        overrides = {"n_fft": length, "hop_length": length} | overrides
    return replace(PRESETS[name], **overrides)
