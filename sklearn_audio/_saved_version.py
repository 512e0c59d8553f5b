"""The version of the library in the pickles of its estimators."""

from __future__ import annotations

from typing import Any

from sklearn_audio._caller import warn_caller
from sklearn_audio._version import __version__

__all__ = ["STATE_VERSION", "VersionedState"]

STATE_VERSION = "_sklearn_audio_version"


class VersionedState:
    """Mixin of estimators, before their base class: pickles hold the version, and loading under another warns."""

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        return {**state, STATE_VERSION: __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        version = state.pop(STATE_VERSION, __version__)
        if version != __version__:
            warn_caller(
                f"this {type(self).__name__} was saved by version {version} of sklearn-audio, and this is version "
                f"{__version__}: its results may differ. Fit it again, or install version {version}."
            )
        super().__setstate__(state)  # type: ignore[misc] # of BaseEstimator
