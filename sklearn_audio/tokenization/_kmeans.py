"""`KMeansAudioTokenizer`: frames to tokens with a vocabulary of k-means centres."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags

from sklearn_audio._random_state import own_random_state
from sklearn_audio._sklearn import Interval, StrOptions
from sklearn_audio.base import AudioEstimator, RaggedOutputMixin
from sklearn_audio.ragged import Ragged, mean_and_std
from sklearn_audio.tokenization._engines import Engine, choose_engine, cluster
from sklearn_audio.tokenization._frame_space import FrameSpace, check_magnitude, random_kernels
from sklearn_audio.tokenization._passes import Assignment, VocabularyPass
from sklearn_audio.tokenization._tokens import check_tokens


class KMeansAudioTokenizer(RaggedOutputMixin, AudioEstimator):
    """Frames to tokens: each frame becomes the index of the nearest of `n_clusters` k-means centres.

    The centres are learned on a random sample of the frames of all clips. One more k-means iteration over every frame
    then moves them to the means of all their frames, and empty clusters move to the frames farthest from their centre.
    The tokens of a clip depend only on its frames and the centres: near ties are decided in float64, exact ties by the
    lowest token.

    Parameters
    ----------
    n_clusters : int, default=50
        Size of the vocabulary.
    n_iter : int, default=20
        K-means iterations over the sample.
    normalize : {"l2", "standard"} or None, default="l2"
        Normalisation of frames. "l2": divide by the Euclidean norm, which removes loudness from linear frames;
        "standard": mean 0 and standard deviation 1 per band, learned in `fit`.
    algorithm : {"auto", "faiss", "minibatch"}, default="auto"
        Clustering backend: FAISS, or scikit-learn's `MiniBatchKMeans`. "auto": FAISS if installed. Their vocabularies
        differ: choose one for the same result on every machine.
    max_points_per_centroid : int, default=256
        Maximum number of sampled frames per cluster. None: all frames.
    n_init : int, default=1
        Number of runs with different initial centres; the one with the lowest inertia on the sample is kept.
    random_convolution : tuple (n_kernels, kernel_size), default=None
        Convolve each frame along its bands with random kernels, drawn in `fit`, before normalisation; audio-tokens used
        (10, 3).
    random_state : int, RandomState instance or None, default=None
        Seed of the sample, the initial centres and the kernels. None: a new seed from the operating system. NumPy's
        global generator is not used.
    verbose : bool or int, default=0
        Show a progress bar.

    Attributes
    ----------
    cluster_centers_ : ndarray of float32, shape (n_clusters, n_dims)
        The vocabulary, in the space of the normalised (and convolved) frames; n_dims is the number of bands, times
        n_kernels with `random_convolution`.
    token_counts_ : ndarray of int64, shape (n_clusters,)
        Frames seen per token.
    algorithm_ : {"faiss", "minibatch"}
        Backend that was used.
    inertia_ : float
        Sum of squared distances of all frames to their centres: after `fit`, to the final centres; `partial_fit` adds
        the distances to the centres before its update.
    frame_mean_, frame_scale_ : ndarray of float32, shape (n_dims,)
        With ``normalize="standard"``.
    convolution_kernels_ : ndarray of float32, shape (n_kernels, kernel_size)
        With `random_convolution`.
    n_features_in_ : int
        Features per frame; the length of the rows if X is an array of shape (n_clips, n_frames).
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns of a DataFrame of numbers, or of the features of a `Ragged` that has them (as returned by
        transformers).

    See Also
    --------
    TokenCounts : Tokens to a table for linear classifiers.
    vocabulary_report : Statistics of the vocabulary.

    Notes
    -----
    Clustered frames as words come from retrieval [1]_; 256 sampled frames per centre are FAISS's default [2]_.

    References
    ----------
    .. [1] J. Sivic and A. Zisserman, "Video Google: A text retrieval approach to object matching in videos", ICCV 2003.
    .. [2] M. Douze et al., "The Faiss library", arXiv:2401.08281, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import KMeansAudioTokenizer
    >>> low, high = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    >>> frames = [np.stack([low, low, high]), np.stack([high, low])]
    >>> tokenizer = KMeansAudioTokenizer(n_clusters=2, random_state=0).fit(frames)
    >>> tokens = tokenizer.transform(frames)
    >>> tokens
    Ragged(n_rows=2, lengths=2..3, item_shape=(), dtype=int32)
    >>> bool(tokens[0][0] == tokens[0][1] == tokens[1][1])
    True
    >>> tokenizer.inverse_transform(tokens)[1]
    array([[0., 1.],
           [1., 0.]], dtype=float32)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "normalize": [None, StrOptions({"l2", "standard"})],
        "algorithm": [StrOptions({"auto", "faiss", "minibatch"})],
        "max_points_per_centroid": [None, Interval(Integral, 1, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "random_convolution": [None, tuple, list],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }
    _stateless: ClassVar[bool] = False

    cluster_centers_: NDArray[np.float32]
    token_counts_: NDArray[np.int64]
    inertia_: float
    algorithm_: Engine

    def __init__(
        self,
        n_clusters: int = 50,
        *,
        n_iter: int = 20,
        normalize: Literal["l2", "standard"] | None = "l2",
        algorithm: Literal["auto", "faiss", "minibatch"] = "auto",
        max_points_per_centroid: int | None = 256,
        n_init: int = 1,
        random_convolution: tuple[int, int] | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_iter = n_iter
        self.normalize = normalize
        self.algorithm = algorithm
        self.max_points_per_centroid = max_points_per_centroid
        self.n_init = n_init
        self.random_convolution = random_convolution
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # tokens are always int32
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the vocabulary.

        Parameters
        ----------
        X : Ragged, list of arrays (n_frames, n_features), or array of 2 or 3 dimensions
            Frames, one row per clip. In a 2-D array each row is a sequence of frames with one feature.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        TypeError, ValueError
            If a parameter or X is invalid, X has fewer frames than `n_clusters`, or a frame is so large that its
            squared distances overflow float32; the message names the row.
        """
        self._validate_params()
        self._learn(self._validate_frames(X, reset=True))
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn from one more batch of clips, weighting all frames of all batches equally.

        The first batch is clustered as in `fit`. Later frames update the running means of their nearest centres; the
        normalisation of the first batch is kept.

        Parameters
        ----------
        X : Ragged, list of arrays (n_frames, n_features), or array of 2 or 3 dimensions
            Frames, one row per clip.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        TypeError, ValueError
            If X is invalid, has other features than before, or the first X has fewer frames than `n_clusters`.
        """
        self._validate_params()
        first = not hasattr(self, "cluster_centers_")
        frames = self._validate_frames(X, reset=first)
        if first:
            self._learn(frames)
            return self
        values, space = frames.values, self._space()
        self._check_bands(values)
        check_magnitude(frames, space)
        found = VocabularyPass(self.cluster_centers_, space, self.verbose).assign(values)
        found.fill_empty(self.token_counts_, values, space)
        self.cluster_centers_ = _running_means(self.cluster_centers_, self.token_counts_, found)
        self.token_counts_ = self.token_counts_ + found.counts
        self.inertia_ += found.inertia
        return self

    def transform(self, X: Any) -> Ragged:
        """Convert frames to tokens.

        Parameters
        ----------
        X : Ragged, list of arrays (n_frames, n_features), or array of 2 or 3 dimensions
            Frames, one row per clip.

        Returns
        -------
        Ragged
            One int32 token from 0 to ``n_clusters - 1`` per frame.

        Raises
        ------
        NotFittedError
            If neither `fit` nor `partial_fit` was called.
        TypeError, ValueError
            If X is invalid; the message names the row.
        """
        frames = self._validate_fitted(X)
        return frames.with_values(self._pass().tokens(frames.values))

    def inverse_transform(self, X: Any) -> Ragged:
        """Convert tokens to the frames of their centres.

        Standardisation and convolution are inverted; the norm that ``normalize="l2"`` removed is lost.

        Parameters
        ----------
        X : Ragged, list of arrays (n_tokens,), or array of 2 dimensions
            Tokens, one row per clip.

        Returns
        -------
        Ragged
            Frames of float32, items of shape (n_features,).

        Raises
        ------
        NotFittedError
            If neither `fit` nor `partial_fit` was called.
        TypeError, ValueError
            If a token is negative, not a whole number or outside the vocabulary; the message names the row.
        """
        self._check_fitted()
        tokens = check_tokens(X, n_tokens=len(self.cluster_centers_))
        frames = self._space().invert(self.cluster_centers_, self._n_bands)
        return tokens.with_values(frames[tokens.values])

    def score(self, X: Any, y: Any = None) -> float:
        """Return minus the mean squared distance of a frame to its centre.

        Distances refer to normalised frames, so scores are comparable only with the same normalisation.

        Parameters
        ----------
        X : Ragged, list of arrays (n_frames, n_features), or array of 2 or 3 dimensions
            Frames, one row per clip.
        y : object, default=None
            Ignored.

        Returns
        -------
        float
            The score, at most 0.

        Raises
        ------
        NotFittedError
            If neither `fit` nor `partial_fit` was called.
        TypeError, ValueError
            If X is invalid; the message names the row.
        """
        values = self._validate_fitted(X).values
        return -self._pass().assign(values).inertia / len(values)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the feature at each timepoint of the output.

        Parameters
        ----------
        input_features : object, default=None
            Ignored.

        Returns
        -------
        ndarray of str, shape (1,)
            ``token``.
        """
        self._check_fitted()
        return np.asarray(["token"], dtype=object)

    def _learn(self, frames: Ragged) -> None:
        values = frames.values
        if len(values) < self.n_clusters:
            raise ValueError(
                f"X has {len(values)} frames in total, fewer than n_clusters={self.n_clusters}. "
                "Give more frames or choose fewer clusters."
            )
        random_state = own_random_state(self.random_state)
        self._n_bands = values.shape[1]
        self._learn_space(frames, random_state)
        space = self._space()
        check_magnitude(frames, space)
        sample = space.apply(self._draw(values, random_state))
        self.algorithm_ = engine = choose_engine(self.algorithm)
        runs = [cluster(engine, sample, self.n_clusters, self.n_iter, random_state) for _ in range(self.n_init)]
        centres = min(runs, key=lambda run: run[1])[0]
        found = VocabularyPass(centres, space, self.verbose).assign(values)
        unweighted = np.zeros(self.n_clusters, dtype=np.int64)
        found.fill_empty(unweighted, values, space)
        self.cluster_centers_ = _running_means(centres, unweighted, found)
        settled = self._pass().assign(values)
        self.token_counts_, self.inertia_ = settled.counts, settled.inertia

    def _learn_space(self, frames: Ragged, random_state: np.random.RandomState) -> None:
        for name in ("convolution_kernels_", "frame_mean_", "frame_scale_"):
            self.__dict__.pop(name, None)
        if self.random_convolution is not None:
            self.convolution_kernels_ = random_kernels(self._kernel_shape(), random_state)
        if self.normalize == "standard":
            check_magnitude(frames, FrameSpace(self.convolution_kernels_ if self.random_convolution else None))
            mean, std = mean_and_std(self._space().apply(frames.values))
            self.frame_mean_ = mean.astype(np.float32)
            self.frame_scale_ = np.where(std > 0, std, 1).astype(np.float32)

    def _kernel_shape(self) -> tuple[int, int]:
        shape = tuple(self.random_convolution or ())
        if len(shape) != 2 or not all(isinstance(size, Integral) and size > 0 for size in shape):
            raise ValueError(
                f"random_convolution={self.random_convolution!r}: give two whole numbers above 0, "
                "(n_kernels, kernel_size), or None."
            )
        return int(shape[0]), int(shape[1])

    def _draw(self, values: NDArray[np.float32], random_state: np.random.RandomState) -> NDArray[np.float32]:
        size = len(values) if self.max_points_per_centroid is None else self.max_points_per_centroid * self.n_clusters
        if size >= len(values):
            return values
        return values[np.sort(random_state.permutation(len(values))[:size])]

    def _space(self) -> FrameSpace:
        return FrameSpace(
            kernels=getattr(self, "convolution_kernels_", None),
            mean=getattr(self, "frame_mean_", None),
            scale=getattr(self, "frame_scale_", None),
            unit_norm=self.normalize == "l2",
        )

    def _pass(self) -> VocabularyPass:
        return VocabularyPass(self.cluster_centers_, self._space(), self.verbose)

    def _validate_fitted(self, X: Any) -> Ragged:
        self._check_fitted()
        frames = self._validate_frames(X, reset=False)
        self._check_bands(frames.values)
        check_magnitude(frames, self._space())
        return frames

    def _sample_vectors(
        self, X: Any, size: int, random_state: np.random.RandomState
    ) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Draw frames of X without replacement: in the space of the vocabulary, and their tokens."""
        values = self._validate_fitted(X).values
        chosen = values[np.sort(random_state.permutation(len(values))[:size])]
        return self._space().apply(chosen), self._pass().tokens(chosen)

    def _check_bands(self, values: NDArray[np.float32]) -> None:
        if values.shape[1] != self._n_bands:
            raise ValueError(
                f"X has {values.shape[1]} numbers per frame, but the vocabulary was learned from {self._n_bands}. "
                "A two-dimensional array holds sequences of one-number frames; put the frames of one clip in a list."
            )


def _running_means(centres: NDArray[np.float32], weights: NDArray[np.int64], found: Assignment) -> NDArray[np.float32]:
    """Update the means of the centres, which have `weights` frames so far, by new frames."""
    total = (weights + found.counts)[:, None]
    means = (centres.astype(np.float64) * weights[:, None] + found.sums) / np.maximum(total, 1)
    return np.where(total > 0, means, centres).astype(np.float32)
