"""Embedders that a user derives from `PretrainedEmbedder`."""

import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from docs.contributing.band_embedder import BandEmbedder, BandNetwork
from sklearn_audio.embedding import PretrainedEmbedder
from sklearn_audio.exceptions import WeightsError

CLIPS = [np.random.default_rng(n).normal(scale=0.1, size=n).astype(np.float32) for n in (9000, 40_000)]


@pytest.fixture
def network():
    torch.manual_seed(3)
    return BandNetwork().eval()


def by_hand(network, clip):
    """The mean of the whole patches of a clip of one or two."""
    frames = BandEmbedder.cards["small"].front_end(torch.from_numpy(clip))
    with torch.inference_mode():
        return network(frames[None, :100]).numpy()[0], network(frames[None, 100:200]).numpy()[0]


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_weights_of_its_own_state_dict(tmp_path, network, suffix):
    path = tmp_path / f"band.{suffix}"
    save = torch.save if suffix == "pth" else save_file
    save(network.state_dict(), path)
    embedder = BandEmbedder("small", weights=path, sample_rate=16000, partial="drop", pooling=None)
    first, second = by_hand(network, CLIPS[1])
    np.testing.assert_allclose(embedder.transform(CLIPS)[1], [first, second], atol=1e-6)
    packed = pickle.loads(pickle.dumps(embedder.set_params(bundle_weights=True)))
    path.unlink()
    np.testing.assert_allclose(packed.transform(CLIPS)[1], [first, second], atol=1e-6)


def test_features_are_named_after_the_class():
    embedder = BandEmbedder("small", weights=None, sample_rate=16000)
    assert embedder.get_feature_names_out().tolist() == [f"band_{i}" for i in range(8)]
    assert embedder.layers() == ("bands", "embedding")


def test_models_are_those_of_the_cards():
    with pytest.raises(ValueError, match=r"unknown model 'smal'; did you mean 'small'\? Choose one of \['small'\]"):
        BandEmbedder("smal", weights=None).transform([CLIPS[0]])
    with pytest.raises(ValueError, match=r"unknown model 'small'; choose one of \[\]"):
        PretrainedEmbedder("small", weights=None).transform([CLIPS[0]])


def test_no_published_weights_and_weights_of_another_network_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="no weights are published for band_small"):
        BandEmbedder("small", sample_rate=16000).transform(CLIPS)
    other, nothing = tmp_path / "other.pth", tmp_path / "nothing.pth"
    torch.save({"last.bias": torch.zeros(8)}, other)
    torch.save({"epoch": 3}, nothing)
    for path, match in (
        (other, r"it lacks first\.bias"),
        (nothing, r"is not a state dict: it holds no named tensor; save"),
    ):
        with pytest.raises(WeightsError, match=match):
            BandEmbedder("small", weights=path, sample_rate=16000).transform(CLIPS)
