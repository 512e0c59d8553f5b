"""`TokenMeanClassifier`: the mean of learned vectors, without order."""

from __future__ import annotations

from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Literal

from sklearn.utils import Tags

from sklearn_audio._sklearn import Interval
from sklearn_audio.classification._sequences import SequenceClassifier
from sklearn_audio.dsp import FrontEnd
from sklearn_audio.engine.training import RowView
from sklearn_audio.nets import MeanNetwork

__all__ = ["TokenMeanClassifier"]


class TokenMeanClassifier(SequenceClassifier):
    """Classify sequences by the mean of a learned vector of each token, or of each frame.

    A baseline for the networks that see the order. Over frames, the vector is a linear map and a rectifier.

    Parameters
    ----------
    embedding_size : int, default=128
        Width of the vectors.
    dropout : float, default=0.2
        Fraction of the mean dropped in training.
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
        "embedding_size": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        *,
        embedding_size: int = 128,
        dropout: float = 0.2,
        front_end: str | FrontEnd | None = None,
        sample_rate: int | None = None,
        n_jobs: int | None = None,
        normalize: Literal["standard", "clip"] | None = "standard",
        n_tokens: int | None = None,
        max_epochs: int = 50,
        lr: float = 0.001,
        batch_size: int = 32,
        optimizer: Any = "adamw",
        weight_decay: float = 0.01,
        lr_schedule: Literal["plateau", "cosine", "step", "onecycle"] | None = "cosine",
        warmup: float = 0.0,
        validation_fraction: float | None = None,
        early_stopping: bool = False,
        patience: int = 10,
        class_weight: Any = None,
        gradient_clip: float | None = 1.0,
        sampler: Literal["balanced", "alternate", "weighted"] | None = None,
        mixup: float = 0.0,
        spec_augment: dict[str, float] | bool | None = None,
        augmentations: Any = None,
        accumulate: int = 1,
        weight_averaging: Literal["ema", "swa"] | None = None,
        checkpoint_dir: str | PathLike[str] | None = None,
        callbacks: Any = None,
        warm_start: bool = False,
        device: Any = "auto",
        precision: Literal["float32", "bfloat16"] = "float32",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            front_end=front_end,
            sample_rate=sample_rate,
            n_jobs=n_jobs,
            normalize=normalize,
            max_epochs=max_epochs,
            lr=lr,
            batch_size=batch_size,
            optimizer=optimizer,
            weight_decay=weight_decay,
            lr_schedule=lr_schedule,
            warmup=warmup,
            validation_fraction=validation_fraction,
            early_stopping=early_stopping,
            patience=patience,
            class_weight=class_weight,
            gradient_clip=gradient_clip,
            sampler=sampler,
            mixup=mixup,
            spec_augment=spec_augment,
            augmentations=augmentations,
            accumulate=accumulate,
            weight_averaging=weight_averaging,
            checkpoint_dir=checkpoint_dir,
            callbacks=callbacks,
            warm_start=warm_start,
            device=device,
            precision=precision,
            random_state=random_state,
            verbose=verbose,
        )
        self.n_tokens = n_tokens
        self.embedding_size = embedding_size
        self.dropout = dropout

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # it does not see the order of values, in which the rows of scikit-learn's checks differ
        tags.classifier_tags.poor_score = True
        return tags

    def _build_network(self, rows: RowView) -> None:
        self._set_sequence_network(MeanNetwork, rows, width=self.embedding_size, dropout=self.dropout)
