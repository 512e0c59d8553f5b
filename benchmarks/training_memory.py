"""Memory of training from files, for a few clips and for more frames than are kept in memory (Linux).

    python benchmarks/training_memory.py
    python benchmarks/training_memory.py --clips 2000 40000 80000

Each number of clips runs in a process of its own: a network over the log-mel frames of recordings of one second, one
epoch. Printed are the size of all frames and the largest resident set above that before `fit`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

_PROBE = """
import json, re, sys
from pathlib import Path
from sklearn_audio import CNNClassifier
def mb(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
def classifier():
    return CNNClassifier("timbre", front_end="panns_16k", max_epochs=1, random_state=0, n_jobs=2)
files, n = sys.argv[2:], int(sys.argv[1])
classifier().fit(files * 4, ["low", "high"] * 4)  # what is imported and compiled at the first fit is not counted
before = mb("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the largest so far is forgotten
fitted = classifier().fit(files * (n // 2), ["low", "high"] * (n // 2))
print(json.dumps({"above": mb("VmHWM") - before, "frames": n * fitted.n_frames_ * 64 * 4 / 2**20}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", nargs="+", type=int, default=[2000, 40000, 80000])
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / f"{name}.wav") for name in ("low", "high")]
        for loudness, file in zip((0.01, 0.1), files, strict=True):
            soundfile.write(file, rng.normal(scale=loudness, size=16000), 16000)
        for n in args.clips:
            probe = [sys.executable, "-c", _PROBE, str(n), *files]
            out = json.loads(subprocess.run(probe, stdout=subprocess.PIPE, check=True, text=True).stdout)
            print(f"{n:6d} clips, {out['frames']:6.0f} MB of frames: {out['above']:5.0f} MB above", flush=True)


if __name__ == "__main__":
    main()
