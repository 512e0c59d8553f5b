"""Variables of TensorFlow checkpoints as NumPy arrays."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._paths import local_path
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.optional import require
from sklearn_audio.weights._bundle import TABLE_END, read_bundle

__all__ = ["read_tensorflow"]

_PART = re.compile(r"\.(index|data-\d{5}-of-\d{5})$")
_PATTERN_CHARACTERS = "*?["


def read_tensorflow(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read all variables of a TensorFlow checkpoint; only the first format, a single file, needs TensorFlow.

    TensorFlow writes notices to standard error when it is imported. An application can suppress some of them by the
    environment variable ``TF_CPP_MIN_LOG_LEVEL``.
    """
    prefix = _find(local_path(path))
    if os.path.isfile(prefix):
        return _read_first_format(prefix)
    try:
        arrays = read_bundle(prefix)
    except (ValueError, IndexError, TypeError) as error:
        raise _unreadable(prefix, error) from error
    return {name: arrays[name] for name in sorted(arrays)}


def _read_first_format(file: str) -> dict[str, NDArray[Any]]:
    if any(character in file for character in _PATTERN_CHARACTERS):
        raise WeightsError(
            f"TensorFlow interprets '{file}' as a pattern of file names. Move the checkpoint to a path without any of "
            f"{' '.join(_PATTERN_CHARACTERS)}"
        )
    with open(file, "rb") as stream:
        ends = stream.read().endswith(TABLE_END)
    if not ends:
        raise _unreadable(file, "it does not end as one")
    tensorflow = require("tensorflow", needed_by="reading TensorFlow checkpoints of a single file", extra="tensorflow")
    try:  # needs an extra
        reader = tensorflow.compat.v1.train.NewCheckpointReader(file)
        return {name: np.asarray(reader.get_tensor(name)) for name in sorted(reader.get_variable_to_shape_map())}
    except (tensorflow.errors.OpError, IndexError) as error:  # a truncated file raises IndexError
        raise _unreadable(file, error) from error


def _unreadable(checkpoint: str, error: Exception | str) -> WeightsError:
    return WeightsError(
        f"'{checkpoint}' cannot be read as a TensorFlow checkpoint ({error}). Download it again, and keep its files in "
        "one folder under their own names."
    )


def _find(path: str) -> str:
    """Return the file of the first format, or the prefix of the second, which may end in "/"."""
    prefix = _in_folder(path) if os.path.isdir(path) else _PART.sub("", os.path.abspath(path))
    if os.path.isfile(prefix):
        return prefix
    if not os.path.isfile(f"{prefix}.index"):
        raise WeightsError(f"there is no TensorFlow checkpoint at '{path}'. Give its file, its .index or its folder.")
    folder, name = os.path.split(prefix)
    if not any(file.startswith(f"{name}.data-") for file in os.listdir(folder)):
        raise WeightsError(
            f"'{prefix}.index' has no data in its folder. Put the file '{name}.data-00000-of-00001' into the "
            "same folder."
        )
    return prefix


def _in_folder(folder: str) -> str:
    """Return the prefix of the only checkpoint in a folder; its name may be empty."""
    names = sorted(name for name in os.listdir(folder) if name.endswith(".index"))
    if len(names) != 1:
        found = "holds no TensorFlow checkpoint" if not names else f"holds {len(names)} checkpoints"
        choice = "a file *.index is needed" if not names else f"give one of {names}"
        raise WeightsError(f"the folder '{folder}' {found}: {choice}.")
    return os.path.join(os.path.abspath(folder), names[0].removesuffix(".index"))
