"""How to train: what `build_net` and `train` are told, and the callbacks that follow from it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping
from skorch.utils import noop

from sklearn_audio.engine.training._averaging import Averaging, WeightAverage
from sklearn_audio.engine.training._callbacks import EpochRecord, ProgressBar
from sklearn_audio.engine.training._schedules import Schedule, ScheduleName

__all__ = ["Precision", "Recipe"]

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Recipe:
    """How to train."""

    n_epochs: int
    lr: float
    batch_size: int
    optimizer: Any
    weight_decay: float = 0.0
    lr_schedule: ScheduleName | None = None
    warmup: float = 0.0
    early_stopping: bool = False
    patience: int = 10
    gradient_clip: float | None = None
    sampler: str | None = None
    augmentation: Any = None
    accumulate: int = 1
    weight_averaging: Averaging | None = None
    callbacks: Sequence[Any] | None = None
    precision: Precision = "float32"
    progress: str | None = None

    def all_callbacks(self, *, multi_label: bool | None) -> list[tuple[str, Callback] | Any]:
        """List the callbacks: first what writes the history, then the user's, then what reads it."""
        listed: list[tuple[str, Callback] | Any] = [("epoch_record", EpochRecord(multi_label))]
        if self.weight_averaging is not None:
            # in front of those that look at the weights at the end of an epoch, and of training
            listed.append(("weight_averaging", WeightAverage(self.weight_averaging, self.n_epochs)))
        if self.gradient_clip is not None:
            listed.append(("gradient_clip", GradientNormClipping(self.gradient_clip)))
        listed += copy.deepcopy(list(self.callbacks or []))
        if self.lr_schedule is not None or self.warmup:
            patience = max(1, self.patience // 2)
            schedule = Schedule(self.lr_schedule, self.n_epochs, self.warmup, patience, self.accumulate)
            listed.append(("lr_schedule", schedule))
        if self.early_stopping:
            listed.append(("early_stopping", EarlyStopping(patience=self.patience, load_best=True, sink=noop)))
        if self.progress is not None:
            # in front of what may end training, or it would miss the last epoch
            listed.insert(1, ("progress", ProgressBar(self.n_epochs, self.progress)))
        return listed
