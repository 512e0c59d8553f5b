"""Fingerprint of a fit: everything that its result depends on, as comparable strings."""

from __future__ import annotations

import pickle
import platform
from typing import Any

import numpy as np
import torch

from sklearn_audio._version import __version__
from sklearn_audio.engine.training._content import Describer, digest_of_array

__all__ = ["describe_run"]


def describe_run(name: str, parameters: dict[str, Any], data: dict[str, Any], device: torch.device) -> dict[str, str]:
    """Describe a fit."""
    return {
        "estimator": name,
        "python": platform.python_version(),
        "sklearn_audio": __version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "device": device.type,
        **{key: _describe(key, value) for key, value in parameters.items()},
        **{key: "None" if value is None else digest_of_array(value) for key, value in data.items()},
    }


def _describe(name: str, value: Any) -> str:
    try:
        return Describer().describe(value)
    except (TypeError, AttributeError, NotImplementedError, pickle.PicklingError) as error:
        raise ValueError(
            f"{name} holds an object whose content cannot be read ({error}), so checkpoint_dir could not distinguish "
            f"this fit from another. Give {name} functions or objects that can be pickled, or train without "
            "checkpoint_dir."
        ) from error
