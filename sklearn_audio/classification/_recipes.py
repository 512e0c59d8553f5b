"""Published recipes of fine-tuning, as parameters of `FineTunedClassifier`."""

from __future__ import annotations

from typing import Any

from sklearn_audio.augmentation import Gain, TimeShift

__all__ = ["RECIPES"]

# trained once from a head of zeros, without the choices that this package adds
_PLAIN: dict[str, Any] = {
    "strategy": "full",
    "validation_fraction": 0.0,
    "head_factor": 1.0,
    "lr_schedule": None,
    "gradient_clip": None,
    "mixup": {"alpha": 0.0},
    "spec_augment": False,
}
# Kong et al. 2020: main.py, models.py and runme.sh of panns_transfer_to_gtzan
_PANNS = _PLAIN | {
    "lr": 1e-4,
    "optimizer": {"name": "adam", "amsgrad": True},
    "weight_decay": 0.0,
    "batch_size": 32,
    "mixup": {"alpha": 1.0},
}
# Gong et al. 2021: run_esc.sh, run_sc.sh and traintest.py of the authors
_AST = _PLAIN | {"optimizer": {"name": "adam", "betas": (0.95, 0.999)}, "weight_decay": 5e-7}
_AST_ESC = _AST | {
    "max_epochs": 25,
    "batch_size": 48,
    "lr_schedule": {"milestones": range(5, 26), "factor": 0.85},
    "spec_augment": {"time_masks": 1, "time_width": 96, "frequency_masks": 1, "frequency_width": 24},
}
RECIPES: dict[str, dict[str, Any]] = {
    # in training mode, the network masks its own input: ranges of less than 64 frames and of less than 8 bands
    "panns": _PANNS | {"spec_augment": {"time_width": 63, "frequency_width": 7}},
    # masks change frames, which a frozen network does not see again
    "panns-frozen": {key: value for key, value in _PANNS.items() if key != "spec_augment"} | {"freeze": "backbone"},
    "ast-esc50": _AST_ESC | {"lr": 1e-5},
    "ast-esc50-imagenet": _AST_ESC | {"lr": 1e-4},
    "ast-speech-commands": _AST
    | {
        "lr": 2.5e-4,
        "max_epochs": 30,
        "batch_size": 128,
        "lr_schedule": {"milestones": range(5, 31), "factor": 0.85},
        "mixup": {"alpha": 10.0, "fraction": 0.6},
        "augmentations": [TimeShift(1600)],  # by ten frames, which the authors shift
        "spec_augment": {"time_masks": 1, "time_width": 48, "frequency_masks": 1, "frequency_width": 48},
    },
    # Schmid et al. 2023: ex_esc50.py of the authors
    "efficientat-esc50": _PLAIN
    | {
        "lr": 6e-5,
        "optimizer": "adam",
        "weight_decay": 0.0,
        "max_epochs": 80,
        "batch_size": 128,
        "lr_schedule": "cosine",
        "warmup": 10.0,
        "mixup": {"alpha": 0.3},
        "augmentations": [TimeShift(4000), Gain((-12.0, 12.0))],
    },
    # Pons et al. 2019: transfer_train.py of the authors
    "vggish-two-rates": _PLAIN
    | {
        "lr": 1e-5,
        "head_factor": 1e4,
        "optimizer": {"name": "sgd", "momentum": 0.0, "nesterov": False},
        "weight_decay": 0.0,
        "max_epochs": 200,
        "batch_size": 128,
    },
    # Giannakopoulos et al.: transfer_learning.py, training.py and config.py of deep_audio_features
    "deep-audio-features": _PLAIN
    | {
        "lr": 1e-3,
        "optimizer": "adamw",
        "weight_decay": 0.02,
        "max_epochs": 500,
        "batch_size": 16,
        # its plateau is given the number of the epoch, which never falls: divided by ten every eleven epochs, to 1e-8
        "lr_schedule": {"milestones": range(11, 56, 11), "factor": 0.1},
        "validation_fraction": 0.2,
        "early_stopping": True,
        "patience": 11,
    },
}
