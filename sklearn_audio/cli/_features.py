"""Features that `train` computes once for all recordings, and the candidates that use some of their columns."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_audio.preprocessing import (
    AcousticFeatures,
    AudioLoader,
    BlockScaler,
    MelSpectrogramTransformer,
    MFCCTransformer,
    SequencePooling,
)
from sklearn_audio.preprocessing._pooled_frames import pooled_frames

_STATISTICS = ("mean", "std", "min", "max")
_CHOICES = (_STATISTICS[:2], _STATISTICS)
# Candidate features: one kind of frames, or the statistics of two concatenated.
_WORDS = {
    ("mel",): "log-mel frames",
    ("mfcc",): "MFCC with derivatives",
    ("acoustic", "mfcc"): "short-term features and MFCC with derivatives",
}
# Words differ in the order of their sounds: means of equal parts of what is between silences.
_PARTS = ("mfcc_parts", "normalised_parts")
_N_PARTS, _TRIM = 6, 30.0
# Parts of the depth of a network after which a layer is tried, and what follows the embedding.
_DEPTHS = (0.25, 0.5, 0.75, 1.0)
_OUTPUTS = ("penultimate", "logits", "probabilities", "taggram", "mean_pool", "max_pool")


class Source(Protocol):
    """Features that learn nothing, so that folds may share them."""

    def features(self, clips: Any) -> NDArray[np.float32]:
        """Return a row per clip, NaN for an unusable one."""
        ...


class Block(NamedTuple):
    """Columns of a source, with the part of the source that computes just them."""

    source: str
    columns: slice
    reader: Any


class Candidate(NamedTuple):
    """Features in words, and the columns that they are; sizes of the layers where there are several."""

    method: str
    words: str
    blocks: list[Block]
    sizes: tuple[int, ...] = ()

    def rows(self, tables: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Concatenate the columns."""
        return np.hstack([tables[block.source][:, block.columns] for block in self.blocks])

    def scaler(self) -> Any:
        """Return the scaler of the rows."""
        return BlockScaler(list(self.sizes)) if len(self.sizes) > 1 else StandardScaler()

    def steps(self, clips: Any) -> list[tuple[str, Any]]:
        """Return fitted steps that compute the rows from clips."""
        parts = [(block.source, block.reader.steps(clips)) for block in self.blocks]
        if len(parts) == 1:
            return list(parts[0][1])
        return [("features", FeatureUnion([(name, Pipeline(steps)) for name, steps in parts]))]


@dataclass(frozen=True)
class Frames:
    """Statistics over the frames of clips."""

    name: str
    front_end: Any
    statistics: tuple[str, ...] = _STATISTICS
    n_parts: int = 1
    trim: float | None = None

    def features(self, clips: Any) -> NDArray[np.float32]:
        """Compute all statistics, holding the frames of one clip at a time."""
        if self.trim is None:
            return pooled_frames(self.front_end.fit(clips), self._pooling(), clips)
        waveforms = self._loader().fit_transform(clips)
        usable = [row for row, waveform in enumerate(waveforms) if np.isfinite(waveform).all()]
        width = _n_features(self.front_end) * len(self.statistics) * self.n_parts
        found = np.full((len(waveforms), width), np.nan, dtype=np.float32)
        if usable:
            found[usable] = pooled_frames(self.front_end.fit(waveforms), self._pooling(), waveforms[usable])
        return found

    def steps(self, clips: Any) -> list[tuple[str, Any]]:
        """Return the front end and the pooling, fitted; before them the loader that trims."""
        readers = [] if self.trim is None else [("load", self._loader())]
        readers.append((self.name, clone(self.front_end)))
        for _, reader in readers:
            clips = reader.set_params(on_error="raise").fit_transform(clips)
        return [*readers, ("pool", self._pooling().fit(clips))]

    def _loader(self) -> AudioLoader:
        front_end = self.front_end
        return AudioLoader(front_end.sample_rate, trim=self.trim, n_jobs=front_end.n_jobs, on_error=front_end.on_error)

    def _pooling(self) -> SequencePooling:
        return SequencePooling(self.statistics, n_parts=self.n_parts)


@dataclass(frozen=True)
class Encoder:
    """Mean and standard deviation over time of some layers of a pretrained network."""

    name: str
    embedder: Any
    layers: tuple[str, ...]

    def features(self, clips: Any) -> NDArray[np.float32]:
        """Compute all layers in one pass of the network."""
        found: NDArray[np.float32] = self._of_layers(on_error="nan").fit(clips).transform(clips)
        return found

    def steps(self, clips: Any) -> list[tuple[str, Any]]:
        """Return the fitted embedder."""
        return [(self.name, self._of_layers().fit(clips))]

    def widths(self) -> list[int]:
        """Count the columns of each layer."""
        return [
            len(Encoder(self.name, self.embedder, (one,))._of_layers().get_feature_names_out()) for one in self.layers
        ]

    def _of_layers(self, **options: Any) -> Any:
        layer = list(self.layers) if len(self.layers) > 1 else self.layers[0]
        return clone(self.embedder).set_params(layer=layer, **options)


class Readable:
    """No features: finds the recordings that cannot be read, for methods that read them themselves."""

    def __init__(self, rate: int, n_jobs: int) -> None:
        self._loader = AudioLoader(rate, n_jobs=n_jobs, on_error="nan")

    def features(self, clips: Any) -> NDArray[np.float32]:
        """Read the clips, and return no columns."""
        return np.empty((len(self._loader.fit_transform(clips)), 0), dtype=np.float32)


def statistics(options: Namespace) -> tuple[dict[str, Source], list[Candidate]]:
    """Return the sources and candidates without a network: log-mel suits environmental sounds, the others speech."""
    rate, shared = options.sample_rate, {"n_jobs": options.jobs, "on_error": "nan"}
    n_fft, hop_length = round(rate * 0.032), round(rate * 0.01)
    mel = MelSpectrogramTransformer(rate, n_mels=64, n_fft=n_fft, hop_length=hop_length, **shared)
    mfcc = MFCCTransformer(rate, n_mfcc=13, deltas=1, n_mels=40, n_fft=n_fft, hop_length=hop_length, **shared)
    front_ends = {"mel": mel, "mfcc": mfcc, "acoustic": AcousticFeatures(rate, **shared)}
    candidates = []
    for names, chosen in product(_WORDS, _CHOICES):
        widths = {name: _n_features(front_ends[name]) * len(chosen) for name in names}
        blocks = [Block(name, slice(0, widths[name]), Frames(name, front_ends[name], chosen)) for name in names]
        candidates.append(Candidate("statistics", f"{_WORDS[names]}, {'+'.join(chosen)} over time", blocks))
    normalised = clone(mfcc).set_params(normalize="clip")
    parts = [
        Frames(name, one, ("mean",), _N_PARTS, _TRIM) for name, one in zip(_PARTS, (mfcc, normalised), strict=True)
    ]
    blocks = [*candidates[-1].blocks, *(Block(part.name, slice(0, None), part) for part in parts)]
    candidates.append(Candidate("statistics", f"{candidates[-1].words}, and means of {_N_PARTS} parts of MFCC", blocks))
    sources = [*(Frames(name, front_end) for name, front_end in front_ends.items()), *parts]
    return {source.name: source for source in sources}, candidates


def _n_features(front_end: Any) -> int:
    return len(front_end.get_feature_names_out())


def of_encoder(
    method: str, name: str, embedder: Any, layers: tuple[str, ...]
) -> tuple[dict[str, Source], list[Candidate]]:
    """Return the source of a network, and its candidates: each layer alone, and all of them together."""
    source = Encoder(method, embedder, layers or _spread(embedder.layers()))
    widths = source.widths()
    starts = np.cumsum([0, *widths]).tolist()
    spans: list[tuple[tuple[str, ...], slice, list[int]]] = [
        ((layer,), slice(*starts[i : i + 2]), widths[i : i + 1]) for i, layer in enumerate(source.layers)
    ]
    if len(widths) > 1:
        spans.append((source.layers, slice(0, starts[-1]), widths))
    candidates = [
        Candidate(
            method,
            f"{name}, {' + '.join(chosen)}",
            [Block(method, columns, Encoder(method, embedder, chosen))],
            tuple(sizes),
        )
        for chosen, columns, sizes in spans
    ]
    return {method: source}, candidates


def _spread(layers: tuple[str, ...]) -> tuple[str, ...]:
    """Choose layers at some depths of a network, the last of them its embedding."""
    inner = [layer for layer in layers if layer not in _OUTPUTS]
    return tuple(dict.fromkeys(inner[round(depth * (len(inner) - 1))] for depth in _DEPTHS))
