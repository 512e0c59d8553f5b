"""Optional dependencies: the module, or an error that names the extra to install."""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["require"]


def require(module: str, *, needed_by: str, extra: str) -> ModuleType:
    """Import an optional dependency.

    Parameters
    ----------
    module : str
        Name of the module to import.
    needed_by : str
        What the user was doing; it opens the error message.
    extra : str
        The extra of this distribution that installs the module.

    Returns
    -------
    types.ModuleType
        The imported module.

    Raises
    ------
    ImportError
        If the module is not installed. The message names the extra.

    Examples
    --------
    >>> from sklearn_audio.optional import require
    >>> require("json", needed_by="this example", extra="test").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{needed_by} needs the package {module!r}, which is not installed. "
            f"Install it with: pip install 'sklearn-audio[{extra}]'"
        ) from error
