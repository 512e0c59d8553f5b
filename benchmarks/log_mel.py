"""Log-mel spectrograms: ours beside librosa's, from arrays and from files; and the peak memory of ours.

    python benchmarks/log_mel.py            # everything
    python benchmarks/log_mel.py --quick    # fewer repeats, shorter files

Ratios above 1 mean that ours is faster. Both run in one process, in turn, on the same clips; medians over the repeats.
Memory is the largest resident set of a fresh process, less what the result itself takes.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import soundfile
import torch

from sklearn_audio import FrontEnd, MelSpectrogramTransformer

RATE, N_FFT, HOP, N_MELS = 16000, 512, 160, 64
FILE_RATE = 44100

_MEMORY_PROBE = """
import json, resource, sys
from sklearn_audio import MelSpectrogramTransformer
mel = MelSpectrogramTransformer(16000, n_fft=512, hop_length=160, n_mels=64, n_jobs=2)
mel.transform(sys.argv[1:2])
frames = mel.transform(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps({"peak": peak, "result": frames.nbytes}))
"""


def sound(seconds: float, rate: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * rng.uniform(100, 2000) * t) * np.sin(2 * np.pi * rng.uniform(0.2, 3) * t)
    return (tone + rng.normal(scale=0.05, size=len(t))).astype(np.float32)


def librosa_log_mel(y: np.ndarray) -> np.ndarray:
    mel = librosa.feature.melspectrogram(y=y, sr=RATE, n_fft=N_FFT, hop_length=HOP, n_mels=N_MELS)
    return librosa.power_to_db(mel)


def seconds(work: Callable[[], object]) -> float:
    """Time one run on an idle machine: the threads of a BLAS keep spinning for a while after the run before."""
    time.sleep(0.2)
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(theirs: Callable[[], object], ours: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    """Median seconds of both and the median of the ratios, pair by pair."""
    theirs(), ours()
    pairs = [(seconds(theirs), seconds(ours)) for _ in range(repeats)]
    a, b = (statistics.median(pair[i] for pair in pairs) for i in (0, 1))
    return a, b, statistics.median(x / y for x, y in pairs)


def report(name: str, times: tuple[float, float, float], audio_seconds: float) -> None:
    theirs, ours, gain = times
    speed = f"{audio_seconds / ours:5.0f}x real time"
    print(f"{name:<48} librosa {theirs * 1e3:7.1f} ms  ours {ours * 1e3:7.1f} ms ({speed})  ratio {gain:.2f}")


def from_arrays(repeats: int) -> None:
    clips = [sound(5.0, RATE, seed) for seed in range(20)]
    front_end = FrontEnd(sample_rate=RATE, n_fft=N_FFT, hop_length=HOP, n_mels=N_MELS)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    times = ratio(
        lambda: [librosa_log_mel(clip) for clip in clips],
        lambda: [front_end(torch.from_numpy(clip)) for clip in clips],
        repeats,
    )
    torch.set_num_threads(threads)
    report("array -> log-mel, one thread, 20 clips of 5 s", times, 100.0)


def from_files(folder: Path, kind: str, repeats: int) -> None:
    paths = [str(folder / f"{kind}_{i}.{kind}") for i in range(40)]
    for i, path in enumerate(paths):
        soundfile.write(path, sound(5.0, FILE_RATE, i), FILE_RATE)
    mel = MelSpectrogramTransformer(RATE, n_fft=N_FFT, hop_length=HOP, n_mels=N_MELS, n_jobs=2)
    times = ratio(
        lambda: [librosa_log_mel(librosa.load(path, sr=RATE)[0]) for path in paths],
        lambda: mel.transform(paths),
        repeats,
    )
    report(f"{kind} 44.1 kHz -> 16 kHz -> log-mel, two threads", times, 200.0)


def memory(arguments: list[str]) -> float:
    """Peak of a fresh process beyond its result, in MB."""
    run = subprocess.run([sys.executable, "-c", _MEMORY_PROBE, *arguments], capture_output=True, text=True, check=True)
    figures = json.loads(run.stdout)
    return (figures["peak"] - figures["result"]) / 1e6


def report_memory(small: str, a: float, large: str, b: float) -> None:
    print(f"peak memory less the result: {small} {a:.0f} MB, {large} {b:.0f} MB, difference {b - a:+.0f} MB")


def bounded_memory(folder: Path, *, quick: bool) -> None:
    clip = str(folder / "clip.wav")
    soundfile.write(clip, sound(5.0, FILE_RATE, 1), FILE_RATE)
    few, many = memory([clip] * 200), memory([clip] * 2000)
    report_memory("200 clips", few, "2000 clips", many)
    minutes = 10 if quick else 60
    short, long = folder / "minute.wav", folder / "long.wav"
    minute = sound(60.0, FILE_RATE, 2)
    soundfile.write(short, minute, FILE_RATE)
    with soundfile.SoundFile(long, "w", FILE_RATE, 1) as file:
        for _ in range(minutes):
            file.write(minute)
    one, hour = memory([str(short)]), memory([str(long)])
    report_memory("1 minute", one, f"{minutes} minutes", hour)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    repeats = 3 if quick else 9
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, librosa {librosa.__version__}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        from_arrays(repeats)
        for kind in ("wav", "ogg", "flac"):
            from_files(folder, kind, repeats)
        bounded_memory(folder, quick=quick)


if __name__ == "__main__":
    main()
