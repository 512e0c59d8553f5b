"""Reading: one function from a checkpoint in any published layout to the tensors of our network."""

from __future__ import annotations

import importlib
import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights._converters import (
    convert_ast,
    convert_efficientat,
    convert_panns,
    convert_vggish,
    convert_vggish_pca,
)
from sklearn_audio.weights._musicnn import convert_musicnn
from sklearn_audio.weights._tensorflow import read_tensorflow

__all__ = ["CONVERTERS", "metadata", "read_checkpoint"]

CONVERTERS: dict[str, Callable[[Mapping[str, Any]], dict[str, Tensor]]] = {
    "vggish": convert_vggish,
    "vggish_pca": convert_vggish_pca,
    "panns": convert_panns,
    "ast": convert_ast,
    "efficientat": convert_efficientat,
    "musicnn": convert_musicnn,
}
_TORCH_SUFFIXES = (".pth", ".pt", ".bin")
# what PyTorch's careful unpickler raises on bytes that are no pickle, beside what it means to raise
_LOAD_ERRORS = (
    pickle.UnpicklingError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
_DTYPES = tuple(f"{kind}DType" for kind in ("Float64", "Float32", "Int64", "Int32", "UInt8", "Bool", "Str", "Bytes"))


def read_checkpoint(path: str | os.PathLike[str], converter: str) -> dict[str, Tensor]:
    """Read a checkpoint in any published layout.

    Parameters
    ----------
    path : str or path
        A PyTorch checkpoint (``.pth``, ``.pt``; read without running any code in it), ``.safetensors``, ``.npz``, or a
        TensorFlow checkpoint (needs the extra ``tensorflow``).
    converter : {"vggish", "vggish_pca", "panns", "ast", "efficientat", "musicnn"}
        Which family it belongs to.

    Returns
    -------
    dict of str to Tensor
        By the names of our network.

    Raises
    ------
    WeightsError
        If it is not there, damaged, or of another family.
    ImportError
        If it is TensorFlow's, and that is not installed.

    Examples
    --------
    >>> from sklearn_audio.weights import read_checkpoint
    >>> read_checkpoint("no/such.pth", "panns")
    Traceback (most recent call last):
        ...
    sklearn_audio.exceptions.WeightsError: there is no checkpoint 'no/such.pth'; check the path.
    """
    file = Path(path)
    raw = _read(file)
    if file.suffix == ".safetensors" and metadata(file).get("converter"):
        return {name: tensor for name, tensor in raw.items() if isinstance(tensor, Tensor)}  # converted before
    try:
        return CONVERTERS[converter](raw)
    except WeightsError as error:
        raise WeightsError(f"'{file}': {error}") from error


def metadata(file: Path) -> dict[str, str]:
    """Return what a safetensors file says about itself.

    Parameters
    ----------
    file : Path
        The file.

    Returns
    -------
    dict of str to str
        Empty where it says nothing.
    """
    with safe_open(file, "pt") as stored:
        return dict(stored.metadata() or {})


def _read(file: Path) -> Mapping[str, Any]:
    if file.is_dir() or _is_tensorflow(file):
        return read_tensorflow(file)
    if not file.is_file():
        raise WeightsError(f"there is no checkpoint '{file}'; check the path.")
    if file.suffix == ".safetensors":
        return _read_safetensors(file)
    if file.suffix == ".npz":
        return _read_npz(file)
    if file.suffix in _TORCH_SUFFIXES or zipfile.is_zipfile(file):
        return _read_torch(file)
    raise WeightsError(f"'{file}' is of no known kind; expected .pth, .pt, .safetensors, .npz or TensorFlow's .ckpt.")


def _is_tensorflow(file: Path) -> bool:
    return file.suffix in (".ckpt", ".index") or ".data-" in file.name or Path(f"{file}.index").is_file()


def _read_safetensors(file: Path) -> dict[str, Tensor]:
    try:
        with safe_open(file, "pt") as stored:
            return {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - it is no mapping
    except SafetensorError as error:
        raise WeightsError(f"'{file}' is damaged or no safetensors file: {error}.") from error


def _read_npz(file: Path) -> dict[str, Any]:
    try:
        with np.load(file, allow_pickle=False) as stored:
            return dict(stored)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise WeightsError(f"'{file}' is damaged or no .npz file: {error}.") from error


def _read_torch(file: Path) -> Mapping[str, Any]:
    try:
        with torch.serialization.safe_globals(_numpy_names()), warnings.catch_warnings():
            # of a newer pickle protocol; what it cannot read, it refuses
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            raw = torch.load(file, map_location="cpu", weights_only=True)
    except _LOAD_ERRORS as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(
            f"'{file}' is damaged, no PyTorch checkpoint, or holds more than tensors and NumPy arrays, which is never "
            f"loaded: {reason}"
        ) from error
    if not isinstance(raw, Mapping):
        raise WeightsError(f"'{file}' holds a {type(raw).__name__}, not named tensors; save its state_dict().")
    return raw


def _numpy_names() -> list[Any]:
    """What a pickled NumPy array names, under the module names of NumPy 1 and 2; building one runs no foreign code."""
    core = importlib.import_module("numpy._core.multiarray")
    parts = {"_reconstruct": core._reconstruct, "scalar": core.scalar}
    moved = [(part, f"numpy.{name}.multiarray.{key}") for key, part in parts.items() for name in ("core", "_core")]
    return [*moved, np.ndarray, np.dtype, *(getattr(np.dtypes, name) for name in _DTYPES)]
