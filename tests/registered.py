"""Small checkpoints in a published layout, and tables of a registry that offers them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import torch

RNG = np.random.default_rng(0)
STATE = {
    "bn0.weight": torch.rand(3),
    "bn0.num_batches_tracked": torch.tensor(7),
    "fc1.weight": torch.rand(4, 3),
}


def torch_bytes(content: object, **options: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


# the sampler of the published 16 kHz checkpoint holds NumPy arrays
SAMPLER = {"indexes": np.arange(5), "pointer": 3, "weights": np.ones(2), "last": np.int64(4), "name": "train"}
PANNS = torch_bytes({"iteration": 600000, "model": STATE, "sampler": SAMPLER})


def npz_bytes(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


NPZ = npz_bytes(pca_eigen_vectors=np.eye(3), pca_means=np.ones(3))


def write(folder: Path, content: bytes, name: str = "file.pth") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def equal(got: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> bool:
    return got.keys() == wanted.keys() and all(torch.equal(got[name], wanted[name]) for name in wanted)


def toml(name: str, url: str, body: bytes, *, converter: str = "panns", **fields: object) -> str:
    """One table of a registry; its hash is that of the body unless another is given."""
    facts = {"url": url, "file": f"{name}.pth", "converter": converter, "licence": "none", "paper": "none"}
    facts |= fields or {"sha256": hashlib.sha256(body).hexdigest()}
    return f'["{name}"]\n' + "".join(f"{key} = {value!r}\n".replace("'", '"') for key, value in facts.items())
