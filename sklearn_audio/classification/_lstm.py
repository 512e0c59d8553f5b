"""`LSTMClassifier`: a recurrent network over frames or tokens."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Unpack

from sklearn_audio._meaning import Uses, needs_tokens
from sklearn_audio._sklearn import Interval, StrOptions
from sklearn_audio.classification._sequences import SequenceClassifier
from sklearn_audio.classification._training_parameters import TrainingOptions
from sklearn_audio.engine.training import RowView
from sklearn_audio.nets import SequenceLSTM

__all__ = ["LSTMClassifier"]


class LSTMClassifier(SequenceClassifier):
    """Classify sequences of frames or tokens with an LSTM, trained from scratch.

    Clips may be of any length. Their answers depend neither on the batch nor on its padding.

    Parameters
    ----------
    hidden_size : int, default=128
        Units per layer and direction.
    n_layers : int, default=1
        Layers.
    bidirectional : bool, default=True
        Read backwards, too.
    pooling : {"last", "mean", "max", "attention"}, default="mean"
        How the outputs along time become one vector: of each direction the last, mean or maximum, or a mean with
        learned weights.
    embedding_size : int, default=64
        Width of the learned vectors of tokens.
    dropout : float, default=0.2
        Fraction of the outputs dropped between layers and before the decision, in training.
    {training_parameters}

    Attributes
    ----------
    {attributes}

    References
    ----------
    Hochreiter & Schmidhuber 1997, "Long short-term memory", Neural Computation 9(8).

    See Also
    --------
    BERTClassifier : Attention instead of recurrence.
    TokenMeanClassifier : Without order.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import LSTMClassifier
    >>> rising, falling = np.arange(8.0), np.arange(8.0)[::-1]
    >>> X = [row[:n, None] for n in (6, 7, 8) for row in (rising, falling)]
    >>> classifier = LSTMClassifier(hidden_size=8, max_epochs=30, lr=0.05, random_state=0)
    >>> classifier.fit(X, ["up", "down"] * 3).predict(X[:2])
    array(['up', 'down'], dtype='<U4')
    """

    # many small steps, slow for one row at a time, whose rounding does not depend on the position in the batch
    _one_by_one: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SequenceClassifier._parameter_constraints,
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "bidirectional": ["boolean"],
        "pooling": [StrOptions({"last", "mean", "max", "attention"})],
        "embedding_size": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }
    _parameter_uses: ClassVar[Uses] = {**SequenceClassifier._parameter_uses, "embedding_size": needs_tokens()}

    def __init__(
        self,
        *,
        hidden_size: int = 128,
        n_layers: int = 1,
        bidirectional: bool = True,
        pooling: Literal["last", "mean", "max", "attention"] = "mean",
        embedding_size: int = 64,
        dropout: float = 0.2,
        **training: Unpack[TrainingOptions],
    ) -> None:
        self._shared_parameters.assign(self, training)
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.embedding_size = embedding_size
        self.dropout = dropout

    def _build_network(self, rows: RowView) -> None:
        self._set_sequence_network(
            SequenceLSTM,
            rows,
            embedding_size=self.embedding_size,
            hidden_size=self.hidden_size,
            n_layers=self.n_layers,
            bidirectional=self.bidirectional,
            pooling=self.pooling,
            dropout=self.dropout,
        )
