"""Choice of the device."""

from __future__ import annotations

import torch

__all__ = ["resolve_device"]


def resolve_device(device: str | torch.device) -> torch.device:
    """Turn a `device` parameter into a torch device."""
    if device == "auto":
        if torch.cuda.is_available():  # pragma: no cover - needs CUDA
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r} is not a torch device; use 'auto', 'cpu', 'cuda', 'cuda:0' or 'mps'."
        ) from error
    counts = {"cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    if (resolved.index or 0) >= counts.get(resolved.type, 1 + (resolved.index or 0)):
        raise ValueError(
            f"device={str(device)!r} is not available: torch finds {counts[resolved.type]} such devices. Use 'auto' or "
            "'cpu'."
        )
    return resolved
