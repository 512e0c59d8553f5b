"""`CNNClassifier`: networks over log-mel frames."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal

from torch import nn

from sklearn_audio._sklearn import Interval, StrOptions
from sklearn_audio.classification._sequences import SequenceClassifier
from sklearn_audio.engine.training import Cut, cut_rows
from sklearn_audio.nets import SequenceMLP
from sklearn_audio.ragged import Ragged

__all__ = ["CNNClassifier"]


class CNNClassifier(SequenceClassifier):
    """Classify frames or tokens with a network over clips of one length, trained from scratch.

    Parameters
    ----------
    architecture : {"mlp"}, default="mlp"
        "mlp": fully connected layers over all frames at once, the baseline without a notion of time.
    n_frames : int, default=None
        Frames that the network takes: longer clips are cut at the end, shorter ones filled up with the mean frame.
        None takes the length of the longest clip of `fit`.
    hidden_sizes : sequence of int, default=(256, 128)
        Units of the layers.
    embedding_size : int, default=16
        Width of the learned vectors of tokens.
    dropout : float, default=0.2
        Share of the units dropped in training.
    {training_parameters}

    Attributes
    ----------
    {attributes}
    n_frames_ : int
        Frames that the network takes.

    See Also
    --------
    LSTMClassifier : For clips of any length.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import CNNClassifier
    >>> X = [np.full((4 + i % 3, 2), i % 2, dtype=np.float32) for i in range(6)]
    >>> classifier = CNNClassifier("mlp", max_epochs=20, random_state=0).fit(X, ["off", "on"] * 3)
    >>> classifier.predict(X[:2])
    array(['off', 'on'], dtype='<U3')
    """

    _network_class: ClassVar[type[nn.Module]] = SequenceMLP
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SequenceClassifier._parameter_constraints,
        "architecture": [StrOptions({"mlp"})],
        "n_frames": [Interval(Integral, 1, None, closed="left"), None],
        "hidden_sizes": ["array-like"],
        "embedding_size": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        architecture: Literal["mlp"] = "mlp",
        *,
        n_frames: int | None = None,
        hidden_sizes: Sequence[int] = (256, 128),
        embedding_size: int = 16,
        dropout: float = 0.2,
        normalize: Literal["standard", "clip"] | None = "standard",
        n_tokens: int | None = None,
        max_epochs: int = 50,
        lr: float = 0.001,
        batch_size: int = 32,
        optimizer: Any = "adamw",
        weight_decay: float = 0.01,
        lr_schedule: Literal["plateau", "cosine", "step", "onecycle"] | None = "cosine",
        warmup: float = 0.0,
        validation_fraction: float | None = None,
        early_stopping: bool = False,
        patience: int = 10,
        class_weight: Any = None,
        gradient_clip: float | None = 1.0,
        callbacks: Any = None,
        warm_start: bool = False,
        device: Any = "auto",
        precision: Literal["float32", "bfloat16"] = "float32",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            normalize=normalize,
            n_tokens=n_tokens,
            max_epochs=max_epochs,
            lr=lr,
            batch_size=batch_size,
            optimizer=optimizer,
            weight_decay=weight_decay,
            lr_schedule=lr_schedule,
            warmup=warmup,
            validation_fraction=validation_fraction,
            early_stopping=early_stopping,
            patience=patience,
            class_weight=class_weight,
            gradient_clip=gradient_clip,
            callbacks=callbacks,
            warm_start=warm_start,
            device=device,
            precision=precision,
            random_state=random_state,
            verbose=verbose,
        )
        self.architecture = architecture
        self.n_frames = n_frames
        self.hidden_sizes = hidden_sizes
        self.embedding_size = embedding_size
        self.dropout = dropout

    def _admit(self, X: Any, *, reset: bool) -> Ragged:
        sequences = super()._admit(X, reset=reset)
        if reset:
            self.n_frames_ = int(sequences.lengths.max()) if self.n_frames is None else self.n_frames
        return sequences

    def _cut(self, sequences: Ragged) -> Cut:
        return cut_rows(sequences, self.n_frames_, "head")

    def _network_options(self, n_outputs: int) -> dict[str, Any]:
        return {
            "n_outputs": n_outputs,
            **self._input_options(),
            "n_places": self.n_frames_,
            "embedding_size": self.embedding_size,
            "hidden_sizes": tuple(self.hidden_sizes),
            "dropout": self.dropout,
        }

    def _shape_options(self) -> dict[str, Any]:
        return super()._shape_options() | {"n_places": self.n_frames_}
