"""`FineTunedClassifier`: a pretrained network with a new head, trained end to end."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self, Unpack

import numpy as np
from numpy.typing import NDArray

from sklearn_audio._meaning import Item, Items, Uses, items_of, needs
from sklearn_audio._names import check_name
from sklearn_audio._shared_parameters import SharedParameters
from sklearn_audio._sklearn import HasMethods, Interval, StrOptions
from sklearn_audio.classification._fine_tuning import FineTuning
from sklearn_audio.classification._recipes import RECIPES
from sklearn_audio.classification._training_parameters import BY_NAME, SHARED_TRAINING, TrainingOptions

__all__ = ["FineTunedClassifier"]

_TRAINING = (
    *("lr", "head_factor", "layer_decay", "max_epochs", "batch_size", "optimizer", "weight_decay", "lr_schedule"),
    *("warmup", "validation_fraction", "early_stopping", "gradient_clip", "sampler", "mixup", "spec_augment"),
    *("augmentations", "checkpoint_dir", "callbacks", "precision"),
)
_TRAINED = needs("a strategy other than 'probe'", lambda owner: owner.strategy != "probe", "strategy")
_FREEZES = needs(
    "strategy='probe_then_finetune' or 'full'",
    lambda owner: owner.strategy in ("probe_then_finetune", "full"),
    "strategy",
    idle=("backbone",),
)
_MIXED = needs("an alpha above 0", lambda owner: items_of(owner, "mixup")["alpha"] > 0, "mixup")
_NO_LORA = needs("a strategy other than 'lora'", lambda owner: owner.strategy != "lora", "strategy")
_WHOLE = needs("a body that is trained", lambda owner: owner._trains_body, "strategy", "freeze")
_POSITIVE = Interval(Real, 0, None, closed="neither")


class FineTunedClassifier(FineTuning):
    """Classify clips with a pretrained network and a new head, trained end to end without becoming worse.

    The head is first fitted to the vectors of the unchanged network by scikit-learn (the probe), so that training
    starts from the predictions of the pipeline of embedder and linear classifier. The whole network is then trained,
    and its weights are interpolated between start and end of training, by the factor that suits held-out clips best;
    factor 0 is the pipeline.

    Parameters
    ----------
    embedder : embedder
        The network: an `EfficientATEmbedder`, `PANNsEmbedder`, `VGGishEmbedder`, `HuggingFaceEmbedder` or another
        `PretrainedEmbedder` with a single layer and ``pooling="mean"``, or a `NetworkEmbedder` of a fitted classifier.
        It is not changed. Its parameters determine how clips are read and cut; the head is over the mean of the
        patches.
    strategy : {"probe", "probe_then_finetune", "last_blocks", "full", "lora"}, default="probe_then_finetune"
        "probe" fits the head only; "probe_then_finetune" trains the network from there, "last_blocks" the last quarter
        of its blocks, "lora" low-rank changes of its dense layers and 1x1 convolutions. In all of these, batch norms
        keep their statistics and nothing is dropped. "full" trains everything from a head of zeros, with batch norms
        and dropout in training mode and without interpolation, which takes thousands of clips.
    freeze : "backbone", int, str, list of str or None, default=None
        Blocks that are not trained: all, the first few, or those with these names. A block ends at a layer of
        ``embedder.layers()`` and has its name. With "backbone", the head is trained on stored vectors.
    unfreeze_every : int, default=None
        Train the head and the last block at first, and one more block after each so many epochs; None: all from the
        first epoch.
    probe : estimator, default=None
        The linear classifier of the head: `LogisticRegression`, or a pipeline of linear steps before one; None:
        ``LogisticRegression(max_iter=1000)``.
    lr : float or list of float, default=(5e-5, 1e-3)
        Maximum learning rate of the network; of several, held-out clips choose. The best rate for a task far from that
        of the pretrained network is twenty times that for a near one. Each rate costs a training run.
    head_factor : float, default=3.0
        Factor of the learning rate of the head.
    layer_decay : float, default=1.0
        Factor of the learning rate from each block to the one before it.
    lora_rank : int, default=8
        Rank of the changes of "lora".
    max_epochs : int, default=40
        Passes over the training clips in each training run.
    lr_schedule : {"cosine", "step", "onecycle"}, dict or None, default="onecycle"
        "onecycle": the learning rate rises for 30 % of the time and then falls; "cosine": it falls to zero; "step": it
        is divided by ten after half and after three quarters of the epochs; ``{"milestones": [10, 20], "factor":
        0.5}``: it is multiplied by the factor, by default 0.1, after each of these epochs; None: it is constant.
    mixup : float or dict, default=0.3
        Alpha of the Beta distribution by which pairs of waveforms (of vectors, if no block is trained) and their labels
        are mixed; 0: no mixing. A dict has some of "alpha", by default 0.3; "fraction", above 0, by default 1.0:
        fraction of the clips that are mixed; and "loudness", by default False: whether a label has the share of its
        waveform in the loudness of the mixture (between-class mixing), instead of that in the amplitude.
    spec_augment : dict, bool, None or "auto", default="auto"
        Mask random ranges of frames and of features of each patch in training: True, or a dict with some of
        `time_masks`, `time_width`, `frequency_masks` and `frequency_width`. "auto": one mask of up to an eighth of the
        features.
    {training_parameters}
    n_jobs : int, default=None
        Number of threads that read audio, and augment waveforms during training; None: that of the embedder, and 1.
    batch_size : int, default=32
        Maximum number of clips per training step. Predictions do not depend on it.
    validation_fraction : float or list, default=None
        Fraction of the clips (with `groups`, of the groups) that chooses the learning rate and the interpolation;
        stratified if clips have one label and there are no groups. A list names the groups, for a given set. The
        network is then trained again on all clips. 0: train once, and keep the trained weights. None: 0.2.
    early_stopping : bool, default=False
        Stop a run with held-out clips when their loss has not fallen for `patience` epochs; the run on all clips has as
        many epochs as the best one.
    augmentations : list of callables, default=None
        Applied in this order to the waveform of each clip of a training batch, again in every epoch: transforms of
        `sklearn_audio.augmentation` or audiomentations, torch modules, or functions of an array. They are seeded by
        `random_state`.

    Attributes
    ----------
    {attributes}
    alpha_ : float
        Factor of the interpolation, from 0, the probe, to 1, the trained network.
    trials_ : DataFrame
        The interpolations that were compared: `lr`, `alpha`, `valid_score` and `valid_loss` on the held-out clips, and
        `n_epochs`. Empty without validation.
    history_ : DataFrame
        Per epoch of the last run: `epoch`, `train_loss`, `lr` and `seconds`, and the scores of callbacks. Empty if no
        run followed the probe.
    n_iter_ : int
        Number of epochs of the last run.
    n_features_in_ : int
        Number of timepoints, if X was an array of shape (n_clips, n_timepoints).

    See Also
    --------
    CNNClassifier : Networks trained from scratch.
    NetworkEmbedder : A network of your own as the embedder.

    Notes
    -----
    With the default rates and validation, `fit` trains three times: with each rate on four fifths of the clips, and
    once on all. The network is trained on waveforms, whose frames are computed in every epoch. It sees the clips of a
    batch at one length: shorter ones are repeated, if it takes clips of any length; predictions are of each clip alone.

    Examples
    --------
    With random weights, which need no download:

    >>> from sklearn_audio import FineTunedClassifier, SpeechEmbedder
    >>> from sklearn_audio.datasets import make_sound_events
    >>> sounds = make_sound_events(n_clips=10, random_state=0)
    >>> embedder = SpeechEmbedder(weights=None, sample_rate=16000)
    >>> classifier = FineTunedClassifier(
    ...     embedder,
    ...     lr=1e-3,
    ...     validation_fraction=0.0,
    ...     max_epochs=1,
    ...     random_state=0,
    ... )
    >>> classifier.fit(sounds.data, sounds.target).predict_proba(sounds.data).shape
    (10, 5)

    References
    ----------
    Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", CVPR. Kumar et al. 2022, "Fine-tuning can distort
    pretrained features and underperform out-of-distribution", ICLR.
    """

    _shared_parameters: ClassVar[SharedParameters] = SHARED_TRAINING.without(
        "front_end", "sample_rate", "normalize", "warm_start"
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{
            name: constraint
            for name, constraint in FineTuning._parameter_constraints.items()
            if name not in ("front_end", "sample_rate", "normalize", "warm_start")
        },
        "embedder": [HasMethods(["transform", "_body"])],
        "strategy": [StrOptions({"probe", "probe_then_finetune", "last_blocks", "full", "lora"})],
        "freeze": [None, Interval(Integral, 1, None, closed="left"), str, list, tuple],
        "unfreeze_every": [Interval(Integral, 1, None, closed="left"), None],
        "probe": [HasMethods(["fit", "decision_function", "predict_proba"]), None],
        "lr": [_POSITIVE, list, tuple],
        "head_factor": [_POSITIVE],
        "layer_decay": [Interval(Real, 0, 1, closed="right")],
        "lora_rank": [Interval(Integral, 1, None, closed="left")],
        "lr_schedule": [StrOptions({"cosine", "step", "onecycle"}), dict, None],
        "mixup": [*FineTuning._parameter_constraints["mixup"], dict],
        "spec_augment": [*FineTuning._parameter_constraints["spec_augment"], StrOptions({"auto"})],
    }
    _parameter_items: ClassVar[Items] = {
        "mixup": {
            "alpha": Item(0.3, FineTuning._parameter_constraints["mixup"]),
            "fraction": Item(1.0, [Interval(Real, 0, 1, closed="right")]),
            "loudness": Item(False, ["boolean"]),
        }
    }
    _parameter_uses: ClassVar[Uses] = {
        **FineTuning._parameter_uses,
        **dict.fromkeys(_TRAINING, _TRAINED),
        **dict.fromkeys(("layer_decay", "spec_augment", "augmentations"), (_TRAINED, _WHOLE)),
        "weight_decay": (BY_NAME, _TRAINED),
        "mixup.fraction": _MIXED,
        "mixup.loudness": (
            _MIXED,
            _WHOLE,
            needs("recordings, whose waveforms are mixed", lambda owner: owner._classifier() is None, "embedder"),
        ),
        "freeze": _FREEZES,
        "unfreeze_every": (_TRAINED, _WHOLE, _NO_LORA),
        "probe": needs("a strategy other than 'full'", lambda owner: owner.strategy != "full", "strategy"),
        "lora_rank": needs("strategy='lora'", lambda owner: owner.strategy == "lora", "strategy"),
    }
    front_end = normalize = None
    warm_start = False

    def __init__(  # type: ignore[misc] # with its own defaults
        self,
        embedder: Any,
        *,
        strategy: Literal["probe", "probe_then_finetune", "last_blocks", "full", "lora"] = "probe_then_finetune",
        freeze: int | str | Sequence[str] | None = None,
        unfreeze_every: int | None = None,
        probe: Any = None,
        lr: float | Sequence[float] = (5e-5, 1e-3),
        head_factor: float = 3.0,
        layer_decay: float = 1.0,
        lora_rank: int = 8,
        max_epochs: int = 40,
        lr_schedule: Literal["cosine", "step", "onecycle"] | dict[str, Any] | None = "onecycle",
        mixup: float | dict[str, Any] = 0.3,
        spec_augment: dict[str, float] | bool | Literal["auto"] | None = "auto",
        **training: Unpack[TrainingOptions],
    ) -> None:
        self._shared_parameters.assign(self, training)
        self.embedder = embedder
        self.strategy = strategy
        self.freeze = freeze
        self.unfreeze_every = unfreeze_every
        self.probe = probe
        self.lr = lr
        self.head_factor = head_factor
        self.layer_decay = layer_decay
        self.lora_rank = lora_rank
        self.max_epochs = max_epochs
        self.lr_schedule = lr_schedule
        self.mixup = mixup
        self.spec_augment = spec_augment

    # parameters

    @classmethod
    def from_recipe(cls, name: str, embedder: Any, **overrides: Any) -> Self:
        """Return a classifier with the parameters of a published recipe.

        Parameters
        ----------
        name : str
            "panns", "panns-frozen", "ast-esc50", "ast-esc50-imagenet", "ast-speech-commands", "efficientat-esc50",
            "vggish-two-rates" or "deep-audio-features"; the user guide has their sources and differences.
        embedder : embedder
            The network.
        **overrides
            Parameters of this class to set differently.

        Returns
        -------
        FineTunedClassifier
            A new classifier.

        Raises
        ------
        ValueError
            If the name is unknown.
        TypeError
            If an override is not a parameter.

        Examples
        --------
        >>> from sklearn_audio import ASTEmbedder, FineTunedClassifier
        >>> tuned = FineTunedClassifier.from_recipe(
        ...     "ast-esc50", ASTEmbedder(n_frames=512), random_state=0
        ... )
        >>> tuned.lr, tuned.batch_size
        (1e-05, 48)
        """
        check_name("recipe", name, RECIPES)
        return cls(embedder, **(copy.deepcopy(RECIPES[name]) | overrides))

    @property
    def sample_rate(self) -> Any:  # type: ignore[override]
        """Rate of arrays without a rate, that of the embedder."""
        return self.embedder.sample_rate

    def _validate_params(self) -> None:
        super()._validate_params()
        self._rates()

    def _rates(self) -> list[float]:
        """List the learning rates among which validation chooses."""
        rates: list[Any] = list(self.lr) if isinstance(self.lr, (list, tuple)) else [self.lr]
        if not rates or not all(isinstance(rate, Real) and float(rate) > 0 for rate in rates):
            raise ValueError(f"lr={self.lr!r} must be a learning rate above 0, or a list of several.")
        return [float(rate) for rate in rates]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        self._check_fitted()
        return self._of_vectors(self._vectors(X))
