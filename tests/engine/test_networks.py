"""Networks with their weights: shared, seeded, strict."""

import os
import time
from dataclasses import replace

import pytest
import torch

from sklearn_audio.engine import _networks
from sklearn_audio.engine._networks import (
    WeightsSource,
    load_network,
    pack_network,
    read_network,
)
from sklearn_audio.engine.models import CARDS
from sklearn_audio.exceptions import WeightsError

CPU = torch.device("cpu")
CARD = CARDS["panns"]["leenet11"]
OTHER = CARDS["panns"]["leenet24"]


@pytest.fixture(autouse=True)
def no_networks(monkeypatch):
    monkeypatch.setattr(_networks, "_networks", type(_networks._networks)())


@pytest.fixture
def checkpoint(tmp_path):
    network = CARD.build()
    path = tmp_path / "LeeNet11.pth"
    torch.save({"iteration": 1, "model": network.state_dict()}, path)
    return path


def same(a, b):
    return all(torch.equal(x, b.state_dict()[name]) for name, x in a.state_dict().items())


def test_one_network_for_all_who_ask_for_the_same():
    network = load_network(CARD, WeightsSource(None, seed=1), CPU)
    assert load_network(CARD, WeightsSource(None, seed=1), CPU) is network
    assert load_network(CARD, WeightsSource(None, seed=2), CPU) is not network


def test_the_oldest_of_many_networks_is_let_go():
    first = load_network(CARD, WeightsSource(None, seed=0), CPU)
    for seed in range(1, 4):
        load_network(CARD, WeightsSource(None, seed=seed), CPU)
    assert load_network(CARD, WeightsSource(None, seed=0), CPU) is first  # used again: now the youngest
    load_network(CARD, WeightsSource(None, seed=4), CPU)
    assert load_network(CARD, WeightsSource(None, seed=0), CPU) is first
    assert len(_networks._networks) == 4


def test_random_weights_follow_the_seed_and_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    a = load_network(CARD, WeightsSource(None, seed=5), CPU)
    _networks._networks.clear()
    assert same(a, load_network(CARD, WeightsSource(None, seed=5), CPU))
    assert not same(a, load_network(CARD, WeightsSource(None, seed=6), CPU))
    assert torch.equal(before, torch.get_rng_state())


def test_a_local_checkpoint(checkpoint):
    network = read_network(CARD, WeightsSource(checkpoint))
    assert not network.training
    wanted = torch.load(checkpoint, weights_only=True)["model"]
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in network.state_dict().items())


def test_a_changed_file_is_read_again(checkpoint):
    before = load_network(CARD, WeightsSource(str(checkpoint)), CPU)
    state = {
        name: tensor * 2 for name, tensor in read_network(CARD, WeightsSource(str(checkpoint))).state_dict().items()
    }
    torch.save({"model": state}, checkpoint)
    os.utime(checkpoint, (time.time() + 5, time.time() + 5))
    assert not same(before, load_network(CARD, WeightsSource(str(checkpoint)), CPU))


def test_half_precision_checkpoints_are_widened(tmp_path):
    path = tmp_path / "half.pth"
    torch.save(
        {"model": {name: x.half() if x.is_floating_point() else x for name, x in CARD.build().state_dict().items()}},
        path,
    )
    network = read_network(CARD, WeightsSource(path))
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_a_checkpoint_of_another_model_is_refused(checkpoint):
    match = (
        r"'.*LeeNet11\.pth' is no checkpoint of panns_leenet24: it lacks conv_block1\.bn2\.bias, .* more; "
        r"of another shape are .*\. Choose the model it belongs to\."
    )
    with pytest.raises(WeightsError, match=match):
        load_network(OTHER, WeightsSource(checkpoint), CPU)


def test_what_a_checkpoint_has_beside_is_named(tmp_path):
    path = tmp_path / "more.pth"
    torch.save({"model": CARD.build().state_dict() | {"extra.weight": torch.zeros(1)}}, path)
    with pytest.raises(WeightsError, match=r"it also has extra\.weight\. Choose"):
        load_network(CARD, WeightsSource(path), CPU)


def test_packed_weights():
    network = read_network(CARD, WeightsSource(None, seed=3))
    packed = pack_network(network)
    assert same(network, read_network(CARD, WeightsSource("pretrained", packed=packed)))
    with pytest.raises(WeightsError, match="the packed weights is no checkpoint of panns_leenet24"):
        load_network(OTHER, WeightsSource("pretrained", packed=packed), CPU)


def test_models_without_published_weights_say_so():
    with pytest.raises(WeightsError, match=r"no weights are published for mine\. Pass weights=PATH, or None"):
        load_network(replace(CARD, name="mine", weights=None), WeightsSource("pretrained"), CPU)


MUSICNN = CARDS["musicnn"]["msd_musicnn"]


@pytest.fixture
def second_format(tmp_path, monkeypatch):
    """A checkpoint of TensorFlow's second format, as TensorFlow would read it; returns its prefix."""
    from tests.weights.test_musicnn import variables

    prefix = tmp_path / "musicnn.ckpt"
    for suffix in (".index", ".data-00000-of-00001"):
        prefix.with_name(prefix.name + suffix).write_bytes(b"content")
    asked = []

    def read(path):
        asked.append(str(path))
        return variables()

    monkeypatch.setattr("sklearn_audio.weights._readers.read_tensorflow", read)
    return prefix, asked


@pytest.mark.parametrize("suffix", ["", ".index", ".data-00000-of-00001", "/"])
def test_a_tensorflow_checkpoint_of_two_files(second_format, monkeypatch, suffix):
    prefix, asked = second_format
    path = prefix.parent if suffix == "/" else prefix.with_name(prefix.name + suffix)
    monkeypatch.chdir(prefix.parent)
    for given in (path, str(path), path.name if suffix != "/" else "."):
        network = read_network(MUSICNN, WeightsSource(given))
        assert asked.pop() == str(given)
    again = read_network(MUSICNN, WeightsSource(prefix)).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in network.state_dict().items())


def test_a_prefix_without_files(tmp_path):
    (tmp_path / "musicnn.ckpt.txt").write_text("notes")
    with pytest.raises(WeightsError, match=r"there is no checkpoint '.*musicnn\.ckpt'; check the path, or pass"):
        read_network(MUSICNN, WeightsSource(tmp_path / "musicnn.ckpt"))


def test_another_prefix_part_changes_the_network(second_format):
    prefix, _ = second_format
    before = WeightsSource(prefix).identity(prefix)
    data = prefix.with_name(f"{prefix.name}.data-00000-of-00001")
    old = data.stat()
    data.write_bytes(b"CONTENT")
    os.utime(data, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert WeightsSource(prefix).identity(prefix) != before


def test_packed_weights_that_are_damaged(tmp_path):
    packed = pack_network(CARD.build())
    for damaged in (packed[:-1], b"", packed[:8] + b"x" + packed[9:]):
        with pytest.raises(WeightsError, match="the bundle of weights is damaged or no safetensors file"):
            read_network(CARD, WeightsSource(packed=damaged))
