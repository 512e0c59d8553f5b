"""`CNNClassifier`: convolutional and other networks over windows of one length, by name, over frames or audio."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar, Literal, Unpack

from sklearn.utils.validation import check_is_fitted
from torch import nn

from sklearn_audio._meaning import Item, Items, Uses, check_items, items_of, needs
from sklearn_audio._names import check_name
from sklearn_audio._sklearn import HasMethods, Interval, StrOptions, clone_parametrized
from sklearn_audio.classification._audio_input import AudioInput, check_powers
from sklearn_audio.classification._network_options import COUNT, options_of, options_of_own
from sklearn_audio.classification._neural import NeuralClassifier
from sklearn_audio.classification._training_parameters import TrainingOptions
from sklearn_audio.dsp import PRESETS, FrontEnd
from sklearn_audio.engine.training import (
    Augmentation,
    Collation,
    Crop,
    RowView,
    Segments,
    patch_segments,
    whole_rows,
)
from sklearn_audio.nets import ARCHITECTURES, Architecture, FrameNetwork, architecture_of
from sklearn_audio.validation import container_kind
from sklearn_audio.validation._sequences import holds_tokens

__all__ = ["CNNClassifier"]

# Longer clips are cut into windows: ten seconds at the usual hundred frames per second.
_MOST_FRAMES, _MOST_SECONDS = 1024, 10
# Values of "auto" for named architectures over frames, and for the others; see the page of benchmarks.
_AUTOMATIC: dict[str, tuple[Any, Any]] = {"mixup": (0.3, 0.0), "spec_augment": (True, False)}
_TAKES = StrOptions({"random", "center", "start", "all"})
_OWN_OPTIONS: dict[str, Item] = {
    "log_compression": Item(None, [StrOptions({"learned"}), None]),
    "encoder": Item(None, [HasMethods(["inverse_transform"]), None]),
}

_FRAMES = needs("frames", lambda owner: not owner._takes().waveforms, "architecture", idle=("auto", None, False))
_AUDIO = needs(
    "audio, with a front_end or an architecture over waveforms",
    lambda owner: owner._takes_audio(),
    "front_end",
    "architecture",
)
_USES: Uses = {
    "sample_rate": _AUDIO,
    "hidden_sizes": needs("architecture='mlp'", lambda owner: owner.architecture == "mlp", "architecture"),
    "options.log_compression": _FRAMES,
    "windows.hop": needs(
        "windows of 'all' or 'random'", lambda owner: owner._window("take") in ("all", "random"), "windows"
    ),
    "windows.voting": needs(
        "several windows of a clip, as with 'all' and 'random'",
        lambda owner: owner._window("take") in ("all", "random"),
        "windows",
    ),
    "mixup.fraction": needs("an alpha above 0", lambda owner: owner._mixup_alpha() > 0, "mixup", "architecture"),
    "mixup.on": (
        _AUDIO,
        needs("an alpha above 0", lambda owner: owner._mixup_alpha() > 0, "mixup", "architecture"),
    ),
    "mixup.loudness": (
        needs("mixup of waveforms", lambda owner: owner._takes().waveforms or owner._mixes_waveforms(), "mixup"),
        needs("an alpha above 0", lambda owner: owner._mixup_alpha() > 0, "mixup", "architecture"),
    ),
    "mixup.style": (
        _FRAMES,
        needs(
            "logarithms, as mixed powers may be negative",
            lambda owner: owner._option("log_compression") is None,
            "options",
        ),
    ),
    "mixup.style_p": needs("a style above 0", lambda owner: items_of(owner, "mixup")["style"] > 0, "mixup"),
    "spec_augment": _FRAMES,
}


class CNNClassifier(NeuralClassifier):
    """Classify clips with a convolutional network, or another one over clips of one length, trained from scratch.

    Parameters
    ----------
    architecture : str or type, default="crnn"
        Over frames: "crnn", "cnn_transformer", "cnn4", "sbcnn", "timbre", "bcresnet", "vgg32", "vgg128", "cnn6",
        "cnn10", "cnn14", "cnn14_decision_max", "cnn14_decision_avg", "cnn14_decision_att", "mobilenet_v1",
        "mobilenet_v2", "resnet22", "resnet38", "resnet54", "efficientat", "ast", "fnet" and "mlp". Over waveforms:
        "leenet11", "leenet24", "dainet19", "res1dnet31", "res1dnet51", "wavegram_cnn14" and, at a `sample_rate` of
        32000, 16000 or 8000, "wavegram_logmel_cnn14". Or your own torch module class, called with `n_outputs` and
        `n_features`, which maps (n_clips, n_frames, n_features) to (n_clips, n_outputs).
    hidden_sizes : sequence of int, default=None
        Units of the layers of "mlp"; None: (256, 128). For no other architecture.
    options : dict, default=None
        Further arguments of the network. For all architectures over frames:

        - "log_compression", "learned" or by default None: with "learned", X is powers or magnitudes, and the network
          computes ``log(alpha x + beta)`` with learned alpha and beta; the logarithm of a front end is omitted.
        - "encoder", by default None: a fitted `ConvAutoencoder`, whose encoder initialises "cnn4".

        And those of each architecture. Their defaults are those of the papers unless given here; your own class is
        called with the options that you choose:

        - "dropout", from 0 to below 1: fraction of the units dropped in training; for all but "timbre", "ast" and
          "cnn14_decision_max", "cnn14_decision_avg", "cnn14_decision_att".
        - "n_embedding", at least 2, by default 64: width of "crnn", "cnn_transformer" and "fnet", for hundreds of
          clips, instead of 1024 as in the papers.
        - "pooling", one of "max", "mean", "linear", "exponential" and "attention", by default "linear": over time, for
          "crnn" and "cnn_transformer".
        - "n_layers", at least 1, by default 4, for "fnet".
        - "n_layers", at least 1, by default 2; "shared_layers", by default True; "positions", by default False; and
          "transformer_dropout", from 0 to below 1, by default 0.5: for "cnn_transformer".
        - "width", above 0, by default 1.0: factor of the number of channels of "efficientat" and "bcresnet".
        - "size", one of "tiny", "small" and "base", by default "base"; and "stride", by default ``(10, 10)``: for
          "ast".
        - "input_norm", by default False: batch normalisation before "sbcnn".
    front_end : str or FrontEnd, default=None
        Computes the frames if X is audio: the name of a `sklearn_audio.dsp.preset`, such as "panns_32k", or a front
        end. None: X is frames, or waveforms with an architecture over waveforms.
    sample_rate : int, default=None
        Rate in Hz of arrays without a rate, if X is audio; None: such arrays raise. For architectures over waveforms,
        recordings are resampled to it, or to 32000.
    n_frames : int, default=None
        Number of frames of a window, the input of the network; for waveforms, timepoints. None: that of the longest
        clip of `fit`, at most 1024 (10 seconds of a waveform), and at least the minimum of the network.
    windows : {"random", "center", "start", "all"} or dict, default="random"
        Windows of `n_frames` that are taken from a longer clip. "random" trains on another one in every epoch, and
        predicts by a vote of adjacent windows; "center" and "start" always take the same one; "all" trains on all
        windows in every epoch, and predicts by their vote. A dict has some of

        - "take": one of these four, by default "random".
        - "hop", at least 1, by default None: frames between the starts of the windows of "all", and of those that
          "random" predicts by; None: `n_frames`. The last window ends with the clip.
        - "short_clip", "tile" or "zero", by default "tile": clips shorter than a window are repeated, or padded with
          zeros after normalisation, which correspond to the mean frame.
        - "voting", "soft" or "log", by default "soft": average the probabilities of several windows, or their
          logarithms.
    n_jobs : int, default=None
        Number of threads that read audio, compute frames, and augment waveforms during training; None: 1.
    batch_size : int, default=16
        Maximum number of clips per training step. Predictions do not depend on it.
    max_epochs : int, default=100
        Passes over the training clips in each call of `fit`. The default is for hundreds of clips, which give few steps
        per epoch.
    mixup : float, "auto" or dict, default="auto"
        Alpha of the Beta distribution by which pairs of clips and their labels are mixed; 0: no mixing. "auto": 0.3 for
        the named architectures over frames, and 0 for waveforms and for your own network. A dict has some of

        - "alpha": this number or "auto", by default "auto".
        - "on", "frames" or "waveforms", by default "frames": what is mixed if a front end computes the frames. Mixing
          waveforms, as PANNs and AST do, requires computing frames in every epoch. Architectures over waveforms always
          mix waveforms.
        - "fraction", above 0, by default 1.0: fraction of the clips that are mixed, 0.6 for AST on Speech Commands.
        - "loudness", by default False: whether a label has the share of its waveform in the loudness of the mixture
          (between-class mixing), instead of that in the amplitude. For waveforms that are mixed.
        - "style", at least 0, by default 0.0: alpha of Freq-MixStyle, by which mean and deviation of each feature are
          mixed between clips, but not their labels, as if recorded by other devices; 0: off. For frames only.
        - "style_p", from 0 to 1, by default 0.4: probability that a batch is changed by this.
    spec_augment : dict, bool or "auto", default="auto"
        Mask random ranges of frames and of features of each clip in training (SpecAugment): True, or a dict with some
        of `time_masks`, `time_width`, `frequency_masks` and `frequency_width`. For frames only. "auto": True for the
        named architectures over frames, else False.
    {training_parameters}

    Attributes
    ----------
    {attributes}
    n_frames_ : int
        Number of frames, or timepoints, of the input.

    See Also
    --------
    LSTMClassifier : For clips of any length.
    FrameMLPClassifier : The baseline without a model of time.
    PatchVotingClassifier : Votes of patches with any classifier.

    Notes
    -----
    Audio is read once, before training, and its frames are stored: up to 512 MB in memory, beyond that in an unnamed
    temporary file in the folder chosen by `tempfile` (``TMPDIR``), which disappears when the fit ends or is killed.
    With `augmentations`, which then change waveforms, or with mixup of waveforms, the waveforms are stored instead, and
    in every epoch the frames of each window are computed from its part of the waveform.

    Frames with fewer features than the pooling layers of the network need are padded with zeros after normalisation.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_audio import CNNClassifier
    >>> X = [np.full((4 + i % 3, 2), i % 2, dtype=np.float32) for i in range(6)]
    >>> classifier = CNNClassifier(
    ...     "timbre", max_epochs=5, lr=0.01, random_state=0
    ... ).fit(X, ["off", "on"] * 3)
    >>> classifier.predict(X[:2])
    array(['off', 'on'], dtype='<U3')

    Over audio:

    >>> from sklearn_audio.datasets import make_sound_events
    >>> sounds = make_sound_events(n_clips=6, random_state=0)
    >>> listening = CNNClassifier(
    ...     front_end="panns_16k",
    ...     sample_rate=16000,
    ...     n_frames=32,
    ...     max_epochs=1,
    ...     random_state=0,
    ... )
    >>> listening.fit(sounds.data, sounds.target).predict_proba(sounds.data).shape
    (6, 5)
    """

    n_frames_: int
    _parameter_uses: ClassVar[Uses] = NeuralClassifier._parameter_uses | _USES
    _parameter_items: ClassVar[Items] = {
        "options": _OWN_OPTIONS,
        "windows": {
            "take": Item("random", [_TAKES]),
            "hop": Item(None, [COUNT, None]),
            "short_clip": Item("tile", [StrOptions({"tile", "zero"})]),
            "voting": Item("soft", [StrOptions({"soft", "log"})]),
        },
        "mixup": {
            "alpha": Item("auto", [*NeuralClassifier._parameter_constraints["mixup"], StrOptions({"auto"})]),
            "on": Item("frames", [StrOptions({"frames", "waveforms"})]),
            "fraction": Item(1.0, [Interval(Real, 0, 1, closed="right")]),
            "loudness": Item(False, ["boolean"]),
            "style": Item(0.0, [Interval(Real, 0, None, closed="left")]),
            "style_p": Item(0.4, [Interval(Real, 0, 1, closed="both")]),
        },
    }
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **NeuralClassifier._parameter_constraints,
        "architecture": [str, type],
        "hidden_sizes": ["array-like", None],
        "options": [dict, None],
        "n_frames": [COUNT, None],
        "windows": [_TAKES, dict],
        "mixup": [*NeuralClassifier._parameter_constraints["mixup"], StrOptions({"auto"}), dict],
        "spec_augment": [*NeuralClassifier._parameter_constraints["spec_augment"], StrOptions({"auto"})],
    }

    def __init__(  # type: ignore[misc] # with its own defaults
        self,
        architecture: str | type[nn.Module] = "crnn",
        *,
        hidden_sizes: Sequence[int] | None = None,
        options: dict[str, Any] | None = None,
        front_end: str | FrontEnd | None = None,
        sample_rate: int | None = None,
        n_frames: int | None = None,
        windows: Literal["random", "center", "start", "all"] | dict[str, Any] = "random",
        n_jobs: int | None = None,
        batch_size: int = 16,
        max_epochs: int = 100,
        mixup: float | Literal["auto"] | dict[str, Any] = "auto",
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
        self.hidden_sizes = hidden_sizes
        self.options = options
        self.n_frames = n_frames
        self.windows = windows

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
        encoder = (self.options or {}).get("encoder")
        if encoder is not None:
            cloned.options["encoder"] = encoder  # fitted, whereas a clone would not be
        return cloned

    def _validate_params(self) -> None:
        if isinstance(self.architecture, str):
            check_name("architecture", self.architecture, ARCHITECTURES)
        super()._validate_params()
        self._takes().check_length("architecture", self.architecture, self.n_frames)
        if self._takes().front_end and self.front_end is None:
            self._log_mel()

    def _check_items(self) -> None:
        if not isinstance(self.architecture, str) and not issubclass(self.architecture, nn.Module):
            raise TypeError(f"architecture={self.architecture!r} is not a torch module class; give one, or a name.")
        for parameter in ("windows", "mixup"):
            check_items(self, parameter)
        network = options_of(self._takes()) if isinstance(self.architecture, str) else options_of_own(self.options)
        network.pop("hidden_sizes", None)
        check_items(self, "options", network | _OWN_OPTIONS, f" for architecture {self.architecture!r}:")

    def _option(self, name: str) -> Any:
        return items_of(self, "options")[name]

    def _window(self, name: str) -> Any:
        return items_of(self, "windows")[name]

    # rows

    def _audio(self) -> AudioInput:
        return AudioInput.of(self.front_end, self.sample_rate, self._takes().waveforms, self._option("log_compression"))

    def _changes_waveforms(self) -> bool:
        return super()._changes_waveforms() or self._mixes_waveforms()

    def _mixes_waveforms(self) -> bool:
        """Whether clips are mixed before their frames are computed."""
        on_waveforms = items_of(self, "mixup")["on"] == "waveforms"
        return self.front_end is not None and on_waveforms and self._mixup_alpha() > 0

    def _read_rows(self, X: Any, *, reset: bool) -> RowView:
        if not self._takes_audio():
            self._check_not_tokens(X)
        rows = super()._read_rows(X, reset=reset)
        if self._option("log_compression") is not None and self.front_end is None:
            check_powers(rows)
        if reset:
            self.n_frames_ = self._length(rows)
        return rows

    def _check_not_tokens(self, X: Any) -> None:
        kind, items = container_kind(X) if getattr(X, "ndim", None) != 3 else ("array", X)
        if kind != "array" and len(items) and holds_tokens(items):
            raise ValueError(
                f"X holds integers in one dimension per clip, which are tokens, and architecture {self.architecture!r} "
                "takes frames (n_frames, n_features). Use FrameMLPClassifier or BERTClassifier, or pass floats."
            )

    def _length(self, rows: RowView) -> int:
        """Return the number of frames of the input."""
        if self.n_frames is not None:
            return int(self.n_frames)
        longest, front_end = int(rows.lengths.max()), self._batch_front_end()
        if front_end is not None and front_end.front_end is not None:
            longest = front_end.front_end.n_frames(longest)
        takes = self._takes()
        most = _MOST_SECONDS * self._audio().rate if takes.waveforms else _MOST_FRAMES
        return max(takes.shortest, min(longest, most))

    def _segments(self, rows: RowView, *, training: bool) -> Segments:
        """Return all windows of clips, or, for prediction after training on random ones, adjacent windows."""
        take, length = self._window("take"), self.n_frames_
        if take in ("center", "start") or (training and take == "random"):
            return whole_rows(rows)
        hop, front_end = (self._window("hop") or length), self._batch_front_end() if training else None
        if front_end is not None and front_end.front_end is not None:
            length, hop = front_end.n_items(length), hop * front_end.front_end.hop_length
        return patch_segments(rows, length, hop)

    def _collation(self, *, training: bool) -> Collation:
        front_end, mixup = self._batch_front_end() if training else None, None
        if training and self._mixes_waveforms():
            kind: dict[str, Any] = {"n_classes": len(self.classes_), "multi_label": self.multi_label_}
            mixup = Augmentation(self._mixup_alpha(), **kind, **self._mixture())
        take = self._window("take")
        crop: Crop = "random" if take == "all" else take  # all windows have the length that a crop would cut
        return Collation(self.n_frames_, crop, self._window("short_clip"), front_end=front_end, mixup=mixup)

    def _voting(self) -> str | None:
        return str(self._window("voting"))

    # training

    def _chosen(self, name: str, value: Any) -> Any:
        """Replace "auto", which is on for named architectures over frames."""
        if not isinstance(value, str):
            return value
        on, off = _AUTOMATIC[name]
        return on if isinstance(self.architecture, str) and not self._takes().waveforms else off

    def _mixup_alpha(self) -> float:
        return float(self._chosen("mixup", items_of(self, "mixup")["alpha"]))

    def _augmentation(self) -> Augmentation | None:
        mixup, items = (0.0 if self._mixes_waveforms() else self._mixup_alpha()), items_of(self, "mixup")
        masks = self._chosen("spec_augment", self.spec_augment)
        style = {name: items[name] for name in ("style", "style_p")}
        return self._build_augmentation(mixup, masks, **self._mixture(), **style)

    def _mixture(self) -> dict[str, Any]:
        """Return the options of mixup."""
        items = items_of(self, "mixup")
        return {"mixed_fraction": items["fraction"], "loudness_rate": self._audio().rate if items["loudness"] else None}

    def _log_mel(self) -> FrontEnd:
        """Return the front end of an architecture over waveforms and their log-mel frames, that of PANNs."""
        rate = self._audio().rate
        name = f"panns_{rate // 1000}k"
        if name not in PRESETS or PRESETS[name].sample_rate != rate:
            raise ValueError(
                f"sample_rate={rate}, but architecture {self.architecture!r} computes frames at 32000, 16000 or 8000 "
                "Hz; choose one of these, to which recordings are resampled."
            )
        return PRESETS[name]

    def _build_network(self, rows: RowView) -> None:
        item_shape = self._collation(training=True).item_shape(rows)
        network_options = {name: value for name, value in (self.options or {}).items() if name not in _OWN_OPTIONS}
        if self.hidden_sizes is not None:
            network_options["hidden_sizes"] = tuple(self.hidden_sizes)
        if self._takes().front_end:
            network_options["front_end"] = self._log_mel()
        options: dict[str, Any] = {
            "n_outputs": len(self.classes_),
            "n_features": item_shape[0] if item_shape else None,
            "architecture": self.architecture,
            "n_frames": self.n_frames_,
            "options": network_options,
            "per_clip": self.normalize == "clip",
            "learned_log": self._option("log_compression") is not None,
        }
        network = FrameNetwork(**options)
        self._set_network(network, options)
        if self.normalize == "standard":
            self._standardise(rows, network.compress)
        encoder = self._option("encoder")
        if encoder is not None:
            check_is_fitted(encoder)
            network.start_from(encoder.encoder_.state_dict(), self.architecture)
