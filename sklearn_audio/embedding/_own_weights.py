"""The error for missing weights of the user, of which an estimator holds only the path."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from sklearn_audio._paths import local_path
from sklearn_audio.engine import parts_of

__all__ = ["missing_weights"]


def missing_weights(estimator: str, files: Mapping[str, Any]) -> str | None:
    """Return an error message if a parameter names a missing file, otherwise None."""
    for name, path in files.items():
        is_path = isinstance(path, str | PathLike) and path != "pretrained"
        file = Path(local_path(path)) if is_path else None
        if file is not None and not parts_of(file) and not file.is_dir():
            return (
                f"{name}='{path}': there is no such checkpoint. A pickle of {estimator} holds the path of weights of "
                f"your own, not the weights: put the file there, say where it is by set_params({name}=...), or save "
                "the estimator with bundle_weights=True where the file is, which puts the weights into the pickle."
            )
    return None
