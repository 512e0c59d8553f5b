"""Parameters that have no effect in a configuration are refused, whichever estimator has them."""

from __future__ import annotations

import inspect
import re
from typing import ClassVar

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from sklearn_audio import (
    AcousticFeatures,
    AudioTagger,
    BERTClassifier,
    CNNClassifier,
    ConvAutoencoder,
    FineTunedClassifier,
    FrameMLPClassifier,
    GradientAccumulation,
    LSTMClassifier,
    MelSpectrogramTransformer,
    MFCCTransformer,
    NetworkEmbedder,
    OpenL3Embedder,
    PANNsEmbedder,
    PrototypicalClassifier,
    SpectrogramTransformer,
    SpeechEmbedder,
    TokenMeanClassifier,
    VGGishEmbedder,
)
from sklearn_audio._meaning import Use, idle_parameters, needs
from sklearn_audio.augmentation import Gain
from sklearn_audio.base import AudioEstimator
from sklearn_audio.dsp._presets import PRESETS
from tests.instances import INSTANCES

LEARNED = {"embedding_dim": 4}
SIZED = {"embedding_size": 8}
# parameters in place of which a front end stands
FLAT = {"sample_rate": 16000, "n_fft": 512, "win_length": 400, "hop_length": 160, "n_mels": 40, "fmin": 50.0}
FLAT |= {"fmax": 4000.0, "window": "hamming", "center": False, "pad_mode": "reflect", "power": 1.0, "mel_scale": "htk"}
FLAT |= {"mel_norm": None, "log": "ln", "log_floor": 1e-5, "ref": 2.0, "top_db": 60.0}
FRAMES = [np.random.default_rng(i).normal(size=(9, 3)).astype(np.float32) for i in range(8)]
Y = ["a", "b"] * 4
FITTED = CNNClassifier("mlp", hidden_sizes=(4,), max_epochs=1, random_state=0).fit(FRAMES, Y)
FINE_TUNED = FineTunedClassifier(SpeechEmbedder(weights=None, sample_rate=16000))
OF_THE_BODY = ("layer_decay", "spec_augment", "augmentations")
TRAINED = {"lr": 0.1, "head_factor": 2.0, "layer_decay": 0.5, "max_epochs": 3, "batch_size": 4, "optimizer": "sgd"}
TRAINED |= {"weight_decay": 0.1, "lr_schedule": None, "warmup": 0.1, "validation_fraction": 0.3, "mixup": 0.1}
TRAINED |= {"early_stopping": True, "gradient_clip": None, "sampler": "balanced", "spec_augment": True}
TRAINED |= {"augmentations": [Gain()], "checkpoint_dir": "runs", "callbacks": [GradientAccumulation(2)]}
TRAINED |= {"precision": "bfloat16"}
NOT_MIXED = {"mixup": {"alpha": 0.0}}
OF_EPISODES = ("warmup", "validation_fraction", "early_stopping", "spec_augment", "augmentations")
# estimator, parameter, value, and what gives it an effect (None where another class of X does)
CASES = [
    (AcousticFeatures(), "f0_range", (60.0, 400.0), {}),
    (MelSpectrogramTransformer(), "pad_mode", "reflect", {"center": False}),
    (MelSpectrogramTransformer(), "log_floor", 0.1, {"log": None}),
    (MelSpectrogramTransformer(), "ref", "max", {"log": "ln"}),
    (MelSpectrogramTransformer(), "top_db", 60.0, {"log": None}),
    *((MelSpectrogramTransformer(front_end="panns_8k"), name, value, {}) for name, value in FLAT.items()),
    (SpectrogramTransformer(), "n_fft", 512, {"kind": "cqt"}),
    (SpectrogramTransformer(), "win_length", 512, {"kind": "cqt"}),
    (SpectrogramTransformer(), "center", False, {"kind": "cqt"}),
    (SpectrogramTransformer(), "fmin", 50.0, {"kind": "stft"}),
    (SpectrogramTransformer(), "n_bins", 60, {"kind": "stft"}),
    (SpectrogramTransformer(), "bins_per_octave", 24, {"kind": "stft"}),
    (SpectrogramTransformer(), "pad_mode", "reflect", {"center": False}),
    (SpectrogramTransformer(), "top_db", 60.0, {"log": None}),
    (MFCCTransformer(), "delta_kind", "difference", {"deltas": 0}),
    (MFCCTransformer(), "delta_width", 5, {"deltas": 0}),
    (MFCCTransformer(), "delta_width", 5, {"deltas": 1, "delta_kind": "difference"}),
    (MFCCTransformer(), "pad_mode", "reflect", {"center": False}),
    (PANNsEmbedder(weights=None), "cache_key", "stat", {"cache": None}),
    (PANNsEmbedder(weights=None), "short_clip", "zero", {"model": "leenet11"}),
    (PANNsEmbedder(weights=None), "cache_layers", "all", {"cache": None}),
    (OpenL3Embedder(weights=None), "embedding_size", 6144, {"layer": "block1"}),
    (VGGishEmbedder(weights=None), "pca_weights", "matrix.npz", {"postprocess": None}),
    (AudioTagger(weights=None), "cache_key", "stat", {"cache": None}),
    (AudioTagger(weights=None), "window", 2.0, {"model": "panns_cnn14_decision_max"}),
    (AudioTagger(weights=None), "window", 2.0, {"model": "musicnn_msd_musicnn"}),
    (AudioTagger(weights=None), "hop", 0.2, {"model": "panns_cnn14_decision_att"}),
    (CNNClassifier(), "sample_rate", 16000, {"front_end": None}),
    (CNNClassifier(), "hidden_sizes", (4,), {"architecture": "cnn4"}),
    (CNNClassifier(), "windows.hop", 8, {"windows": {"take": "start"}}),
    (CNNClassifier(), "windows.hop", 8, {"windows": {"take": "center"}}),
    (CNNClassifier(), "windows.voting", "log", {"windows": {"take": "start"}}),
    (CNNClassifier(), "options.log_compression", "learned", {"architecture": "leenet11"}),
    (LSTMClassifier(), "sample_rate", 16000, {"front_end": None}),
    (BERTClassifier(), "sample_rate", 16000, {"front_end": None}),
    (TokenMeanClassifier(), "sample_rate", 16000, {"front_end": None}),
    (FrameMLPClassifier(), "sample_rate", 16000, {"front_end": None}),
    (ConvAutoencoder(), "sample_rate", 16000, {"front_end": None}),
    (PrototypicalClassifier("timbre", front_end="panns_8k"), "sample_rate", 16000, {"front_end": None}),
    (PrototypicalClassifier(**LEARNED), "front_end", "panns_8k", {"network": None}),
    (CNNClassifier(), "mixup.on", "waveforms", {"front_end": None}),
    (CNNClassifier(front_end="panns_8k"), "mixup.on", "waveforms", {"mixup": {"alpha": 0.0}}),
    (CNNClassifier(), "mixup.fraction", 0.5, {"mixup": {"alpha": 0.0}}),
    (CNNClassifier(), "mixup.loudness", True, {"mixup": {"alpha": 0.3}}),
    (CNNClassifier("leenet11"), "mixup.loudness", True, {"mixup": {"alpha": 0.0}}),
    (CNNClassifier("leenet11"), "mixup.style", 0.4, {"mixup": {"alpha": 0.3}}),
    (CNNClassifier(), "mixup.style", 0.4, {"options": {"log_compression": "learned"}}),
    (CNNClassifier(), "mixup.style_p", 0.5, {"mixup": {"alpha": 0.3}}),
    (CNNClassifier(), "spec_augment", True, {"architecture": "leenet11"}),
    (CNNClassifier(), "patience", 3, {"early_stopping": False}),
    (LSTMClassifier(), "patience", 3, {"lr_schedule": "cosine"}),
    (LSTMClassifier(), "weight_decay", 0.1, {"optimizer": torch.optim.Adam}),
    (PrototypicalClassifier(**LEARNED), "weight_decay", 0.1, {"optimizer": {"name": "sgd", "weight_decay": 0.2}}),
    (ConvAutoencoder(), "patience", 3, {"early_stopping": False}),
    *((PrototypicalClassifier(), name, 7, {}) for name in ("n_way", "n_support", "n_query", "n_episodes")),
    (PrototypicalClassifier(), "normalize", None, {}),
    (PrototypicalClassifier(), "lr", 0.01, {}),
    (PrototypicalClassifier(), "optimizer", "sgd", {}),
    (PrototypicalClassifier(), "weight_decay", 0.1, {}),
    (PrototypicalClassifier(), "lr_schedule", None, {}),
    (PrototypicalClassifier(), "gradient_clip", None, {}),
    *((PrototypicalClassifier(), name, TRAINED[name], {}) for name in OF_EPISODES),
    (PrototypicalClassifier(), "patience", 3, {"early_stopping": False}),
    (PrototypicalClassifier(**LEARNED), "patience", 3, {"early_stopping": False}),
    *((FINE_TUNED, name, value, {"strategy": "probe"}) for name, value in TRAINED.items()),
    *((FINE_TUNED, name, TRAINED[name], {"freeze": "backbone"}) for name in OF_THE_BODY),
    (FINE_TUNED, "weight_decay", 0.1, {"optimizer": torch.optim.Adam}),
    (FINE_TUNED, "patience", 3, {"early_stopping": False}),
    *((FINE_TUNED, f"mixup.{key}", 0.5 if key == "fraction" else True, NOT_MIXED) for key in ("fraction", "loudness")),
    (FINE_TUNED, "mixup.loudness", True, {"mixup": {"alpha": 0.3}, "freeze": "backbone"}),
    (FINE_TUNED, "mixup.loudness", True, {"mixup": {"alpha": 0.3}, "embedder": NetworkEmbedder(FITTED)}),
    *((FINE_TUNED, "unfreeze_every", 2, {"strategy": strategy}) for strategy in ("probe", "lora")),
    (FINE_TUNED, "unfreeze_every", 2, {"freeze": "backbone"}),
    (FINE_TUNED, "freeze", 2, {"strategy": "lora"}),
    (FINE_TUNED, "probe", LogisticRegression(), {"strategy": "full"}),
    (FINE_TUNED, "lora_rank", 2, {"strategy": "full"}),
    (PrototypicalClassifier(**LEARNED), "n_frames", 64, {"network": None}),
    (PrototypicalClassifier(**LEARNED), "windows", {"hop": 64}, {"network": None}),
    (PrototypicalClassifier(**LEARNED), "options", {"dropout": 0.5}, {"network": None}),
    (PrototypicalClassifier(SpeechEmbedder(weights=None)), "normalize", None, {}),
    (PrototypicalClassifier(SpeechEmbedder(weights=None)), "sample_rate", 16000, {}),
]
TOKENS = [np.arange(9) % (i + 2) for i in range(8)]
# known once X was seen
OF_DATA = [
    (LSTMClassifier(max_epochs=1, options=SIZED), "options['embedding_size']", FRAMES, "it needs tokens, but X holds"),
    *(
        (
            classifier(max_epochs=1, options={"n_tokens": 9}),
            "options['n_tokens']",
            FRAMES,
            "it needs tokens, but X holds",
        )
        for classifier in (BERTClassifier, FrameMLPClassifier, LSTMClassifier, TokenMeanClassifier)
    ),
    (TokenMeanClassifier(max_epochs=1, normalize="clip"), "normalize", TOKENS, "it needs frames, but X holds tokens"),
    (FrameMLPClassifier(max_epochs=1, options=SIZED), "options['embedding_size']", FRAMES, "it needs tokens"),
]


def name_of(case):
    return f"{type(case[0]).__name__}-{case[1]}-{'-'.join(map(str, case[3])) or 'alone'}"


def with_setting(estimator, name, value, others):
    """Set a parameter, or a key of one that is a dict; return the estimator, and the name in messages and default."""
    parameter, _, key = name.partition(".")
    if not key:
        default = inspect.signature(type(estimator)).parameters[name].default
        return clone(estimator).set_params(**others, **{name: value}), name, default
    given = others.get(parameter, {}) | {key: value}
    default = estimator._parameter_items[parameter][key].default
    return clone(estimator).set_params(**(others | {parameter: given})), f"{parameter}[{key!r}]", default


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_idle_parameter_is_refused(case):
    name, others = case[1], case[3]
    estimator, shown, default = with_setting(*case)
    start, end = f"{shown}={case[2]!r} has no effect here: it needs ", f". Leave {shown} at its default, {default!r}."
    with pytest.raises(ValueError, match=f"(?s)^{re.escape(start)}.*{re.escape(end)}$"):
        estimator.fit(FRAMES, Y)
    # at its default it asks for nothing
    estimator = with_setting(case[0], name, default, others)[0]
    assert shown not in [setting.name for setting, _ in idle_parameters(estimator)]


@pytest.mark.parametrize(("estimator", "name", "X", "match"), OF_DATA)
def test_parameter_for_another_kind_of_X_is_refused(estimator, name, X, match):
    with pytest.raises(ValueError, match=f"^{re.escape(name)}=.* has no effect here: {match}"):
        clone(estimator).fit(X, Y)


def test_every_condition_has_a_case():
    """One case at least for each condition of each table, in which that condition is the one that fails."""
    covered = set()
    for case in CASES:
        estimator, shown, _ = with_setting(*case)
        covered |= {(case[1], use) for setting, use in idle_parameters(estimator) if setting.name == shown}
    for cls in {type(instance) for instance in INSTANCES.values() if hasattr(instance, "_parameter_uses")}:
        names = inspect.signature(cls).parameters
        for name, uses in cls._parameter_uses.items():
            for use in (uses,) if isinstance(uses, Use) else uses:
                if name.partition(".")[0] in names and not use.of_data:
                    assert (name, use) in covered, (cls.__name__, name, use.words)


@pytest.mark.parametrize("name", sorted(INSTANCES))
def test_instances_of_all_checks_are_admissible(name):
    assert not hasattr(INSTANCES[name], "_parameter_uses") or list(idle_parameters(INSTANCES[name])) == []


@pytest.mark.parametrize("preset", sorted(PRESETS))
@pytest.mark.parametrize("changed", [{}, {"log": None, "half_precision": False}])
def test_presets_set_nothing_without_effect(preset, changed):
    assert list(idle_parameters(MelSpectrogramTransformer.from_preset(preset, **changed))) == []


def test_lists_and_tuples_are_one_value():
    class Sized(AudioEstimator):
        _parameter_uses: ClassVar = {"sizes": needs("another estimator", lambda owner: False)}

        def __init__(self, sizes=(256, 128)):
            self.sizes = sizes

    assert not [idle for kind in (list, tuple, np.array) for idle in idle_parameters(Sized(kind([256, 128])))]
    assert [setting.name for setting, _ in idle_parameters(Sized([256, 64]))] == ["sizes"]


def test_seeds_and_machinery_are_never_refused():
    """`random_state` is set from outside, by ensembles; `n_jobs`, `device` and the like change no result."""
    PANNsEmbedder("leenet11", weights="a.pth", random_state=3, n_jobs=2, batch_size=4)._validate_params()
    PrototypicalClassifier(random_state=3, device="cpu", precision="bfloat16")._validate_params()
