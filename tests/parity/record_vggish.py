"""Record the golden values of VGGish from torchvggish: ``python tests/parity/record_vggish.py CLONE``.

CLONE is a copy of torchvggish; torch, resampy and soundfile must be installed. One row per patch: the network's answer,
the numbers before its last ReLU, and these through the published matrix, before torchvggish clips and rounds them.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from golden_files import write_golden
from seeded import checkpoint, clips

RATE = 16000
DATA = Path(os.environ.get("SKLEARN_AUDIO_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def build(vggish: Any) -> torch.nn.Module:
    network = vggish.VGGish(urls={}, pretrained=False, preprocess=False, postprocess=False).eval()
    shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    drawn = {key: torch.from_numpy(np.asarray(array)) for key, array in checkpoint(shapes).items()}
    network.load_state_dict(drawn, strict=True)
    return network


def postprocessor(vggish: Any) -> Any:
    published = np.load(DATA / "weights" / "vggish_pca_params.npz", allow_pickle=False)
    pca = vggish.Postprocessor()
    state = {"pca_eigen_vectors": published["pca_eigen_vectors"], "pca_means": published["pca_means"].reshape(-1, 1)}
    pca.load_state_dict({key: torch.from_numpy(array).float() for key, array in state.items()}, strict=True)
    return pca


def answer(network: torch.nn.Module, pca: Any, examples: torch.Tensor) -> dict[str, np.ndarray]:
    entered: list[torch.Tensor] = []
    hook = network.embeddings[-1].register_forward_pre_hook(lambda module, inputs: entered.append(inputs[0].clone()))
    with torch.no_grad():
        rectified = network(examples)
        turned = torch.mm(pca.pca_eigen_vectors, entered[0].t() - pca.pca_means).t()  # (128, 128), (128, P) -> (P, 128)
    hook.remove()
    return {"embedding": entered[0].numpy(), "relu": rectified.numpy(), "pca": turned.numpy()}


def main(clone: str) -> None:
    torch.set_num_threads(2)
    sys.path.insert(0, clone)
    vggish, front_end = (importlib.import_module(f"torchvggish.{part}") for part in ("vggish", "vggish_input"))
    network, pca = build(vggish), postprocessor(vggish)
    answers = {
        clip: answer(network, pca, front_end.waveform_to_examples(waveform, RATE))
        for clip, waveform in clips(RATE).items()
    }
    write_golden("vggish", {key: tensor.shape for key, tensor in network.state_dict().items()}, answers)


if __name__ == "__main__":
    main(sys.argv[1])
