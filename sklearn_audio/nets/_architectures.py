"""Trainable networks by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from torch import nn

from sklearn_audio.nets._ast import AST
from sklearn_audio.nets._backbones import Backbone, DecisionBackbone, LayeredBackbone, check_size
from sklearn_audio.nets._bc_resnet import BCResNet
from sklearn_audio.nets._cnn4 import Cnn4
from sklearn_audio.nets._cnn_transformer import CNNTransformer
from sklearn_audio.nets._efficientat import EfficientAT
from sklearn_audio.nets._few_audio import SBCNN, VGG, Timbre
from sklearn_audio.nets._flat import MLP
from sklearn_audio.nets._fnet import FNet
from sklearn_audio.nets._panns import Cnn6, Cnn10, Cnn14, Cnn14DecisionLevel, PANNsNetwork
from sklearn_audio.nets._panns_residual import MobileNetV1, MobileNetV2, ResNet
from sklearn_audio.nets._panns_waveform import (
    DaiNet19,
    LeeNet,
    Res1dNet,
    WavegramCnn14,
    WavegramLogmelOfWaveforms,
)
from sklearn_audio.nets._talnet import CRNN

__all__ = ["ARCHITECTURES", "Architecture"]


class Architecture(NamedTuple):
    """Builder of a trainable network, with its options and limits; some also take a `front_end` of log-mel frames."""

    build: Callable[..., nn.Module]
    options: tuple[str, ...] = ()
    waveforms: bool = False
    fixed_length: bool = False
    shortest: int = 1
    fewest_features: int = 1
    channels_last: bool = False
    front_end: bool = False

    def check_length(self, parameter: str, chosen: Any, n_frames: int | None) -> None:
        """Raise for a length below the minimum; `parameter` names the parameter that chose the network."""
        if n_frames is not None and n_frames < self.shortest:
            raise ValueError(
                f"n_frames={n_frames}, but {parameter} {chosen!r} takes at least {self.shortest} "
                f"{'timepoints' if self.waveforms else 'frames'}; give more, or choose another {parameter}."
            )


def _build_any_length(
    network_class: Callable[..., nn.Module],
    n_outputs: int,
    n_features: int,
    n_frames: int | None = None,
    **options: Any,
) -> nn.Module:
    return network_class(n_outputs, n_features, **options)


def _build_panns(
    network_class: Callable[..., PANNsNetwork],
    smallest: int,
    n_outputs: int,
    n_features: int,
    n_frames: int | None = None,
    *,
    dropout: float | None = None,
) -> nn.Module:
    name = getattr(network_class, "func", network_class).__name__
    check_size(name, n_features, None, fewest_features=smallest, shortest=smallest)
    return _layered(network_class(n_outputs, n_mels=n_features), dropout, shortest=smallest)


def _build_decisions(pool: Any, n_outputs: int, n_features: int, n_frames: int | None = None) -> nn.Module:
    check_size("Cnn14DecisionLevel", n_features, None, fewest_features=32, shortest=32)
    network = Cnn14DecisionLevel(pool, n_outputs, n_mels=n_features)
    return DecisionBackbone(network, network.fc1.out_features, shortest=32)


def _build_waveform(
    network_class: Callable[..., PANNsNetwork],
    shortest: int,
    n_outputs: int,
    n_features: int | None = None,
    n_frames: int | None = None,
    *,
    dropout: float | None = None,
    **options: Any,
) -> nn.Module:
    return _layered(network_class(n_labels=n_outputs, **options), dropout, waveforms=True, shortest=shortest)


def _layered(network: PANNsNetwork, dropout: float | None, **limits: Any) -> LayeredBackbone:
    if dropout is not None:
        network.dropout_of_pooled = dropout
    return LayeredBackbone(network, network.fc1.out_features, **limits)


def _build_efficientat(
    n_outputs: int, n_features: int, n_frames: int | None = None, *, width: float = 1.0, dropout: float = 0.2
) -> nn.Module:
    network = EfficientAT(width, n_outputs, dropout=dropout)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            # the published momentum 0.01 needs thousands of steps; with a few hundred, the running statistics would
            # stay near their initial values
            module.momentum = 0.1
    return LayeredBackbone(network, network.n_penultimate, "penultimate")


def _build_ast(
    n_outputs: int,
    n_features: int,
    n_frames: int,
    *,
    size: str = "base",
    stride: tuple[int, int] = (10, 10),
) -> nn.Module:
    check_size("AST", n_features, n_frames, fewest_features=16, shortest=16)
    network = AST(size, n_outputs, n_frames=n_frames, n_mels=n_features, stride=stride)
    return LayeredBackbone(network, network.width, shortest=16)


def _frame_architecture(network_class: type[Backbone], *options: str, **preset: Any) -> Architecture:
    build: Callable[..., nn.Module] = partial(network_class, **preset)
    return Architecture(
        build if network_class.fixed_length else partial(_build_any_length, build),
        options,
        fixed_length=network_class.fixed_length,
        shortest=network_class.shortest,
        fewest_features=network_class.fewest_features,
    )


def _panns(network_class: Callable[..., PANNsNetwork], n_poolings: int) -> Architecture:
    smallest = 2**n_poolings  # reduced to one frame and one band
    build = partial(_build_panns, network_class, smallest)
    return Architecture(build, ("dropout",), shortest=smallest, fewest_features=smallest)


def _waveform(network_class: Callable[..., PANNsNetwork], shortest: int) -> Architecture:
    return Architecture(
        partial(_build_waveform, network_class, shortest), ("dropout",), waveforms=True, shortest=shortest
    )


# n_embedding of the networks of TALNet: 1/16 of that in the paper, for data sets 1000 times smaller
_WIDTH = 64
_NETWORKS = {
    "cnn4": _frame_architecture(Cnn4, "dropout"),
    "sbcnn": _frame_architecture(SBCNN, "dropout", "input_norm"),
    "timbre": _frame_architecture(Timbre),
    "bcresnet": _frame_architecture(BCResNet, "width", "dropout"),
    "vgg32": _frame_architecture(VGG, "dropout", n_filters=32),
    "vgg128": _frame_architecture(VGG, "dropout", n_filters=128),
    "crnn": _frame_architecture(CRNN, "n_embedding", "pooling", "dropout", n_embedding=_WIDTH),
    "cnn_transformer": _frame_architecture(
        CNNTransformer,
        *("n_embedding", "pooling", "n_layers", "shared_layers", "positions", "dropout", "transformer_dropout"),
        n_embedding=_WIDTH,
    ),
    "fnet": _frame_architecture(FNet, "n_embedding", "n_layers", "dropout", n_embedding=_WIDTH),
    "mlp": _frame_architecture(MLP, "hidden_sizes", "dropout"),
    "cnn6": _panns(Cnn6, 4),
    "cnn10": _panns(Cnn10, 4),
    "cnn14": _panns(Cnn14, 5),
    "mobilenet_v1": _panns(MobileNetV1, 5),
    "mobilenet_v2": _panns(MobileNetV2, 5),
    **{f"resnet{depth}": _panns(partial(ResNet, depth), 5) for depth in (22, 38, 54)},
    **{
        f"cnn14_decision_{name}": Architecture(partial(_build_decisions, pool), shortest=32, fewest_features=32)
        for name, pool in {"max": "max", "avg": "mean", "att": "attention"}.items()
    },
    "efficientat": Architecture(_build_efficientat, ("width", "dropout")),
    "ast": Architecture(_build_ast, ("size", "stride"), fixed_length=True, shortest=16, fewest_features=16),
    "leenet11": _waveform(partial(LeeNet, 11), 1),
    "leenet24": _waveform(partial(LeeNet, 24), 1),
    "dainet19": _waveform(DaiNet19, 332),
    **{f"res1dnet{depth}": _waveform(partial(Res1dNet, depth), 20476) for depth in (31, 51)},
    "wavegram_cnn14": _waveform(WavegramCnn14, 10236),
    "wavegram_logmel_cnn14": _waveform(WavegramLogmelOfWaveforms, 10236)._replace(front_end=True),
}
# 1.2 to 1.8 times as fast as in the default layout, forward and backward on a CPU; the others are as fast to half as
# fast.
_FASTER_CHANNELS_LAST = (
    *("cnn4", "sbcnn", "vgg32", "vgg128", "cnn6", "cnn10"),
    *("mobilenet_v1", "mobilenet_v2", "efficientat", "crnn", "cnn_transformer"),
)
ARCHITECTURES: dict[str, Architecture] = {
    name: network._replace(channels_last=name in _FASTER_CHANNELS_LAST) for name, network in _NETWORKS.items()
}
