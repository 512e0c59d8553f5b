"""Base class of the estimators that train a network: data, training, inference, pickling."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from sklearn_audio._caller import warn_caller
from sklearn_audio._meaning import Uses, needs
from sklearn_audio._paths import new_folder
from sklearn_audio.base import AudioEstimator, Reading
from sklearn_audio.classification._audio_input import AudioInput
from sklearn_audio.engine import resolve_device
from sklearn_audio.engine.training import (
    BatchFrontEnd,
    Checkpoint,
    Collation,
    MethodNetwork,
    Net,
    RowView,
    SegmentDataset,
    Segments,
    Split,
    TrainingConfig,
    Truncation,
    adapt_all,
    are_all_alike,
    build_net,
    check_answers,
    check_callbacks,
    check_optimizer,
    check_schedule,
    describe_run,
    draw_seed,
    network_from_state,
    network_to_state,
    predict_logits,
    running_statistics,
    seeded,
    split_by_groups,
    split_off_validation,
    train,
    truncated_segments,
    whole_rows,
)

__all__ = ["AUDIO_RATE", "AUDIO_USES", "TrainedNetwork", "TrainingData"]

_DEFAULT_FRACTION = 0.1
# parameters without effect on the trained network
_NOT_OF_THE_RUN = ("checkpoint_dir", "verbose", "device")
_NOT_IN_HISTORY = ("batches", "_batch_count", "_best")

AUDIO_RATE = needs("front_end, which makes X audio", lambda owner: owner._takes_audio(), "front_end")
AUDIO_USES: Uses = {"sample_rate": AUDIO_RATE}


class TrainingData(NamedTuple):
    """Rows with their targets, and the names of the classes for messages.

    Shapes: targets (n_rows,) or (n_rows, n_labels), weights (n_rows,).
    """

    rows: RowView
    targets: NDArray[Any]
    weights: NDArray[np.float64]
    groups: Any = None
    names: Any = None


class TrainedNetwork(AudioEstimator):
    """Base class: reads rows, trains `network_` on segments of them, and runs it over segments.

    A subclass may override `_read_rows`, `_segments`, `_collation` and `_build_network`; classifiers, in addition,
    `_augmentation` and `_changes_waveforms`.
    """

    _stateless: ClassVar[bool] = False
    # the rounding of large matrix products on a CPU may depend on the position of a row in its batch
    _one_by_one: ClassVar[bool] = True
    # the method of the network that is trained
    _trained_method: ClassVar[str] = "forward"
    front_end: Any
    sample_rate: int | None
    n_jobs: int | None
    max_epochs: int
    precision: Literal["float32", "bfloat16"]
    random_state: Any
    verbose: int
    validation_fraction: Any
    early_stopping: bool
    lr_schedule: Any
    checkpoint_dir: Any
    device: Any
    optimizer: Any
    network_: nn.Module
    history_: pd.DataFrame
    n_iter_: int
    _options: dict[str, Any]
    _optimizer_state: dict[str, Any] | None
    # of the runs of a fit in progress
    _checkpoints: tuple[Checkpoint, ...] = ()

    def _validate_params(self) -> None:
        super()._validate_params()
        check_optimizer(self.optimizer)
        check_schedule(self.lr_schedule)
        check_callbacks(getattr(self, "callbacks", None))

    # rows

    def _takes_audio(self) -> bool:
        return self.front_end is not None

    def _changes_waveforms(self) -> bool:
        """Whether training augments waveforms, so that frames are computed batch by batch."""
        return self._takes_audio() and bool(getattr(self, "augmentations", None))

    def _reading(self) -> Reading:
        return Reading(self._audio().rate, self.sample_rate) if self._takes_audio() else Reading()

    def _audio(self) -> AudioInput:
        return AudioInput.of(self.front_end, self.sample_rate, waveforms=False, log_compression=None)

    def _read_rows(self, X: Any, *, reset: bool) -> RowView:
        """Validate and read X: frames, or audio, converted to frames; with `reset`, store its features."""
        if self._takes_audio():
            return self._read_audio(X, reset=reset)
        frames = self._validate_frames(X, reset=reset)
        if not reset:
            self._check_frame_width(frames.item_shape)
        return RowView.of(frames)

    def _read_audio(self, X: Any, *, reset: bool, waveforms: bool | None = None) -> RowView:
        """Read recordings, as waveforms or frames; None: as training needs them."""
        audio, waveforms = self._audio(), self._changes_waveforms() if waveforms is None else waveforms
        clips = self._validate_audio(X, audio.rate, reset=reset, bare_rate=self._reading().bare_rate)
        options = {"n_jobs": self.n_jobs, "verbose": self.verbose, "description": type(self).__name__}
        return audio.store(clips, waveforms=waveforms, **options)

    def _rows_in_chunks(self, X: Any) -> Iterator[RowView]:
        """Read X for inference; recordings in chunks of bounded size."""
        if not self._takes_audio():
            yield self._read_rows(X, reset=False)
            return
        audio = self._audio()
        clips = self._validate_audio(X, audio.rate, reset=False, bare_rate=self._reading().bare_rate)
        yield from audio.chunks(clips, n_jobs=self.n_jobs, verbose=self.verbose, description=type(self).__name__)

    def _segments(self, rows: RowView, *, training: bool) -> Segments:
        """Cut rows into inputs of the network."""
        return whole_rows(rows)

    def _truncated(self, rows: RowView, length: int, truncation: Truncation, *, training: bool) -> Segments:
        """Shorten rows to `length` frames; waveforms to the corresponding number of timepoints."""
        front_end = self._batch_front_end() if training else None
        return truncated_segments(rows, length if front_end is None else front_end.n_items(length), truncation)

    def _collation(self, *, training: bool) -> Collation:
        """Return the rules for collating segments."""
        return Collation(front_end=self._batch_front_end() if training else None)

    def _batch_front_end(self) -> BatchFrontEnd | None:
        if not self._changes_waveforms():
            return None
        audio = self._audio()
        return BatchFrontEnd(audio.front_end, audio.rate, adapt_all(self.augmentations))

    def _dataset(self, data: TrainingData, chosen: NDArray[np.int64]) -> SegmentDataset:
        """Create the dataset of some rows; the segments of a row have its target, and share its weight."""
        segments, owners = self._segments(data.rows[chosen], training=True)
        weights = (data.weights[chosen] / np.bincount(owners))[owners]
        weights *= len(weights) / len(chosen)
        collation = self._collation(training=True)
        return SegmentDataset(
            segments, data.targets[chosen][owners], weights.astype(np.float32), collation, self.n_jobs
        )

    # training

    def _build_network(self, rows: RowView) -> None:
        """Build the network for these rows, and pass it to `_set_network`."""
        raise TypeError(f"{type(self).__name__} must define _build_network.")  # pragma: no cover - abstract

    def _config(self, **changes: Any) -> TrainingConfig:
        """Collect the training parameters."""
        options = {
            field.name: getattr(self, field.name) for field in fields(TrainingConfig) if hasattr(self, field.name)
        }
        progress = type(self).__name__ if self.verbose else None
        return TrainingConfig(**(options | {"n_epochs": self.max_epochs, "progress": progress} | changes))

    def _fit_network(
        self,
        data: TrainingData,
        config: TrainingConfig,
        make_loss: Callable[[NDArray[Any]], Any],
        *,
        fraction: Any,
        is_warm_start: bool,
        resumable: bool = True,
        split: Split | None = None,
    ) -> Self:
        """Train on the rows that are not held out; `make_loss` receives their targets."""
        self.n_iter_ = self.n_iter_ if is_warm_start else 0
        # n_iter_ is part of the seed, so that a warm start draws new random numbers
        draws = np.random.SeedSequence([draw_seed(self.random_state), self.n_iter_]).generate_state(3).tolist()
        checkpoint = self._open_checkpoint(draws, is_warm_start, data, config, split) if resumable else None
        draws = draws if checkpoint is None else checkpoint.seeds
        if split is None:
            split = self._split(data, fraction, draws[0])
        chosen, held_out = split
        data = data._replace(weights=data.weights / data.weights[chosen].mean())
        train_set, valid = self._dataset(data, chosen), self._dataset(data, held_out) if len(held_out) else None
        if not is_warm_start:
            self._warn_if_alike(train_set.collation.blocks(train_set.rows))
        with seeded(draws[1]) as generators:
            if is_warm_start:
                self._copy_network()
            else:
                self._build_network(train_set.rows)
            net = self._build_net(make_loss(data.targets[chosen]), config)
            if is_warm_start:
                self._resume(net)
        train(net, config, train_set, valid, seed=draws[2], generators=generators, checkpoint=checkpoint)
        self._keep_result(net, checkpoint)
        return self

    def _split(self, data: TrainingData, fraction: Any, seed: int) -> Split:
        if not fraction:
            return Split(np.arange(len(data.rows)), np.arange(0))
        if isinstance(fraction, (list, tuple)):
            return split_by_groups(fraction, data.groups)
        return split_off_validation(data.targets, fraction, data.groups, seed=seed, names=data.names)

    def _build_net(self, loss: Any, config: TrainingConfig) -> Net:
        method = self._trained_method
        network = self.network_ if method == "forward" else MethodNetwork(self.network_, method)
        return build_net(network, loss, config, resolve_device(self.device), len(getattr(self, "classes_", [0])))

    def _standardise(self, rows: RowView, compress: Callable[[Tensor], Tensor] | None = None) -> None:
        """Set mean and scale of the input layer to those of the rows."""
        blocks = self._collation(training=True).blocks(rows)
        if compress is not None:
            with torch.no_grad():
                statistics = running_statistics(compress(torch.from_numpy(block)).numpy() for block in blocks)
        else:
            statistics = running_statistics(blocks)
        network: Any = self.network_
        network.input.standardise_by(*statistics)

    # inference

    def _answers(
        self, chunks: Iterable[RowView], forward: Callable[[Tensor, Tensor], Tensor] | None = None
    ) -> Iterator[tuple[NDArray[np.float32], Segments]]:
        """Run the network, or one of its methods, over the segments of each chunk of rows."""
        n_rows = 0
        for rows in chunks:
            segments = self._segments(rows, training=False)
            answers = self._predict(segments.rows, self._collation(training=False), forward)
            check_answers(answers, segments.owners, first_row=n_rows)
            n_rows += len(rows)
            yield answers, segments

    def _predict(
        self, rows: RowView, collation: Collation, forward: Callable[[Tensor, Tensor], Tensor] | None = None
    ) -> NDArray[np.float32]:
        device = self._device_of_inference()
        network = self.network_.to(device)
        return predict_logits(
            network if forward is None else forward,
            rows,
            collation,
            device=device,
            precision=self.precision,
            one_by_one=self._one_by_one and device.type == "cpu",
        )

    # validation and state

    def _validation_fraction(self) -> Any:
        """Return the fraction of the clips that is held out for validation, or the groups."""
        watched = self.early_stopping or self.lr_schedule == "plateau"
        if self.validation_fraction is None:
            return _DEFAULT_FRACTION if watched else 0.0
        if watched and not self.validation_fraction:
            raise ValueError(
                "early_stopping and lr_schedule='plateau' need a validation loss; validation_fraction must not be 0."
            )
        return self.validation_fraction

    def _open_checkpoint(
        self, draws: list[int], is_warm_start: bool, data: TrainingData, config: TrainingConfig, split: Split | None
    ) -> Checkpoint | None:
        if self.checkpoint_dir is None:
            return None
        if self.random_state is None:
            raise ValueError(
                "checkpoint_dir needs a random_state: two fits without one have different random numbers but could not "
                "be distinguished, so one would continue the other. Pass random_state=0, or omit checkpoint_dir."
            )
        parameters = {k: v for k, v in self.get_params(deep=False).items() if k not in _NOT_OF_THE_RUN}
        parameters["epochs trained before"] = self.n_iter_
        # those of this run, of which a fit may have several
        parameters |= {"lr": config.lr, "max_epochs": config.n_epochs}
        described = data._asdict() | {"rows held out": None if split is None else split.valid}
        if is_warm_start:
            described["weights trained before"] = (
                parameters_to_vector(self.network_.parameters()).detach().cpu().numpy()
            )
        run = describe_run(type(self).__name__, parameters, described, resolve_device(self.device))
        return Checkpoint(new_folder(self.checkpoint_dir, "checkpoint_dir"), run, draws)

    def _check_frame_width(self, item_shape: tuple[int, ...]) -> None:
        """Check the width of frames, which differs if X is now, for instance, a two-dimensional array."""
        wanted = self._options["n_features"]
        if item_shape != (wanted,):
            raise ValueError(
                f"X has frames of {item_shape[0]} features, but {type(self).__name__} was fitted on frames of "
                f"{wanted}; pass frames like those in fit."
            )

    def _warn_if_alike(self, blocks: Iterable[NDArray[Any]]) -> None:
        if are_all_alike(blocks):
            warn_caller(
                f"all frames, tokens or timepoints of X are equal, as in silence, so {type(self).__name__} has almost "
                "nothing to learn from; check the recordings, and the channel that is read."
            )

    def _set_network(self, network: nn.Module, options: dict[str, Any]) -> None:
        """Store a new network, built with these options."""
        self.network_, self._options, self._optimizer_state = network, options, None
        self.n_parameters_ = sum(p.numel() for p in network.parameters() if p.requires_grad)

    def _copy_network(self) -> None:
        """Replace the network by a copy for training, so that an error leaves the original unchanged."""
        self.network_ = copy.deepcopy(self.network_)

    def _resume(self, net: Net) -> None:
        for row in self.history_.to_dict("records"):
            net.history.new_epoch()
            net.history[-1].update(row)
        if self._optimizer_state is not None:
            fresh = [{k: v for k, v in group.items() if k != "params"} for group in net.optimizer_.param_groups]
            # copied, because the optimiser writes to the memory that it loads
            net.optimizer_.load_state_dict(copy.deepcopy(self._optimizer_state))
            for group, options in zip(net.optimizer_.param_groups, fresh, strict=True):
                group.update(options)

    def _keep_result(self, net: Net, checkpoint: Checkpoint | None) -> None:
        if checkpoint is not None:
            self._checkpoints = (*self._checkpoints, checkpoint)
        self.network_.eval()
        # an interrupted epoch does not count
        epochs = [row for row in net.history if "seconds" in row]
        rows = [{key: value for key, value in row.items() if not key.endswith(_NOT_IN_HISTORY)} for row in epochs]
        self.history_ = pd.DataFrame(rows)
        self.n_iter_ = len(rows)
        self._optimizer_state = copy.deepcopy(net.optimizer_.state_dict())

    def _fit_succeeded(self, undo: list[Callable[[], None]]) -> None:
        for checkpoint in self.__dict__.pop("_checkpoints", ()):
            undo.append(checkpoint.put_back)
            checkpoint.remove()

    def _device_of_inference(self) -> torch.device:
        try:
            return resolve_device(self.device)
        except ValueError:
            warn_caller(
                f"device={str(self.device)!r}, on which this network was trained, is not available; the CPU is used.",
                RuntimeWarning,
            )
            return torch.device("cpu")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def _check_fitted(self) -> None:
        check_is_fitted(self)
        self._validate_params()

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_optimizer_state", None)
        if "network_" in state:
            state["network_"] = network_to_state(state["network_"], self._options)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "network_" in state:
            state |= {"network_": network_from_state(state["network_"]), "_optimizer_state": None}
        super().__setstate__(state)
