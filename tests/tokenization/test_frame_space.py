"""Frames whose squared distances float32 cannot hold, and frames that are large but can be clustered."""

import re

import numpy as np
import pytest

from sklearn_audio import KMeansAudioTokenizer
from sklearn_audio.tokenization import _engines, _frame_space

RNG = np.random.default_rng(0)
CLIPS = [RNG.normal(size=(20, 8)).astype(np.float32) for _ in range(6)]
SPACES = [
    {"normalize": None},
    {"normalize": None, "random_convolution": (4, 3)},
    {"normalize": "standard"},
    {"normalize": "standard", "random_convolution": (4, 3)},
    {"normalize": "l2", "random_convolution": (4, 3)},
]


@pytest.fixture(params=["faiss", "minibatch"])
def algorithm(request):
    return request.param


def spoilt(value):
    X = [clip.copy() for clip in CLIPS]
    X[4][7, :3] = np.float32(value)
    return X


def error_of(function):
    try:
        function()
    except ValueError as error:
        return str(error)
    return None


MATCH = r"row 4 holds a frame with a number of size .*overflow float32\. Such a clip is most likely damaged: remove it"


@pytest.mark.parametrize("value", [3e19, 1e25, -3e38, 3e38])
@pytest.mark.parametrize("space", SPACES, ids=str)
def test_a_fit_on_frames_that_are_too_large_names_the_row_or_is_right(space, value, algorithm):
    """Standardised by themselves, or of unit norm, all but the largest can be clustered."""
    tokenizer = KMeansAudioTokenizer(3, algorithm=algorithm, random_state=0, **space)
    error = error_of(lambda: tokenizer.fit(spoilt(value)))
    if error is None:
        assert space["normalize"] is not None
        assert np.isfinite(tokenizer.cluster_centers_).all()
        assert tokenizer.transform(spoilt(value)).values.min() >= 0
    else:
        assert re.match(MATCH, error)
        assert not hasattr(tokenizer, "cluster_centers_")


@pytest.mark.parametrize("method", ["partial_fit", "transform", "score"])
@pytest.mark.parametrize("value", [3e19, -3e38])
@pytest.mark.parametrize("space", SPACES[:4], ids=str)
def test_frames_that_are_too_large_are_named_by_row(space, value, method, algorithm):
    fitted = KMeansAudioTokenizer(3, algorithm=algorithm, random_state=0, **space).fit(CLIPS)
    centres = fitted.cluster_centers_
    with pytest.raises(ValueError, match=MATCH):
        getattr(fitted, method)(spoilt(value))
    assert fitted.cluster_centers_ is centres


def test_unit_frames_may_have_any_size():
    one = KMeansAudioTokenizer(3, random_state=0).fit(CLIPS).transform(spoilt(3e38))
    assert np.array_equal(one[4][7], KMeansAudioTokenizer(3, random_state=0).fit(CLIPS).transform(spoilt(1.0e30))[4][7])


@pytest.mark.parametrize("scale", [2.0**41, 2.0**58])
def test_large_frames_are_clustered_as_small_ones(scale, algorithm):
    small, large = (
        KMeansAudioTokenizer(4, normalize=None, algorithm=algorithm, random_state=0).fit(X)
        for X in (CLIPS, [clip * np.float32(scale) for clip in CLIPS])
    )
    np.testing.assert_array_equal(large.cluster_centers_, small.cluster_centers_ * np.float32(scale))
    assert large.inertia_ == pytest.approx(small.inertia_ * scale**2)


def test_the_frame_is_found_in_any_chunk(monkeypatch):
    monkeypatch.setattr(_frame_space, "_CHUNK_VALUES", 8 * 3)
    with pytest.raises(ValueError, match="row 4 holds"):
        KMeansAudioTokenizer(3, normalize=None, random_state=0).fit(spoilt(1e20))


def test_centres_that_are_no_numbers_are_refused(monkeypatch):
    centres = np.array([[np.nan], [1.0]], dtype=np.float32)
    monkeypatch.setattr(_engines, "_cluster_by_faiss", lambda *args: (centres, 1.0))
    with pytest.raises(ValueError, match=r"the engine 'faiss' of k-means gave centres that are NaN or infinite"):
        KMeansAudioTokenizer(2, algorithm="faiss", random_state=0).fit(CLIPS)
