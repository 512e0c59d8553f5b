"""Optional dependencies: the module, or an error that names the extra to install."""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["require"]


def require(module: str, *, needed_by: str, extra: str) -> ModuleType:
    """Import an optional dependency."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{needed_by} needs the package {module!r}, which is not installed. "
            f"Install it with: pip install 'sklearn-audio[{extra}]'"
        ) from error
