"""The only module that imports private names of scikit-learn; each is unchanged from 1.6 to 1.9."""

from sklearn.base import _clone_parametrized as clone_parametrized
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions, validate_parameter_constraints
from sklearn.utils._set_output import _SetOutputMixin as SetOutputMixin
from sklearn.utils._set_output import _wrap_data_with_container as wrap_data_with_container
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in

__all__ = [
    "HasMethods",
    "Interval",
    "Options",
    "SetOutputMixin",
    "StrOptions",
    "check_feature_names_in",
    "clone_parametrized",
    "safe_indexing",
    "validate_parameter_constraints",
    "wrap_data_with_container",
]
