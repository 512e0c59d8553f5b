"""scikit-learn's own checks over every estimator, and those that it runs only on itself."""

import pytest
import sklearn
from sklearn.base import clone
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.fixes import parse_version

from sklearn_audio import BERTClassifier
from sklearn_audio.base import RaggedOutputMixin
from tests.instances import AUTOENCODERS, EMBEDDERS, INSTANCES, LARGE, NEURAL, SEQUENCES, TABULAR, TAGGERS, VARIANTS

NO_NAMESPACE = {
    "check_array_api_input": "the output is a Ragged: its rows differ in length, so it has no array namespace"
}

IN_FLOAT32 = {
    "check_sample_weight_equivalence_on_dense_data": "training goes by random batches, in float32: a clip of weight 2 "
    "is not two clips"
}

CAST_OF_THE_MEAN = {
    "check_positive_only_tag_during_fit": "the check of 1.6 subtracts a mean in place from whole numbers, which fails"
}

# Fewer epochs do for all other checks; this one asks for an accuracy.
ACCURATE = {"max_epochs": 15, "options": {"dropout": 0.0}}

ALL = [
    "check_dataframe_column_names_consistency",
    "check_inplace_ensure_writeable",
    "check_param_validation",
    "check_estimators_unfitted",
]
OF_TABLES = [
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_global_output_transform_pandas",
]
# the names that embedders give do not depend on those of the timepoints
TABLES = [(name, check) for name in (*SEQUENCES, *AUTOENCODERS) for check in OF_TABLES]
TABLES += [(name, check) for name in TABULAR for check in OF_TABLES]
TABLES += [
    (name, check)
    for name, transformer in (EMBEDDERS | {"AudioLoader-fixed": INSTANCES["AudioLoader-fixed"]}).items()
    if getattr(transformer, "pooling", "") is not None
    for check in OF_TABLES
    if "output" in check
]


def expected_failures(estimator):
    returns_ragged = isinstance(estimator, RaggedOutputMixin) and not getattr(estimator, "fix_length", False)
    returns_ragged |= getattr(estimator, "pooling", "") is None
    if type(estimator).__name__ == "TokenCounts" and parse_version(sklearn.__version__) < parse_version("1.7"):
        return CAST_OF_THE_MEAN
    if any(type(estimator) is type(neural) for neural in NEURAL.values()):
        return IN_FLOAT32
    return NO_NAMESPACE if returns_ragged else {}


@parametrize_with_checks(
    [estimator for name, estimator in (INSTANCES | TABULAR).items() if name not in VARIANTS],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn(estimator, check):
    if isinstance(estimator, BERTClassifier) and check.func.__name__ == "check_classifiers_train":
        estimator.set_params(**ACCURATE)
    check(estimator)


# what a parameter could break: the shape and the type of the output, state, equal rows
OF_VARIANTS = (
    "check_fit_idempotent",
    "check_methods_subset_invariance",
    "check_methods_sample_order_invariance",
    "check_fit2d_1sample",
    "check_fit2d_1feature",
    "check_n_features_in",
    "check_estimators_dtypes",
    "check_estimators_nan_inf",
    "check_estimators_pickle",
    "check_transformer_general",
    "check_classifiers_classes",
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_decision_proba_consistency",
    "check_do_not_raise_errors_in_init_or_set_params",
)
CASES_OF_VARIANTS = [
    pytest.param(estimator, check, id=f"{name}-{check.func.__name__}")
    for name, estimator in VARIANTS.items()
    for _, check in estimator_checks_generator(estimator)
    if check.func.__name__ in OF_VARIANTS
]


@pytest.mark.parametrize(("estimator", "check"), CASES_OF_VARIANTS)
def test_scikit_learn_on_variants(estimator, check):
    check(clone(estimator))


@pytest.mark.slow
@parametrize_with_checks(list(LARGE.values()), expected_failed_checks=expected_failures)
def test_scikit_learn_with_large_networks(estimator, check):
    check(estimator)


# a tagger predicts without fit, as its tag `requires_fit` says, which this check does not ask
ON_ITSELF = [(name, check) for name in (*INSTANCES, *TABULAR) if name not in VARIANTS for check in ALL]
ON_ITSELF = [(name, check) for name, check in ON_ITSELF if name not in TAGGERS or check != "check_estimators_unfitted"]


@pytest.mark.parametrize(("name", "check"), ON_ITSELF)
def test_scikit_learn_on_itself(name, check):
    getattr(estimator_checks, check)(name.split("-")[0], clone((INSTANCES | TABULAR)[name]))


# the checks fit on a DataFrame and transform arrays, and the other way round, which scikit-learn rightly warns of
@pytest.mark.filterwarnings("ignore:X (does not have valid|has) feature names")
@pytest.mark.parametrize(("name", "check"), TABLES)
def test_scikit_learn_on_tables(name, check):
    getattr(estimator_checks, check)(name.split("-")[0], clone((INSTANCES | TABULAR)[name]))
