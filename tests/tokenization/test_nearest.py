"""`NearestCentre` against distances in float64, by brute force."""

import numpy as np
import pytest

from sklearn_audio.tokenization._nearest import NearestCentre

RNG = np.random.default_rng(0)


def brute_force(frames, centres):
    """Nearest centre by distances in float64; `argmin` takes the first of equals."""
    differences = frames[:, None].astype(np.float64) - centres[None]
    return np.square(differences).sum(axis=2).argmin(axis=1)


@pytest.mark.parametrize(("n_centres", "n_features"), [(1, 3), (2, 1), (7, 64), (500, 20), (3000, 2)])
def test_equals_brute_force(n_centres, n_features):
    centres = RNG.normal(size=(n_centres, n_features)).astype(np.float32)
    frames = RNG.normal(size=(400, n_features)).astype(np.float32)
    tokens = NearestCentre(centres).tokens(frames)
    assert tokens.dtype == np.int32
    np.testing.assert_array_equal(tokens, brute_force(frames, centres))


@pytest.mark.parametrize("shift", [1e3, 1e6])
def test_far_from_the_origin(shift):
    """|x|² - 2 x·c + |c|² in float32 loses every digit here."""
    centres = (RNG.normal(size=(50, 8)) + shift).astype(np.float32)
    frames = (RNG.normal(size=(500, 8)) + shift).astype(np.float32)
    np.testing.assert_array_equal(NearestCentre(centres).tokens(frames), brute_force(frames, centres))


def test_near_ties_are_decided_in_float64():
    """Frames on the plane between two centres, moved by less than a product in float32 can tell."""
    centres = RNG.normal(size=(20, 32)).astype(np.float32)
    pairs = RNG.integers(0, 20, size=(500, 2))
    middles = (centres[pairs[:, 0]].astype(np.float64) + centres[pairs[:, 1]]) / 2
    frames = (middles + 1e-8 * RNG.normal(size=middles.shape)).astype(np.float32)
    wanted = brute_force(frames, centres)
    np.testing.assert_array_equal(NearestCentre(centres).tokens(frames), wanted)
    plain = (np.square(centres).sum(axis=1) - 2 * frames @ centres.T).argmin(axis=1)
    assert (plain != wanted).any()


def test_ties_go_to_the_lowest_index():
    centres = RNG.normal(size=(30, 5)).astype(np.float32)
    doubled = np.concatenate([centres, centres[::-1]])
    frames = RNG.normal(size=(1000, 5)).astype(np.float32)
    tokens = NearestCentre(doubled).tokens(frames)
    assert tokens.max() < 30
    np.testing.assert_array_equal(NearestCentre(np.zeros((4, 2), np.float32)).tokens(frames[:, :2]), 0)
    corners = np.array([[1, 0], [-1, 0], [0, 1]], dtype=np.float32)
    assert NearestCentre(corners).tokens(np.zeros((1, 2), np.float32)).tolist() == [0]


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_sizes_that_overflow_or_vanish_when_squared(scale):
    centres = (scale * RNG.normal(size=(10, 6))).astype(np.float32)
    frames = (scale * RNG.normal(size=(300, 6))).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        tokens = NearestCentre(centres).tokens(frames)
    np.testing.assert_array_equal(tokens, brute_force(frames, centres))


def test_a_frame_is_alone_in_its_block():
    """To the bit: whatever stands beside it, and in whatever order of memory."""
    centres = RNG.normal(size=(300, 64)).astype(np.float32)
    frames = RNG.normal(size=(3000, 64)).astype(np.float32)
    nearest = NearestCentre(centres)
    tokens = nearest.tokens(frames)
    np.testing.assert_array_equal(np.concatenate([nearest.tokens(frames[i : i + 1]) for i in range(3000)]), tokens)
    np.testing.assert_array_equal(nearest.tokens(frames[::-1])[::-1], tokens)
    np.testing.assert_array_equal(nearest.tokens(np.asfortranarray(frames)), tokens)


def test_distances():
    centres = RNG.normal(size=(9, 4)).astype(np.float32)
    frames = RNG.normal(size=(100, 4)).astype(np.float32)
    nearest = NearestCentre(centres)
    tokens = nearest.tokens(frames)
    wanted = np.square(frames - centres[tokens]).sum(axis=1)
    np.testing.assert_allclose(nearest.squared_distances(frames, tokens), wanted, rtol=1e-6)
