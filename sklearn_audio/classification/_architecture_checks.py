"""What is checked wherever a network is chosen by name: its options, and whether it takes so few frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sklearn_audio.nets import Architecture

__all__ = ["check_length", "check_options"]


def check_options(parameter: str, chosen: Any, given: Iterable[str], known: tuple[str, ...]) -> None:
    """Refuse options that a network does not have.

    Parameters
    ----------
    parameter : str
        Name of the parameter that chooses the network.
    chosen : object
        Its value.
    given : iterable of str
        Names of the options.
    known : tuple of str
        Those that the network has.

    Raises
    ------
    ValueError
        If there is another.

    Examples
    --------
    >>> from sklearn_audio.classification._architecture_checks import check_options
    >>> check_options("network", "cnn4", ["dropout"], ("dropout",))
    """
    for name in sorted(set(given) - set(known)):
        raise ValueError(f"{parameter} {chosen!r} has no option {name!r}; it has {list(known) or 'none'}.")


def check_length(parameter: str, chosen: Any, takes: Architecture, name: str, length: int) -> None:
    """Refuse rows that are shorter than a network can take.

    Parameters
    ----------
    parameter : str
        Name of the parameter that chooses the network.
    chosen : object
        Its value.
    takes : Architecture
        The network.
    name : str
        Name of the parameter that says how long rows are.
    length : int
        Its value.

    Raises
    ------
    ValueError
        If the network needs more.

    Examples
    --------
    >>> from sklearn_audio.classification._architecture_checks import check_length
    >>> from sklearn_audio.nets import ARCHITECTURES
    >>> check_length("network", "cnn4", ARCHITECTURES["cnn4"], "patch_frames", 100)
    """
    if length < takes.shortest:
        raise ValueError(
            f"{name}={length}, but {parameter} {chosen!r} takes at least {takes.shortest} "
            f"{'timepoints' if takes.waveforms else 'frames'}; give more, or choose another {parameter}."
        )
