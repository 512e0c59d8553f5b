"""Published recipes: every one trains, and can be overridden."""

import numpy as np
import pytest

from sklearn_audio import FineTunedClassifier
from sklearn_audio.classification._recipes import RECIPES
from tests.standin import StandInWaveform

RNG = np.random.default_rng(0)
X = [RNG.normal(scale=0.1 + i % 2, size=700 + i).astype(np.float32) for i in range(12)]
Y = ["calm", "loud"] * 6


def embedder():
    return StandInWaveform("wave", weights=None, sample_rate=16000)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains(name):
    masks = {"spec_augment": False} if name.startswith("ast") else {}  # the stand-in takes waveforms
    fitted = FineTunedClassifier.from_recipe(name, embedder(), max_epochs=1, random_state=0, **masks).fit(X, Y)
    assert fitted.n_iter_ == 1
    assert fitted.alpha_ == 1
    assert fitted.history_["lr"][0] <= RECIPES[name]["lr"]


def test_recipes_are_copied_and_overridden():
    first = FineTunedClassifier.from_recipe("ast-esc50", embedder(), lr=0.5)
    first.optimizer["name"] = "sgd"
    again = FineTunedClassifier.from_recipe("ast-esc50", embedder())
    assert (first.lr, again.lr, again.optimizer["name"]) == (0.5, 1e-5, "adam")
    with pytest.raises(ValueError, match="unknown recipe 'ast-esc5'; did you mean 'ast-esc50"):
        FineTunedClassifier.from_recipe("ast-esc5", embedder())
    with pytest.raises(TypeError, match="speed"):
        FineTunedClassifier.from_recipe("panns", embedder(), speed=1)
