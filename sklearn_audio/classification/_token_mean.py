"""`TokenMeanClassifier`: the mean of learned vectors, without order."""

from __future__ import annotations

from typing import Any, ClassVar, Unpack

from sklearn.utils import Tags

from sklearn_audio._meaning import Item, Items
from sklearn_audio.classification._network_options import COUNT, DROPOUT
from sklearn_audio.classification._sequences import SequenceClassifier
from sklearn_audio.classification._training_parameters import TrainingOptions
from sklearn_audio.engine.training import RowView
from sklearn_audio.nets import MeanNetwork

__all__ = ["TokenMeanClassifier"]


class TokenMeanClassifier(SequenceClassifier):
    """Classify sequences by the mean of a learned vector of each token, or of each frame.

    A baseline for networks that take the order into account. For frames, the vector is a rectified linear map.

    Parameters
    ----------
    embedding_size : int, default=128
        Size of the vectors.
    options : dict, default=None
        Further arguments of the network; None: their defaults:

        - "dropout", from 0 to below 1, by default 0.2: fraction of the mean dropped in training.
        - "n_tokens", at least 1, by default None: size of the vocabulary; None: the largest token in `fit` plus 1.
    {training_parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    LSTMClassifier : With order.

    Examples
    --------
    >>> from sklearn_audio import Ragged, TokenMeanClassifier
    >>> X = Ragged.from_list([[0, 0, 1], [2, 3], [1, 0], [3, 3, 2]])
    >>> classifier = TokenMeanClassifier(max_epochs=30, lr=0.01, random_state=0)
    >>> classifier.fit(X, ["low", "high", "low", "high"]).predict(X)
    array(['low', 'high', 'low', 'high'], dtype='<U4')
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **SequenceClassifier._parameter_constraints,
        "embedding_size": [COUNT],
    }
    _parameter_items: ClassVar[Items] = {
        "options": {"dropout": Item(0.2, [DROPOUT]), **SequenceClassifier._parameter_items["options"]}
    }

    def __init__(
        self,
        *,
        embedding_size: int = 128,
        options: dict[str, Any] | None = None,
        **training: Unpack[TrainingOptions],
    ) -> None:
        self._shared_parameters.assign(self, training)
        self.embedding_size = embedding_size
        self.options = options

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # it ignores the order of values, in which the rows of scikit-learn's checks differ
        tags.classifier_tags.poor_score = True
        return tags

    def _build_network(self, rows: RowView) -> None:
        self._set_sequence_network(MeanNetwork, rows, width=self.embedding_size, dropout=self._option("dropout"))
