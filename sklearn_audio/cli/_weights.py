"""``sklearn-audio weights``: list, download, locate and verify weights."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from sklearn_audio.cli._messages import say
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights import fetch, registry, stored_file, verify
from sklearn_audio.weights._store import state_of


def run(options: argparse.Namespace) -> None:
    """List, download, locate or verify weights."""
    if options.action == "list":
        _list()
    elif options.action == "path":
        _write(str(stored_file(name)) for name in options.names)
    elif options.action == "download":
        _write(str(fetch(name, verbose=not options.quiet)) for name in options.names)
    else:
        _verify(options.names or [name for name in registry() if stored_file(name).is_file()])


def _list() -> None:
    entries = registry()
    width = max(map(len, entries))
    for name, entry in entries.items():
        size = f"{entry.size / 1e6:.0f} MB" if entry.size else ""
        _write([f"{name:<{width}}  {size:>7}  {entry.licence:<12}  {state_of(name)}".rstrip()])


def _verify(names: list[str]) -> None:
    faults = []
    for name in names:
        try:
            verify(name)
            _write([f"{name}: intact"])
        except WeightsError as error:
            faults.append(name)
            _write([f"{name}: {error}"])
    if faults:
        raise WeightsError(f"{len(faults)} of {len(names)} did not pass: {', '.join(faults)}.")


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)  # unbuffered, as a download may take minutes
