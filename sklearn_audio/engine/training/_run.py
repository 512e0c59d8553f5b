"""What tells one fit from another: all that its result depends on, in words that can be compared."""

from __future__ import annotations

import hashlib
from os import PathLike, fspath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_audio._version import __version__
from sklearn_audio.ragged import Ragged

__all__ = ["DIGEST", "describe_run"]

# In front of what nobody can read.
DIGEST = "blake2b:"
_MOST_LEVELS = 6


def describe_run(name: str, parameters: dict[str, Any], data: dict[str, Any], device: torch.device) -> dict[str, str]:
    """Describe a fit.

    Parameters
    ----------
    name : str
        Of the estimator.
    parameters : dict
        Its parameters, as far as the network depends on them.
    data : dict
        What it is given: `Ragged`, arrays, or None.
    device : torch.device
        Where it is trained.

    Returns
    -------
    dict of str
        Equal for fits that give the same network, given the same random numbers; values are short, or digests.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklearn_audio.engine.training._run import describe_run
    >>> run = describe_run("LSTMClassifier", {"lr": 0.1}, {"y": np.arange(3)}, torch.device("cpu"))
    >>> run["estimator"], run["lr"], run["device"]
    ('LSTMClassifier', '0.1', 'cpu')
    """
    return {
        "estimator": name,
        "sklearn_audio": __version__,
        "torch": str(torch.__version__),
        "numpy": np.__version__,
        "device": device.type,
        **{key: _describe(value) for key, value in parameters.items()},
        **{key: _digest(value) for key, value in data.items()},
    }


def _describe(value: Any, level: int = 0) -> str:
    """Name a value without the address of any object in it."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str | bytes | torch.device | torch.dtype):
        return repr(value)
    if isinstance(value, PathLike):
        return repr(fspath(value))
    if isinstance(value, np.ndarray | Ragged):
        return _digest(value)
    if level == _MOST_LEVELS or isinstance(value, np.random.RandomState | np.random.Generator):
        return type(value).__qualname__
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_describe(k, level + 1)}: {_describe(v, level + 1)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_describe(item, level + 1) for item in value) + "]"
    if isinstance(value, torch.nn.Module):
        tensors = {name: tensor.detach().cpu().numpy() for name, tensor in value.state_dict().items()}
        return f"{value}{_describe(tensors, level + 1)}"
    # functions of older NumPy have no qualified name
    name = getattr(value, "__qualname__", getattr(value, "__name__", None))
    if name is not None:
        return f"{getattr(value, '__module__', None)}.{name}"
    fields = {k: v for k, v in getattr(value, "__dict__", {}).items() if _is_setting(k, v)}
    return f"{type(value).__qualname__}({_describe(fields, level + 1)[1:-1]})"


def _is_setting(name: str, value: Any) -> bool:
    """Tell what an object was given, or has learned as a network, from what it works with."""
    return not name.startswith("_") and (not name.endswith("_") or isinstance(value, torch.nn.Module))


def _digest(value: Any) -> str:
    if value is None:
        return "None"
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{value.dtype} {tuple(value.shape)}".encode())
    if hasattr(value, "lengths"):
        digest.update(value.lengths.tobytes())
        # by the row, since all rows may be larger than memory
        for row in range(len(value)):
            digest.update(np.ascontiguousarray(value[row]).tobytes())
    else:
        array: NDArray[Any] = np.asarray(value)
        digest.update(repr(array.tolist()).encode() if array.dtype == object else array.tobytes())
    return f"{DIGEST}{digest.hexdigest()}"
