"""Record the golden values of the short-term features from pyAudioAnalysis 0.3.14.

Run it where pyAudioAnalysis can be imported: ``python tests/parity/record_short_term_features.py``. It writes
``golden/short_term_features.npz``: per case some rows of the original's matrix, and for the synthetic clip its
timepoints too, so that this case needs no recordings.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import numpy as np
import soundfile

GOLDEN = Path(__file__).parent / "golden" / "short_term_features.npz"
DATA = Path(os.environ.get("SKLEARN_AUDIO_DATA", Path(__file__).parents[3] / "shared" / "data"))
MAX_ROWS = 32
SYNTHETIC_RATE = 16000
RECORDINGS = {
    "digit": "digits/audio/3_theo_5.flac",
    "environment": "environment/audio/rooster/1-26806-A.ogg",
    "music": "examples/audio/sorohanro_-_solo-trumpet-06.ogg",
}
# frames of an even and of an odd number of timepoints (800 and 501)
SYNTHETIC_FRAMES = {"synthetic": (0.05, 0.025), "synthetic_odd": (0.03132, 0.02)}


def synthetic_clip() -> np.ndarray:
    """0.6 s at 16 kHz, 16 bit: a rising tone over noise, digital silence, then a chord, all on an offset."""
    rng = np.random.default_rng(0)
    seconds = np.arange(9600) / SYNTHETIC_RATE
    rising = np.sin(2 * np.pi * (200 + 4000 * seconds) * seconds) * np.minimum(1.0, 8 * seconds)
    chord = sum(np.sin(2 * np.pi * hertz * seconds) for hertz in (220.0, 277.18, 329.63))
    clip = 9000 * rising + 600 * rng.standard_normal(len(seconds))
    clip[3200:6000] = 0.0
    clip[6000:] = 5000 * chord[6000:]
    return np.round(clip + 40).astype(np.int16)


def record_case(name: str, samples: np.ndarray, rate: int, frame: tuple[float, float]) -> dict[str, np.ndarray]:
    """Rows of the original's features, spread over the clip, and what it takes to compute them again."""
    original = importlib.import_module("pyAudioAnalysis.ShortTermFeatures")
    window, hop = frame
    features, _ = original.feature_extraction(samples, rate, window * rate, hop * rate, deltas=True)
    n_frames = features.shape[1]
    rows = np.unique(np.linspace(0, n_frames - 1, MAX_ROWS).astype(int))
    return {
        f"{name}/sample_rate": np.array(rate),
        f"{name}/frame": np.array(frame),
        f"{name}/n_frames": np.array(n_frames),
        f"{name}/rows": rows,
        f"{name}/features": features.T[rows].astype(np.float32),
    }


def main() -> None:
    clip = synthetic_clip()
    arrays = {"synthetic_clip": clip}
    for name, frame in SYNTHETIC_FRAMES.items():
        arrays |= record_case(name, clip, SYNTHETIC_RATE, frame)
    for name, path in RECORDINGS.items():
        samples, rate = soundfile.read(DATA / path, dtype="int16")
        arrays |= record_case(name, samples, rate, (0.05, 0.025)) | {f"{name}/path": np.array(path)}
    np.savez_compressed(GOLDEN, **arrays)
    sys.stdout.write(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
