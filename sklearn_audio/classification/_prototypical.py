"""`PrototypicalClassifier`: the nearest class mean, in the space of X or in one that is learned in episodes."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self, Unpack

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from sklearn_audio._shared_parameters import SharedParameters
from sklearn_audio._sklearn import HasMethods, Interval, StrOptions
from sklearn_audio.classification._labels import Labels
from sklearn_audio.classification._learned_space import Clips, LearnedSpace
from sklearn_audio.classification._prototypes import Prototypes, fit_temperature
from sklearn_audio.classification._training_parameters import SHARED_TRAINING, TRAINING_CONSTRAINTS, TrainingOptions
from sklearn_audio.ragged import Ragged

__all__ = ["PrototypicalClassifier"]

_COUNT = Interval(Integral, 1, None, closed="left")
_SHARED = SHARED_TRAINING.without(
    *("max_epochs", "batch_size", "class_weight", "sampler", "mixup", "checkpoint_dir", "callbacks", "warm_start")
)


class PrototypicalClassifier(LearnedSpace):
    """Classify clips by the nearest prototype: the mean of the clips of a class.

    One clip per class is sufficient, and classes can be added at any time. Without `network`, X holds vectors, such as
    the embeddings of a pretrained network, one per clip or one per patch. With `network`, X holds frames, such as
    log-mel spectrograms, and a network is trained that maps windows of them to vectors. With `embedding_dim` alone, a
    linear map of vectors is trained.

    Training proceeds in episodes: some clips of each class form prototypes, by which others are classified, and the
    network learns from its errors. Both sets are disjoint, and drawn again in each episode.

    The distance of a clip to a class is the mean over its patches. Probabilities are the softmax of
    ``-distance / temperature_``; the temperature is calibrated by leave-one-out on the training clips. If the network
    was trained on the same clips, the probabilities are overconfident.

    Parameters
    ----------
    network : str or embedder, default=None
        Name of a network over frames, such as "vgg128", "vgg32", "sbcnn" or "cnn6": any architecture of `CNNClassifier`
        over frames. Or an embedder with a pretrained network, such as an `EfficientATEmbedder`, which is trained
        further by episodes over recordings; use a lower rate, such as ``lr=1e-4``. None: X holds vectors.
    embedding_dim : int, default=None
        Size of the learned vector. None: that of the input of the last layer of the network; for vectors, the space is
        unchanged, and nothing is trained.
    distance : {"sqeuclidean", "cosine"}, default="sqeuclidean"
        The squared Euclidean distance, or one minus the cosine, for which clips and prototypes are scaled to norm 1.
    shrinkage : float, default=0.0
        Number of virtual clips at the mean of all classes that are added to each class, which regularises prototypes of
        few clips.
    n_way : int, default=None
        Classes per episode; None: all.
    n_support : int, default=5
        Clips per class that form its prototype in an episode.
    n_query : int, default=5
        Clips per class that are classified in an episode. Each class needs ``n_support + n_query`` clips.
    n_episodes : int, default=200
        Number of training episodes.
    n_frames : int, default=128
        Number of frames of a window, the input of the network; shorter clips are repeated. In each episode, a clip is
        represented by one random window; prototypes and predictions use windows that cover the whole clip. Only with
        `network`.
    windows : dict, default=None
        ``{"hop": frames}``: number of frames between the starts of the windows of a clip, in prototypes and
        predictions; None: a third of `n_frames`.
    options : dict, default=None
        Arguments of the network, such as ``{"dropout": 0.5}``: those listed in `CNNClassifier`, and "hidden_sizes" of
        "mlp".
    lr_schedule : {"cosine", "step", "onecycle"}, dict or None, default="cosine"
        Over the episodes. "cosine": the learning rate falls to zero; "step": it is divided by ten after half and after
        three quarters; "onecycle": it rises for 30 % and then falls; ``{"milestones": [10, 20], "factor": 0.5}``: it is
        multiplied by the factor, by default 0.1, after each of these episodes; None: it is constant.
    {training_parameters}
    front_end : str or FrontEnd, default=None
        Computes the frames if X is audio: the name of a `sklearn_audio.dsp.preset`, such as "panns_32k", or a front
        end. None: X is frames. Only with `network`.
    n_jobs : int, default=None
        Number of threads that read audio and compute frames; None: 1.
    normalize : {"standard", "clip"}, default="standard"
        Normalisation of frames and, with `embedding_dim`, of vectors: "standard" subtracts the mean and divides by the
        standard deviation of each feature in training, "clip" over the window; None: unchanged.
    warmup : float, default=0.0
        Number of episodes in which the learning rate rises from zero.
    validation_fraction : float or list, default=None
        Fraction of the clips (with `groups`, of the groups) that are not trained on, but classified by the prototypes
        of the others; stratified without groups. A list names the groups. None: 0.1 with `early_stopping`, else 0. The
        prototypes of the fitted classifier are those of all clips.
    early_stopping : bool, default=False
        Stop when the validation loss has not fallen for `patience` epochs, and restore the weights of the best epoch.
    patience : int, default=10
        Number of epochs: of episodes that together have as many clips as the training set.
    spec_augment : dict or bool, default=None
        Mask random ranges of frames and of features of each window in episodes (SpecAugment): True, or a dict with some
        of `time_masks`, `time_width`, `frequency_masks` and `frequency_width`. Only with `network`.
    augmentations : list of callables, default=None
        Applied in this order to each window in episodes; to its waveform if X is audio. Transforms of
        `sklearn_audio.augmentation` or audiomentations, torch modules, or functions of an array. They are seeded by
        `random_state`. Only with `network`.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, episodes, windows, validation set and dropout. On a CPU, an int gives the same network, bit for
        bit.
    verbose : int, default=0
        1 shows a progress bar over the episodes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    prototypes_ : ndarray of float64, shape (n_classes, n_numbers)
        One per class, in the space of the vectors or in the learned one; of norm 1 with "cosine".
    class_count_ : ndarray of float64, shape (n_classes,)
        Number of clips of each class, or the sum of their weights.
    temperature_ : float
        Divisor of the distances before the softmax.
    history_ : DataFrame
        Only after training. Per episode: `episode`, `train_loss`, `train_score` (the accuracy on the queries), `lr`,
        `seconds` and, with a validation set, `valid_loss` and `valid_score` in the last episode of each epoch and of
        training.
    network_ : torch.nn.Module
        Only after training: the network, in evaluation mode.
    n_parameters_ : int
        Only after training: the number of trained parameters.
    n_features_in_ : int
        Features of a vector or a frame.

    See Also
    --------
    sklearn_audio.model_selection.FewShotSplit : Training sets of a few clips per class.
    CNNClassifier : The same networks with one output per class.

    References
    ----------
    J. Snell, K. Swersky and R. Zemel, "Prototypical networks for few-shot learning", NeurIPS 2017.
    J. Pons, J. Serrà and X. Serra, "Training neural audio classifiers with few data", ICASSP 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import PrototypicalClassifier
    >>> classifier = PrototypicalClassifier().fit(
    ...     [[0, 0], [0, 2], [5, 5], [5, 7]], ["hum", "hum", "hiss", "hiss"]
    ... )
    >>> classifier.prototypes_.tolist()
    [[5.0, 6.0], [0.0, 1.0]]
    >>> classifier.partial_fit([[-9, 0]], ["click"]).predict([[-8, 0], [4, 6]])
    array(['click', 'hiss'], dtype='<U5')
    """

    classes_: NDArray[Any]
    prototypes_: NDArray[np.float64]
    class_count_: NDArray[np.float64]
    temperature_: float
    _sums: Prototypes
    _n_calibrated: float

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "network": [str, HasMethods(["transform", "_body"]), None],
        "embedding_dim": [_COUNT, None],
        "distance": [StrOptions({"sqeuclidean", "cosine"})],
        "shrinkage": [Interval(Real, 0, None, closed="left")],
        "n_way": [Interval(Integral, 2, None, closed="left"), None],
        "n_support": [_COUNT],
        "n_query": [_COUNT],
        "n_episodes": [_COUNT],
        "n_frames": [_COUNT],
        "windows": [dict, None],
        "options": [dict, None],
        **{name: TRAINING_CONSTRAINTS[name] for name in _SHARED.defaults},
        "lr_schedule": [StrOptions({"cosine", "step", "onecycle"}), dict, None],
    }
    _shared_parameters: ClassVar[SharedParameters] = _SHARED

    def __init__(  # type: ignore[misc] # with its own defaults
        self,
        network: Any = None,
        *,
        embedding_dim: int | None = None,
        distance: Literal["sqeuclidean", "cosine"] = "sqeuclidean",
        shrinkage: float = 0.0,
        n_way: int | None = None,
        n_support: int = 5,
        n_query: int = 5,
        n_episodes: int = 200,
        n_frames: int = 128,
        windows: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
        lr_schedule: Literal["cosine", "step", "onecycle"] | dict[str, Any] | None = "cosine",
        **training: Unpack[TrainingOptions],
    ) -> None:
        self._shared_parameters.assign(self, training)
        self.network = network
        self.embedding_dim = embedding_dim
        self.distance = distance
        self.shrinkage = shrinkage
        self.n_way = n_way
        self.n_support = n_support
        self.n_query = n_query
        self.n_episodes = n_episodes
        self.n_frames = n_frames
        self.windows = windows
        self.options = options
        self.lr_schedule = lr_schedule

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """Learn the space, if it is trained, and the prototypes.

        Parameters
        ----------
        X : array of shape (n_clips, n_features), Ragged, or list of arrays (n_patches or n_frames, n_features)
            Vectors: one row per clip of a 2-D array, or several per clip. With `network`, frames; with `front_end`,
            recordings.
        y : array-like of shape (n_clips,)
            Labels.
        sample_weight : array-like of shape (n_clips,), default=None
            Weights of the clips, in the means and in the draw of episodes; clips of weight 0 are ignored.
        groups : array-like of shape (n_clips,), default=None
            Groups of the clips, such as speakers, that are kept together in the validation split.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        TypeError, ValueError
            If X, y or a parameter is invalid, there is only one class, a class has fewer clips than an episode
            needs, or the loss becomes NaN.
        """
        self._validate_params()
        clips = self._read_clips(X, y, sample_weight, groups, reset=True)
        self._forget_space()
        if self._is_learned:
            self._learn_space(X, clips)
        return self._begin(clips)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Add clips, and any new classes, to the prototypes; a learned space does not change.

        The first call is equivalent to `fit`. The temperature is the geometric mean of those of all calls, weighted by
        their numbers of clips.

        Parameters
        ----------
        X : array of shape (n_clips, n_features), Ragged, or list of arrays
            As in `fit`.
        y : array-like of shape (n_clips,)
            Labels; new ones become new classes.
        classes : array-like, default=None
            Optional; if given, y may not contain other labels.
        sample_weight : array-like of shape (n_clips,), default=None
            Weights of the clips.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        TypeError, ValueError
            If X, y or a parameter is invalid, or X or y is of another kind, or X has another number of features, than
            before.
        """
        self._validate_params()
        if classes is not None:
            Labels(np.unique(classes), multi_label=False).encode(y)
        if not hasattr(self, "prototypes_"):
            return self.fit(X, y, sample_weight)
        clips = self._read_clips(X, y, sample_weight, reset=False, is_more=True)
        if (clips.classes.dtype.kind in "US") != (self.classes_.dtype.kind in "US"):
            raise ValueError(
                f"y holds the label {clips.classes[0].item()!r}, but the classes are {self.classes_.tolist()}; give "
                "labels of one kind, all text or all numbers."
            )
        joined = np.union1d(self.classes_, clips.classes)
        self._sums = self._sums.with_classes(np.searchsorted(joined, self.classes_), len(joined))
        self.classes_ = joined
        clips = clips._replace(codes=np.searchsorted(joined, clips.classes)[clips.codes])
        return self._add(clips, self._embed([clips.rows]))

    def adapt(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Replace all classes by those of these clips, in the space learned by `fit`.

        This applies a network that was trained in episodes on some classes to others with few clips.

        Parameters
        ----------
        X : array of shape (n_clips, n_features), Ragged, or list of arrays
            As in `fit`.
        y : array-like of shape (n_clips,)
            Labels.
        sample_weight : array-like of shape (n_clips,), default=None
            Weights of the clips.

        Returns
        -------
        self
            The classifier, with other prototypes.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X or y is invalid, or there is only one class.
        """
        self._check_fitted()
        return self._begin(self._read_clips(X, y, sample_weight, reset=False))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Compute the probabilities of the clips.

        Parameters
        ----------
        X : array of shape (n_clips, n_features), Ragged, or list of arrays
            As in `fit`.

        Returns
        -------
        ndarray of float64, shape (n_clips, n_classes)
            In the order of `classes_`; each row sums to 1.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is invalid; the message names the row.
        """
        self._check_fitted()
        distances = self._distances(X)
        return np.asarray(softmax(-distances / self.temperature_, axis=1))

    def predict(self, X: Any) -> NDArray[Any]:
        """Classify the clips.

        Parameters
        ----------
        X : array of shape (n_clips, n_features), Ragged, or list of arrays
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_clips,)
            The label of the nearest prototype.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is invalid; the message names the row.
        """
        self._check_fitted()
        distances = self._distances(X)
        return np.asarray(self.classes_[distances.argmin(axis=1)])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy: the fraction of correctly classified clips.

        Parameters
        ----------
        X : array of shape (n_clips, n_features), Ragged, or list of arrays
            As in `fit`.
        y : array-like of shape (n_clips,)
            Labels.
        sample_weight : array-like of shape (n_clips,), default=None
            Weights of the clips.

        Returns
        -------
        float
            In [0, 1].

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If X is invalid; the message names the row.
        """
        return float(super().score(X, y, sample_weight))

    def _distances(self, X: Any) -> NDArray[np.float64]:
        return self._sums.distances(self._embed(self._rows_in_chunks(X)))

    def _begin(self, clips: Clips) -> Self:
        vectors, self.classes_ = self._embed([clips.rows]), clips.classes
        self._sums = Prototypes.empty(len(clips.classes), vectors.item_shape[0], self.distance, self.shrinkage)
        self._n_calibrated = 0.0
        return self._add(clips, vectors)

    def _add(self, clips: Clips, vectors: Ragged) -> Self:
        codes, weights = clips.codes, clips.weights
        self._sums = self._sums.add(vectors, codes, weights)
        self.prototypes_, self.class_count_ = self._sums.vectors, self._sums.counts
        left_out = self._sums.distances_left_out(vectors, codes, weights)
        temperature = fit_temperature(left_out, codes, weights, self.prototypes_)
        share = weights.sum() / (self._n_calibrated + weights.sum())
        before = np.log(self.temperature_) if self._n_calibrated else 0.0
        self.temperature_ = float(np.exp((1 - share) * before + share * np.log(temperature)))
        self._n_calibrated += float(weights.sum())
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "prototypes_")
