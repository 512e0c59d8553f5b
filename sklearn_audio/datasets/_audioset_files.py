"""Which file of a folder is which segment of AudioSet, by the names that downloaders give them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Set
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_audio.files import list_clips

# What follows the id and an underscore, in seconds or milliseconds: 30, 30.000, 30.000_40.000, 30000_40000
_TIMES = re.compile(r"(?P<start>\d+(?:\.\d+)?)(?:[_-]\d+(?:\.\d+)?)?")

Named = dict[str, list[tuple[float | None, str]]]


def match_files(segments: pd.DataFrame, folder: Path, *, are_clips: bool) -> list[str | None]:
    """Return the path of the audio of each segment, None where there is none.

    Files of no bytes, which broken downloads leave, do not count. `are_clips` says that each file holds one segment;
    otherwise each holds a whole video, and one whose name has a time is not looked at.
    """
    named = _by_video(folder, set(segments["ytid"]), are_clips=are_clips)
    pairs = zip(segments["ytid"], segments["start"], strict=True)
    paths = [_choose(ytid, start, named.get(ytid, [])) for ytid, start in pairs]
    if are_clips:
        _check_one_segment_each(segments, paths)
    return paths


def _by_video(folder: Path, known: Set[str], *, are_clips: bool) -> Named:
    if not folder.is_dir():
        raise ValueError(f"the folder of recordings {str(folder)!r} does not exist.")
    named: Named = {}
    for file in list_clips(folder, recursive=True):
        meaning = next((found for found in _readings(file.stem) if found[0] in known), None)
        if meaning is None or (meaning[1] is not None and not are_clips) or os.path.getsize(file) == 0:
            continue
        named.setdefault(meaning[0], []).append((meaning[1], str(file)))
    return named


def _readings(stem: str) -> Iterator[tuple[str, float | None]]:
    """Yield what a name may say, id and start: ids may themselves begin with Y and hold underscores and digits."""
    for name in (stem, stem[1:]) if stem.startswith("Y") else (stem,):
        yield name, None
        for mark in (i for i, letter in enumerate(name) if letter == "_"):
            times = _TIMES.fullmatch(name, mark + 1)
            if times is not None:
                yield name[:mark], float(times["start"])


def _choose(ytid: str, start: float, files: list[tuple[float | None, str]]) -> str | None:
    exact = [path for time, path in files if time is not None and _is_exactly(time, start)]
    floored = [path for time, path in files if time is not None and time == np.floor(start)]
    untimed = [path for time, path in files if time is None]
    found = exact or floored or untimed
    if len(found) > 1:
        raise ValueError(
            f"the segment of {ytid!r} from {start:g} s has {len(found)} files, {found[0]!r} and {found[1]!r}; keep one."
        )
    return found[0] if found else None


def _is_exactly(time: float, start: float) -> bool:
    return bool(abs(time - start) < 5e-4 or abs(time - 1000 * start) < 0.5)


def _check_one_segment_each(segments: pd.DataFrame, paths: list[str | None]) -> None:
    first: dict[str, int] = {}
    for row, path in enumerate(paths):
        if path is not None and first.setdefault(path, row) != row:
            raise ValueError(
                f"rows {first[path]} and {row} are two segments of the video {segments['ytid'].iloc[row]!r}, but the "
                f"name of {path!r} does not say which of them it holds; put the start into the names of the files, or "
                'pass files="videos" if they hold whole videos.'
            )
