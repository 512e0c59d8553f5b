"""`random_state=None` draws from the operating system, and never from the generator that the process shares."""

import numpy as np
import pytest
from sklearn.utils import check_random_state

from sklearn_audio import FewShotSplit, KMeansAudioTokenizer, LSTMClassifier
from sklearn_audio._random_state import own_random_state
from sklearn_audio.datasets import make_sound_events
from sklearn_audio.model_selection import MultilabelStratifiedKFold

RNG = np.random.default_rng(0)
FRAMES = [RNG.normal(size=(20, 3)).astype(np.float32) for _ in range(12)]
LABELS = np.arange(12) % 2
TAGS = RNG.integers(0, 2, size=(40, 3))
DRAWS = {
    "tokenizer": lambda: KMeansAudioTokenizer(4).fit(FRAMES).cluster_centers_,
    "few shots": lambda: np.concatenate([np.r_[a, b] for a, b in FewShotSplit(2).split(LABELS, LABELS)]),
    "folds": lambda: np.concatenate([b for _, b in MultilabelStratifiedKFold(4, shuffle=True).split(TAGS, TAGS)]),
    "network": lambda: LSTMClassifier(hidden_size=2, max_epochs=1).fit(FRAMES, LABELS).predict_proba(FRAMES),
    "sounds": lambda: make_sound_events(4, classes=["noise", "tone"]).data[0],
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_nothing_of_the_process_is_read_or_changed(draw):
    shared = check_random_state(None)  # the generator behind the functions of numpy.random
    before = shared.get_state()
    first = draw()
    for now, then in zip(shared.get_state(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    second = draw()
    assert first.shape != second.shape or (first != second).any()


def test_others_are_as_in_scikit_learn():
    generator = np.random.RandomState(3)
    assert own_random_state(generator) is generator
    assert own_random_state(3).randint(1000) == np.random.RandomState(3).randint(1000)
    with pytest.raises(ValueError, match="cannot be used to seed"):
        own_random_state("0")
