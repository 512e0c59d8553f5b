"""`CNNClassifier`: convolutional and other networks over windows of one length, by name, over frames or audio."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Unpack

from sklearn.utils.validation import check_is_fitted
from torch import nn

from sklearn_audio._meaning import Uses, needs
from sklearn_audio._names import check_name
from sklearn_audio._shared_parameters import SharedParameters
from sklearn_audio._sklearn import HasMethods, Interval, StrOptions, clone_parametrized
from sklearn_audio.classification._audio_input import AudioInput, check_powers
from sklearn_audio.classification._neural import NeuralClassifier
from sklearn_audio.classification._sequences import holds_tokens
from sklearn_audio.classification._training_parameters import SHARED_TRAINING, TrainingOptions
from sklearn_audio.dsp import FrontEnd
from sklearn_audio.engine.training import (
    Augmentation,
    Collation,
    Crop,
    RowView,
    Segments,
    ShortClip,
    patch_segments,
    whole_rows,
)
from sklearn_audio.nets import ARCHITECTURES, Architecture, FrameNetwork, architecture_of
from sklearn_audio.validation import container_kind

__all__ = ["CNNClassifier"]

_COUNT = Interval(Integral, 1, None, closed="left")
# Longer clips are read through windows: ten seconds at the usual hundred frames per second.
_MOST_FRAMES, _MOST_SECONDS = 1024, 10
# Values of "auto" for named architectures over frames, and for the others; measured on the page of benchmarks.
_AUTOMATIC: dict[str, tuple[Any, Any]] = {"mixup": (0.3, 0.0), "spec_augment": (True, False)}

_FRAMES = needs("frames", lambda owner: not owner._takes().waveforms, "architecture", idle=("auto", None, False))
_AUDIO = needs(
    "audio, which a front_end or an architecture over waveforms takes",
    lambda owner: owner._takes_audio(),
    "front_end",
    "architecture",
)
_USES: Uses = {
    "sample_rate": _AUDIO,
    "patch_hop": needs("patch_frames", lambda owner: owner.patch_frames is not None, "patch_frames"),
    "crop": needs("patch_frames=None", lambda owner: owner.patch_frames is None, "patch_frames"),
    "voting": needs(
        "several windows of a clip, which patch_frames or crop='random' give",
        lambda owner: owner.patch_frames is not None or owner.crop == "random",
        "patch_frames",
        "crop",
    ),
    "log_compression": _FRAMES,
    "mixup_on": (
        _AUDIO,
        needs("mixup above 0", lambda owner: owner._chosen("mixup") > 0, "mixup", "architecture"),
    ),
    "spec_augment": _FRAMES,
}


class CNNClassifier(NeuralClassifier):
    """Classify clips with a convolutional network, or another one over clips of one length, trained from scratch.

    Parameters
    ----------
    architecture : str or type, default="crnn"
        Over frames: "crnn", "cnn_transformer", "cnn4", "sbcnn", "timbre", "vgg32", "vgg128", "cnn6", "cnn10", "cnn14",
        "mobilenet_v1", "mobilenet_v2", "resnet22", "efficientat" and "ast". Over waveforms: "leenet11", "res1dnet31".
        Or a class of torch modules of your own, called with `n_outputs` and `n_features`, which maps
        (n_clips, n_frames, n_features) to (n_clips, n_outputs).
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
        the vote of adjacent windows; the others take the same window in both.
    short_clip : {"tile", "zero"}, default="tile"
        Clips shorter than what the network takes are repeated, or filled up with zeros after the normalisation, which
        stand for the mean frame.
    voting : {"soft", "log"}, default="soft"
        Average the probabilities of patches or windows, or their logarithms.
    log_compression : {"learned"} or None, default=None
        "learned": X is powers or magnitudes, of which the network computes ``log(alpha x + beta)`` with learned alpha
        and beta; a front end leaves its own logarithm out.
    encoder : ConvAutoencoder, default=None
        A fitted one whose encoder "cnn4" starts from.
    dropout : float, default=None
        Fraction of the units dropped in training. None is what the architecture has by default.
    n_jobs : int, default=None
        Threads that read audio and compute frames, and augment waveforms while the network trains; None is 1.
    batch_size : int, default=16
        Most clips per step of training. Inference does not depend on it.
    max_epochs : int, default=100
        Passes over the clips; the number that each call of `fit` makes. The default is for hundreds of clips, of which
        an epoch takes few steps.
    mixup : float or "auto", default="auto"
        Alpha of the Beta distribution that pairs of clips, and their labels, are mixed by; 0 mixes none. "auto" is 0.3
        for the architectures above that take frames, and 0 for waveforms and for a network of your own.
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
    FrameMLPClassifier : The baseline without a notion of time.
    PatchVotingClassifier : Votes of patches with any classifier.

    Notes
    -----
    Audio is read once, before training, and its frames are kept: up to 512 MB in memory, beyond that in an unnamed
    temporary file in the folder that `tempfile` chooses (``TMPDIR``), which is gone when the fit ends or is killed.
    With `augmentations`, which then change waveforms, or with mixup of waveforms, the waveforms are kept instead, and
    frames are computed in every epoch, those of a window from the part of the waveform that it covers.

    Frames of fewer numbers than the poolings of the network need are filled up with zeros after the normalisation.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import CNNClassifier
    >>> X = [np.full((4 + i % 3, 2), i % 2, dtype=np.float32) for i in range(6)]
    >>> classifier = CNNClassifier("timbre", max_epochs=5, lr=0.01, random_state=0).fit(X, ["off", "on"] * 3)
    >>> classifier.predict(X[:2])
    array(['off', 'on'], dtype='<U3')

    Over audio:

    >>> from sklearn_audio.datasets import make_sound_events
    >>> sounds = make_sound_events(n_clips=6, random_state=0)
    >>> listening = CNNClassifier(front_end="panns_16k", sample_rate=16000, n_frames=32, max_epochs=1, random_state=0)
    >>> listening.fit(sounds.data, sounds.target).predict_proba(sounds.data).shape
    (6, 5)
    """

    n_frames_: int
    _parameter_uses: ClassVar[Uses] = NeuralClassifier._parameter_uses | _USES
    _shared_parameters: ClassVar[SharedParameters] = SHARED_TRAINING.without("n_tokens")
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{name: kinds for name, kinds in NeuralClassifier._parameter_constraints.items() if name != "n_tokens"},
        "architecture": [str, type],
        "options": [dict, None],
        "n_frames": [_COUNT, None],
        "patch_frames": [_COUNT, None],
        "patch_hop": [_COUNT, None],
        "crop": [StrOptions({"random", "center", "start"})],
        "short_clip": [StrOptions({"tile", "zero"})],
        "voting": [StrOptions({"soft", "log"})],
        "mixup_on": [StrOptions({"frames", "waveforms"})],
        "log_compression": [StrOptions({"learned"}), None],
        "encoder": [HasMethods(["inverse_transform"]), None],
        "dropout": [Interval(Real, 0, 1, closed="left"), None],
        "mixup": [*NeuralClassifier._parameter_constraints["mixup"], StrOptions({"auto"})],
        "spec_augment": [*NeuralClassifier._parameter_constraints["spec_augment"], StrOptions({"auto"})],
    }

    def __init__(  # type: ignore[misc] # with defaults of its own
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
        dropout: float | None = None,
        n_jobs: int | None = None,
        batch_size: int = 16,
        max_epochs: int = 100,
        mixup: float | Literal["auto"] = "auto",
        mixup_on: Literal["frames", "waveforms"] = "frames",
        spec_augment: dict[str, float] | bool | Literal["auto"] | None = "auto",
        **training: Unpack[TrainingOptions],
    ) -> None:
        self._shared_parameters.assign(self, training)
        self.front_end = front_end
        self.sample_rate = sample_rate
        self.n_jobs = n_jobs
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.mixup = mixup
        self.spec_augment = spec_augment
        self.architecture = architecture
        self.options = options
        self.n_frames = n_frames
        self.patch_frames, self.patch_hop = patch_frames, patch_hop
        self.crop = crop
        self.short_clip = short_clip
        self.voting = voting
        self.mixup_on = mixup_on
        self.log_compression = log_compression
        self.encoder = encoder
        self.dropout = dropout

    # the architecture and its input

    def _takes(self) -> Architecture:
        return architecture_of(self.architecture)

    def _takes_audio(self) -> bool:
        if self.front_end is not None:
            return True
        # scikit-learn reads the tags before the parameters are validated
        known = not isinstance(self.architecture, str) or self.architecture in ARCHITECTURES
        return known and self._takes().waveforms

    def __sklearn_clone__(self) -> Any:
        cloned = clone_parametrized(self)
        cloned.encoder = self.encoder  # fitted, which a clone of it would not be
        return cloned

    def _validate_params(self) -> None:
        if isinstance(self.architecture, str):
            check_name("architecture", self.architecture, ARCHITECTURES)
        super()._validate_params()
        if not isinstance(self.architecture, str) and not issubclass(self.architecture, nn.Module):
            raise TypeError(f"architecture={self.architecture!r} is no class of torch modules; give one, or a name.")
        if self.dropout is not None and "dropout" in (self.options or {}):
            raise ValueError(
                f"dropout={self.dropout} and options={self.options!r} both say what dropout is; give one of them."
            )
        lengths = {"n_frames": self.n_frames, "patch_frames": self.patch_frames}
        self._takes().check("architecture", self.architecture, self._network_options(), lengths)
        if self.patch_frames is not None and self.n_frames is not None:
            raise ValueError(
                f"n_frames={self.n_frames} is for one window per clip and patch_frames={self.patch_frames} for all its "
                "patches; give one of them."
            )

    def _network_options(self) -> dict[str, Any]:
        return dict(self.options or {}) | ({} if self.dropout is None else {"dropout": self.dropout})

    # rows

    def _audio(self) -> AudioInput:
        return AudioInput.of(self.front_end, self.sample_rate, self._takes().waveforms, self.log_compression)

    def _changes_waveforms(self) -> bool:
        return super()._changes_waveforms() or self._mixes_waveforms()

    def _mixes_waveforms(self) -> bool:
        """Whether clips are mixed before their frames are computed."""
        return self.front_end is not None and self.mixup_on == "waveforms" and self._chosen("mixup") > 0

    def _read_rows(self, X: Any, *, reset: bool) -> RowView:
        if not self._takes_audio():
            self._refuse_tokens(X)
        rows = super()._read_rows(X, reset=reset)
        if self.log_compression is not None and self.front_end is None:
            check_powers(rows)
        if reset:
            self.n_frames_ = self._length(rows)
        return rows

    def _refuse_tokens(self, X: Any) -> None:
        kind, items = container_kind(X) if getattr(X, "ndim", None) != 3 else ("array", X)
        if kind != "array" and len(items) and holds_tokens(items):
            raise ValueError(
                f"X holds integers in one dimension per clip, which are tokens, and architecture {self.architecture!r} "
                "takes frames (n_frames, n_features). Take FrameMLPClassifier or BERTClassifier, or pass floats."
            )

    def _length(self, rows: RowView) -> int:
        """Choose how many frames the network takes."""
        given = self.n_frames if self.patch_frames is None else self.patch_frames
        if given is not None:
            return int(given)
        longest, front_end = int(rows.lengths.max()), self._batch_front_end()
        if front_end is not None and front_end.front_end is not None:
            longest = front_end.front_end.n_frames(longest)
        takes = self._takes()
        most = _MOST_SECONDS * self._audio().rate if takes.waveforms else _MOST_FRAMES
        return max(takes.shortest, min(longest, most))

    def _segments(self, rows: RowView, *, training: bool) -> Segments:
        """Cut clips into patches; or, for prediction with random crops, into adjacent windows."""
        length = self.patch_frames
        if length is None:
            if training or self.crop != "random":
                return whole_rows(rows)
            length = self.n_frames_
        hop, front_end = (self.patch_hop or length), self._batch_front_end() if training else None
        if front_end is not None and front_end.front_end is not None:
            length, hop = front_end.n_items(length), hop * front_end.front_end.hop_length
        return patch_segments(rows, length, hop)

    def _collation(self, *, training: bool) -> Collation:
        front_end, mixup = self._batch_front_end() if training else None, None
        if training and self._mixes_waveforms():
            mixup = Augmentation(self._chosen("mixup"), n_classes=len(self.classes_), multi_label=self.multi_label_)
        return Collation(self.n_frames_, self.crop, self.short_clip, front_end=front_end, mixup=mixup)

    # training

    def _chosen(self, name: str) -> Any:
        """Return `mixup` or `spec_augment`; "auto" is on for named architectures over frames."""
        value = getattr(self, name)
        if not isinstance(value, str):
            return value
        on, off = _AUTOMATIC[name]
        return on if isinstance(self.architecture, str) and not self._takes().waveforms else off

    def _augmentation(self) -> Augmentation | None:
        mixup = 0.0 if self._mixes_waveforms() else self._chosen("mixup")
        return self._build_augmentation(mixup, self._chosen("spec_augment"))

    def _build_network(self, rows: RowView) -> None:
        item_shape = self._collation(training=True).item_shape(rows)
        options: dict[str, Any] = {
            "n_outputs": len(self.classes_),
            "n_features": item_shape[0] if item_shape else None,
            "architecture": self.architecture,
            "n_frames": self.n_frames_,
            "options": self._network_options(),
            "per_clip": self.normalize == "clip",
            "learned_log": self.log_compression is not None,
        }
        network = FrameNetwork(**options)
        self._set_network(network, options)
        if self.normalize == "standard":
            self._standardise(rows, network.compress)
        if self.encoder is not None:
            check_is_fitted(self.encoder)
            network.start_from(self.encoder.encoder_.state_dict(), self.architecture)
