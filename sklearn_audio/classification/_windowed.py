"""Classifiers whose network takes clips of one length: windows of long clips, filled-up short ones, frames or audio."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import Tags
from torch import nn

from sklearn_audio._meaning import Uses, needs, needs_tokens
from sklearn_audio._sklearn import clone_parametrized
from sklearn_audio.classification._architecture_checks import check_length, check_options
from sklearn_audio.classification._audio_input import AudioInput, check_powers
from sklearn_audio.classification._encoder import start_from_encoder
from sklearn_audio.classification._sequences import SequenceClassifier, holds_tokens
from sklearn_audio.engine.models import check_name
from sklearn_audio.engine.training import (
    Augmentation,
    Crop,
    Patches,
    Rendering,
    RowView,
    ShortClip,
    WindowDataset,
    Windowing,
    adapt_all,
    check_answers,
    cut_patches,
    running_statistics,
    to_probabilities,
    window_logits,
)
from sklearn_audio.nets import ARCHITECTURES, Architecture, FrameNetwork, SequenceMLP, architecture_of
from sklearn_audio.validation import container_kind

__all__ = ["WindowedClassifier"]

_MLP = "mlp"
# Longer clips are seen through windows: ten seconds at the usual hundred frames per second.
_MOST_FRAMES, _MOST_SECONDS = 1024, 10
# What "auto" is where frames are changed, and elsewhere; the page of benchmarks tells what it is worth.
_AUTOMATIC: dict[str, tuple[Any, Any]] = {"mixup": (0.3, 0.0), "spec_augment": (True, False)}

_ONLY_MLP = needs("architecture='mlp'", lambda owner: owner._flat, "architecture")
_NOT_MLP = needs("another architecture", lambda owner: not owner._flat, "architecture")
_FRAMES = needs("frames", lambda owner: not owner._takes().waveforms, "architecture", idle=("auto", None, False))
_AUDIO = needs(
    "audio, which a front_end or an architecture over waveforms takes",
    lambda owner: owner._takes_audio(),
    "front_end",
    "architecture",
)
_WINDOWED: Uses = {
    "sample_rate": _AUDIO,
    "patch_hop": needs("patch_frames", lambda owner: owner.patch_frames is not None, "patch_frames"),
    "crop": (_NOT_MLP, needs("patch_frames=None", lambda owner: owner.patch_frames is None, "patch_frames")),
    "short_clip": _NOT_MLP,
    "voting": needs(
        "several windows of a clip, which patch_frames or crop='random' give",
        lambda owner: owner.patch_frames is not None or (owner.crop == "random" and not owner._flat),
        "patch_frames",
        "crop",
        "architecture",
    ),
    "log_compression": (_NOT_MLP, _FRAMES),
    "hidden_sizes": _ONLY_MLP,
    "embedding_size": (_ONLY_MLP, needs_tokens()),
    "n_tokens": (_ONLY_MLP, needs_tokens()),
    "mixup_on": (
        _AUDIO,
        needs("mixup above 0", lambda owner: owner._chosen("mixup") > 0, "mixup", "architecture"),
    ),
    "spec_augment": _FRAMES,
}


class WindowedClassifier(SequenceClassifier):
    """Base class of `CNNClassifier`: X as rows of one length, and votes of the windows of a clip.

    "mlp", alone, also takes tokens, sees the start of a clip only, and is told where a clip ends.
    """

    architecture: str | type[nn.Module]
    options: Any
    front_end: Any
    sample_rate: int | None
    n_frames: int | None
    patch_frames: int | None
    patch_hop: int | None
    crop: Crop
    short_clip: ShortClip
    voting: Literal["soft", "log"]
    mixup_on: Literal["frames", "waveforms"]
    log_compression: Literal["learned"] | None
    encoder: Any
    hidden_sizes: Any
    embedding_size: int
    dropout: float | None
    n_jobs: int | None
    n_frames_: int
    _parameter_uses: ClassVar[Uses] = {**SequenceClassifier._parameter_uses, **_WINDOWED}

    # what the architecture is and what it takes

    @property
    def _flat(self) -> bool:
        return isinstance(self.architecture, str) and self.architecture == _MLP

    def _takes(self) -> Architecture:
        return Architecture(SequenceMLP, ("dropout",)) if self._flat else architecture_of(self.architecture)

    def _takes_audio(self) -> bool:
        if self.front_end is not None:
            return True
        # asked for tags, before the parameters are checked
        known = not isinstance(self.architecture, str) or self.architecture in ARCHITECTURES
        return known and architecture_of(self.architecture).waveforms

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # a few timepoints, which is what scikit-learn's checks make of a row, have no spectrum that tells them apart
        tags.classifier_tags.poor_score = self._takes_audio()
        return tags

    def __sklearn_clone__(self) -> Any:
        cloned = clone_parametrized(self)
        cloned.encoder = self.encoder  # fitted, which a clone of it would not be
        return cloned

    def _validate_params(self) -> None:
        if isinstance(self.architecture, str):
            check_name("architecture", self.architecture, [*ARCHITECTURES, _MLP])
        super()._validate_params()
        self._check_options()
        self._check_lengths()

    def _check_options(self) -> None:
        if not isinstance(self.architecture, str):
            if not issubclass(self.architecture, nn.Module):
                raise TypeError(
                    f"architecture={self.architecture!r} is no class of torch modules; give one, or a name."
                )
        else:
            given = {*(self.options or {}), *(["dropout"] if self.dropout is not None else [])}
            check_options("architecture", self.architecture, given, self._takes().options)
        if self.dropout is not None and "dropout" in (self.options or {}):
            raise ValueError(
                f"dropout={self.dropout} and options={self.options!r} both say what dropout is; give one of them."
            )

    def _check_lengths(self) -> None:
        takes = self._takes()
        for name in ("n_frames", "patch_frames"):
            length = getattr(self, name)
            if length is not None:
                check_length("architecture", self.architecture, takes, name, length)
        if self.patch_frames is not None and self.n_frames is not None:
            raise ValueError(
                f"n_frames={self.n_frames} is for one window per clip and patch_frames={self.patch_frames} for all its "
                "patches; give one of them."
            )

    # X

    def _audio(self) -> AudioInput:
        return AudioInput.of(self.front_end, self.sample_rate, self._takes().waveforms, self.log_compression)

    def _rendering(self) -> Rendering | None:
        """Tell what is done to waveforms batch by batch; None where rows go into the network as they are kept."""
        if not self._takes_audio() or not (self.augmentations or self._mixes_waveforms()):
            return None
        audio = self._audio()
        return Rendering(audio.front_end, audio.rate, adapt_all(self.augmentations))

    def _batch_transforms(self) -> Sequence[Any]:
        return () if self._takes_audio() else super()._batch_transforms()

    def _chosen(self, name: str) -> Any:
        """Give `mixup` or `spec_augment`; "auto" is on for networks over frames that have a name, but "mlp"."""
        value = getattr(self, name)
        if not isinstance(value, str):
            return value
        on, off = _AUTOMATIC[name]
        return on if isinstance(self.architecture, str) and not self._flat and not self._takes().waveforms else off

    def _mixes_waveforms(self) -> bool:
        """Whether clips are mixed before their frames are computed."""
        return self.front_end is not None and self.mixup_on == "waveforms" and self._chosen("mixup") > 0

    def _batch_changes(self) -> dict[str, Any]:
        mixup = 0.0 if self._mixes_waveforms() else self._chosen("mixup")
        return {"mixup": mixup, "spec_augment": self._chosen("spec_augment")}

    def _waveform_mixup(self) -> Augmentation | None:
        if not self._mixes_waveforms():
            return None
        return Augmentation(self._chosen("mixup"), n_classes=len(self.classes_), multi_label=self.multi_label_)

    def _shape_options(self) -> dict[str, Any]:
        return {"pad_value": self._windowing(None).pad_value, "n_places": self.n_frames_}

    def _admit(self, X: Any, *, reset: bool) -> Any:
        if self._takes_audio():
            rows = self._keep_audio(X, reset=reset)
        elif self._flat:
            rows = RowView.of(super()._admit(X, reset=reset))
        else:
            self._refuse_tokens(X)
            rows = RowView.of(self._admit_frames(X, reset=reset))
            if self.log_compression is not None:
                check_powers(rows)
        if reset:
            if self._takes_audio() or not self._flat:
                self.n_tokens_ = None
            self.n_frames_ = self._length(rows)
        return rows

    def _refuse_tokens(self, X: Any) -> None:
        kind, items = container_kind(X) if getattr(X, "ndim", None) != 3 else ("array", X)
        if kind != "array" and len(items) and holds_tokens(items):
            raise ValueError(
                f"X holds integers in one dimension per clip, which are tokens, and architecture {self.architecture!r} "
                "takes frames (n_frames, n_features). Take architecture 'mlp' or BERTClassifier, or pass floats."
            )

    def _keep_audio(self, X: Any, *, reset: bool) -> RowView:
        audio = self._audio()
        clips = self._admit_audio(X, audio.rate, reset=reset, bare_rate=self.sample_rate)
        options = {"n_jobs": self.n_jobs, "verbose": self.verbose, "description": type(self).__name__}
        return audio.store(clips, waveforms=self._rendering() is not None, **options)

    def _length(self, rows: RowView) -> int:
        """Decide how many frames the network takes."""
        given = self.n_frames if self.patch_frames is None else self.patch_frames
        if given is not None:
            return int(given)
        longest, rendering = int(rows.lengths.max()), self._rendering()
        if rendering is not None and rendering.front_end is not None:
            longest = rendering.front_end.n_frames(longest)
        if self._flat:
            return longest
        takes = self._takes()
        most = _MOST_SECONDS * self._audio().rate if takes.waveforms else _MOST_FRAMES
        return max(takes.shortest, min(longest, most))

    # training

    def _windowing(self, rendering: Rendering | None) -> Windowing:
        if self._flat:
            return Windowing(self.n_frames_, "start", "zero", self.n_tokens_ or 0, rendering)
        return Windowing(self.n_frames_, self.crop, self.short_clip, 0, rendering)

    def _training_patches(self, rows: RowView) -> Patches:
        if self.patch_frames is None:
            return Patches(rows, np.arange(len(rows)))
        length, hop, rendering = self.patch_frames, self.patch_hop or self.patch_frames, self._rendering()
        if rendering is not None and rendering.front_end is not None:
            length, hop = rendering.n_items(length), hop * rendering.front_end.hop_length
        return cut_patches(rows, length, hop)

    def _dataset(self, sequences: Any, targets: NDArray[Any], weights: NDArray[np.float64], rows: Any) -> Any:
        """Patches of a clip share its target and its weight."""
        pieces, owners = self._training_patches(sequences[rows])
        shares = (weights[rows] / np.bincount(owners))[owners]
        shares *= len(shares) / len(rows)
        return WindowDataset(
            pieces,
            targets[rows][owners],
            shares.astype(np.float32),
            self._windowing(self._rendering()),
            self.n_jobs,
            self._waveform_mixup(),
        )

    # the network

    @property
    def _network_class(self) -> type[nn.Module]:  # type: ignore[override]
        return SequenceMLP if self._flat else FrameNetwork

    def _network_options(self, n_outputs: int) -> dict[str, Any]:
        options = dict(self.options or {}) | ({} if self.dropout is None else {"dropout": self.dropout})
        if self._flat:
            shape = {"n_places": self.n_frames_, "hidden_sizes": tuple(self.hidden_sizes)}
            flat = {"embedding_size": self.embedding_size, "dropout": 0.2}
            return {"n_outputs": n_outputs, **self._input_options(), **shape, **flat, **options}
        return {
            "n_outputs": n_outputs,
            "n_features": self._n_features,
            "architecture": self.architecture,
            "n_frames": self.n_frames_,
            "options": options,
            "per_clip": self.normalize == "clip",
            "learned_log": self.log_compression is not None,
        }

    def _item_shape(self, sequences: Any) -> tuple[int, ...]:
        return self._windowing(self._rendering()).item_shape(sequences)

    def _items(self, sequences: Any) -> Iterator[NDArray[Any]]:
        return self._windowing(self._rendering()).blocks(sequences)

    def _prepare_network(self, network: nn.Module, sequences: Any) -> None:
        if self.n_tokens_ is None and self.normalize == "standard":
            compress = getattr(network, "compress", nn.Identity())
            with torch.no_grad():
                compressed = (compress(torch.from_numpy(block)).numpy() for block in self._items(sequences))
                mean, deviation = running_statistics(compressed)
            frames: Any = network.input
            frames.standardise_by(mean, deviation)
        if self.encoder is not None:
            start_from_encoder(network, self.encoder, self.architecture)

    # prediction

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Compute the probabilities of the clips.

        Parameters
        ----------
        X : sequence of clips
            Frames, tokens or audio, as in `fit`.

        Returns
        -------
        ndarray of float64, shape (n_clips, n_classes)
            In the order of `classes_`. A row sums to 1; of indicators, each label has a probability of its own.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        AudioReadError
            If a recording cannot be read.
        TypeError, ValueError
            If X is not admissible; the message names the row.
        """
        self._check_fitted()
        device = self._device_of_inference()
        network, windowing = self.network_.to(device), self._windowing(None)
        one_by_one = self._one_by_one and device.type == "cpu"
        votes: list[NDArray[np.float64]] = []
        for rows in self._rows_in_chunks(X):
            pieces, owners = self._voters(rows)
            logits = window_logits(
                network, pieces, windowing, device=device, precision=self.precision, one_by_one=one_by_one
            )
            check_answers(logits, owners, first_row=sum(map(len, votes)))
            votes.append(self._vote(logits, owners))
        return np.concatenate(votes)

    def _rows_in_chunks(self, X: Any) -> Iterator[RowView]:
        if not self._takes_audio():
            yield self._admit(X, reset=False)
            return
        audio = self._audio()
        clips = self._admit_audio(X, audio.rate, reset=False, bare_rate=self.sample_rate)
        yield from audio.chunks(clips, n_jobs=self.n_jobs, verbose=self.verbose, description=type(self).__name__)

    def _voters(self, rows: RowView) -> Patches:
        """Cut clips into patches, or into windows side by side where training took one at random."""
        if self.patch_frames is not None:
            return cut_patches(rows, self.n_frames_, self.patch_hop or self.n_frames_)
        if self.crop == "random" and not self._flat:
            return cut_patches(rows, self.n_frames_, self.n_frames_)
        return Patches(rows, np.arange(len(rows)))

    def _vote(self, logits: NDArray[np.float32], owners: NDArray[np.int64]) -> NDArray[np.float64]:
        """Average probabilities, or their logarithms, which is to average logits."""
        starts = np.flatnonzero(np.diff(owners, prepend=-1))
        counts = np.diff(starts, append=len(owners))[:, None]
        values = logits.astype(np.float64) if self.voting == "log" else self._probabilities(logits)
        means: NDArray[np.float64] = np.add.reduceat(values, starts, axis=0) / counts
        return self._probabilities(means) if self.voting == "log" else means

    def _probabilities(self, logits: NDArray[Any]) -> NDArray[np.float64]:
        return to_probabilities(logits, multi_label=self.multi_label_)
