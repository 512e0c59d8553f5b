"""Published recipes: every one trains, and can be overridden."""

import numpy as np
import pytest
import torch

from sklearn_audio import FineTunedClassifier
from sklearn_audio.augmentation import Gain, TimeShift
from sklearn_audio.classification._recipes import RECIPES
from sklearn_audio.engine.training._callbacks import Schedule
from tests.standin import StandInWaveform

RNG = np.random.default_rng(0)
X = [RNG.normal(scale=0.1 + i % 2, size=700 + i).astype(np.float32) for i in range(12)]
Y = ["calm", "loud"] * 6


def embedder():
    return StandInWaveform("wave", weights=None, sample_rate=16000)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains(name):
    masks = {"spec_augment": False} if RECIPES[name].get("spec_augment") else {}  # the stand-in takes waveforms
    fitted = FineTunedClassifier.from_recipe(name, embedder(), max_epochs=1, random_state=0, **masks).fit(X, Y)
    assert fitted.n_iter_ == 1
    assert fitted.alpha_ == 1
    assert fitted.history_["lr"][0] <= RECIPES[name]["lr"]


# what the scripts of the authors set
FACTS = {
    # qiuqiangkong/panns_transfer_to_gtzan, runme.sh: --learning_rate=1e-4 --batch_size=32 --augmentation='mixup';
    # main.py: Adam(amsgrad=True, weight_decay=0.), Mixup(mixup_alpha=1.); models.py: SpecAugmentation of two stripes of
    # less than 64 frames and two of less than 8 bands, in training mode
    "panns": {
        "lr": 1e-4,
        "batch_size": 32,
        "optimizer": {"name": "adam", "amsgrad": True},
        "weight_decay": 0.0,
        "mixup": {"alpha": 1.0},
        "spec_augment": {"time_width": 63, "frequency_width": 7},
    },
    # the same with --freeze_base
    "panns-frozen": {"lr": 1e-4, "freeze": "backbone", "mixup": {"alpha": 1.0}, "batch_size": 32},
    # YuanGongND/ast, egs/esc50/run_esc.sh: lr=1e-5 from AudioSet, epoch=25, batch_size=48, freqm=24, timem=96, mixup=0,
    # warmup=False; traintest.py: Adam(weight_decay=5e-7, betas=(0.95, 0.999)), x 0.85 in each epoch from the fifth
    "ast-esc50": {
        "lr": 1e-5,
        "max_epochs": 25,
        "batch_size": 48,
        "optimizer": {"name": "adam", "betas": (0.95, 0.999)},
        "weight_decay": 5e-7,
        "mixup": {"alpha": 0.0},
        "spec_augment": {"time_masks": 1, "time_width": 96, "frequency_masks": 1, "frequency_width": 24},
    },
    # the same script without AudioSet
    "ast-esc50-imagenet": {"lr": 1e-4, "max_epochs": 25, "batch_size": 48},
    # egs/speechcommands/run_sc.sh: lr=2.5e-4 from ImageNet, epoch=30, batch_size=128, freqm=48, timem=48, mixup=0.6;
    # dataloader.py: weights from Beta(10, 10), frames rolled by up to ten
    "ast-speech-commands": {
        "lr": 2.5e-4,
        "max_epochs": 30,
        "batch_size": 128,
        "mixup": {"alpha": 10.0, "fraction": 0.6},
        "spec_augment": {"time_masks": 1, "time_width": 48, "frequency_masks": 1, "frequency_width": 48},
        "augmentations": [TimeShift(1600)],
    },
    # fschmid56/EfficientAT, ex_esc50.py: defaults of its arguments
    "efficientat-esc50": {
        "lr": 6e-5,
        "max_epochs": 80,
        "batch_size": 128,
        "optimizer": "adam",
        "weight_decay": 0.0,
        "warmup": 10.0,
        "mixup": {"alpha": 0.3},
        "augmentations": [TimeShift(4000), Gain((-12.0, 12.0))],
    },
    # jordipons/neural-classifiers-with-few-audio, config_file.py: 'audioset'; transfer_train.py: MULTIPLY_LR = 0.0001,
    # plain gradient descent
    "vggish-two-rates": {
        "lr": 0.1 * 1e-4,
        "head_factor": 1e4,
        "max_epochs": 200,
        "batch_size": 128,
        "optimizer": {"name": "sgd", "momentum": 0.0, "nesterov": False},
        "weight_decay": 0.0,
        "mixup": {"alpha": 0.0},
    },
    # tyiannak/deep_audio_features, transfer_learning.py: AdamW(lr=0.001, weight_decay=.02); config.py: EPOCHS = 500,
    # BATCH_SIZE = 16; training.py: stops after more than ten epochs without a better F1
    "deep-audio-features": {
        "lr": 1e-3,
        "max_epochs": 500,
        "batch_size": 16,
        "optimizer": "adamw",
        "weight_decay": 0.02,
        "early_stopping": True,
        "patience": 11,
    },
}


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_those_of_the_authors(name):
    recipe = FineTunedClassifier.from_recipe(name, embedder()).get_params()
    facts = FACTS[name] | {"gradient_clip": None}
    facts |= {} if name.endswith("frozen") else {"strategy": "full"}
    assert {key: recipe[key] for key in facts} == facts


def factors(name, n_epochs):
    schedule = Schedule(RECIPES[name]["lr_schedule"], RECIPES[name].get("max_epochs", 40))
    return [schedule.factor(epoch) for epoch in range(n_epochs)]


@pytest.mark.parametrize("name", ["ast-esc50", "ast-esc50-imagenet", "ast-speech-commands"])
def test_rates_of_ast_fall_like_those_of_the_authors(name):
    n_epochs = RECIPES[name]["max_epochs"]
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.MultiStepLR(optimizer, list(range(5, 1000, 1)), gamma=0.85)
    for ours in factors(name, n_epochs):
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()


def test_rates_of_deep_audio_features_fall_like_those_of_the_authors():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1e-3)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "min")
    for epoch, ours in enumerate(factors("deep-audio-features", 100), start=1):
        theirs.step(epoch)
        assert ours * 1e-3 == pytest.approx(optimizer.param_groups[0]["lr"])


def test_recipes_are_copied_and_overridden():
    first = FineTunedClassifier.from_recipe("ast-esc50", embedder(), lr=0.5)
    first.optimizer["name"] = "sgd"
    again = FineTunedClassifier.from_recipe("ast-esc50", embedder())
    assert (first.lr, again.lr, again.optimizer["name"]) == (0.5, 1e-5, "adam")
    with pytest.raises(ValueError, match="unknown recipe 'ast-esc5'; did you mean 'ast-esc50"):
        FineTunedClassifier.from_recipe("ast-esc5", embedder())
    with pytest.raises(TypeError, match="speed"):
        FineTunedClassifier.from_recipe("panns", embedder(), speed=1)
