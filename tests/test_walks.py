"""The walks on the page of the architecture are those that the code takes."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import sklearn_audio
from sklearn_audio import CNNClassifier, YAMNetEmbedder

PACKAGE = Path(sklearn_audio.__file__).parent
PAGE = Path(__file__).parents[1] / "docs" / "contributing" / "architecture.rst"


def steps_on_page(title):
    section = PAGE.read_text().split(f"{title}\n---")[1].split("\n---")[0]
    return re.findall(r"^#\. ``([\w.]+)`` \(``([\w/]+\.py)``\)", section, flags=re.MULTILINE)


def order_of_calls(function):
    """Functions of the package, with their files, in the order of their first calls."""
    calls = {}

    def note(frame, event, argument):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(PACKAGE)):
            calls.setdefault((code.co_qualname, Path(code.co_filename).relative_to(PACKAGE).as_posix()))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return list(calls)


def embedding(folder):
    soundfile.write(folder / "clip.wav", np.random.default_rng(0).normal(scale=0.1, size=24000), 16000)
    embedder, X = YAMNetEmbedder(weights=None), [str(folder / "clip.wav")]
    embedder.transform(X)  # builds the network
    return lambda: embedder.transform(X)


def training(folder):
    X = [np.random.default_rng(i).normal(size=(40, 32)).astype(np.float32) for i in range(4)]
    classifier = CNNClassifier("cnn4", spec_augment=True, mixup=0.2, max_epochs=1, random_state=0)
    return lambda: classifier.fit(X, ["low", "high"] * 2)


@pytest.mark.parametrize(
    ("title", "walk"), [("From a path to a vector", embedding), ("From a clip to the first gradient", training)]
)
def test_the_page_lists_the_steps_in_their_order(title, walk, tmp_path):
    steps, calls = steps_on_page(title), order_of_calls(walk(tmp_path))
    assert len(steps) >= 14
    assert [step for step in steps if step not in calls] == []
    assert [call for call in calls if call in steps] == steps
