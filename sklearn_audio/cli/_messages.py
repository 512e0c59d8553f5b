"""What the commands tell people: results as they come, one line per warning, durations in words."""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["abandon_output", "in_words", "one_line", "say", "shows_progress", "warnings_as_lines"]


def say(text: str) -> None:
    """Write a line to standard output at once, so that it stands there while the next step runs.

    Parameters
    ----------
    text : str
        The line, or several.
    """
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def one_line(message: object) -> str:
    r"""Put a message on one line.

    Parameters
    ----------
    message : object
        An exception or a text.

    Returns
    -------
    str
        Its text without line ends.

    Examples
    --------
    >>> from sklearn_audio.cli._messages import one_line
    >>> one_line(ValueError("so long\n    that it was broken"))
    'so long that it was broken'
    """
    return " ".join(str(message).split())


def in_words(seconds: float) -> str:
    """Write a duration as people do.

    Parameters
    ----------
    seconds : float
        0 or more; NaN where there is none.

    Returns
    -------
    str
        Seconds with one decimal, minutes and seconds, or hours and minutes; a dash for NaN.

    Examples
    --------
    >>> from sklearn_audio.cli._messages import in_words
    >>> [in_words(seconds) for seconds in (0.44, 261, 7500)]
    ['0.4 s', '4 min 21 s', '2 h 05 min']
    """
    if math.isnan(seconds):
        return "-"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


@contextmanager
def warnings_as_lines(reword: Callable[[str], list[str]] = lambda message: [message]) -> Iterator[None]:
    """Tell each distinct warning of the body once, on standard error, without the code that raised it.

    Parameters
    ----------
    reword : callable, default=lambda message: [message]
        Turns a message into the lines to tell.

    Yields
    ------
    None
        Nothing.
    """
    with warnings.catch_warnings(record=True) as caught:
        # what is meant for users, each time; warnings for programmers stay as the interpreter was told
        warnings.simplefilter("always", UserWarning)
        try:
            yield
        finally:
            lines = [one_line(line) for warning in caught for line in reword(str(warning.message))]
            for line in dict.fromkeys(lines):
                sys.stderr.write(f"sklearn-audio: warning: {line}\n")


def abandon_output() -> None:
    """Let what is still to be written to standard output go nowhere: nobody reads it, or it has no place."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def shows_progress(quiet: bool) -> int:
    """Progress bars are for people: 1 on a terminal, 0 where the messages go to a file or a pipe.

    Parameters
    ----------
    quiet : bool
        Whether they are unwanted.

    Returns
    -------
    int
        The `verbose` of an estimator.
    """
    return int(not quiet and sys.stderr.isatty())
