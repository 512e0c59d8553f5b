"""`ConvAutoencoder`: clips to vectors from which they can be rebuilt, learned without labels."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, Literal, Self, Unpack

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils.validation import check_array, check_consistent_length
from torch import nn

from sklearn_audio._meaning import Uses
from sklearn_audio._shared_parameters import SharedParameters
from sklearn_audio._sklearn import Interval, StrOptions
from sklearn_audio.base import FloatOutputMixin
from sklearn_audio.classification._trained_network import AUDIO_USES, TrainedNetwork, TrainingData
from sklearn_audio.classification._training_parameters import (
    SHARED_TRAINING,
    TRAINING_CONSTRAINTS,
    TRAINING_USES,
    TrainingOptions,
)
from sklearn_audio.engine.training import Collation, ReconstructionLoss, RowView, Segments, check_answers
from sklearn_audio.nets import FrameAutoencoder
from sklearn_audio.ragged import Ragged

__all__ = ["ConvAutoencoder"]

_COUNT = Interval(Integral, 1, None, closed="left")
# of labels, and of classifiers only
_NOT_HERE = ("class_weight", "sampler", "mixup", "spec_augment", "augmentations")


class ConvAutoencoder(ClassNamePrefixFeaturesOutMixin, FloatOutputMixin, TrainedNetwork):
    """Compress clips of frames to vectors, with a convolutional auto-encoder that learns without labels.

    Four blocks of a convolution and a pooling make cells of 16 frames by 16 features, each of which is described by
    `n_channels` numbers. These make up the vector of a clip, and a decoder learns to rebuild the frames from them. It
    is given nothing else, such as the places of the maxima in the poolings, so that what the vector does not hold is
    lost.

    Parameters
    ----------
    n_channels : int, default=10
        Numbers that describe a cell. The vector has ``n_channels * ceil(n_frames / 16) * ceil(n_features / 16)``.
    n_frames : int, default=None
        Frames that the network takes. Shorter clips are filled up with the mean frame, which is not counted as an
        error. None takes the length of the longest clip of `fit`.
    truncation : {"chunks", "head", "tail"}, default="chunks"
        What becomes of longer clips. "chunks" cuts them into as few pieces of equal length as need be, and averages
        their vectors; "head" and "tail" keep the beginning or the end.
    n_filters : sequence of int, default=(32, 64, 128, 256)
        Channels of the blocks; each block halves frames and features, so that their number sets the size of the cells.
        Only with those of the default can the encoder start a classifier.
    normalize : {"standard"} or None, default="standard"
        "standard" subtracts the mean and divides by the standard deviation of each feature over the training frames,
        and undoes it in `inverse_transform`; None takes the frames as they are.
    {training_parameters}

    Attributes
    ----------
    encoder_ : torch.nn.Module
        The blocks in front of the bottleneck, in evaluation mode. Its parameters have the names that they have in the
        network of ``CNNClassifier("cnn4")``.
    network_ : torch.nn.Module
        The whole network, in evaluation mode.
    n_frames_ : int
        Frames that the network takes.
    history_ : DataFrame
        Per epoch: `epoch`, `train_loss`, `lr`, `seconds` and, with a validation set, `valid_loss`. The losses are mean
        squared errors of the normalised frames.
    n_iter_ : int
        Epochs of training.
    n_parameters_ : int
        Numbers that were learned.
    n_features_in_ : int
        Features of a frame; for a two-dimensional X, its columns.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns of a DataFrame of numbers, or of the features of a frame where X was a `Ragged` that has
        them, as those that transformers return.

    See Also
    --------
    CNNClassifier : Its "cnn4" can start from the encoder.
    sklearn_audio.preprocessing.SequencePooling : Vectors without training.

    References
    ----------
    Masci, Meier, Ciresan & Schmidhuber 2011, "Stacked convolutional auto-encoders for hierarchical feature extraction",
    ICANN.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import ConvAutoencoder
    >>> X = [np.full((12 + i, 20), i % 3, dtype=np.float32) for i in range(6)]
    >>> autoencoder = ConvAutoencoder(4, n_filters=(4, 4, 8, 8), max_epochs=2, random_state=0).fit(X)
    >>> vectors = autoencoder.transform(X)
    >>> vectors.shape, autoencoder.inverse_transform(vectors).shape
    ((6, 16), (6, 17, 20))
    """

    _shared_parameters: ClassVar[SharedParameters] = SHARED_TRAINING.without(*_NOT_HERE)
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{name: values for name, values in TRAINING_CONSTRAINTS.items() if name not in _NOT_HERE},
        "n_channels": [_COUNT],
        "n_frames": [_COUNT, None],
        "truncation": [StrOptions({"chunks", "head", "tail"})],
        "n_filters": ["array-like"],
        "normalize": [StrOptions({"standard"}), None],
    }
    _trained_method: ClassVar[str] = "errors"
    _parameter_uses: ClassVar[Uses] = TRAINING_USES | AUDIO_USES
    # request groups, so that metadata routing passes those of the splitter to fit
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"groups": True}

    def __init__(  # type: ignore[misc] # normalize has another type
        self,
        n_channels: int = 10,
        *,
        n_frames: int | None = None,
        truncation: Literal["chunks", "head", "tail"] = "chunks",
        n_filters: Sequence[int] = (32, 64, 128, 256),
        normalize: Literal["standard"] | None = "standard",
        **training: Unpack[TrainingOptions],
    ) -> None:
        self._shared_parameters.assign(self, training)
        self.n_channels = n_channels
        self.n_frames = n_frames
        self.truncation = truncation
        self.n_filters = n_filters
        self.normalize = normalize

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Train on clips.

        Parameters
        ----------
        X : Ragged, list of arrays (n_frames, n_features), or array of 2 or 3 dimensions
            Frames, one row per clip; with `front_end`, recordings. Without, each row of a 2-D array is a sequence of
            one-number frames.
        y : object, default=None
            Ignored.
        groups : array-like of shape (n_clips,), default=None
            Groups of the clips, such as speakers, that the validation set keeps whole.

        Returns
        -------
        self
            The fitted auto-encoder.

        Raises
        ------
        TypeError, ValueError
            If X or a parameter is not admissible; the message names the row. If the loss becomes NaN.
        """
        self._validate_params()
        is_warm_start = self.warm_start and hasattr(self, "network_")
        rows = self._read_rows(X, reset=not is_warm_start)
        check_consistent_length(rows, groups)
        groups = None if groups is None else np.asarray(groups)
        data = TrainingData(rows, np.zeros((len(rows), 1)), np.ones(len(rows)), groups)
        fraction = self._fraction_to_watch()
        return self._fit_network(
            data, self._config(), lambda _: ReconstructionLoss(), fraction=fraction, is_warm_start=is_warm_start
        )

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Compute the vectors.

        Parameters
        ----------
        X : Ragged, list of arrays (n_frames, n_features), or array of 2 or 3 dimensions
            Frames, one row per clip; with `front_end`, recordings.

        Returns
        -------
        ndarray of float32, shape (n_clips, n_channels * n_cells)
            One vector per clip: each channel over all cells, those of the lowest features first within those of the
            first frames.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is not admissible; the message names the row.
        """
        self._check_fitted()
        network: Any = self.network_
        answers = self._answers(self._rows_in_chunks(X), network.encode)
        vectors = np.concatenate([segments.mean_per_row(vectors) for vectors, segments in answers])
        return vectors.astype(np.float32, copy=False)

    def inverse_transform(self, X: Any) -> NDArray[np.float32]:
        """Compute the frames that belong to vectors.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_channels * n_cells)
            Vectors as `transform` gives them.

        Returns
        -------
        ndarray of float32, shape (n_clips, n_frames_, n_features)
            Frames in the units of those of `fit`, of the length that the network takes.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        ValueError
            If X has NaN, or vectors of another length.
        """
        self._check_fitted()
        vectors = check_array(X, dtype=np.float32, input_name="X")
        if vectors.shape[1] != self._n_features_out:
            raise ValueError(
                f"X has vectors of {vectors.shape[1]} numbers, but those of this auto-encoder have "
                f"{self._n_features_out}; pass what its transform gives."
            )
        rows = Ragged.from_lengths(vectors.ravel(), np.full(len(vectors), vectors.shape[1]))
        network: Any = self.network_
        frames = self._predict(RowView.of(rows), Collation(vectors.shape[1]), network.decode)
        check_answers(frames)
        return frames

    def score(self, X: Any, y: Any = None) -> float:
        """Compute the negative mean squared error of the reconstruction, so that larger is better.

        Parameters
        ----------
        X : Ragged, list of arrays (n_frames, n_features), or array of 2 or 3 dimensions
            Frames, one row per clip; with `front_end`, recordings.
        y : object, default=None
            Ignored.

        Returns
        -------
        float
            In the squared units of X. Each clip counts the same; of it, the frames that the network sees. The pieces of
            a long clip are rebuilt each from its own vector.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is not admissible; the message names the row.
        """
        self._check_fitted()
        network: Any = self.network_
        answers = self._answers(self._rows_in_chunks(X), network.errors)
        errors = np.concatenate([segments.mean_per_row(squares.astype(np.float64)) for squares, segments in answers])
        scale = network.input.scale
        return -float((errors / np.square(scale.cpu().numpy().astype(np.float64))).mean())

    @property
    def encoder_(self) -> nn.Module:
        """The blocks in front of the bottleneck.

        Returns
        -------
        torch.nn.Module
            In evaluation mode; takes standardised frames of shape (B, T, n_features).

        Raises
        ------
        AttributeError
            If `fit` was not called.
        """
        encoder: Any = self.network_.encoder
        # the name that the blocks have in the classifier
        return nn.Sequential(OrderedDict(encoder=encoder)).eval()

    @property
    def _n_features_out(self) -> int:
        n_embedding: Any = self.network_.n_embedding
        return int(n_embedding)

    def _read_rows(self, X: Any, *, reset: bool) -> RowView:
        rows = super()._read_rows(X, reset=reset)
        if reset:
            self.n_frames_ = int(rows.lengths.max()) if self.n_frames is None else int(self.n_frames)
        return rows

    def _segments(self, rows: RowView, *, training: bool) -> Segments:
        return self._truncated(rows, self.n_frames_, self.truncation, training=training)

    def _collation(self, *, training: bool) -> Collation:
        return Collation(self.n_frames_)

    def _build_network(self, rows: RowView) -> None:
        n_filters = tuple(self.n_filters)
        if not n_filters or not all(isinstance(n, Integral) and n > 0 for n in n_filters):
            raise ValueError(f"n_filters={self.n_filters!r}: give one or more whole numbers above 0.")
        options: dict[str, Any] = {
            "n_frames": self.n_frames_,
            "n_features": rows.item_shape[0],
            "n_channels": int(self.n_channels),
            "n_filters": tuple(int(n) for n in n_filters),
        }
        self._set_network(FrameAutoencoder(**options), options)
        if self.normalize == "standard":
            self._standardise(rows)
