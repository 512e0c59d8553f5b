"""The only module that imports private names of scikit-learn; each is unchanged from 1.6 to 1.9."""

from sklearn.base import _clone_parametrized as clone_parametrized
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in

__all__ = ["HasMethods", "Interval", "StrOptions", "check_feature_names_in", "clone_parametrized"]
