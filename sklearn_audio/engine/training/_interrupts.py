"""Distinguishes a callback's KeyboardInterrupt, which ends training, from Ctrl-C."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import FrameType, TracebackType

__all__ = ["is_stop"]

_RAISE = dis.opmap["RAISE_VARARGS"]
_HAS_VARARGS = 0x04  # inspect.CO_VARARGS


def is_stop(error: KeyboardInterrupt, handled_before: BaseException | None = None) -> bool:
    """Whether code raised a KeyboardInterrupt itself, as skorch's callbacks do to end training.

    Python raises the interrupt of a signal, or of another thread, between any two instructions, or inside a C function.
    A callback that stops executes a `raise` statement. So does a signal handler written in Python, which is recognised
    by its arguments: they include the interrupted frame. No handler is installed, so those of users, notebooks and
    worker processes do not change.
    """
    chain = _chain(error, handled_before)
    return all(_was_raised_by_a_statement(interrupt.__traceback__) for interrupt in chain)


def _chain(error: KeyboardInterrupt, end: BaseException | None) -> Iterator[KeyboardInterrupt]:
    """Yield the error and those that were being handled when it was raised."""
    context: BaseException | None = error
    while context is not None and context is not end:
        if isinstance(context, KeyboardInterrupt):
            yield context
        context = context.__context__


def _was_raised_by_a_statement(traceback: TracebackType | None) -> bool:
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        if _is_handler(traceback.tb_next.tb_frame, traceback.tb_frame):
            return False
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code.co_code
    return 0 <= traceback.tb_lasti < len(code) and code[traceback.tb_lasti] == _RAISE


def _is_handler(frame: FrameType, interrupted: FrameType) -> bool:
    """Whether a function received the frame that it interrupts as an argument, like a signal handler."""
    code = frame.f_code
    n_arguments = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & _HAS_VARARGS)
    given = [frame.f_locals.get(name) for name in code.co_varnames[:n_arguments]]
    flat = [item for value in given for item in (value if isinstance(value, tuple) else (value,))]
    return any(item is interrupted for item in flat)
