"""Names of devices."""

import pytest
import torch

from sklearn_audio.engine._devices import resolve_device


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")])
def test_devices_of_torch(device):
    assert resolve_device(device) == torch.device("cpu")


def test_a_device_that_is_absent_is_resolved_but_not_touched():
    assert resolve_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize(
    ("cuda", "mps", "wanted"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_takes_the_best_there_is(monkeypatch, cuda, mps, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert resolve_device("auto") == torch.device(wanted)


def test_an_unknown_device():
    with pytest.raises(ValueError, match="device='gpu' is no torch device; use 'auto', 'cpu', 'cuda', 'cuda:0' or"):
        resolve_device("gpu")
