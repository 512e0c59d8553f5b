"""What every estimator does that trains a network: watches it, keeps it, continues from it, pickles it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Literal

import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn.utils import parameters_to_vector

from sklearn_audio._caller import warn_caller
from sklearn_audio._paths import new_folder
from sklearn_audio.base import AudioEstimator
from sklearn_audio.engine import resolve_device
from sklearn_audio.engine.training import Checkpoint, Net, are_all_alike, check_optimizer, describe_run, freeze, thaw
from sklearn_audio.ragged import Ragged

__all__ = ["TrainedNetwork"]

_DEFAULT_FRACTION = 0.1
# what the network does not depend on
_NOT_OF_THE_RUN = ("checkpoint_dir", "verbose", "device")
_NOT_IN_HISTORY = ("batches", "_batch_count", "_best")


class TrainedNetwork(AudioEstimator):
    """Holds `network_`, which was built with `_options`, and the course of its training."""

    _stateless: ClassVar[bool] = False
    validation_fraction: float | None
    early_stopping: bool
    lr_schedule: Literal["plateau", "cosine", "step", "onecycle"] | None
    checkpoint_dir: Any
    device: Any
    optimizer: Any
    network_: nn.Module
    history_: pd.DataFrame
    n_iter_: int
    _options: dict[str, Any]
    _optimizer_state: dict[str, Any] | None
    _checkpoint: Checkpoint | None

    def _validate_params(self) -> None:
        super()._validate_params()
        check_optimizer(self.optimizer)

    def _fraction_to_watch(self) -> float:
        """Return the share of the clips that is held out."""
        watched = self.early_stopping or self.lr_schedule == "plateau"
        if self.validation_fraction is None:
            return _DEFAULT_FRACTION if watched else 0.0
        if watched and self.validation_fraction == 0:
            raise ValueError(
                "early_stopping and lr_schedule='plateau' watch the validation loss; validation_fraction must not be 0."
            )
        return self.validation_fraction

    def _open_checkpoint(self, draws: list[int], more: bool, data: dict[str, Any]) -> Checkpoint | None:
        if self.checkpoint_dir is None:
            return None
        if self.random_state is None:
            raise ValueError(
                "checkpoint_dir needs a random_state: without one, two fits draw other numbers and could not be told "
                "apart, so that one would continue the other. Pass random_state=0, or leave checkpoint_dir out."
            )
        parameters = {k: v for k, v in self.get_params(deep=False).items() if k not in _NOT_OF_THE_RUN}
        parameters["epochs trained before"] = self.n_iter_
        if more:
            data["weights trained before"] = parameters_to_vector(self.network_.parameters()).detach().cpu().numpy()
        run = describe_run(type(self).__name__, parameters, data, resolve_device(self.device))
        return Checkpoint(new_folder(self.checkpoint_dir, "checkpoint_dir"), run, draws)

    def _check_frame_width(self, clips: Ragged) -> None:
        """Refuse frames that the network was not built for, such as the numbers of a two-dimensional array."""
        wanted = self._options["n_features"]
        if clips.item_shape != (wanted,):
            raise ValueError(
                f"X has frames of {clips.item_shape[0]} numbers, but {type(self).__name__} was fitted on frames of "
                f"{wanted}; pass frames as they were in fit."
            )

    def _warn_if_alike(self, blocks: Iterable[NDArray[Any]]) -> None:
        if are_all_alike(blocks):
            warn_caller(
                f"all frames, tokens or timepoints of X are the same, as in silence, so that {type(self).__name__} has "
                "next to nothing to learn from; check the recordings, and the channel that is read."
            )

    def _own(self, network: nn.Module, options: dict[str, Any]) -> None:
        """Take a new network, built with these options."""
        self.network_, self._options, self._optimizer_state = network, options, None
        self.n_parameters_ = sum(p.numel() for p in network.parameters() if p.requires_grad)

    def _copy_network(self) -> None:
        """Train a copy: if it comes to nothing, the network is still there as it was."""
        self.network_ = copy.deepcopy(self.network_)

    def _resume(self, net: Net) -> None:
        for row in self.history_.to_dict("records"):
            net.history.new_epoch()
            net.history[-1].update(row)
        if self._optimizer_state is not None:
            fresh = [{k: v for k, v in group.items() if k != "params"} for group in net.optimizer_.param_groups]
            # what is loaded shares its memory with what is kept, and training writes to it
            net.optimizer_.load_state_dict(copy.deepcopy(self._optimizer_state))
            for group, options in zip(net.optimizer_.param_groups, fresh, strict=True):
                group.update(options)

    def _keep(self, net: Net, checkpoint: Checkpoint | None) -> None:
        self._checkpoint = checkpoint
        self.network_.eval()
        # what ended in the middle of an epoch has not finished it
        epochs = [row for row in net.history if "seconds" in row]
        rows = [{key: value for key, value in row.items() if not key.endswith(_NOT_IN_HISTORY)} for row in epochs]
        self.history_ = pd.DataFrame(rows)
        self.n_iter_ = len(rows)
        self._optimizer_state = copy.deepcopy(net.optimizer_.state_dict())

    def _fit_succeeded(self, undo: list[Callable[[], None]]) -> None:
        checkpoint = self.__dict__.pop("_checkpoint", None)
        if checkpoint is not None:
            undo.append(checkpoint.put_back)
            checkpoint.remove()

    def _device_of_inference(self) -> torch.device:
        try:
            return resolve_device(self.device)
        except ValueError:
            warn_caller(
                f"device={str(self.device)!r}, where this network was trained, is not here; it computes on the CPU.",
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
            state["network_"] = freeze(state["network_"], self._options)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "network_" in state:
            state |= {"network_": thaw(state["network_"]), "_optimizer_state": None}
        super().__setstate__(state)
