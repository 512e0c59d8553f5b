"""The basis of the golden values: checkpoints that let a signal through."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from tests.parity.golden_files import difference, read_golden
from tests.parity.seeded import checkpoint, clips

FILES = sorted(Path(__file__).parent.glob("golden/*.npz"))
NETWORKS = [path.stem for path in FILES if path.stem.startswith(("ast_", "efficientat_", "panns_", "vggish"))]


def test_order_does_not_matter():
    shapes = {"fc1.weight": (4, 8), "bn1.running_var": (4,), "bn1.weight": (4,), "bn1.num_batches_tracked": ()}
    first, second = checkpoint(shapes), checkpoint(dict(reversed(shapes.items())))
    for name in shapes:
        np.testing.assert_array_equal(first[name], second[name])
    assert not np.array_equal(first["fc1.weight"], checkpoint(shapes, seed=1)["fc1.weight"])


def test_batch_norms_do_something():
    shapes = {f"bn1.{name}": (100,) for name in ("weight", "bias", "running_mean", "running_var")}
    assert all(array.std() > 0.01 for array in checkpoint(shapes).values())


@pytest.mark.parametrize("rate", [8000, 16000, 32000])
def test_clips_are_neither_silent_nor_clipped(rate):
    for name, clip in clips(rate).items():
        assert clip.dtype == np.float32
        assert len(clip) == round(float(name.removesuffix("s")) * rate)
        assert 0.05 < np.abs(clip).max() < 2


def test_other_clips_have_other_golden_answers():
    """Or an error in the middle of the network would not show."""
    assert len(NETWORKS) == 37
    for name in NETWORKS:
        answers = read_golden(name).answers
        for layer, least in {"embedding": 0.05, "probabilities": 0.0015}.items():
            # VGGish answers patch by patch: the first one stands for the clip
            rows = [np.atleast_2d(layers[layer])[0] for layers in answers.values() if layer in layers]
            for one, other in combinations(rows, 2):
                assert np.linalg.norm(one - other) > least * np.linalg.norm(other), name


def test_difference_is_relative_and_strict_about_shapes():
    ours, golden = np.zeros(1024, np.float32), np.full(128, 2.0, np.float32)
    ours[8] = 3.0
    assert difference(ours, golden, "embedding") == 1.0
    with pytest.raises(ValueError, match="ours has shape"):
        difference(ours[:800], golden, "embedding")
