"""`BERTClassifier`: a transformer encoder over frames or tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Unpack

from sklearn_audio._meaning import Item, Items
from sklearn_audio._sklearn import StrOptions
from sklearn_audio.classification._network_options import COUNT, DROPOUT
from sklearn_audio.classification._sequences import SequenceClassifier
from sklearn_audio.classification._training_parameters import TrainingOptions
from sklearn_audio.engine.training import Collation, RowView, Segments
from sklearn_audio.nets import SequenceBERT

__all__ = ["BERTClassifier"]


class BERTClassifier(SequenceClassifier):
    """Classify sequences of frames or tokens with BERT's encoder, trained from scratch.

    Parameters
    ----------
    width : int, default=128
        Size of the vectors.
    n_layers : int, default=2
        Number of layers.
    n_heads : int, default=4
        Number of attention heads, among which the width is divided.
    feedforward_size : int, default=512
        Units of the feed-forward network of each layer.
    options : dict, default=None
        Further arguments of the network; None: their defaults:

        - "pooling", one of "first" and "mean", by default "first": classify the output of the vector that is
          prepended to each sequence, as BERT does, or the mean of the outputs of the frames.
        - "max_length", at least 1, by default 512: maximum number of frames or tokens of the encoder, which has as
          many position embeddings, and one for the prepended vector.
        - "truncation", one of "chunks", "head" and "tail", by default "chunks": treatment of longer clips. "chunks"
          cuts them into as few segments of equal length as possible, each of which is trained with the label of the
          clip, and averages their logits; "head" and "tail" keep the start or the end.
        - "dropout", from 0 to below 1, by default 0.1: fraction of attention and outputs dropped in training.
        - "n_tokens", at least 1, by default None: size of the vocabulary; None: the largest token in `fit` plus 1.
    {training_parameters}

    Attributes
    ----------
    {attributes}

    References
    ----------
    Devlin, Chang, Lee & Toutanova 2019, "BERT: pre-training of deep bidirectional transformers for language
    understanding", NAACL-HLT.

    See Also
    --------
    LSTMClassifier : Recurrence instead of attention.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import BERTClassifier
    >>> rising, falling = np.arange(8), np.arange(8)[::-1]
    >>> X = [row[:n] for n in (6, 7, 8) for row in (rising, falling)]
    >>> classifier = BERTClassifier(
    ...     width=8,
    ...     n_heads=2,
    ...     feedforward_size=16,
    ...     max_epochs=30,
    ...     lr=0.02,
    ...     random_state=0,
    ... )
    >>> classifier.fit(X, ["up", "down"] * 3).predict(X[:2])
    array(['up', 'down'], dtype='<U4')
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SequenceClassifier._parameter_constraints,
        "width": [COUNT],
        "n_layers": [COUNT],
        "n_heads": [COUNT],
        "feedforward_size": [COUNT],
    }
    _parameter_items: ClassVar[Items] = {
        "options": {
            "pooling": Item("first", [StrOptions({"first", "mean"})]),
            "max_length": Item(512, [COUNT]),
            "truncation": Item("chunks", [StrOptions({"chunks", "head", "tail"})]),
            "dropout": Item(0.1, [DROPOUT]),
            **SequenceClassifier._parameter_items["options"],
        }
    }

    def __init__(
        self,
        *,
        width: int = 128,
        n_layers: int = 2,
        n_heads: int = 4,
        feedforward_size: int = 512,
        options: dict[str, Any] | None = None,
        **training: Unpack[TrainingOptions],
    ) -> None:
        self._shared_parameters.assign(self, training)
        self.width = width
        self.n_layers = n_layers
        self.n_heads = n_heads
        self.feedforward_size = feedforward_size
        self.options = options

    def _read_rows(self, X: Any, *, reset: bool) -> RowView:
        rows = super()._read_rows(X, reset=reset)
        if reset:
            self._fitted_length = self._option("max_length")  # that of the network, as the option may be changed later
        return rows

    def _segments(self, rows: RowView, *, training: bool) -> Segments:
        return self._truncated(rows, self._fitted_length, self._option("truncation"), training=training)

    def _collation(self, *, training: bool) -> Collation:
        return replace(super()._collation(training=training), max_length=self._fitted_length)

    def _build_network(self, rows: RowView) -> None:
        if self.width % self.n_heads:
            raise ValueError(f"width={self.width} is not divisible by n_heads={self.n_heads}; choose a multiple.")
        self._set_sequence_network(
            SequenceBERT,
            rows,
            width=self.width,
            n_layers=self.n_layers,
            n_heads=self.n_heads,
            feedforward_size=self.feedforward_size,
            pooling=self._option("pooling"),
            max_length=self._option("max_length") + 1,
            dropout=self._option("dropout"),
        )
