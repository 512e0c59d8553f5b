"""Exceptions of the library."""

from __future__ import annotations

__all__ = ["AudioReadError", "WeightsError"]


class AudioReadError(OSError):
    """A recording cannot be opened or decoded, or is cut short.

    The message names the row of ``X``, the file and the reason.

    Examples
    --------
    >>> from sklearn_audio.exceptions import AudioReadError
    >>> issubclass(AudioReadError, OSError)
    True
    """


class WeightsError(OSError):
    """Weights of a pretrained network are missing, damaged or of another layout.

    Examples
    --------
    >>> from sklearn_audio.exceptions import WeightsError
    >>> issubclass(WeightsError, OSError)
    True
    """
