"""Reading of checkpoints in any published layout, as tensors under the names of the networks here."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import io
import json
import os
import pickle
import re
import shutil
import struct
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sklearn_audio._names import check_name
from sklearn_audio._paths import local_path
from sklearn_audio._stamp import Stamp, stamp_of
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.weights._bundle import TABLE_END
from sklearn_audio.weights._converters import (
    convert_ast,
    convert_efficientat,
    convert_panns,
    convert_plain,
    convert_vggish,
    convert_vggish_pca,
)
from sklearn_audio.weights._hdf5 import HDF5, read_hdf5
from sklearn_audio.weights._musicnn import convert_musicnn
from sklearn_audio.weights._onnx import read_onnx
from sklearn_audio.weights._openl3 import convert_openl3
from sklearn_audio.weights._safetensors import (
    MAX_HEADER,
    SEAL,
    about_of,
    read_header,
    read_safetensors,
    read_tensors,
    whole,
)
from sklearn_audio.weights._speech_embedding import convert_speech_embedding
from sklearn_audio.weights._tensorflow import read_tensorflow
from sklearn_audio.weights._tflite import TFLITE, read_tflite
from sklearn_audio.weights._yamnet import convert_yamnet

__all__ = ["CONVERTERS", "content_hash", "read_checkpoint", "read_packed"]

CONVERTERS: dict[str, Callable[[Mapping[str, Any]], dict[str, Tensor]]] = {
    "vggish": convert_vggish,
    "vggish_pca": convert_vggish_pca,
    "panns": convert_panns,
    "ast": convert_ast,
    "efficientat": convert_efficientat,
    "musicnn": convert_musicnn,
    "speech_embedding": convert_speech_embedding,
    "openl3": convert_openl3,
    "yamnet": convert_yamnet,
    "plain": convert_plain,
}
# unintended errors of PyTorch's restricted unpickler for bytes that are not a pickle
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
_GZIP = b"\x1f\x8b"
# Raised by NumPy and zipfile for bytes that are not an archive of arrays.
_ARCHIVE_ERRORS = (EOFError, OSError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)
_DTYPES = tuple(f"{kind}DType" for kind in ("Float64", "Float32", "Int64", "Int32", "UInt8", "Bool", "Str", "Bytes"))
_CHUNK_BYTES = 1 << 20
_KIND = "converter"  # key in the metadata of converted files


def read_checkpoint(path: str | os.PathLike[str], converter: str) -> dict[str, Tensor]:
    """Read a checkpoint in any published layout, recognised by its content rather than its name.

    Parameters
    ----------
    path : str or path
        A PyTorch checkpoint (read without running any code in it), safetensors, NumPy's ``.npz``, an ONNX or TensorFlow
        Lite file, a TensorFlow checkpoint (one of a single file needs the extra ``tensorflow``), or an HDF5 file of
        Keras (needs the extra ``hdf5``); also compressed by gzip.
    converter : {"vggish", "vggish_pca", "panns", "ast", "efficientat", "musicnn", "speech_embedding", "openl3", \
            "yamnet", "plain"}
        Family of the checkpoint; "plain" leaves the names of the tensors unchanged.

    Returns
    -------
    dict of str to Tensor
        Tensors under the names of the network.

    Raises
    ------
    WeightsError
        If it is missing, damaged, or of another family.
    ValueError
        If there is no such converter.
    ImportError
        If it is a TensorFlow checkpoint of a single file, and TensorFlow is not installed, or an HDF5 file without
        h5py.

    Examples
    --------
    >>> from sklearn_audio.weights import read_checkpoint
    >>> read_checkpoint("no/such.pth", "panns")
    Traceback (most recent call last):
        ...
    sklearn_audio.exceptions.WeightsError: there is no checkpoint 'no/such.pth'; check the path.
    """
    check_name("converter", converter, sorted(CONVERTERS))
    file = Path(local_path(path))
    before = _stamp(file)
    try:
        raw, kind = _read(file)
    except WeightsError:
        raise
    except OSError as error:
        raise WeightsError(f"'{file}' cannot be read: {error.strerror or error}.") from error
    if _stamp(file) != before:
        raise WeightsError(f"'{file}' changed while it was read. Use it when it is complete.")
    if kind and kind != converter:
        raise WeightsError(f"'{file}' holds converted weights of {kind!r}, not of {converter!r}.")
    try:
        tensors = dict(raw) if kind else CONVERTERS[converter](raw)
    except WeightsError as error:
        raise WeightsError(f"'{file}': {error}") from error
    _check_finite(tensors, f"'{file}'")
    return tensors


def read_packed(packed: bytes, name: str) -> dict[str, Tensor]:
    """Read tensors in a pickle, which are in the format of safetensors."""
    tensors, _ = read_tensors(io.BytesIO(packed), name)
    _check_finite(tensors, name)
    return tensors


def content_hash(file: Path) -> str:
    """Hash the tensors of one file of a checkpoint: equal hashes mean equal weights."""
    content = hashlib.sha256()
    with file.open("rb") as stream:
        if _reader(file) is read_safetensors:
            header = read_header(stream, f"'{file}'")
            if SEAL in header.about:
                origin = {key: value for key, value in whole(file).items() if key not in (SEAL, "name", "url")}
                return hashlib.sha256(json.dumps(origin, sort_keys=True).encode()).hexdigest()
            content.update(json.dumps([header.tensors, header.about.get(_KIND)], sort_keys=True).encode())
        while chunk := stream.read(_CHUNK_BYTES):
            content.update(chunk)
    return content.hexdigest()


def _stamp(file: Path) -> Stamp | None:
    return stamp_of(file) if file.is_file() else None


def _read(file: Path) -> tuple[Mapping[str, Any], str | None]:
    """Return the content of a file, and its converter if it was converted."""
    read = _reader(file)
    return read(file), about_of(file).get(_KIND) if read is read_safetensors else None


def _check_finite(tensors: Mapping[str, Tensor], source: str) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            values = tensor.float()
            # one pass without a mask; an overflow of the sum only costs the second check
            if not torch.isfinite(values.sum()) and not (finite := torch.isfinite(values)).all():
                n_bad = int((~finite).sum())
                raise WeightsError(
                    f"{source}: {n_bad} of the {values.numel()} values of the tensor {name!r} are NaN or infinite in "
                    "float32. The training may have diverged, or the file is damaged; use another checkpoint."
                )


def _reader(file: Path) -> Callable[[Path], Mapping[str, Any]]:
    """Choose the reader by the content or, if that is unknown, by the extension."""
    if file.is_dir() or (Path(f"{file}.index").is_file() and not file.is_file()) or ".data-" in file.name:
        return read_tensorflow
    if not file.is_file():
        raise WeightsError(f"there is no checkpoint '{file}'; check the path.")
    read = _reader_of_content(file) or _reader_of_name(file.suffix.lower())
    if read is None:
        raise WeightsError(
            f"'{file}' is no checkpoint of PyTorch or TensorFlow, and no safetensors, ONNX or .npz file."
        )
    return read


def _reader_of_content(file: Path) -> Callable[[Path], Mapping[str, Any]] | None:
    with file.open("rb") as stream:
        head = stream.read(9)
        stream.seek(-min(len(TABLE_END), file.stat().st_size), os.SEEK_END)
        tail = stream.read()
    if head[8:] == b"{" and int.from_bytes(head[:8], "little") <= MAX_HEADER:
        return read_safetensors
    if head.startswith(HDF5):
        return read_hdf5
    if head.startswith(b"PK"):
        return _reader_of_archive(file)
    if head.startswith(_GZIP):
        return _read_gzip
    if head.startswith(b"\x80"):  # a pickle: PyTorch's old format
        return _read_torch
    if head[4:8] == TFLITE:
        return read_tflite
    return read_tensorflow if tail == TABLE_END else None


def _reader_of_name(suffix: str) -> Callable[[Path], Mapping[str, Any]] | None:
    if suffix in (".bin", ".pt", ".pth"):
        return _read_torch
    if suffix in (".ckpt", ".index"):
        return read_tensorflow
    return {".npz": _read_npz, ".onnx": read_onnx, ".safetensors": read_safetensors}.get(suffix)


def _reader_of_archive(file: Path) -> Callable[[Path], Mapping[str, Any]] | None:
    try:
        with zipfile.ZipFile(file) as archive:
            holds_arrays = any(name.endswith(".npy") for name in archive.namelist())
    except _ARCHIVE_ERRORS:
        return None  # damaged; the reader chosen by the name raises
    return _read_npz if holds_arrays else _read_torch


def _read_gzip(file: Path) -> Mapping[str, Any]:
    """Read a checkpoint that is compressed by gzip, as those of OpenL3 are published."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        plain = Path(folder) / file.name.removesuffix(".gz")
        try:
            with gzip.open(file) as packed, plain.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise WeightsError(f"'{file}' is damaged or no gzip file: {error}.") from error
        try:
            return _reader(plain)(plain)
        except WeightsError as error:
            raise WeightsError(str(error).replace(f"'{plain}'", f"'{file}'")) from error


def _read_npz(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:  # opened here because NumPy leaves a damaged file open
            stored = np.load(stream, allow_pickle=False)
            arrays = {} if isinstance(stored, np.ndarray) else dict(stored)
    except _ARCHIVE_ERRORS as error:
        # NumPy takes other bytes for a pickle, and would advise loading it
        reason = str(error).rstrip(".") if zipfile.is_zipfile(file) else "it is no zip archive, or cut short"
        raise WeightsError(f"'{file}' is damaged or no .npz file: {reason}.") from error
    if not arrays:
        raise WeightsError(f"'{file}' holds no named arrays; write it with numpy.savez.")
    return arrays


def _read_torch(file: Path) -> Mapping[str, Any]:
    try:
        with torch.serialization.safe_globals(_numpy_names()), warnings.catch_warnings():
            # about a newer pickle protocol; unreadable files raise anyway
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
            with file.open("rb") as stream:  # with a path, torch would use the name
                raw = torch.load(stream, map_location="cpu", weights_only=True)
    except _LOAD_ERRORS as error:
        raise WeightsError(
            f"'{file}' is damaged, no PyTorch checkpoint, or holds more than tensors and NumPy arrays, which is never "
            f"loaded{_found_in_pickle(error)}."
        ) from error
    if not isinstance(raw, Mapping):
        raise WeightsError(f"'{file}' holds a {type(raw).__name__}, not named tensors; save its state_dict().")
    return {name: value for name, value in raw.items() if isinstance(name, str)}


def _found_in_pickle(error: Exception) -> str:
    """Return the name that PyTorch did not load; its own message would advise loading it anyway."""
    named = re.search(r"GLOBAL ([\w.]+)", str(error))
    return f": it names {named[1].rstrip('.')}, so save the network's state_dict() instead" if named else ""


def _numpy_names() -> list[Any]:
    """List the globals of a pickled NumPy array in NumPy 1 and 2; loading one runs no code of the file."""
    core = importlib.import_module("numpy._core.multiarray")
    parts = {"_reconstruct": core._reconstruct, "scalar": core.scalar}
    moved = [(part, f"numpy.{name}.multiarray.{key}") for key, part in parts.items() for name in ("core", "_core")]
    return [*moved, np.ndarray, np.dtype, *(getattr(np.dtypes, name) for name in _DTYPES)]
