"""Outputs of estimators: with the row labels of X, and in the container of `set_output`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from inspect import getattr_static
from types import FunctionType
from typing import Any

from scipy.sparse import issparse
from sklearn import get_config
from sklearn.base import TransformerMixin
from sklearn.utils.metaestimators import available_if

from sklearn_audio._sklearn import wrap_data_with_container
from sklearn_audio.ragged import Ragged, row_index

__all__ = ["label_outputs"]

# methods with one row, or item, per row of X; tables of the first two are put into a container
_TABULAR = ("transform", "fit_transform")
_ROW_BY_ROW = (*_TABULAR, "inverse_transform", "predict_frames")


def label_outputs(cls: Any, containers: Collection[str] | None) -> None:
    """Pass the row labels of X to the outputs of a class of estimators.

    A `Ragged` output has the index of X (a Series, DataFrame or `Ragged`) and feature names. A table output has the
    container of `set_output` or ``sklearn.set_config(transform_output=...)``, if `containers` names its method; a
    pandas DataFrame has the index of X. A `Ragged` is never put into another container.
    """
    if containers is not None and any(hasattr(cls, name) for name in _TABULAR):
        cls._sklearn_auto_wrap_output_keys = set(containers)
    for name in _ROW_BY_ROW:
        method = getattr_static(cls, name, None)
        if isinstance(method, FunctionType):
            if not hasattr(method, "_is_labelled"):
                setattr(cls, name, _labelled(_unwrapped(method), name))
        elif hasattr(method, "check") and hasattr(method, "fn") and name in vars(cls):
            # conditionally available method
            setattr(cls, name, available_if(method.check)(_labelled(method.fn, name)))


def _unwrapped(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method without scikit-learn's wrapper, as for inherited `TransformerMixin.fit_transform`."""
    is_wrapper = getattr(method, "__code__", None) is getattr(TransformerMixin.fit_transform, "__code__", None)
    wrapped: Callable[..., Any] = getattr(method, "__wrapped__", method) if is_wrapper else method
    return wrapped


def _labelled(method: Callable[..., Any], name: str) -> Callable[..., Any]:
    @wraps(method)
    def labelled(self: Any, X: Any, *args: Any, **kwargs: Any) -> Any:
        output = method(self, X, *args, **kwargs)
        if isinstance(output, Ragged):
            return _label_ragged(output, X, self, name)
        return _contain(output, X, self) if name in _TABULAR else output

    labelled._is_labelled = True  # type: ignore[attr-defined]
    return labelled


def _label_ragged(output: Ragged, X: Any, estimator: Any, method: str) -> Ragged:
    index, names = output.index, output.feature_names
    if index is None:
        index = _index_of_rows(output, X)
    if names is None:
        names = _names_of_items(output, estimator, method)
    return output.with_labels(index=index, feature_names=names)


def _index_of_rows(output: Any, X: Any) -> Any:
    """Return the index of X, unless the output has other rows."""
    index = row_index(X)
    return index if index is not None and len(index) == output.shape[0] else None


def _names_of_items(output: Ragged, estimator: Any, method: str) -> Any:
    try:
        if method == "inverse_transform":
            names = estimator.feature_names_in_
        elif method == "predict_frames":
            names = estimator.classes_
        else:
            names = estimator.get_feature_names_out()
    except (AttributeError, TypeError, ValueError):
        return None  # the estimator has no names, or not before `fit`
    n_features = output.item_shape[-1] if output.item_shape else 1
    return names if len(names) == n_features else None


def _contain(output: Any, X: Any, estimator: Any) -> Any:
    """Put a table into the chosen container; scikit-learn takes the index from X."""
    index = _index_of_rows(output, X) if hasattr(output, "shape") else None
    if issparse(output):
        return _contain_sparse(output, index, estimator)
    if index is None:
        return wrap_data_with_container("transform", output, None, estimator)
    import pandas as pd

    return wrap_data_with_container("transform", output, pd.DataFrame(index=index), estimator)


def _contain_sparse(output: Any, index: Any, estimator: Any) -> Any:
    """Convert to a DataFrame of sparse columns; for polars, scikit-learn raises."""
    own = getattr(estimator, "_sklearn_output_config", {}).get("transform")
    container = own or get_config()["transform_output"]
    if container == "pandas" and hasattr(estimator, "get_feature_names_out"):
        import pandas as pd

        return pd.DataFrame.sparse.from_spmatrix(  # type: ignore[attr-defined]
            output, index=index, columns=estimator.get_feature_names_out()
        )
    return wrap_data_with_container("transform", output, None, estimator) if own else output
