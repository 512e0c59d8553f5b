"""`NetworkEmbedder`: a layer of a trained classifier as features of clips."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from sklearn_audio._names import check_name
from sklearn_audio._sklearn import HasMethods, StrOptions, clone_parametrized
from sklearn_audio.base import AudioEstimator, FloatOutputMixin, Reading
from sklearn_audio.engine import NetworkBody, layers_run
from sklearn_audio.engine.training import RowView
from sklearn_audio.ragged import Ragged

__all__ = ["NetworkEmbedder"]

_STEPS = 16  # of the example of networks over rows of any length


class NetworkEmbedder(FloatOutputMixin, AudioEstimator):
    """Use a layer of a trained classifier as features of clips.

    Takes what the classifier takes. In a pipeline, a network that was trained on one task gives features for another;
    `FineTunedClassifier` trains the network itself on the other task.

    Parameters
    ----------
    classifier : estimator
        A fitted classifier with a network, such as `CNNClassifier`, `LSTMClassifier` or `FineTunedClassifier`. Clones
        share it; it is not fitted again.
    layer : int or str, default=-1
        One of `layers()`, by position or name; -1: the input of the last layer, which computes the logits.
    pooling : "mean" or None, default="mean"
        How the vectors of the windows of a clip are combined; None returns a `Ragged` of one vector per window.

    See Also
    --------
    FineTunedClassifier : Trains a network on another task.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_audio import CNNClassifier, NetworkEmbedder
    >>> X = [np.full((20, 16), i % 2, dtype=np.float32) for i in range(6)]
    >>> classifier = CNNClassifier("cnn4", max_epochs=1, random_state=0).fit(
    ...     X, ["off", "on"] * 3
    ... )
    >>> embedder = NetworkEmbedder(classifier)
    >>> embedder.layers()[-3:]
    ('backbone.dense.1', 'backbone.dense.4', 'embedding')
    >>> embedder.transform(X).shape
    (6, 256)
    >>> make_pipeline(embedder, LogisticRegression()).fit(X, [0, 1] * 3).score(
    ...     X, [0, 1] * 3
    ... )
    1.0
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "classifier": [HasMethods(["predict_proba"])],
        "layer": [Integral, str],
        "pooling": [StrOptions({"mean"}), None],
    }
    # a network that was trained from that of the classifier
    _own: nn.Module | None = None

    def __init__(self, classifier: Any, layer: int | str = -1, *, pooling: str | None = "mean") -> None:
        self.classifier = classifier
        self.layer = layer
        self.pooling = pooling

    def __sklearn_clone__(self) -> Any:
        cloned = clone_parametrized(self)
        cloned.classifier, cloned._own = self.classifier, self._own  # fitted, whereas a clone would not be
        return cloned

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags = self.classifier.__sklearn_tags__().input_tags
        return tags

    def layers(self) -> tuple[str, ...]:
        """List the layers of the network.

        Returns
        -------
        tuple of str
            In the order of computation. Those of a published network have names such as "block3"; those of another
            network are its convolutional, dense and recurrent modules, and "embedding" is the input of the last one.

        Raises
        ------
        TypeError
            If the classifier has no network.
        """
        tuned = self._tuned()
        if tuned is not None:
            return tuple(tuned._body().names)
        return layers_run(self._network_(), self._example())

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters; nothing is learned.

        Parameters
        ----------
        X : sequence of clips
            Frames, tokens or recordings, as in `fit` of the classifier.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        TypeError, ValueError
            If a parameter is invalid, or the classifier is not fitted.
        """
        self._check_fitted()
        return self

    def transform(self, X: Any) -> NDArray[np.float32] | Ragged:
        """Compute the features of the clips.

        Parameters
        ----------
        X : sequence of clips
            Frames, tokens or recordings, as in `fit` of the classifier.

        Returns
        -------
        ndarray of float32, shape (n_clips, n_features), or Ragged
            One vector per clip; with ``pooling=None`` one row per clip, of shape (n_windows, n_features).

        Raises
        ------
        AudioReadError
            If a recording cannot be read.
        TypeError, ValueError
            If a parameter or X is invalid; the message names the row.
        """
        self._check_fitted()
        if self._tuned() is not None:
            embedded: NDArray[np.float32] | Ragged = self._resolved().transform(X)
            return embedded
        return self._of_chunks(self._plain()._rows_in_chunks(X), self.pooling)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the features.

        Parameters
        ----------
        input_features : object, default=None
            Ignored.

        Returns
        -------
        ndarray of str, shape (n_features,)
            Such as ``cnn_embedding_0``: the class of the classifier without "classifier", the layer, and a number.
        """
        prefix = re.sub("classifier$", "", type(self.classifier).__name__.lower())
        layer = self._layer().replace(".", "_")
        return np.array([f"{prefix}_{layer}_{i}" for i in range(self._resolved()._body().width)], dtype=object)

    # the network

    def _check_fitted(self) -> None:
        self._validate_params()
        check_is_fitted(self.classifier)
        self._layer()

    def _network_(self) -> Any:
        """Return the network: that of the classifier, or one trained from it."""
        if not isinstance(getattr(self.classifier, "network_", None), nn.Module):
            raise TypeError(
                f"classifier={self.classifier!r} has no trained network; give a fitted classifier that trains one, "
                "such as CNNClassifier, LSTMClassifier or FineTunedClassifier."
            )
        return self.classifier.network_ if self._own is None else self._own

    def _tuned(self) -> Any:
        """Return the embedder inside a fine-tuned classifier; None for other classifiers."""
        self._network_()
        return getattr(self.classifier, "_tuned", None)

    def _resolved(self) -> Any:
        """Return the embedder that computes the layer: this one, or that of a fine-tuned classifier."""
        tuned = self._tuned()
        if tuned is None:
            return self
        return clone(tuned).set_params(layer=self._layer(), pooling=self.pooling)

    def _layer(self) -> str:
        names = self.layers()
        if isinstance(self.layer, str):
            check_name("layer", self.layer, names)
            return self.layer
        if not -len(names) <= self.layer < len(names):
            raise ValueError(f"layer={self.layer} is beyond the {len(names)} layers of the network: {list(names)}.")
        return names[int(self.layer)]

    def _example(self) -> tuple[Tensor, Tensor]:
        """Create a row of zeros as the network takes it."""
        length = self._plain()._collation(training=False).length or _STEPS
        n_features, n_tokens = (self.classifier._options.get(name) for name in ("n_features", "n_tokens"))
        if n_tokens is not None:
            values = torch.zeros((1, length), dtype=torch.int64)
        else:
            values = torch.zeros((1, length) if n_features is None else (1, length, n_features))
        return values, torch.tensor([length])

    def _body(self) -> NetworkBody:
        """Return the network and the layer for training."""
        if self.pooling != "mean":
            raise ValueError(
                f"pooling={self.pooling!r} of NetworkEmbedder: the head of a trained network is over the mean of the "
                "windows; choose pooling='mean'."
            )
        network = copy.deepcopy(self._network_()).cpu()
        has_frames = self.classifier._options.get("n_features") is not None
        return NetworkBody(network, self.classifier._options, self._layer(), self._example(), has_frames)

    def _with_network(self, network: nn.Module) -> NetworkEmbedder:
        """Return a copy with a network that was trained from that of the classifier."""
        copied: NetworkEmbedder = clone(self)
        copied._own = network
        return copied

    # rows

    def _takes_audio(self) -> bool:
        return bool(self.classifier._takes_audio())

    def _reading(self) -> Reading:
        reading: Reading = self.classifier._reading()
        return reading

    @property
    def sample_rate(self) -> Any:
        """Rate of arrays without a rate, that of the classifier."""
        return self.classifier.sample_rate

    def _plain(self) -> Any:
        """Return the classifier without what it does to waveforms in training."""
        plain = copy.copy(self.classifier)
        plain.augmentations, plain.mixup = None, 0.0
        return plain

    def _of_chunks(self, chunks: Iterable[RowView], pooling: str | None) -> NDArray[np.float32] | Ragged:
        """Compute the vectors of rows of the classifier."""
        plain = self._plain()
        source = NetworkBody(self._network_(), self.classifier._options, self._layer(), self._example(), False)
        answers = list(plain._answers(chunks, source.load().to(plain._device_of_inference())))
        if pooling is not None:
            pooled: NDArray[np.float32] = np.concatenate([parts.mean_per_row(vectors) for vectors, parts in answers])
            return pooled.astype(np.float32)
        counts = np.concatenate([np.bincount(segments.owners) for _, segments in answers])
        return Ragged.from_lengths(np.concatenate([vectors for vectors, _ in answers]), counts)
