"""Checkpoints and sounds that any machine can draw again: what the golden values were recorded with.

Fresh initialisation hides mistakes: a batch norm that does nothing may stand anywhere. So every tensor is random here,
the statistics of batch norms too, at scales that let a signal through: another clip has another answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

__all__ = ["SECONDS", "checkpoint", "clips"]

Shapes = Mapping[str, tuple[int, ...]]
Tensors = dict[str, NDArray[np.generic]]

SECONDS = {"10s": 10.0, "4.37s": 4.37, "1s": 1.0, "30s": 30.0}

# Variance of the weights times their number; ReLUs and poolings lose what is above one.
_GAIN = 2.75
# Scale of a classifier's weights, so that its probabilities are neither all 0 or 1 nor all the same.
_HEAD = 0.4
_HEADS = ("fc_audioset", "att_block.att", "att_block.cla", "classifier.5", "mlp_head.1")
# Scale of the last batch norm of a residual block: at 1 the sum would grow with every block.
_DAMPED = 0.55
_RESIDUAL = re.compile(r"resnet\.layer\d+\.\d+\.|features\.\d+\.(block|conv)\.")
_TOKENS = ("cls_token", "dist_token", "pos_embed")


def checkpoint(shapes: Shapes, seed: int = 0) -> Tensors:
    """Draw the tensors of a network, each from a generator of its own, so that their order does not matter."""
    last_norms = _last_norms(shapes)
    tensors: Tensors = {}
    for name, shape in shapes.items():
        rng = np.random.default_rng([seed, crc32(name.encode())])
        stem, _, leaf = name.rpartition(".")
        if leaf == "num_batches_tracked":
            tensors[name] = np.array(1000, dtype=np.int64)
            continue
        if f"{stem}.running_var" in shapes:
            # a network on frames in dB begins with a batch norm over its bands, one on waveforms with "conv0"
            of_decibels = stem == "bn0" and "conv0.weight" not in shapes
            values = _draw_norm(leaf, shape, rng, of_decibels=of_decibels, scale=_DAMPED if stem in last_norms else 1.0)
        elif len(shape) == 1 or leaf in _TOKENS:
            values = _draw_shift(leaf, shape, rng)
        else:
            values = _draw_weights(shape, rng) * (_HEAD if stem in _HEADS else 1.0)
        tensors[name] = values.astype(np.float32)
    return tensors


def _last_norms(shapes: Shapes) -> set[str]:
    """Name the last batch norm of each residual block."""
    last: dict[str, str] = {}
    for name in shapes:
        block = _RESIDUAL.match(name)
        if block and name.endswith(".running_var") and "downsample" not in name:
            stem = name.removesuffix(".running_var")
            last[block[0]] = max(stem, last.get(block[0], stem), key=_numbers)
    return set(last.values())


def _numbers(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", name)]


def _draw_norm(
    leaf: str, shape: tuple[int, ...], rng: np.random.Generator, *, of_decibels: bool, scale: float
) -> NDArray[np.float64]:
    if leaf == "running_mean":
        return rng.normal(-40, 5, shape) if of_decibels else rng.normal(0, 0.05, shape)
    if leaf == "running_var":
        return rng.uniform(0.7, 1.3, shape) * (400 if of_decibels else 1)
    return scale * (rng.normal(0, 0.05, shape) if leaf == "bias" else rng.uniform(0.8, 1.2, shape))


def _draw_shift(leaf: str, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Biases, the scales of layer norms, and what is added to tokens."""
    if leaf == "weight":
        return rng.uniform(0.7, 1.3, shape)
    return rng.normal(0, 0.5 if leaf in _TOKENS else 0.1, shape)


def _draw_weights(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Let the variance through, with weights that cancel out over the inputs of each output.

    What leaves a ReLU is positive; without this an output would mostly be the mean of its inputs, whatever the clip.
    """
    weights = rng.standard_normal(shape)
    if shape[1] > 3:  # not the colours of an image model, whose weights are added up for sounds
        weights -= weights.mean(axis=1, keepdims=True)
    return weights * np.sqrt(_GAIN / np.prod(shape[1:]))


def clips(rate: int) -> dict[str, NDArray[np.float32]]:
    """Notes, glides and bursts over a floor of noise that leaves no band silent, in four lengths."""
    return {
        name: _clip(rate, seconds, np.random.default_rng([i, rate]))
        for i, (name, seconds) in enumerate(SECONDS.items())
    }


def _clip(rate: int, seconds: float, rng: np.random.Generator) -> NDArray[np.float32]:
    times = np.arange(round(seconds * rate)) / rate
    clip = rng.uniform(0.001, 0.03) * rng.standard_normal(len(times))
    start = 0.0
    while start < seconds:
        length = rng.uniform(0.05, 0.8)
        within = (times >= start) & (times < start + length)
        clip[within] += _event((times[within] - start) / length, length, rate, rng)
        start += length * rng.uniform(0.5, 1.5)
    return clip.astype(np.float32)


def _event(phase: NDArray[np.float64], length: float, rate: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A burst of noise, or a note with an overtone whose pitch stays or glides; `phase` runs from 0 to 1."""
    loudness = np.exp(rng.uniform(np.log(0.02), np.log(0.3))) * np.sqrt(np.sin(np.pi * phase))
    if rng.uniform() < 0.3:
        return loudness * 0.5 * rng.standard_normal(len(phase))
    first, last = np.exp(rng.uniform(np.log(80), np.log(0.2 * rate), 2))
    if rng.uniform() < 0.5:
        last = first
    turns = length * phase * (first + (last - first) * phase / 2)
    return loudness * (np.sin(2 * np.pi * turns) + np.sin(4 * np.pi * turns + 1) / 2)
