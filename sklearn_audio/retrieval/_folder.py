"""The folder of an index: vectors, graph or clusters, and one JSON file that names them and holds everything else."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import faiss
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sklearn_audio._atomic import remove_unfinished, written_whole
from sklearn_audio._names import check_name
from sklearn_audio._paths import local_path, new_folder
from sklearn_audio._version import __version__
from sklearn_audio.retrieval._embedded import TestSound
from sklearn_audio.retrieval._nearest import KINDS, NearestVectors

_CONTENTS = "index.json"
_FORMAT = 1
# An unfinished file of a save that was killed is older.
_SECONDS_OF_A_SAVE = 3600.0
_VECTORS, _STRUCTURE = ("vectors-", ".npy"), ("structure-", ".faiss")


class Stored(NamedTuple):
    """An index without its embedder, of which the name and the vector of the test sound remain."""

    embedder: str | None
    heard: TestSound | None
    items: pd.DataFrame
    next_id: int
    nearest: NearestVectors


def write_folder(path: str | os.PathLike[str], stored: Stored, *, overwrite: bool) -> None:
    """Write an index to a folder; the JSON file comes last, and other files have the hash of their content as name."""
    folder = new_folder(path, "folder")
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(folder) as unfinished:
            unfinished.mkdir()
            contents = _write(unfinished, stored)
        if (folder / _CONTENTS).read_text(encoding="utf-8") != contents:
            raise FileExistsError(f"{str(folder)!r} was written by another process meanwhile; choose another folder.")
        return
    _check_replaceable(folder, overwrite=overwrite)
    contents = _write(folder, stored)
    remove_unfinished(folder, older_than=_SECONDS_OF_A_SAVE)
    for file in folder.iterdir():
        if file.name not in contents and file.name.startswith((_VECTORS[0], _STRUCTURE[0])):
            with suppress(PermissionError):  # some systems refuse to remove a file that is mapped into memory
                file.unlink()


def _check_replaceable(folder: Path, *, overwrite: bool) -> None:
    is_index = (folder / _CONTENTS).is_file()
    if is_index and not overwrite:
        raise FileExistsError(f"{str(folder)!r} exists; choose another folder, or replace it by overwrite=True.")
    if not is_index and not (folder.is_dir() and not any(folder.iterdir())):
        raise FileExistsError(f"{str(folder)!r} exists and holds no index; choose another folder.")


def _write(folder: Path, stored: Stored) -> str:
    nearest = stored.nearest
    files: dict[str, str | None] = {"vectors": None, "structure": None}
    files["vectors"] = _write_once(folder, _VECTORS, nearest.vectors)
    if nearest.structure is not None:
        files["structure"] = _write_once(folder, _STRUCTURE, faiss.serialize_index(nearest.structure))
    contents = json.dumps(_contents(stored) | files, allow_nan=False)
    with written_whole(folder / _CONTENTS, durable=True) as unfinished:
        unfinished.write_text(contents, encoding="utf-8")
    return contents


def _write_once(folder: Path, name: tuple[str, str], values: NDArray[Any]) -> str:
    """Write an array to a file named after its content, unless it is there."""
    digest = hashlib.blake2b(str(values.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(values).data if values.size else b"")
    target = folder / f"{name[0]}{digest.hexdigest()}{name[1]}"
    if not target.is_file():
        with written_whole(target, durable=True) as unfinished, unfinished.open("wb") as stream:
            if name == _VECTORS:
                np.save(stream, values, allow_pickle=False)
            else:
                stream.write(values.data)
    return target.name


def _contents(stored: Stored) -> dict[str, Any]:
    nearest, items = stored.nearest, stored.items
    codes, paths = pd.factorize(items["path"])
    return {
        "format": _FORMAT,
        "sklearn_audio": __version__,
        "metric": nearest.metric,
        "index": nearest.kind,
        "effort": nearest.effort,
        "embedder": stored.embedder,
        "heard": None if stored.heard is None else stored.heard._asdict(),
        "next_id": stored.next_id,
        "paths": list(paths),
        "items": {"id": items["id"].tolist(), "path": codes.tolist()}
        | {name: _times(items[name].to_numpy(np.float64)) for name in ("start", "end")},
    }


def _times(seconds: NDArray[np.float64]) -> list[float | None]:
    times = seconds.astype(object)
    times[np.isnan(seconds)] = None
    known: list[float | None] = times.tolist()
    return known


def read_folder(path: str | os.PathLike[str], *, memory_map: bool) -> Stored:
    """Read what `write_folder` wrote."""
    folder = Path(local_path(path))
    if not (folder / _CONTENTS).is_file():
        raise FileNotFoundError(f"{str(folder)!r} holds no index; give a folder that AudioIndex.save wrote.")
    try:
        contents = json.loads((folder / _CONTENTS).read_text(encoding="utf-8"))
        version = contents["format"]
        if version == _FORMAT:
            return _stored(folder, contents, memory_map=memory_map)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise ValueError(f"the index in {str(folder)!r} is damaged ({error}); save it again.") from error
    raise ValueError(
        f"the index in {str(folder)!r} has version {version!r} of the format, and this version of the library reads "
        f"{_FORMAT}; build the index again."
    )


def _stored(folder: Path, contents: dict[str, Any], *, memory_map: bool) -> Stored:
    given = contents["items"]
    paths = np.array([*contents["paths"], None], dtype=object)
    items = pd.DataFrame(
        {
            "id": np.array(given["id"], dtype=np.int64),
            "path": pd.Series(paths[np.array(given["path"], dtype=np.int64)], dtype=object),
            "start": np.array(given["start"], dtype=np.float64),
            "end": np.array(given["end"], dtype=np.float64),
        }
    )
    nearest = _nearest(folder, contents, len(items), memory_map=memory_map)
    heard = contents["heard"]
    return Stored(
        contents["embedder"], None if heard is None else TestSound(**heard), items, int(contents["next_id"]), nearest
    )


def _nearest(folder: Path, contents: dict[str, Any], n: int, *, memory_map: bool) -> NearestVectors:
    kind = contents["index"]
    check_name("kind of index", kind, KINDS)
    vectors = np.load(_file(folder, contents["vectors"]), mmap_mode="r" if memory_map and n else None)
    if vectors.dtype != np.float32 or vectors.ndim != 2 or len(vectors) != n:
        raise ValueError(f"{n} items and vectors of shape {vectors.shape} and type {vectors.dtype}")
    structure = None
    if contents["structure"] is not None:
        structure = faiss.read_index(str(_file(folder, contents["structure"])))
        if (structure.ntotal, structure.d) != vectors.shape:
            raise ValueError(f"{n} vectors, and a structure of {structure.ntotal}")
    return NearestVectors(vectors, contents["metric"], kind, contents["effort"], structure)


def _file(folder: Path, name: str) -> Path:
    """Return a file of the folder; raise for a name that leads out of it."""
    if Path(name).name != name:
        raise ValueError(f"{name!r} is no name of a file")
    return folder / name
