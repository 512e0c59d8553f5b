"""The program in Python that trains and scores the same model as `train`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Bunch

from sklearn_audio._paths import local_path
from sklearn_audio.cli._data import is_multilabel

_WHOLE = 10**9


def program(model: Any, clips: Bunch, n_folds: int, options: Namespace) -> str:
    """Write the program."""
    plain = clone(model)
    loader, call = _loading(options)
    folds, arguments = _folds(clips, n_folds, options)
    imports = {("sklearn.model_selection", "cross_val_score"), ("sklearn.model_selection", folds)}
    imports |= {("sklearn_audio.datasets", loader), *_classes(plain)}
    scoring = ""
    if is_multilabel(clips):
        imports.add(("sklearn_audio.metrics", "mean_average_precision_scorer"))
        scoring = ", scoring=mean_average_precision_scorer"
    with config_context(print_changed_only=True):
        shown = plain.__repr__(N_CHAR_MAX=_WHOLE)
    modules = {module: sorted(name for other, name in imports if other == module) for module, _ in sorted(imports)}
    lines = [f"from {module} import {', '.join(names)}" for module, names in modules.items()]
    return "\n".join(
        [
            "import joblib",
            *lines,
            "",
            f"clips = {call}",
            f"model = {shown}",
            f"folds = {folds}({arguments})",
            f"scores = cross_val_score(model, clips.data, clips.target, groups=clips.groups, cv=folds{scoring})",
            'print(f"{scores.mean():.3f}")',
            f"joblib.dump(model.fit(clips.data, clips.target), {options.output!r})",
        ]
    )


def _loading(options: Namespace) -> tuple[str, str]:
    """Return the name of the function that loads the data, and its call."""
    path = local_path(options.data)
    if Path(path).is_dir():
        given = {"group_pattern": options.group_pattern}
        name = "load_audio_folder"
    else:
        label = options.label.split(",") if options.label and "," in options.label else options.label
        given = {"path": options.path, "root": options.root, "label": label, "group": options.groups}
        name = "load_audio_table"
    written = "".join(f", {key}={value!r}" for key, value in given.items() if value is not None)
    return name, f"{name}({path!r}{written})"


def _folds(clips: Bunch, n_folds: int, options: Namespace) -> tuple[str, str]:
    """Return the splitter of the cross-validation, and its arguments."""
    name = "KFold" if is_multilabel(clips) else "StratifiedKFold"
    if clips.groups is None:
        return name, f"{n_folds}, shuffle=True, random_state={options.seed}"
    return name.replace("KFold", "GroupKFold"), str(n_folds)


def _classes(estimator: BaseEstimator) -> set[tuple[str, str]]:
    """List the classes of a nested estimator with their public modules."""
    nested = [estimator, *estimator.get_params(deep=True).values()]
    kinds = {type(one) for one in nested if hasattr(one, "get_params") or type(one).__module__.startswith("sklearn_a")}
    return {(_public(kind.__module__), kind.__name__) for kind in kinds}


def _public(module: str) -> str:
    return module.partition("._")[0]
