"""The only module that imports private names of scikit-learn; each is unchanged from 1.6 to 1.9."""

from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in

__all__ = ["Interval", "StrOptions", "check_feature_names_in"]
