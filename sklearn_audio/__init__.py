"""Audio classification with the scikit-learn API."""

import sys as _sys
from typing import Any as _Any

import lazy_loader as _lazy

from sklearn_audio._version import __version__ as __version__

_load, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)


def __getattr__(name: str) -> _Any:
    try:
        return _load(name)
    except AttributeError as error:
        if name not in __all__:
            raise
        # an AttributeError would look like a missing name and hide the cause
        hint = ""
        if _sys.flags.optimize > 1:
            hint = " python -OO strips docstrings, which skorch reads when it loads; use python -O."
        raise ImportError(f"sklearn_audio.{name} cannot be loaded: {error}.{hint}", name=name) from error
