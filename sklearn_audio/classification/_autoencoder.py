"""`ConvAutoencoder`: vectors from which clips can be reconstructed, learned without labels."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from numbers import Integral, Real
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
# for labels, in classifiers only
_NOT_HERE = ("class_weight", "sampler", "mixup", "spec_augment", "augmentations")


class ConvAutoencoder(ClassNamePrefixFeaturesOutMixin, FloatOutputMixin, TrainedNetwork):
    """Compress clips of frames to vectors by a convolutional autoencoder, which learns without labels.

    Four blocks of convolution and pooling divide a clip into cells of 16 frames by 16 features, each represented by
    `n_channels` values. These form the vector of the clip, from which a decoder learns to reconstruct the frames. The
    decoder receives nothing else, in particular not the positions of the maxima in the pooling layers.

    Parameters
    ----------
    n_channels : int, default=10
        Values per cell. The vector has ``n_channels * ceil(n_frames / 16) * ceil(n_features / 16)`` values.
    n_frames : int, default=None
        Number of frames of the input. Shorter clips are padded with the mean frame, which does not count as an error.
        None: that of the longest clip of `fit`.
    truncation : {"chunks", "head", "tail"}, default="chunks"
        Treatment of longer clips. "chunks" cuts them into as few segments of equal length as possible, and averages
        their vectors; "head" and "tail" keep the start or the end.
    n_filters : sequence of int, default=(32, 64, 128, 256)
        Channels of the blocks; each block halves frames and features, so that their number determines the size of the
        cells. The encoder can initialise a classifier only with the default.
    noise : float, default=0.0
        Standard deviation of the Gaussian noise that is added to the normalised frames in training, from which the
        clean ones are reconstructed (denoising).
    normalize : {"standard"} or None, default="standard"
        "standard" subtracts the mean and divides by the standard deviation of each feature over the training frames,
        which `inverse_transform` undoes; None: no normalisation.
    {training_parameters}

    Attributes
    ----------
    encoder_ : torch.nn.Module
        The blocks before the bottleneck, in evaluation mode. Its parameters have the same names as in the network of
        ``CNNClassifier("cnn4")``.
    network_ : torch.nn.Module
        The whole network, in evaluation mode.
    n_frames_ : int
        Number of frames of the input.
    history_ : DataFrame
        Per epoch: `epoch`, `train_loss`, `lr`, `seconds` and, with a validation set, `valid_loss`. Losses are mean
        squared errors of the normalised frames.
    n_iter_ : int
        Number of epochs trained.
    n_parameters_ : int
        Number of trained parameters.
    n_features_in_ : int
        Features per frame; for a two-dimensional X, its columns.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns of a DataFrame of numbers, or of the features of a `Ragged` that has them (as returned by
        transformers).

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
    >>> autoencoder = ConvAutoencoder(
    ...     4, n_filters=(4, 4, 8, 8), max_epochs=2, random_state=0
    ... ).fit(X)
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
        "noise": [Interval(Real, 0, None, closed="left")],
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
        noise: float = 0.0,
        normalize: Literal["standard"] | None = "standard",
        **training: Unpack[TrainingOptions],
    ) -> None:
        self._shared_parameters.assign(self, training)
        self.n_channels = n_channels
        self.n_frames = n_frames
        self.truncation = truncation
        self.n_filters = n_filters
        self.noise = noise
        self.normalize = normalize

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Train on clips.

        Parameters
        ----------
        X : Ragged, list of arrays (n_frames, n_features), or array of 2 or 3 dimensions
            Frames, one row per clip; with `front_end`, recordings. Without it, each row of a 2-D array is a sequence of
            frames with one feature.
        y : object, default=None
            Ignored.
        groups : array-like of shape (n_clips,), default=None
            Groups of the clips, such as speakers, that are kept together in the validation split.

        Returns
        -------
        self
            The fitted autoencoder.

        Raises
        ------
        TypeError, ValueError
            If X or a parameter is invalid; the message names the row. If the loss becomes NaN.
        """
        self._validate_params()
        is_warm_start = self.warm_start and hasattr(self, "network_")
        rows = self._read_rows(X, reset=not is_warm_start)
        check_consistent_length(rows, groups)
        groups = None if groups is None else np.asarray(groups)
        data = TrainingData(rows, np.zeros((len(rows), 1)), np.ones(len(rows)), groups)
        fraction = self._validation_fraction()
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
            One vector per clip: each channel over all cells, ordered by frames and then by features.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is invalid; the message names the row.
        """
        self._check_fitted()
        network: Any = self.network_
        answers = self._answers(self._rows_in_chunks(X), network.encode)
        vectors = np.concatenate([segments.mean_per_row(vectors) for vectors, segments in answers])
        return vectors.astype(np.float32, copy=False)

    def inverse_transform(self, X: Any) -> NDArray[np.float32]:
        """Reconstruct frames from vectors.

        Parameters
        ----------
        X : array-like of shape (n_clips, n_channels * n_cells)
            Vectors as returned by `transform`.

        Returns
        -------
        ndarray of float32, shape (n_clips, n_frames_, n_features)
            Frames in the units of those of `fit`, as many as the network takes.

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
                f"X has vectors of {vectors.shape[1]} values, but those of this autoencoder have "
                f"{self._n_features_out}; pass the output of its transform."
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
            In the squared units of X; the mean over clips of equal weight, over the frames that the network takes. Each
            segment of a long clip is reconstructed from its own vector.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is invalid; the message names the row.
        """
        self._check_fitted()
        network: Any = self.network_
        answers = self._answers(self._rows_in_chunks(X), network.errors)
        errors = np.concatenate([segments.mean_per_row(squares.astype(np.float64)) for squares, segments in answers])
        scale = network.input.scale
        return -float((errors / np.square(scale.cpu().numpy().astype(np.float64))).mean())

    @property
    def encoder_(self) -> nn.Module:
        """The blocks before the bottleneck.

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
            "noise": float(self.noise),
        }
        self._set_network(FrameAutoencoder(**options), options)
        if self.normalize == "standard":
            self._standardise(rows)
