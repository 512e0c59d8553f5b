"""The methods of `train`: which there are, which can be used at once, and what a download would add."""

from __future__ import annotations

import importlib
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from sklearn_audio._names import check_name
from sklearn_audio._paths import local_path
from sklearn_audio.classification import FineTunedClassifier
from sklearn_audio.cli._features import Candidate, Readable, Source, of_encoder, statistics
from sklearn_audio.cli._learners import LEARNERS, Learner, of_recipe
from sklearn_audio.cli._recipe import RECIPE
from sklearn_audio.weights import registry
from sklearn_audio.weights._hub import is_cached
from sklearn_audio.weights._store import is_at_hand

# Embedders by method; Whisper is a network of transformers.
EMBEDDERS = {
    "efficientat": "EfficientATEmbedder",
    "panns": "PANNsEmbedder",
    "vggish": "VGGishEmbedder",
    "ast": "ASTEmbedder",
    "yamnet": "YAMNetEmbedder",
    "openl3": "OpenL3Embedder",
    "musicnn": "MusiCNNEmbedder",
    "speech": "SpeechEmbedder",
    "whisper": "HuggingFaceEmbedder",
}
_WHISPER = "openai/whisper-base"
_WHISPER_SIZE = 290e6  # bytes of its safetensors file
_FINE_TUNED = "finetune"
METHODS = ("auto", "statistics", *EMBEDDERS, *LEARNERS, _FINE_TUNED)
_NETWORK_OPTIONS = ("model", "weights", "layer")
_DEFAULT_RATE = 16000


class Plan(NamedTuple):
    """Sources to compute once, candidates and learners to compare, and networks that are left out."""

    sources: dict[str, Source]
    candidates: list[Candidate]
    learners: list[Learner]
    missing: list[str]


def plan(options: Namespace) -> Plan:
    """Return the plan of the chosen method."""
    is_recipe = _is_recipe(options)
    if not is_recipe:
        check_name("--method", options.method, METHODS)
    _check_options(options)
    if is_recipe:
        return Plan({"readable": Readable(_DEFAULT_RATE, options.jobs)}, [], [of_recipe(options)], [])
    if options.method in LEARNERS or options.method == _FINE_TUNED:
        learner = LEARNERS.get(options.method, _fine_tuned)(options)
        return Plan({"readable": Readable(rate_of(options), options.jobs)}, [], [learner], [])
    if options.method == "statistics":
        return Plan(*statistics(_with_rate(options)), [], [])
    if options.method != "auto":
        name, embedder = embedder_of(options.method, options, pooling="mean_std")
        layers = tuple(options.layer.split(",")) if options.layer else ()
        return Plan(*of_encoder(options.method, name, embedder, layers), [], [])
    return _everything_at_hand(options)


def _is_recipe(options: Namespace) -> bool:
    """Whether the pipeline is that of a recipe; raise if another method is chosen as well."""
    has_steps = options.recipe is not None and bool(options.recipe.steps)
    if has_steps and options.method != RECIPE:
        raise ValueError(f"--method {options.method} and the [[steps]] of --config exclude each other; give one.")
    return has_steps


def _check_options(options: Namespace) -> None:
    """Refuse options without a meaning for the method."""
    is_network = options.method in (*EMBEDDERS, _FINE_TUNED)
    given = [name for name in _NETWORK_OPTIONS if getattr(options, name) is not None]
    if given and not is_network:
        known = ", ".join((*EMBEDDERS, _FINE_TUNED))
        raise ValueError(
            f"--{given[0]} is for a method with one pretrained network, and --method is {options.method}; "
            f"give one of {known}, or leave out --{given[0]}."
        )
    if options.sample_rate is not None and (is_network or options.method == RECIPE):
        what = "the [[steps]] of --config: they have" if options.method == RECIPE else f"--method {options.method}: the"
        reads = "their own" if options.method == RECIPE else "network reads at its own rate"
        raise ValueError(f"--sample-rate is without effect for {what} {reads}. Leave it out.")


def _fine_tuned(options: Namespace) -> Learner:
    """Fine-tune the network that --model names, by default one of EfficientAT."""
    families = {model: method for method in EMBEDDERS if method != "whisper" for model in _class(method).cards}
    model = options.model or _model_at_hand("efficientat") or _default("efficientat")
    check_name("--model", model, families)
    name, embedder = embedder_of(families[model], Namespace(**{**vars(options), "model": model}), layer=options.layer)
    network = FineTunedClassifier(embedder, device=options.device, random_state=options.seed)
    return Learner(_FINE_TUNED, f"{name}, all layers trained", network)


def rate_of(options: Namespace) -> int:
    """Return the sample rate of methods without a pretrained network."""
    return options.sample_rate or _DEFAULT_RATE


def _with_rate(options: Namespace) -> Namespace:
    return Namespace(**{**vars(options), "sample_rate": rate_of(options)})


def _everything_at_hand(options: Namespace) -> Plan:
    sources, candidates = statistics(_with_rate(options))
    missing = []
    for method in EMBEDDERS:
        model = _model_at_hand(method)
        if model is None:
            missing.append(method)
            continue
        name, embedder = embedder_of(method, Namespace(**{**vars(options), "model": model}), pooling="mean_std")
        source, layers = of_encoder(method, name, embedder, ())
        sources |= source
        candidates += layers
    return Plan(sources, candidates, [], missing)


def _model_at_hand(method: str) -> str | None:
    """Return a model whose weights are stored or installed: the default, else the first in the order of its class."""
    if method == "whisper":
        return _WHISPER if find_spec("transformers") and is_cached(_WHISPER) else None
    default, cards = _default(method), _class(method).cards
    for model in (default, *cards):
        weights = cards[model].weights
        if weights is not None and is_at_hand(weights):
            return str(model)
    return None


def embedder_of(method: str, options: Namespace, **chosen: Any) -> tuple[str, Any]:
    """Return an embedder of the method, with some parameters, and the name of its network."""
    shared: dict[str, Any] = {"n_jobs": options.jobs, "device": options.device, **chosen}
    if options.weights is not None:
        shared["weights"] = local_path(options.weights)
    if method != "whisper":
        model = options.model or _default(method)
        check_name("--model", model, _class(method).cards)
        return model, _class(method)(model, **shared)
    if options.weights is None:
        return options.model or _WHISPER, _class(method)(options.model or _WHISPER, **shared)
    if options.model is not None:
        raise ValueError("--model and --weights both name a network of --method whisper; give one of them.")
    return Path(options.weights).name, _class(method)(config=_config(Path(shared["weights"])), **shared)


def _config(weights: Path) -> str:
    """Find the configuration beside a safetensors file."""
    names = [f"{weights.stem}_config.json", "config.json"]
    for name in names:
        if (weights.parent / name).is_file():
            return str(weights.parent / name)
    raise FileNotFoundError(f"no configuration beside --weights {str(weights)!r}; put {names[0]} or {names[1]} there.")


def _class(method: str) -> Any:
    return getattr(importlib.import_module("sklearn_audio.embedding"), EMBEDDERS[method])


def _default(method: str) -> str:
    return str(_class(method)().model)


def advice(missing: list[str]) -> str:
    """Say which networks were left out, and how large their downloads are."""
    parts = [f"{method} ({_download(method)})" for method in missing]
    return (
        "not compared, as their weights are not stored: " + ", ".join(parts) + "; `sklearn-audio weights list` shows "
        "their licences"
    )


def _download(method: str) -> str:
    if method == "whisper":
        return f"{_WHISPER} by the extra transformers, {_WHISPER_SIZE / 1e6:.0f} MB"
    weights = str(_class(method).cards[_default(method)].weights)
    size = registry()[weights].size
    return weights + (f", {size / 1e6:.0f} MB" if size else "")
