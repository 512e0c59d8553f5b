"""`FrameMLPClassifier`: fully connected layers over all frames or tokens of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Unpack

from sklearn_audio._meaning import Item, Items
from sklearn_audio.classification._network_options import COUNT, DROPOUT
from sklearn_audio.classification._sequences import SequenceClassifier
from sklearn_audio.classification._training_parameters import TrainingOptions
from sklearn_audio.engine.training import Collation, RowView
from sklearn_audio.nets import SequenceMLP

__all__ = ["FrameMLPClassifier"]


class FrameMLPClassifier(SequenceClassifier):
    """Classify clips with fully connected layers over all of their frames or tokens, trained from scratch.

    A baseline without a model of time: each frame of the clip has separate weights. Longer clips are cut at the end,
    shorter ones are padded with the mean frame.

    Parameters
    ----------
    hidden_sizes : sequence of int, default=(256, 128)
        Units of the hidden layers.
    n_frames : int, default=None
        Number of frames or tokens of the input. None: that of the longest clip of `fit`.
    options : dict, default=None
        Further arguments of the network; None: their defaults:

        - "dropout", from 0 to below 1, by default 0.2: fraction of the units dropped in training.
        - "embedding_size", at least 1, by default 16: width of the learned vectors of tokens.
        - "n_tokens", at least 1, by default None: size of the vocabulary; None: the largest token in `fit` plus 1.
    batch_size : int, default=16
        Maximum number of clips per training step. Predictions do not depend on it.
    max_epochs : int, default=100
        Passes over the training clips in each call of `fit`.
    {training_parameters}

    Attributes
    ----------
    {attributes}
    n_frames_ : int
        Number of frames or tokens of the input.

    See Also
    --------
    CNNClassifier : Networks that model the order of frames.
    TokenMeanClassifier : The mean of learned vectors.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import FrameMLPClassifier
    >>> X = [np.full((4 + i % 3, 2), i % 2, dtype=np.float32) for i in range(6)]
    >>> classifier = FrameMLPClassifier(max_epochs=20, random_state=0).fit(
    ...     X, ["off", "on"] * 3
    ... )
    >>> classifier.predict(X[:2])
    array(['off', 'on'], dtype='<U3')
    """

    n_frames_: int
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SequenceClassifier._parameter_constraints,
        "hidden_sizes": ["array-like"],
        "n_frames": [COUNT, None],
    }
    _parameter_items: ClassVar[Items] = {
        "options": {
            "dropout": Item(0.2, [DROPOUT]),
            "embedding_size": Item(16, [COUNT]),
            **SequenceClassifier._parameter_items["options"],
        }
    }

    def __init__(  # type: ignore[misc] # with its own defaults
        self,
        *,
        hidden_sizes: Sequence[int] = (256, 128),
        n_frames: int | None = None,
        options: dict[str, Any] | None = None,
        batch_size: int = 16,
        max_epochs: int = 100,
        **training: Unpack[TrainingOptions],
    ) -> None:
        self._shared_parameters.assign(self, training)
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.hidden_sizes = hidden_sizes
        self.n_frames = n_frames
        self.options = options

    def _read_rows(self, X: Any, *, reset: bool) -> RowView:
        rows = super()._read_rows(X, reset=reset)
        if reset:
            longest, front_end = int(rows.lengths.max()), self._batch_front_end()
            if front_end is not None and front_end.front_end is not None:
                longest = front_end.front_end.n_frames(longest)
            self.n_frames_ = longest if self.n_frames is None else int(self.n_frames)
        return rows

    def _collation(self, *, training: bool) -> Collation:
        return replace(super()._collation(training=training), length=self.n_frames_)

    def _build_network(self, rows: RowView) -> None:
        self._set_sequence_network(
            SequenceMLP,
            rows,
            n_steps=self.n_frames_,
            hidden_sizes=tuple(self.hidden_sizes),
            embedding_size=self._option("embedding_size"),
            dropout=self._option("dropout"),
        )
