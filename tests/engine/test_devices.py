"""Names of devices."""

import pytest
import torch

from sklearn_audio.engine import resolve_device


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")])
def test_devices_of_torch(device):
    assert resolve_device(device) == torch.device("cpu")


@pytest.mark.parametrize(("device", "n_devices"), [("cuda", 1), ("cuda:1", 2), (torch.device("cuda", 1), 3)])
def test_devices_that_are_there(monkeypatch, device, n_devices):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_devices)
    assert resolve_device(device) == torch.device(device)


@pytest.mark.parametrize(("device", "n_devices"), [("cuda", 0), ("cuda:1", 1), (torch.device("cuda", 2), 2)])
def test_devices_that_are_not_there(monkeypatch, device, n_devices):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_devices)
    match = rf"device='{device}' is not available: torch finds {n_devices} such devices\. Use 'auto' or 'cpu'\."
    with pytest.raises(ValueError, match=match):
        resolve_device(device)


@pytest.mark.parametrize(
    ("cuda", "mps", "wanted"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_takes_the_best_there_is(monkeypatch, cuda, mps, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert resolve_device("auto") == torch.device(wanted)


def test_an_unknown_device():
    with pytest.raises(ValueError, match="device='gpu' is not a torch device; use 'auto', 'cpu', 'cuda', 'cuda:0' or"):
        resolve_device("gpu")
