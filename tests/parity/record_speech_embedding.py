"""Record the golden values of speech_embedding: ``python tests/parity/record_speech_embedding.py``.

Frames and vectors are those of the published ONNX files, run by ONNX Runtime (``pip install onnxruntime``); the files
lie in the folder ``weights`` of the shared data.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnxruntime

FOLDER = Path(os.environ.get("SKLEARN_AUDIO_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")) / "weights"


def waveform() -> np.ndarray:
    """A second and a half of chirps with a silent gap, so that the floor of the decibels counts."""
    t = np.arange(24000) / 16000
    loud = 0.3 * np.sin(2 * np.pi * (200 + 900 * t) * t) * (1 + np.sin(2 * np.pi * 3 * t))
    return np.where((t > 0.6) & (t < 0.7), 0, loud).astype(np.float32)


def run(name: str, array: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(FOLDER / f"{name}.onnx"), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: array})[0].squeeze()


def main() -> None:
    frames = run("speech_embedding_melspectrogram", waveform()[None] * np.float32(32767)) / 10 + 2
    windows = np.stack([frames[i : i + 76] for i in range(0, len(frames) - 75, 8)])[..., None]
    vectors = run("speech_embedding", windows)
    path = Path(__file__).resolve().parent / "golden" / "speech_embedding.npz"
    np.savez_compressed(path, frames=frames[::8].astype(np.float32), vectors=vectors[:, ::4].astype(np.float32))
    print(path.name, path.stat().st_size, "bytes,", vectors.shape)


if __name__ == "__main__":
    main()
