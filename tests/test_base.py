"""Behaviour that all estimators share: tags, the number of features, refusals, output containers."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from sklearn_audio import AudioLoader, MelSpectrogramTransformer, Ragged, SequencePooling
from sklearn_audio.base import AUDIO_CONSTRAINTS
from tests.instances import (
    AUDIO,
    CLASSIFIERS,
    EMBEDDERS,
    INSTANCES,
    NEURAL,
    PROTOTYPES,
    SEQUENCES,
    TAGGERS,
    TOKENIZERS,
    TOKENS,
)

RNG = np.random.default_rng(0)
X = RNG.uniform(-0.5, 0.5, (3, 40))
FRAMES = [RNG.normal(size=(n, 3)) for n in (5, 2, 4)]


# ---- tags ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INSTANCES)
def test_tags(name):
    tags = get_tags(INSTANCES[name])
    stateless = any(name in table for table in (AUDIO, EMBEDDERS, TAGGERS)) and not name.endswith("-standard")
    of_audio = ("CNNClassifier-audio", "FineTunedClassifier")
    takes_audio = any(name in table for table in (AUDIO, EMBEDDERS, TAGGERS)) or name in of_audio
    assert tags.input_tags.two_d_array
    assert tags.input_tags.string is takes_audio
    assert tags.input_tags.three_d_array is not (takes_audio or name in TOKENS)
    assert tags.requires_fit is not stateless


@pytest.mark.parametrize("name", INSTANCES)
def test_tags_of_what_comes_out(name):
    tags = get_tags(INSTANCES[name])
    if name in CLASSIFIERS or name in NEURAL or name in PROTOTYPES:
        assert tags.estimator_type == "classifier"
    elif name not in TAGGERS:  # tokens are whole numbers, and their counts are sparse: of one type each
        of_any_type = name in TOKENIZERS or name in TOKENS
        assert tags.transformer_tags.preserves_dtype == ([] if of_any_type else ["float32"])


@pytest.mark.parametrize("name", AUDIO)
def test_parameters_that_mean_the_same_everywhere(name):
    estimator = AUDIO[name]
    for parameter in AUDIO_CONSTRAINTS:
        assert parameter in estimator.get_params()
        assert estimator._parameter_constraints[parameter] == AUDIO_CONSTRAINTS[parameter]


# ---- the number of features ------------------------------------------------------------------------------------------


def test_an_array_fixes_the_number_of_timepoints():
    loader = AudioLoader().fit(X)
    assert loader.n_features_in_ == 40
    match = r"X has 30 features, but AudioLoader is expecting 40 features as input\. A two-dimensional array holds"
    with pytest.raises(ValueError, match=match):
        loader.transform(X[:, :30])


def test_other_clips_are_free_of_it():
    loader = AudioLoader().fit(X)
    assert loader.transform([X[0], X[1, :30]]).lengths.tolist() == [40, 30]
    loader.fit(list(X))
    assert not hasattr(loader, "n_features_in_")
    assert len(loader.transform(X[:, :30])) == 3


def test_names_of_columns_are_kept_and_forgotten():
    table = pd.DataFrame(X, columns=[f"t{i}" for i in range(40)])
    loader = AudioLoader().fit(table)
    assert loader.feature_names_in_.tolist() == table.columns.tolist()
    with pytest.raises(ValueError, match="The feature names should match those that were passed during fit"):
        loader.transform(table[table.columns[::-1]])
    loader.fit(["a.wav"])
    assert not hasattr(loader, "feature_names_in_")


def test_frames_fix_their_number_of_features():
    pooling = SequencePooling().fit(FRAMES)
    assert pooling.n_features_in_ == 3
    with pytest.raises(ValueError, match="X has 2 features per frame, but SequencePooling is expecting 3 features"):
        pooling.transform([frames[:, :2] for frames in FRAMES])
    assert SequencePooling().fit(np.zeros((2, 5, 4))).n_features_in_ == 4
    assert pooling.fit(np.zeros((2, 7))).n_features_in_ == 7
    assert pooling.fit(FRAMES).n_features_in_ == 3


# ---- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["AudioLoader", "SequencePooling"])
@pytest.mark.parametrize(
    ("bad", "error", "match"),
    [
        (scipy.sparse.csr_matrix(X), TypeError, "Sparse data was passed"),
        (np.where(X > 0.4, np.nan, X), ValueError, "Input X contains NaN"),
        (np.where(X > 0.4, np.inf, X), ValueError, "Input X contains infinity"),
        (X * 1j, ValueError, "Complex data not supported"),
        (X[:0], ValueError, r"Found array with 0 sample\(s\)"),
        (X[:, :0], ValueError, r"Found array with 0 feature\(s\)"),
        (X[0], ValueError, r"Expected 2D array, got 1D array instead|has shape|2 or 3 dimensions"),
        ([], ValueError, r"Found array with 0 sample\(s\): X holds no clips, it is an empty list"),
        ("dog.wav", ValueError, r"X is one clip \(str\) where a sequence of clips is expected"),
        (None, TypeError, "X must be a sequence of clips .*, got NoneType"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform"])
def test_refused(name, bad, error, match, method):
    estimator = clone(INSTANCES[name]).fit(X)
    with pytest.raises(error, match=match):
        getattr(estimator, method)(bad)


def test_without_fit_an_array_is_refused_in_the_same_words():
    with pytest.raises(ValueError, match="Input X contains NaN"):
        AudioLoader().transform(np.where(X > 0.4, np.nan, X))


@pytest.mark.parametrize("name", [*SEQUENCES, "MelSpectrogramTransformer-standard"])
def test_what_learns_must_be_fitted(name):
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        clone(INSTANCES[name]).transform(X)


def test_parameters_are_checked_before_x():
    with pytest.raises(ValueError, match="The 'sample_rate' parameter of AudioLoader must be"):
        AudioLoader(sample_rate=-1).fit(None)


# ---- output ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["default", "pandas", "polars", None])
def test_a_ragged_stays_one_whatever_container_is_asked_for(container):
    mel = MelSpectrogramTransformer(n_mels=4)
    assert mel.set_output(transform=container) is mel
    assert isinstance(mel.fit_transform(X), Ragged)


def test_output_is_float32_for_any_input():
    for dtype in (np.float16, np.float32, np.float64, np.int16):
        assert AudioLoader().fit_transform((X * 100).astype(dtype)).dtype == np.float32
        assert SequencePooling().fit_transform((X * 100).astype(dtype)).dtype == np.float32
