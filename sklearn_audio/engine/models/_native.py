"""The audio networks of the library transformers: their features, their hidden states and their model cards."""

from __future__ import annotations

import importlib
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sklearn_audio._isolation import isolated
from sklearn_audio.dsp import FrontEnd
from sklearn_audio.engine.models._card import ClipPatching, ModelCard
from sklearn_audio.engine.models._native_kinds import (
    NATIVE,
    Kind,
    class_of,
    config_of,
    made,
    native_kind,
)
from sklearn_audio.exceptions import WeightsError
from sklearn_audio.nets._layered import OVER_TIME, LayeredNetwork, Stages

__all__ = ["NativeNetwork", "native_card"]

_WHOLE, _PIECE = (
    60.0,
    30.0,
)  # of models without a maximum, in seconds: longest clip taken whole, and patches of longer clips
_LEAST = 0.02  # shortest window in seconds
_SILENCE = 2.0  # seconds to which shorter clips are padded for Whisper
_LEARNT_FOR_TRAINING = "masked_spec_embed"
_SHOWN_KEYS = 3


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress reports of transformers about a checkpoint, which may hold more than the network."""
    report, logger = importlib.import_module("transformers.utils.logging"), logging.getLogger("transformers")
    level, shows = logger.level, report.is_progress_bar_enabled()
    logger.setLevel(logging.ERROR)
    report.disable_progress_bar()
    try:
        yield
    finally:
        logger.setLevel(level)
        if shows:
            report.enable_progress_bar()


class _Reached(Exception):
    """Ends a forward pass after the last requested hidden state."""


class _Positions(nn.Embedding):
    """The first position embeddings of Whisper."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__(len(weight), weight.shape[1], _weight=weight, _freeze=True)


class NativeNetwork(LayeredNetwork):
    """A network of transformers on waveforms of one length, with layers over time."""

    def __init__(
        self, config: Mapping[str, Any], extractor: Mapping[str, Any], window: int, network: nn.Module | None = None
    ) -> None:
        super().__init__()
        self._kind = native_kind(config)
        self._names = NATIVE[self._kind]
        self._window = window
        self.config = config_of(config)
        self.extractor = _extractor(self._kind, extractor)
        build = partial(made, self._kind, "network", class_of(self._names, self._names.network))
        self.network: Any = build(self.config) if network is None else network
        last = () if self._pools_itself else (f"block{self._n_blocks}",)
        inner = (f"block{k}" for k in range(1, self._n_blocks + bool(self._pools_itself)))
        self.layers = self.over_time = ("input", *inner, *(last or ("embedding",)))

    @property
    def _pools_itself(self) -> bool:
        return self._kind in ("clap", "audio-spectrogram-transformer")

    @property
    def _blocks(self) -> nn.ModuleList:
        found: Any = self.network
        for name in self._names.blocks.split("."):
            # AST's blocks lay under encoder.layer before transformers 5
            found = getattr(found, name, None) if hasattr(found, name) else found.encoder.layer
        return found  # type: ignore[no-any-return]

    @property
    def _n_blocks(self) -> int:
        return len(self._blocks)

    def width(self, layer: str) -> int:
        """Return the number of values of a layer."""
        if self._kind != "clap":
            return int(self.config.d_model if self._kind == "whisper" else self.config.hidden_size)
        if layer == "embedding":
            return int(self.config.projection_dim)
        n_halved = min(0 if layer == "input" else int(layer[5:]), self._n_blocks - 1)
        return int(self.config.patch_embeds_hidden_size) << n_halved

    def stages(self, *inputs: Tensor, wanted: tuple[str, ...]) -> Stages:
        """Iterate over the requested representations.

        Shapes: inputs (B, n_timepoints).
        """
        (waveforms,) = inputs
        names = [name for name in self.layers if name in wanted or name + OVER_TIME in wanted]
        for name, frames in zip(names, self._frames(waveforms, names), strict=True):  # (B, n_frames, d)
            yield name, frames.mean(dim=1)
            yield name + OVER_TIME, frames.transpose(1, 2)  # (B, n_frames, d) -> (B, d, n_frames)

    def _frames(self, waveforms: Tensor, names: list[str]) -> list[Tensor]:
        """Compute the frames of some layers, without padding, in one pass."""
        if waveforms.is_meta:
            return [waveforms.new_empty((len(waveforms), 1, self.width(name))) for name in names]
        inputs = self._features(waveforms)
        states = self._states(inputs, [self.layers.index(name) for name in names])
        return [
            self._with_sound(state, waveforms.shape[1], inputs, name).float()
            for name, state in zip(names, states, strict=True)
        ]

    def _features(self, waveforms: Tensor) -> dict[str, Tensor]:
        """Extract the features of each waveform separately, as transformers does for a single clip."""
        options: dict[str, Any] = {"sampling_rate": self.extractor.sampling_rate, "return_tensors": "pt"}
        if self._kind == "whisper":
            n_positions = -(-max(waveforms.shape[1], self._window) // _samples_per_position(self.config))
            options |= {"padding": "max_length", "max_length": n_positions * _samples_per_position(self.config)}
        state = np.random.get_state()  # noqa: NPY002  # the feature extractor of CLAP draws from it
        try:
            with isolated():
                rows = [self.extractor(waveform, **options) for waveform in waveforms.cpu().numpy()]
        finally:
            np.random.set_state(state)  # noqa: NPY002
        return {key: torch.cat([row[key] for row in rows]).to(waveforms.device) for key in rows[0]}

    def _states(self, inputs: dict[str, Tensor], numbers: list[int]) -> list[Tensor]:
        """Run the network up to the last of some layers, numbered in the order of computation."""
        last = len(self.layers) - 1
        inner = [number for number in numbers if number < last]
        with _recorded(self._blocks, inner, stops=last not in numbers) as states:
            try:
                out = self._run(inputs)
            except _Reached:
                return [states[number] for number in numbers]
        if last in numbers:
            states[last] = self._of_last(out)
        return [states[number] for number in numbers]

    def _of_last(self, out: Any) -> Tensor:
        if self._kind == "clap":
            return nn.functional.normalize(out.audio_embeds, dim=-1)[:, None]
        state: Tensor = out.pooler_output[:, None] if self._pools_itself else out.last_hidden_state
        return state

    def _run(self, inputs: dict[str, Tensor]) -> Any:
        if self._kind != "whisper":
            return self.network(**inputs)
        mels, positions = inputs["input_features"], self.network.embed_positions
        n_positions, longest = mels.shape[2] // 2, self.network.config.max_source_positions
        self.network.config.max_source_positions = n_positions
        self.network.embed_positions = _Positions(positions.weight[:n_positions])
        try:
            return self.network(mels)
        finally:
            self.network.config.max_source_positions, self.network.embed_positions = longest, positions

    def _with_sound(self, frames: Tensor, n_timepoints: int, inputs: dict[str, Tensor], layer: str) -> Tensor:
        """Drop the frames of padding."""
        if self._kind == "whisper":
            return frames[:, : -(-n_timepoints // _samples_per_position(self.config))]
        if self._kind == "wav2vec2-bert" and frames.shape[1] == inputs["attention_mask"].shape[1]:
            return frames[:, : int(inputs["attention_mask"][0].sum())]
        if self._kind == "audio-spectrogram-transformer" and layer != "embedding":
            config = self.config
            n_bands = (config.num_mel_bins - config.patch_size) // config.frequency_stride + 1
            squares = frames[:, 2:].reshape(
                len(frames), n_bands, -1, frames.shape[2]
            )  # (B, 2 + F * T, d) -> (B, F, T, d)
            n_frames = 1 + max(0, n_timepoints - _WINDOW_AST) // _HOP
            return squares[:, :, : -(-n_frames // config.time_stride)].flatten(1, 2)
        return frames


_WINDOW_AST, _HOP = 400, 160  # of Kaldi's frames at 16 kHz


def _samples_per_position(config: Any) -> int:
    return 2 * _HOP


def _extractor(kind: str, values: Mapping[str, Any]) -> Any:
    own = {key: value for key, value in values.items() if key not in ("feature_extractor_type", "processor_class")}
    with warnings.catch_warnings():
        # the lowest filters of AST lie between two bins, as in the original code
        warnings.filterwarnings("ignore", "At least one mel filter", UserWarning)
        return made(kind, "feature extractor", class_of(NATIVE[kind], NATIVE[kind].extractor), **own)


@contextmanager
def _recorded(blocks: nn.ModuleList, numbers: list[int], *, stops: bool) -> Iterator[dict[int, Tensor]]:
    """Record the inputs of some blocks (after the last block, its output), and stop the pass after the last of them."""
    states: dict[int, Tensor] = {}

    def keep(number: int, state: Tensor) -> None:
        states[number] = state.clone()  # later operations may change it in place
        if stops and number == numbers[-1]:
            raise _Reached

    def before(number: int, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        keep(number, args[0] if args else kwargs["hidden_states"])

    def after(_: nn.Module, __: tuple[Any, ...], out: Any) -> None:
        keep(len(blocks), out[0] if isinstance(out, tuple) else out)

    handles = [
        blocks[number].register_forward_pre_hook(partial(before, number), with_kwargs=True)
        if number < len(blocks)
        else blocks[-1].register_forward_hook(after)
        for number in numbers
    ]
    try:
        yield states
    finally:
        for handle in handles:
            handle.remove()


def longest_window(config: Any, extractor: Mapping[str, Any], kind: str) -> tuple[float, float]:
    """Return in seconds the longest clip that is taken whole, and the patches of longer ones."""
    if kind == "whisper":
        seconds = config.max_source_positions * _samples_per_position(config) / 16000
    elif kind == "clap":
        seconds = float(extractor.get("max_length_s", 10))
    elif kind == "audio-spectrogram-transformer":
        seconds = ((config.max_length - 1) * _HOP + _WINDOW_AST) / 16000
    else:
        return _WHOLE, _PIECE
    return seconds, seconds


def _shortest(config: Any, kind: str) -> int:
    """Return the minimum length of a clip in timepoints."""
    if kind in ("whisper", "clap"):
        return 1
    if kind == "audio-spectrogram-transformer":
        return _WINDOW_AST
    if kind == "wav2vec2-bert":
        return _WINDOW_AST + 3 * _HOP  # two pairs of frames, as features are divided by their standard deviation
    length = getattr(config, "squeeze_factor", 1)
    for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
        length = (length - 1) * stride + kernel
    return int(length)


@lru_cache(maxsize=32)
def native_card(config_json: str, extractor_json: str, window: float | None) -> ModelCard:
    """Create the card of a network of transformers from the JSON of its configuration and feature extractor."""
    config, extractor = json.loads(config_json), json.loads(extractor_json)
    kind, built = native_kind(config), config_of(config)
    whole, piece = longest_window(built, extractor, kind)
    rate = int(extractor.get("sampling_rate", 48000 if kind == "clap" else 16000))
    if window is not None:
        if window > whole:
            raise ValueError(f"window={window:g} is longer than the maximum of {kind}, {whole:g} s; give less.")
        # Whisper and CLAP take clips of any length, but a window shorter than the step of frames has no use
        shortest = max(_shortest(built, kind) / rate, _LEAST)
        if round(window * rate) < round(shortest * rate):
            raise ValueError(f"window={window:g} is shorter than the minimum of {kind}, {shortest:g} s; give more.")
        whole = piece = window
    # Whisper was trained on speech followed by silence
    n_padded = round((window or _SILENCE) * rate) if kind == "whisper" else 0
    make = partial(NativeNetwork, config, extractor, n_padded)
    digest = sha256(json.dumps([config_json, extractor_json, n_padded]).encode()).hexdigest()
    return ModelCard(
        name=f"{kind}_{digest[:16]}",
        build=make,
        front_end=FrontEnd(sample_rate=rate),
        patching=ClipPatching(_shortest(built, kind), seconds=piece, whole=whole, fills=False),
        reads=("waveform",),
        layer=_default_layer(built, kind),
        assemble=partial(_assembled, kind, make),
        statistics=True,
    )


def _default_layer(config: Any, kind: str) -> str:
    if kind in ("clap", "audio-spectrogram-transformer"):
        return "embedding"
    name = "encoder_layers" if kind == "whisper" else "num_hidden_layers"
    if (n_blocks := getattr(config, name)) < 1:
        raise WeightsError(f"the configuration of this {kind} has {name}={n_blocks}, and needs 1 or more; correct it.")
    return f"block{n_blocks}"


def _assembled(kind: str, make: Callable[..., NativeNetwork], tensors: dict[str, Tensor]) -> nn.Module:
    """Load the tensors of a checkpoint by transformers."""
    names = NATIVE[kind]
    packed = "network."
    if all(key.startswith(packed) for key in tensors):
        tensors = {key.removeprefix(packed): tensor for key, tensor in tensors.items()}
    if kind == "whisper":
        tensors = _of_encoder(tensors)
    network = make()  # for its configuration, and tensors that a checkpoint does not hold
    network.network = filled(names, network.config, tensors, kind)
    return network.eval()


def filled(names: Kind, config: Any, tensors: dict[str, Tensor], kind: str) -> Any:
    """Build a network of transformers with the tensors of a checkpoint, which may hold more."""
    tensors = {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}
    transformers = importlib.import_module("transformers")
    dtype = "dtype" if int(transformers.__version__.split(".")[0]) >= 5 else "torch_dtype"
    with isolated(), _quiet():
        try:
            loaded, about = class_of(names, names.network).from_pretrained(
                None,
                config=config,
                state_dict=tensors,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # refused below, by name
                **{dtype: torch.float32},
            )
        except (RuntimeError, ValueError) as error:
            raise WeightsError(f"the checkpoint does not match the configuration of this {kind}: {error}") from error
    for key, found, wanted in sorted(about["mismatched_keys"])[:1]:
        raise WeightsError(
            f"the checkpoint does not match the configuration of this {kind}: {key} has shape {tuple(found)}, not "
            f"{tuple(wanted)}. Give the configuration that belongs to it."
        )
    missing = sorted(key for key in about["missing_keys"] if _LEARNT_FOR_TRAINING not in key)
    if missing:
        shown = ", ".join(missing[:_SHOWN_KEYS])
        raise WeightsError(
            f"this is not a checkpoint of this {kind}: it lacks {shown}"
            f"{f' and {len(missing) - _SHOWN_KEYS} more' if len(missing) > _SHOWN_KEYS else ''}. Give the "
            "configuration that belongs to it."
        )
    return loaded.eval()


def _of_encoder(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of Whisper's encoder, under the names of the encoder alone."""
    for prefix in ("model.encoder.", "encoder."):
        found = {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
        if found:
            return found
    return tensors
