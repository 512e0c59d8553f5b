"""Times and sites in the names that AudioMoth and Song Meter give their recordings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import pandas as pd

__all__ = ["SITE_PATTERN", "recorder_columns"]

# PREFIX_20190601_053000, S4A01_0+1_20190601_053000_000, 20190601_053000T (triggered); $ parts date and time of old ones
_DATED = re.compile(r"(?:(?P<site>.+?)(?:_\d\+\d)?_)?(?P<date>\d{8})[_$](?P<time>\d{6})(?:T|_\d{3})?")
# The same as a pattern of groups: the site in a path.
SITE_PATTERN = r"([^/]+?)(?:_\d\+\d)?_\d{8}[_$]\d{6}(?:T|_\d{3})?\.\w+$"
# First AudioMoths: seconds since 1970 as hexadecimal number, of which those from 2010 to 2037 are credible
_HEX = re.compile(r"[0-9A-F]{8}")
_CREDIBLE = range(1262304000, 2145916800)


def recorder_columns(paths: Sequence[str]) -> dict[str, pd.Series[Any]]:
    """Return the columns ``recorded_at`` and ``site`` of names that have them; no column without any.

    Hexadecimal names count only if all recordings have them, as other names may look alike.
    """
    stems = [PurePath(path.replace("\\", "/")).stem for path in paths]
    dated = [_dated(stem) for stem in stems]
    times = [time for time, _ in dated]
    if not any(times):
        times = [_hexadecimal(stem) for stem in stems]
        times = times if all(times) else []
    sites = [site for _, site in dated]
    found: dict[str, pd.Series[Any]] = {}
    if any(times):
        found["recorded_at"] = pd.Series(pd.to_datetime(pd.Series(times, dtype=object)))
    if any(sites):
        found["site"] = pd.Series(sites, dtype=object)
    return found


def _dated(stem: str) -> tuple[datetime | None, str | None]:
    match = _DATED.fullmatch(stem)
    if match is None:
        return None, None
    try:
        return datetime.strptime(match["date"] + match["time"], "%Y%m%d%H%M%S"), match["site"]
    except ValueError:  # such as month 13
        return None, None


def _hexadecimal(stem: str) -> datetime | None:
    seconds = int(stem, 16) if _HEX.fullmatch(stem) else 0
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None) if seconds in _CREDIBLE else None
