"""Model cards of PANNs, with the front ends of the original code: Kong et al. 2020."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_audio import nets
from sklearn_audio.dsp import FrontEnd, mel_filterbank, preset, window
from sklearn_audio.engine.models._card import ClipPatching, ModelCard, Reads
from sklearn_audio.engine.models._labels import audioset_labels
from sklearn_audio.exceptions import WeightsError

__all__ = ["PANNS"]

# tensors of the front end in a checkpoint, and parameters that do not affect the output
_STFT = ("spectrogram_extractor.stft.conv_real.weight", "spectrogram_extractor.stft.conv_imag.weight")
_MEL = "logmel_extractor.melW"
_IDLE = {"cnn14_decision_att": ("att_block.bn_att.",), "wavegram_cnn14": ("bn0.", "conv_block1.")}


def _prepare(tensors: dict[str, Tensor], card: ModelCard) -> dict[str, Tensor]:
    """Compare the front end in the checkpoint with that of the card, and return the tensors of the network."""
    _check_front_end(tensors, card.front_end)
    idle = (*_STFT, _MEL, *_IDLE.get(card.name.removeprefix("panns_"), ()))
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(idle)}


def _check_front_end(tensors: dict[str, Tensor], front_end: FrontEnd) -> None:
    wanted = _stft_and_mel(front_end)
    for name in (*_STFT, _MEL):
        if name not in tensors:
            continue
        ours, theirs = wanted[name], tensors[name]
        if theirs.shape != ours.shape or not torch.allclose(theirs, ours, rtol=0, atol=1e-4 * float(ours.abs().max())):
            raise WeightsError(
                f"the front end in the checkpoint ({name} of shape {tuple(theirs.shape)}) is not that of the model, "
                f"which runs at {front_end.sample_rate} Hz with {front_end.n_mels} bands; choose the model that was "
                "trained on it."
            )


def _stft_and_mel(front_end: FrontEnd) -> dict[str, Tensor]:
    n_fft = front_end.n_fft
    # (n_fft // 2 + 1, n_fft): the phase of each timepoint in each bin, exact in integers before it is scaled
    turns = np.outer(np.arange(n_fft // 2 + 1), np.arange(n_fft)) % n_fft
    kernel = window(front_end.window, n_fft, periodic=True) * np.exp(-2j * np.pi / n_fft * turns)
    mel = mel_filterbank(front_end.sample_rate, n_fft, front_end.n_features, fmin=front_end.fmin, fmax=front_end.fmax)
    return {
        _STFT[0]: torch.from_numpy(kernel.real[:, None].astype(np.float32)),
        _STFT[1]: torch.from_numpy(kernel.imag[:, None].astype(np.float32)),
        _MEL: torch.from_numpy(np.asarray(mel, dtype=np.float32)),
    }


def _card(
    name: str,
    build: Callable[[], nn.Module],
    *,
    n_poolings: int = 5,
    rate: str = "32k",
    reads: tuple[Reads, ...] = ("frames",),
    shortest: int | None = None,
    published: bool = True,
) -> ModelCard:
    front_end = preset(f"panns_{rate}")
    frames = (2**n_poolings - 1) * front_end.hop_length  # enough frames for at least one after the pooling layers
    return ModelCard(
        name=f"panns_{name}",
        build=build,
        front_end=front_end,
        patching=ClipPatching(shortest=shortest or frames),
        converter="panns",
        weights=f"panns_{name}" if published else None,
        reads=reads,
        prepare=_prepare,
        labels=audioset_labels,
    )


_WAVEFORM: tuple[Reads, ...] = ("waveform",)
_BOTH: tuple[Reads, ...] = ("waveform", "frames")

_CARDS = (
    _card("cnn14", nets.Cnn14),
    _card("cnn14_16k", nets.Cnn14, rate="16k"),
    _card("cnn14_8k", nets.Cnn14, rate="8k"),
    _card("cnn14_decision_max", partial(nets.Cnn14DecisionLevel, "max")),
    _card("cnn14_decision_avg", partial(nets.Cnn14DecisionLevel, "mean"), published=False),
    _card("cnn14_decision_att", partial(nets.Cnn14DecisionLevel, "attention")),
    _card("cnn10", nets.Cnn10, n_poolings=4),
    _card("cnn6", nets.Cnn6, n_poolings=4),
    _card("resnet22", partial(nets.ResNet, 22)),
    _card("resnet38", partial(nets.ResNet, 38)),
    _card("resnet54", partial(nets.ResNet, 54)),
    _card("mobilenet_v1", nets.MobileNetV1),
    _card("mobilenet_v2", nets.MobileNetV2),
    _card("leenet11", partial(nets.LeeNet, 11), reads=_WAVEFORM, shortest=1),
    _card("leenet24", partial(nets.LeeNet, 24), reads=_WAVEFORM, shortest=1),
    _card("dainet19", nets.DaiNet19, reads=_WAVEFORM, shortest=332),
    _card("res1dnet31", partial(nets.Res1dNet, 31), reads=_WAVEFORM, shortest=20476),
    _card("res1dnet51", partial(nets.Res1dNet, 51), reads=_WAVEFORM, shortest=20476),
    _card("wavegram_cnn14", nets.WavegramCnn14, reads=_WAVEFORM, shortest=10236),
    _card("wavegram_logmel_cnn14", nets.WavegramLogmelCnn14, reads=_BOTH, shortest=10236),
)
PANNS = {card.name.removeprefix("panns_"): card for card in _CARDS}
