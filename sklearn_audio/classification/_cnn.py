"""`CNNClassifier`: networks over clips of one length, by name, over frames or audio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Literal

from torch import nn

from sklearn_audio._sklearn import HasMethods, Interval, StrOptions
from sklearn_audio.base import AUDIO_CONSTRAINTS
from sklearn_audio.classification._windowed import WindowedClassifier
from sklearn_audio.dsp import FrontEnd
from sklearn_audio.engine.training import Crop, ShortClip

__all__ = ["CNNClassifier"]

_COUNT = Interval(Integral, 1, None, closed="left")


class CNNClassifier(WindowedClassifier):
    """Classify clips with a convolutional network, or another one over clips of one length, trained from scratch.

    Parameters
    ----------
    architecture : str or type, default="crnn"
        Over frames: "crnn", "cnn_transformer", "cnn4", "sbcnn", "timbre", "vgg32", "vgg128", "cnn6", "cnn10", "cnn14",
        "mobilenet_v1", "mobilenet_v2", "resnet22", "efficientat", "ast" and "mlp", the baseline without a notion of
        time, which also takes tokens. Over waveforms: "leenet11", "res1dnet31". Or a class of torch modules
        of your own, called with `n_outputs` and `n_features`, which maps (n_clips, n_frames, n_features) to
        (n_clips, n_outputs).
    options : dict, default=None
        More arguments of the network, such as ``{"pooling": "attention"}`` of "crnn" and "cnn_transformer",
        ``{"width": 0.4}`` of "efficientat" or ``{"dropout": 0.2}`` of most. Unknown ones are refused by name. Defaults
        are those of the papers, but for the width of "crnn" and "cnn_transformer": ``{"n_embedding": 64}``, made for
        hundreds of clips, in place of 1024.
    front_end : str or FrontEnd, default=None
        What computes the frames if X is audio: a name of `sklearn_audio.dsp.preset`, such as "panns_32k", or a front
        end. None takes frames, or waveforms with an architecture over waveforms.
    sample_rate : int, default=None
        Hz of arrays without a rate, where X is audio; None refuses them. Architectures over waveforms resample
        recordings to it, or to 32000.
    n_frames : int, default=None
        Frames that the network takes; of waveforms, timepoints. None takes those of the longest clip of `fit`, at most
        1024 (10 seconds of a waveform), and at least what the network needs.
    patch_frames : int, default=None
        Train on all patches of so many frames of each clip, and let them vote. None trains on one window of `n_frames`
        of each clip.
    patch_hop : int, default=None
        Frames between neighbouring patches; None is `patch_frames`. The last patch ends with the clip.
    crop : {"random", "center", "start"}, default="random"
        Which window of a clip longer than `n_frames` is taken. "random" is another one in every epoch, and predicts by
        the vote of windows side by side; the others take the same window in both. "mlp" takes the start.
    short_clip : {"tile", "zero"}, default="tile"
        Clips shorter than what the network takes are repeated, or filled up with zeros behind the normalisation, which
        stands for the mean frame. "mlp" fills up.
    voting : {"soft", "log"}, default="soft"
        Average the probabilities of patches or windows, or their logarithms.
    log_compression : {"learned"} or None, default=None
        "learned": X is powers or magnitudes, of which the network computes ``log(alpha x + beta)`` with learned alpha
        and beta; a front end leaves its own logarithm out.
    encoder : ConvAutoencoder, default=None
        A fitted one whose encoder "cnn4" starts from.
    hidden_sizes : sequence of int, default=(256, 128)
        Units of the layers of "mlp".
    embedding_size : int, default=16
        Width of the learned vectors of tokens, with "mlp".
    dropout : float, default=None
        Share of the units dropped in training. None is what the architecture has by default; 0.2 with "mlp".
    n_jobs : int, default=None
        Threads that read audio and compute frames, and augment waveforms while the network trains; None is 1.
    batch_size : int, default=16
        Most clips per step of training. Inference does not depend on it.
    max_epochs : int, default=100
        Passes over the clips; the number that each call of `fit` makes. The default is for hundreds of clips, of which
        an epoch takes few steps.
    mixup : float or "auto", default="auto"
        Alpha of the Beta distribution that pairs of clips, and their labels, are mixed by; 0 mixes none. "auto" is 0.3
        for the architectures above that take frames, and 0 for waveforms, for "mlp", and for a network of your own.
    mixup_on : {"frames", "waveforms"}, default="frames"
        What `mixup` mixes where a front end computes the frames. Mixing waveforms, as PANNs and AST do, keeps waveforms
        and computes frames in every epoch. Architectures over waveforms mix those in any case.
    spec_augment : dict, bool or "auto", default="auto"
        Mask random stretches of time and of features of each clip in training (SpecAugment): True, or a dict with some
        of `time_masks`, `time_width`, `frequency_masks` and `frequency_width`. For frames only. "auto" is True where it
        is 0.3 for `mixup`, else False.
    {training_parameters}

    Attributes
    ----------
    {attributes}
    n_frames_ : int
        Frames, or timepoints, that the network takes.

    See Also
    --------
    LSTMClassifier : For clips of any length.
    PatchVotingClassifier : Votes of patches with any classifier.

    Notes
    -----
    Audio is read once, before training, and its frames are kept: up to 512 MB in memory, beyond that in a nameless
    temporary file in the folder that `tempfile` chooses (``TMPDIR``), which is gone when the fit ends or is killed.
    With `augmentations`, which then change waveforms, or with mixup of waveforms, the waveforms are kept instead, and
    frames are computed in every epoch, those of a window from the part of the waveform that it covers.

    Frames of fewer numbers than the poolings of the network need are filled up with zeros behind the normalisation.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import CNNClassifier
    >>> X = [np.full((4 + i % 3, 2), i % 2, dtype=np.float32) for i in range(6)]
    >>> classifier = CNNClassifier("mlp", max_epochs=20, random_state=0).fit(X, ["off", "on"] * 3)
    >>> classifier.predict(X[:2])
    array(['off', 'on'], dtype='<U3')

    Over audio:

    >>> from sklearn_audio.datasets import make_sound_events
    >>> sounds = make_sound_events(n_clips=6, random_state=0)
    >>> listening = CNNClassifier(front_end="panns_16k", sample_rate=16000, n_frames=32, max_epochs=1, random_state=0)
    >>> listening.fit(sounds.data, sounds.target).predict_proba(sounds.data).shape
    (6, 5)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **WindowedClassifier._parameter_constraints,
        "architecture": [str, type],
        "options": [dict, None],
        "front_end": [str, FrontEnd, None],
        "sample_rate": [None, *AUDIO_CONSTRAINTS["sample_rate"]],
        "n_frames": [_COUNT, None],
        "patch_frames": [_COUNT, None],
        "patch_hop": [_COUNT, None],
        "crop": [StrOptions({"random", "center", "start"})],
        "short_clip": [StrOptions({"tile", "zero"})],
        "voting": [StrOptions({"soft", "log"})],
        "mixup_on": [StrOptions({"frames", "waveforms"})],
        "log_compression": [StrOptions({"learned"}), None],
        "encoder": [HasMethods(["inverse_transform"]), None],
        "hidden_sizes": ["array-like"],
        "embedding_size": [_COUNT],
        "dropout": [Interval(Real, 0, 1, closed="left"), None],
        "n_jobs": [Integral, None],
        "mixup": [*WindowedClassifier._parameter_constraints["mixup"], StrOptions({"auto"})],
        "spec_augment": [*WindowedClassifier._parameter_constraints["spec_augment"], StrOptions({"auto"})],
    }

    def __init__(
        self,
        architecture: str | type[nn.Module] = "crnn",
        *,
        options: Mapping[str, Any] | None = None,
        front_end: str | FrontEnd | None = None,
        sample_rate: int | None = None,
        n_frames: int | None = None,
        patch_frames: int | None = None,
        patch_hop: int | None = None,
        crop: Crop = "random",
        short_clip: ShortClip = "tile",
        voting: Literal["soft", "log"] = "soft",
        log_compression: Literal["learned"] | None = None,
        encoder: Any = None,
        hidden_sizes: Sequence[int] = (256, 128),
        embedding_size: int = 16,
        dropout: float | None = None,
        n_jobs: int | None = None,
        batch_size: int = 16,
        max_epochs: int = 100,
        mixup: float | Literal["auto"] = "auto",
        mixup_on: Literal["frames", "waveforms"] = "frames",
        spec_augment: dict[str, float] | bool | Literal["auto"] | None = "auto",
        normalize: Literal["standard", "clip"] | None = "standard",
        n_tokens: int | None = None,
        lr: float = 0.001,
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
            normalize=normalize,
            n_tokens=n_tokens,
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
        self.architecture = architecture
        self.options = options
        self.front_end = front_end
        self.sample_rate = sample_rate
        self.n_frames = n_frames
        self.patch_frames, self.patch_hop = patch_frames, patch_hop
        self.crop = crop
        self.short_clip = short_clip
        self.voting = voting
        self.mixup_on = mixup_on
        self.log_compression = log_compression
        self.encoder = encoder
        self.hidden_sizes = hidden_sizes
        self.embedding_size = embedding_size
        self.dropout = dropout
        self.n_jobs = n_jobs
