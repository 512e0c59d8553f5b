"""Progress bars, wherever there is a stream to show them on."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

__all__ = ["can_show_progress", "progress_bar"]


def can_show_progress() -> bool:
    """Whether there is a standard error stream: a service or ``pythonw`` may have none, or a closed one.

    Returns
    -------
    bool
        False where a bar would raise.

    Examples
    --------
    >>> from sklearn_audio._progress import can_show_progress
    >>> can_show_progress()
    True
    """
    return sys.stderr is not None and not getattr(sys.stderr, "closed", False)


def progress_bar(
    iterable: Iterable[Any] | None = None, *, total: int | None = None, unit: str, description: Any = None, shown: Any
) -> Any:
    """Make a bar of tqdm, which does nothing where it is not wanted or cannot be shown.

    Parameters
    ----------
    iterable : iterable, default=None
        What to iterate over; None for a bar that is updated by hand.
    total : int, default=None
        Number of steps; None takes the length of the iterable.
    unit : str
        What a step is called.
    description : str, default=None
        Title.
    shown : bool or int
        Whether a bar is wanted, as `verbose` says.

    Returns
    -------
    tqdm
        The bar, an iterator over the iterable.

    Examples
    --------
    >>> from sklearn_audio._progress import progress_bar
    >>> list(progress_bar("ab", unit="letter", shown=False))
    ['a', 'b']
    """
    from tqdm.auto import tqdm

    return tqdm(iterable, total=total, unit=unit, desc=description, disable=not (shown and can_show_progress()))
