import numpy as np
import pytest

from sklearn_audio import EfficientATEmbedder, MFCCTransformer, SequencePooling
from sklearn_audio.retrieval._embedded import TestSound as Heard
from sklearn_audio.retrieval._embedded import embed, hear, is_array, places_of


def test_places_of_clips():
    places = places_of(MFCCTransformer(8000), [np.zeros(4000), (np.zeros(4000), 16000), ("none.wav", 1.0, 2.0)])
    assert places["path"].tolist() == [None, None, "none.wav"]
    assert places["start"].tolist() == [0, 0, 1]
    assert places["end"].tolist()[:2] == [0.5, 0.25]
    assert np.isnan(places["end"][2])
    assert np.isnan(places_of(SequencePooling(), [np.zeros(4000)])["end"][0])  # the rate is unknown


def test_rectangular_numbers_are_vectors():
    assert is_array(np.zeros((3, 16000)))
    assert is_array([[0.5, 0.25]])
    assert not is_array([np.zeros(16000)])
    assert not is_array(["a.wav"])


def test_windows_of_parts_count_from_the_start_of_the_recording():
    embedder = EfficientATEmbedder("mn04_as", weights=None, window=0.5, pooling=None)
    clip = {"array": np.random.default_rng(0).normal(size=32000) / 9, "sampling_rate": 32000}
    found = embed(embedder, [clip, {**clip, "start": 0.5}])
    assert found.clips.tolist() == [0, 0, 1]
    assert found.places[["start", "end"]].to_numpy().tolist() == [[0, 0.5], [0.5, 1.0], [0.5, 1.0]]
    assert np.array_equal(found.vectors[1], found.vectors[2])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Heard([1.0, 0.0, 0.0], None), "X makes vectors of 3 numbers, and those of the index have 2"),
        (Heard([1.0, 0.0], [[0, 1]]), r"X makes 1 window\(s\) of 1 s in 3.3 s, and the index has one vector per clip"),
        (Heard([1.0, 0.1], None), "X makes other vectors of the same sound"),
    ],
)
def test_embedders_are_told_apart(other, message):
    Heard([1.0, 0.0], None).check(Heard([1.0, 0.01], None), "X")
    with pytest.raises(ValueError, match=message):
        Heard([1.0, 0.0], None).check(other, "X")


def test_the_test_sound_is_heard_alike():
    network = EfficientATEmbedder("mn04_as", weights=None)
    assert hear(network) == hear(network)
    assert hear(network).spans is None
