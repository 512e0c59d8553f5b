"""Weights of HDF5 files, such as those of Keras, as NumPy arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.optional import require

__all__ = ["HDF5", "read_hdf5"]

HDF5 = b"\x89HDF\r\n\x1a\n"  # the first bytes of a file


def read_hdf5(file: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of numbers of an HDF5 file by their paths, such as ``layer1/conv/kernel:0``."""
    h5py = require("h5py", needed_by="reading HDF5 files, such as Keras' .h5,", extra="hdf5")
    arrays: dict[str, NDArray[Any]] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
            arrays[name] = np.asarray(item[()])

    try:  # needs an extra
        with h5py.File(file, "r") as content:
            content.visititems(visit)
    except (OSError, RuntimeError, ValueError, KeyError) as error:  # what h5py raises for damaged files
        raise WeightsError(f"'{file}' is damaged or no HDF5 file: {error}.") from error
    return arrays
