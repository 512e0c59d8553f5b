"""Windows of recordings: inputs and vectors as of clips of their own, also where overlapping ones share frames."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklearn_audio import EfficientATEmbedder, PANNsEmbedder
from sklearn_audio.engine import PatchOptions, Window, WindowGrid, WindowRows
from sklearn_audio.engine._patches import iter_patches
from sklearn_audio.engine._window_patches import window_patches
from tests.instances import EMBEDDERS, LARGE, PRETRAINED

CPU = torch.device("cpu")
ALL = {**EMBEDDERS, "VGGishEmbedder": LARGE["VGGishEmbedder"], "MusiCNNEmbedder": LARGE["MusiCNNEmbedder"]}
CARDS = {
    "preemphasis": EfficientATEmbedder.cards["mn04_as"],
    "centred": PANNsEmbedder.cards["cnn14_16k"],
    "from the waveform": PANNsEmbedder.cards["res1dnet31"],
}


def windows_of(seconds, rate, window=1.0, hop=0.25, seed=0):
    wave = np.random.default_rng(seed).normal(scale=0.1, size=round(seconds * rate)).astype(np.float32)
    return [found._replace(row=seed) for found in WindowGrid(window, hop).cut(iter([wave]), rate)]


@pytest.mark.parametrize("hop", [0.01, 0.1, 0.25, 0.33, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_patches_are_those_of_clips_bit_for_bit(card, hop):
    windows = windows_of(2.3, card.sample_rate, hop=hop)[:40] + windows_of(2.05, card.sample_rate, hop=hop, seed=1)[:3]
    found = list(window_patches(card.windowed(1.0), windows, PatchOptions(), CPU))
    assert len(found) == len(windows)
    for window, (patch,) in zip(windows, found, strict=True):
        (alone,) = iter_patches(card.windowed(1.0), iter([window.samples]), PatchOptions(), CPU)
        assert all(map(torch.equal, patch.inputs, alone.inputs))


def test_changed_windows_share_nothing():
    card = CARDS["preemphasis"].windowed(1.0)
    windows = windows_of(2.0, card.sample_rate)
    windows[1] = windows[1]._replace(samples=windows[1].samples[::-1].copy())
    found = [patch for (patch,) in window_patches(card, windows, PatchOptions(), CPU)]
    for patch, window in zip(found, windows, strict=True):
        assert torch.equal(patch.inputs[0], card.front_end(torch.from_numpy(window.samples)))


@pytest.mark.parametrize("name", ALL)
def test_vectors_of_every_embedder_are_those_of_clips(name):
    embedder = clone(ALL[name])
    rate = embedder._network_rate() if name in PRETRAINED or name in LARGE else 16000
    windows = windows_of(2.1, rate, hop=0.5)[-3:]  # the last is shorter
    of_windows, of_clips = (embedder.fit(list(X)).transform(X) for X in (WindowRows(windows), as_clips(windows)))
    for found, expected in zip(of_windows, of_clips, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * np.abs(expected).max())


def as_clips(windows):
    return [window.as_clip() for window in windows]


@pytest.mark.parametrize(
    "options",
    [{"pooling": "max"}, {"pooling": "mean_std", "window": 0.5}, {"window": 1.0}, {"pooling": None, "window": 0.3}],
)
def test_pooling_and_own_windows(options):
    embedder = EfficientATEmbedder("mn04_as", weights=None, sample_rate=32000, layer="block9", **options)
    windows = windows_of(2.3, 32000)
    of_windows, of_clips = (embedder.fit(list(X)).transform(X) for X in (WindowRows(windows), as_clips(windows)))
    for found, expected in zip(of_windows, of_clips, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_rows_do_not_depend_on_the_others():
    embedder = EfficientATEmbedder("mn04_as", weights=None, sample_rate=32000)
    windows = windows_of(2.31, 32000)
    together = embedder.transform(WindowRows(windows))
    alone = np.concatenate([embedder.transform(WindowRows([window])) for window in windows])
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("option", [{"cache": True}, {"on_error": "nan"}])
def test_windows_that_are_looked_up_or_may_fail_are_clips(option, tmp_path):
    option = {"cache": tmp_path} if "cache" in option else option
    embedder = EfficientATEmbedder("mn04_as", weights=None, sample_rate=32000, **option)
    windows = windows_of(1.5, 32000)
    assert np.array_equal(embedder.transform(WindowRows(windows)), embedder.transform(as_clips(windows)))


def test_windows_at_another_rate_are_resampled():
    embedder = EfficientATEmbedder("mn04_as", weights=None, sample_rate=32000)
    windows = windows_of(1.5, 16000)
    assert np.array_equal(embedder.transform(WindowRows(windows)), embedder.transform(as_clips(windows)))


def test_output_that_is_not_finite():
    embedder = EfficientATEmbedder("mn04_as", weights=None, sample_rate=32000)
    huge = Window(0, np.full(32000, 3e38, dtype=np.float32) * np.sign(np.sin(np.arange(32000))), 32000)
    windows = [*windows_of(1.0, 32000), huge._replace(samples=huge.samples.astype(np.float32))]
    with pytest.raises(ValueError, match="row 1: the output for the clip is NaN or infinite"):
        embedder.transform(WindowRows(windows))
