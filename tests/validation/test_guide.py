"""Each line of the table of inputs in the guide is read as it says there."""

import importlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from sklearn_audio import AudioLoader, Ragged
from sklearn_audio._column_names import END_NAMES, PATH_NAMES, START_NAMES

RATE = 16000
SECOND = np.random.default_rng(0).uniform(-0.5, 0.5, RATE).astype(np.float32)
PARTS = {
    "two files": slice(None),
    "second 0.25 to 0.5 of two files": slice(RATE // 4, RATE // 2),
    "two files from second 0.25 to their end": slice(RATE // 4, None),
    "two arrays": slice(None),
}
LIBRARIES = {"pl": "polars", "pa": "pyarrow", "datasets": "datasets", "torchcodec": "torchcodec.decoders"}
PAGE = (Path(__file__).parents[2] / "docs" / "guide" / "inputs.rst").read_text(encoding="utf-8")


def lines_of_the_table():
    rows = re.findall(r"^   \* - (``.+)\n     - (.+)$", PAGE, flags=re.MULTILINE)
    return [(expression, meaning) for cell, meaning in rows for expression in re.findall(r"``(.+?)``", cell)]


def named(expression):
    names = {"np": np, "pd": pd, "Path": Path, "Ragged": Ragged, "second": SECOND}
    for name, module in LIBRARIES.items():
        if re.search(rf"\b{name}\.", expression):
            pytest.importorskip(module, reason=f"{module} is not installed", exc_type=ImportError)
            names[name] = importlib.import_module(module.split(".")[0])
    return names


@pytest.fixture
def paths(tmp_path):
    paths = [str(tmp_path / f"{name}.wav") for name in "ab"]
    for path in paths:
        soundfile.write(path, SECOND, RATE, subtype="FLOAT")
    return paths


def test_the_table_is_found():
    assert len(lines_of_the_table()) > 50


@pytest.mark.parametrize(("expression", "meaning"), lines_of_the_table())
def test_a_line_of_the_table(paths, expression, meaning):
    names = named(expression) | {"paths": paths, "frame": pd.DataFrame({"path": paths})}
    X = eval(expression, names)
    files = [row for row in X if hasattr(row, "read")] if isinstance(X, list) else []
    part = next(part for words, part in reversed(PARTS.items()) if meaning.startswith(words))
    clips = AudioLoader(RATE).fit_transform(X)
    for file in files:
        file.close()
    assert len(clips) == 2
    for clip in clips:
        np.testing.assert_array_equal(clip, SECOND[part])


@pytest.mark.parametrize(("role", "names"), [("path", PATH_NAMES), ("start", START_NAMES), ("end", END_NAMES)])
def test_the_page_lists_the_names_of_columns(role, names):
    listed = re.search(rf"^{role}  +((?:.*\n)(?:  +.*\n)*)", PAGE, flags=re.MULTILINE).group(1)
    assert set(re.findall(r"\w+", listed)) >= set(names)
