"""Record the golden values of PANNs from its authors' code: ``python tests/parity/record_panns.py CLONE [NAME...]``.

CLONE is a copy of audioset_tagging_cnn; torch and torchlibrosa must be importable. The seeded checkpoint is loaded
strictly, so the layout in the golden file is that of the published checkpoints.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from golden_files import write_golden
from seeded import checkpoint, clips

FRONT_END = ("spectrogram_extractor.", "logmel_extractor.")
# rate, Fourier transform, hop, bands, lowest and highest frequency, labels
GEOMETRY = {
    32000: (32000, 1024, 320, 64, 50, 14000, 527),
    16000: (16000, 512, 160, 64, 50, 8000, 527),
    8000: (8000, 256, 80, 64, 50, 4000, 527),
}
MODELS = {
    "cnn14": "Cnn14",
    "cnn14_16k": "Cnn14_16k",
    "cnn14_8k": "Cnn14_8k",
    "cnn14_decision_max": "Cnn14_DecisionLevelMax",
    "cnn14_decision_avg": "Cnn14_DecisionLevelAvg",
    "cnn14_decision_att": "Cnn14_DecisionLevelAtt",
    "cnn10": "Cnn10",
    "cnn6": "Cnn6",
    "resnet22": "ResNet22",
    "resnet38": "ResNet38",
    "resnet54": "ResNet54",
    "mobilenet_v1": "MobileNetV1",
    "mobilenet_v2": "MobileNetV2",
    "leenet11": "LeeNet11",
    "leenet24": "LeeNet24",
    "dainet19": "DaiNet19",
    "res1dnet31": "Res1dNet31",
    "res1dnet51": "Res1dNet51",
    "wavegram_cnn14": "Wavegram_Cnn14",
    "wavegram_logmel_cnn14": "Wavegram_Logmel_Cnn14",
}


def build(models: Any, name: str, rate: int) -> torch.nn.Module:
    """The authors' network with seeded weights; the matrices of its front end stay as they are."""
    network = getattr(models, MODELS[name])(*GEOMETRY[rate]).eval()
    state = network.state_dict()
    trained = {key: tuple(tensor.shape) for key, tensor in state.items() if not key.startswith(FRONT_END)}
    state.update({key: torch.from_numpy(np.asarray(array)) for key, array in checkpoint(trained).items()})
    network.load_state_dict(state, strict=True)
    return network


def answer(network: torch.nn.Module, clip: np.ndarray) -> dict[str, np.ndarray] | None:
    """Embedding, where the network returns one, and probabilities; None where the authors' code fails on the clip."""
    try:
        with torch.no_grad():
            out = network(torch.from_numpy(clip)[None])
    except RuntimeError as error:  # one of two branches is a frame longer
        sys.stdout.write(f"{type(network).__name__} fails on {len(clip)} timepoints: {error}\n")
        return None
    names = {"embedding": "embedding", "probabilities": "clipwise_output"}
    return {ours: out[theirs][0].numpy() for ours, theirs in names.items() if theirs in out}


def record(models: Any, name: str) -> None:
    rate = {"cnn14_16k": 16000, "cnn14_8k": 8000}.get(name, 32000)
    network = build(models, name, rate)
    answers = {clip: answer(network, waveform) for clip, waveform in clips(rate).items()}
    layout = {key: tensor.shape for key, tensor in network.state_dict().items()}
    write_golden(f"panns_{name}", layout, {clip: found for clip, found in answers.items() if found is not None})


def main(clone: str, *names: str) -> None:
    sys.path[:0] = [str(Path(clone) / "pytorch"), str(Path(clone) / "utils")]
    torch.set_num_threads(2)
    models = importlib.import_module("models")
    for name in names or MODELS:
        record(models, name)


if __name__ == "__main__":
    main(*sys.argv[1:])
