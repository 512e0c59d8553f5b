"""Pretrained networks: clips to vectors, ours beside the code of the networks' authors and `transformers`.

    python benchmarks/embedders.py --peers FOLDER            # everything
    python benchmarks/embedders.py --peers FOLDER vggish     # one of vggish, cnn14, ast, bfloat16, models, memory

The peers are yours to fetch. FOLDER holds clones of https://github.com/harritaylor/torchvggish and
https://github.com/qiuqiangkong/audioset_tagging_cnn; ``pip install resampy torchlibrosa transformers`` brings what they
import. What is absent is said and left out.

Weights are random, the same on both sides (through a checkpoint in the published layout), and the answers are compared.
Both sides get the same waveforms at the rate of the network and compute everything from there, in one process, in turn,
with a pause between them; figures are medians, ratios above 1 mean that ours is faster. The share of the peak is what
the network as published would have to compute, over what this machine computes at most in a convolution or a product of
matrices, measured in the same run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sklearn_audio import (
    ASTEmbedder,
    AudioTagger,
    EfficientATEmbedder,
    MusiCNNEmbedder,
    OpenL3Embedder,
    PANNsEmbedder,
    SpeechEmbedder,
    VGGishEmbedder,
    YAMNetEmbedder,
)
from sklearn_audio.engine.models import CARDS

Clips = list[np.ndarray]
PAUSE = 0.2  # seconds: the threads of a BLAS keep spinning for a while after a run


def sounds(n_clips: int, seconds: float, rate: int) -> Clips:
    rng = np.random.default_rng(0)
    t = np.arange(int(seconds * rate)) / rate
    tones = (np.sin(2 * np.pi * f * t) * np.sin(2 * np.pi * f / 500 * t) for f in rng.uniform(100, 3000, n_clips))
    return [(0.3 * tone + rng.normal(scale=0.05, size=len(t))).astype(np.float32) for tone in tones]


def timed(work: Callable[[], object]) -> float:
    time.sleep(PAUSE)
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(works: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            times[name].append(timed(work))
    return times


def peak() -> float:
    """FLOP per second of the best of a convolution and two products of matrices, in float32."""
    x = torch.randn(4, 256, 32, 100).to(memory_format=torch.channels_last)
    conv = nn.Conv2d(256, 256, 3, padding=1).to(memory_format=torch.channels_last)
    a, b, c = torch.randn(2428, 768), torch.randn(768, 3072), torch.randn(3072, 768)
    works = {
        2 * 4 * 32 * 100 * 9 * 256**2: lambda: conv(x),
        2 * 2428 * 768 * 3072: lambda: a @ b,
        2 * 2428 * 3072 * 768 + 1: lambda: (a @ b) @ c,
    }
    with torch.inference_mode():
        speeds = []
        for flops, work in works.items():
            work()
            count = flops if flops % 2 == 0 else 2 * flops  # the last computes two products
            speeds.append(count / statistics.median(timed(work) for _ in range(7)))
    return max(speeds)


def flops(card: Any, seconds: float) -> float:
    """FLOP that the published network takes for a clip."""
    n_frames = card.front_end.n_frames(int(seconds * card.sample_rate))
    n_patches = n_frames / card.patching.n_frames if hasattr(card.patching, "n_frames") else 1.0
    frames = card.patching.n_frames if hasattr(card.patching, "n_frames") else n_frames
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        card.on_meta()(torch.empty(1, frames, card.front_end.n_features, device="meta"), layer=card.layer)
    return counter.get_total_flops() * n_patches


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def compare(
    name: str, peers: dict[str, Callable[[], Any]], ours: Callable[[], Any], card: Any, args: Any, seconds: float
) -> None:
    n_clips = len(ours())
    theirs = np.asarray(next(iter(peers.values()))())
    distance = np.abs(theirs - ours()).max() / np.abs(theirs).max()
    times = in_turn({**peers, "ours": ours}, args.repeats)
    audio = n_clips * seconds
    best = min(peers, key=lambda peer: statistics.median(times[peer]))
    for peer, values in times.items():
        median = statistics.median(values)
        share = flops(card, seconds) * n_clips / median / args.peak
        print(f"{name:<8} {peer:<34} {audio / median:6.1f}x real time  {share:5.0%} of the peak")
    for peer in peers:
        ratio = statistics.median(t / o for t, o in zip(times[peer], times["ours"], strict=True))
        print(f"{name:<8} ours : {peer:<27} {ratio:6.2f}{'  (its faster mode)' if peer == best else ''}")
    print(f"{name:<8} largest difference of the vectors, relative: {distance:.1e}", flush=True)


def saved(folder: str, state: dict[str, torch.Tensor]) -> Path:
    path = Path(folder) / "checkpoint.pth"
    torch.save(state, path)
    return path


def vggish(args: Any) -> None:
    with importable(args.peers / "torchvggish"):
        module = importlib.import_module("torchvggish.vggish")
    peer = module.VGGish({}, device=torch.device("cpu"), pretrained=False, preprocess=True, postprocess=False).eval()
    clips = sounds(16, 9.615, 16000)  # ten patches and nothing left over

    def run() -> np.ndarray:
        with torch.inference_mode():
            return np.stack([peer(clip, 16000).numpy() for clip in clips])

    state = {name: tensor for name, tensor in peer.state_dict().items() if not name.startswith("pproc")}
    with tempfile.TemporaryDirectory() as folder:
        embedder = VGGishEmbedder(
            weights=saved(folder, state), pooling=None, partial="drop", output_activation="relu", n_jobs=args.n_jobs
        )
        compare(
            "VGGish",
            {"torchvggish, clip by clip": run},
            lambda: np.stack(embedder.transform([(clip, 16000) for clip in clips]).to_list()),
            CARDS["vggish"]["vggish"],
            args,
            9.615,
        )


def cnn14(args: Any) -> None:
    with importable(args.peers / "audioset_tagging_cnn" / "pytorch"):
        models = importlib.import_module("models")
    torch.manual_seed(0)
    peer = models.Cnn14(32000, 1024, 320, 64, 50, 14000, 527).eval()
    clips = sounds(8, 10.0, 32000)

    def run(batch: int) -> Callable[[], np.ndarray]:
        def work() -> np.ndarray:
            with torch.inference_mode():
                stacked = torch.from_numpy(np.stack(clips)).split(batch)
                return np.concatenate([peer(part)["embedding"].numpy() for part in stacked])

        return work

    with tempfile.TemporaryDirectory() as folder:
        embedder = PANNsEmbedder(weights=saved(folder, {"model": peer.state_dict()}), n_jobs=args.n_jobs)
        compare(
            "Cnn14",
            {"PANNs, clip by clip": run(1), "PANNs, batches of 4": run(4)},
            lambda: embedder.transform([(clip, 32000) for clip in clips]),
            CARDS["panns"]["cnn14"],
            args,
            10.0,
        )


def ast(args: Any) -> None:
    transformers = importlib.import_module("transformers")
    torch.manual_seed(0)
    peer = transformers.ASTModel(transformers.ASTConfig()).eval()
    extract = transformers.ASTFeatureExtractor()
    clips = sounds(4, 10.0, 16000)

    def run(batch: int) -> Callable[[], np.ndarray]:
        def work() -> np.ndarray:
            parts = [clips[i : i + batch] for i in range(0, len(clips), batch)]
            with torch.inference_mode():
                inputs = (extract(part, sampling_rate=16000, return_tensors="pt").input_values for part in parts)
                return np.concatenate([peer(part).pooler_output.numpy() for part in inputs])

        return work

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        classifier = transformers.ASTForAudioClassification(transformers.ASTConfig(num_labels=527)).eval()
        classifier.audio_spectrogram_transformer = peer
        classifier.save_pretrained(path)
        embedder = ASTEmbedder(weights=path / "model.safetensors", n_jobs=args.n_jobs)
        compare(
            "AST",
            {"transformers, clip by clip": run(1), "transformers, batches of 4": run(4)},
            lambda: embedder.transform([(clip, 16000) for clip in clips]),
            CARDS["ast"]["audioset_10_10_0.4593"],
            args,
            10.0,
        )


def bfloat16(args: Any) -> None:
    """Our bfloat16 beside our float32."""
    capability = torch.backends.cpu.get_cpu_capability()
    print(f"bfloat16 on {capability}; hardware support: {hardware_bfloat16()}")
    for make, rate in ((VGGishEmbedder, 16000), (PANNsEmbedder, 32000), (ASTEmbedder, 16000)):
        clips = [(clip, rate) for clip in sounds(4, 10.0, rate)]
        single, half = (make(weights=None, precision=precision) for precision in ("float32", "bfloat16"))
        times = in_turn(
            {"float32": lambda s=single, c=clips: s.transform(c), "bfloat16": lambda h=half, c=clips: h.transform(c)},
            args.repeats,
        )
        a, b = single.transform(clips), half.transform(clips)
        cosine = ((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min()
        ratio = statistics.median(x / y for x, y in zip(times["float32"], times["bfloat16"], strict=True))
        print(f"{make.__name__:<20} bfloat16 : float32 {ratio:5.2f}   smallest cosine {cosine:.5f}", flush=True)


def hardware_bfloat16() -> str:
    """Name what the processor has for bfloat16, as Linux lists it."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    return ", ".join(sorted(flags & {"avx512_bf16", "amx_bf16", "bf16"})) or "none listed"


def models(args: Any) -> None:
    """The speed of others of our models, on clips of ten seconds at the rate of each."""
    works: dict[str, tuple[int, Callable[[Any], object]]] = {}
    for model in ("mn04_as", "mn10_as"):
        works[model] = 32000, EfficientATEmbedder(model, weights=None).transform
    for model in ("cnn6", "cnn10", "resnet22", "mobilenet_v1", "wavegram_logmel_cnn14"):
        works[model] = 32000, PANNsEmbedder(model, weights=None).transform
    works["AudioTagger (Cnn14)"] = 32000, AudioTagger(weights=None).predict_proba
    for model in (SpeechEmbedder, YAMNetEmbedder, VGGishEmbedder, ASTEmbedder, MusiCNNEmbedder):
        works[model.__name__] = 16000, model(weights=None).transform
    works["OpenL3Embedder"] = 48000, OpenL3Embedder(weights=None).transform
    for name, (rate, work) in works.items():
        clips = [(clip, rate) for clip in sounds(8, 10.0, rate)]
        median = statistics.median(in_turn({"": lambda work=work, clips=clips: work(clips)}, args.repeats)[""])
        print(f"{name:<24} {80 / median:6.1f}x real time", flush=True)


_MEMORY_PROBE = """
import json, re, sys
from pathlib import Path
import torch
from sklearn_audio import PANNsEmbedder
def mb(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
embedder = PANNsEmbedder(weights=None, n_jobs=2)
before = mb("VmRSS")
embedder.transform(sys.argv[1:2])
network, loading = mb("VmRSS"), mb("VmHWM")
Path("/proc/self/clear_refs").write_text("5")  # the largest so far is forgotten
result = embedder.transform(sys.argv[2:])
out = {"network": network - before, "loading": loading - before, "above": mb("VmHWM") - network - result.nbytes / 2**20}
print(json.dumps(out))
"""


def memory(args: Any) -> None:
    """Largest resident set while embedding, above that with the network loaded, and less the result (Linux)."""
    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng(0)
        second = Path(folder) / "second.wav"
        soundfile.write(second, rng.normal(scale=0.1, size=16000), 16000)
        recordings = {}
        for name, n_seconds in (("one minute", 60), ("one hour", 3600)):
            recordings[name] = [str(Path(folder) / f"{n_seconds}.wav")]
            with soundfile.SoundFile(recordings[name][0], "w", 16000, 1) as file:
                for _ in range(n_seconds):
                    file.write(rng.normal(scale=0.1, size=16000))
        recordings["2,000 clips of a second"] = [str(second)] * 2000
        for name, files in recordings.items():
            probe = [sys.executable, "-c", _MEMORY_PROBE, str(second), *files]
            out = json.loads(subprocess.run(probe, stdout=subprocess.PIPE, check=True, text=True).stdout)
            print(
                f"Cnn14, {name:<26} {out['above']:5.0f} MB above the network "
                f"({out['network']:.0f} MB, {out['loading']:.0f} MB while it is loaded)",
                flush=True,
            )


PARTS = {"vggish": vggish, "cnn14": cnn14, "ast": ast, "bfloat16": bfloat16, "models": models, "memory": memory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to run; everything if none is named")
    parser.add_argument("--peers", type=Path, default=Path("peers"), help="folder with the clones")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--n-jobs", type=int, default=None)
    args = parser.parse_args()
    args.peak = peak()
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"measured peak in float32: {args.peak / 1e9:.0f} GFLOP/s")
    for part in args.parts or PARTS:
        try:
            PARTS[part](args)
        except ModuleNotFoundError as error:
            print(f"{part}: left out, because {error.name} is not there")


if __name__ == "__main__":
    main()
