"""`LSTMClassifier`: a recurrent network over frames or tokens."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

from sklearn_audio._meaning import Item, Items
from sklearn_audio._sklearn import StrOptions
from sklearn_audio.classification._network_options import COUNT, DROPOUT
from sklearn_audio.classification._sequences import SequenceClassifier
from sklearn_audio.classification._training_parameters import TrainingOptions
from sklearn_audio.engine.training import RowView
from sklearn_audio.nets import SequenceLSTM

__all__ = ["LSTMClassifier"]


class LSTMClassifier(SequenceClassifier):
    """Classify sequences of frames or tokens with an LSTM, trained from scratch.

    Clips may have any length. Predictions depend neither on the batch nor on its padding.

    Parameters
    ----------
    hidden_size : int, default=128
        Units per layer and direction.
    n_layers : int, default=1
        Number of layers.
    bidirectional : bool, default=True
        Whether to read sequences in both directions.
    options : dict, default=None
        Further arguments of the network; None: their defaults:

        - "pooling", one of "last", "mean", "max" and "attention", by default "mean": how the outputs along time are
          combined: for each direction the last, mean or maximum, or a mean with learned weights.
        - "dropout", from 0 to below 1, by default 0.2: fraction of the outputs dropped between layers and before the
          classification layer, in training.
        - "embedding_size", at least 1, by default 64: width of the learned vectors of tokens.
        - "n_tokens", at least 1, by default None: size of the vocabulary; None: the largest token in `fit` plus 1.
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
    >>> classifier = LSTMClassifier(
    ...     hidden_size=8, max_epochs=30, lr=0.05, random_state=0
    ... )
    >>> classifier.fit(X, ["up", "down"] * 3).predict(X[:2])
    array(['up', 'down'], dtype='<U4')
    """

    # many small steps, slow for one row at a time, whose rounding does not depend on the position in the batch
    _one_by_one: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SequenceClassifier._parameter_constraints,
        "hidden_size": [COUNT],
        "n_layers": [COUNT],
        "bidirectional": ["boolean"],
    }
    _parameter_items: ClassVar[Items] = {
        "options": {
            "pooling": Item("mean", [StrOptions({"last", "mean", "max", "attention"})]),
            "dropout": Item(0.2, [DROPOUT]),
            "embedding_size": Item(64, [COUNT]),
            **SequenceClassifier._parameter_items["options"],
        }
    }

    def __init__(
        self,
        *,
        hidden_size: int = 128,
        n_layers: int = 1,
        bidirectional: bool = True,
        options: dict[str, Any] | None = None,
        **training: Unpack[TrainingOptions],
    ) -> None:
        self._shared_parameters.assign(self, training)
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.options = options

    def _build_network(self, rows: RowView) -> None:
        self._set_sequence_network(
            SequenceLSTM,
            rows,
            hidden_size=self.hidden_size,
            n_layers=self.n_layers,
            bidirectional=self.bidirectional,
            embedding_size=self._option("embedding_size"),
            pooling=self._option("pooling"),
            dropout=self._option("dropout"),
        )
