"""Outputs of estimators: the index of X, names of features, and the container of tables."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.metaestimators import available_if

from sklearn_audio import (
    AcousticFeatures,
    AudioLoader,
    AudioTagger,
    ConvAutoencoder,
    KMeansAudioTokenizer,
    MelSpectrogramTransformer,
    MFCCTransformer,
    Ragged,
    SequencePooling,
    TokenCounts,
)
from sklearn_audio.base import AudioEstimator, FloatOutputMixin, RaggedOutputMixin
from sklearn_audio.testing._probes import fit, outputs, probe
from tests.instances import AUDIO, AUTOENCODERS, CLASSIFIERS, EMBEDDERS, INSTANCES, SEQUENCES, TOKENIZERS, TOKENS

RNG = np.random.default_rng(0)
CLIPS = [RNG.uniform(-0.5, 0.5, 2000 + 300 * i).astype(np.float32) for i in range(8)]
FRAMES = [RNG.normal(size=(3 + i, 2)) for i in range(8)]
Y = np.arange(8) % 2
INDEXES = {
    "shuffled": [5, 3, 7, 1, 0, 2, 6, 4],
    "not unique": [1, 0, 0, 1, 2, 2, 0, 1],
    "strings": list("hgfedcba"),
    "two levels": pd.MultiIndex.from_product([["day", "night"], [3, 1, 2, 0]], names=["when", "site"]),
    "timestamps": pd.date_range("2024-03-01", periods=8)[::-1],
}
every_index = pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)


def sound():
    return make_pipeline(MFCCTransformer(16000, n_mfcc=3), SequencePooling())


WANTED = sound().fit_transform(CLIPS)


def table(index):
    return pd.DataFrame({"clip": CLIPS, "age": np.arange(8.0)}, index=index)


# ---- the index of X --------------------------------------------------------------------------------------------------


@every_index
@pytest.mark.parametrize("rows", [slice(None), [6, 2, 3]], ids=["all", "a part"])
def test_sound_beside_metadata_keeps_its_rows(index, rows):
    both = ColumnTransformer([("sound", sound(), "clip"), ("rest", "passthrough", ["age"])])
    X = table(index)
    out = both.set_output(transform="pandas").fit(X).transform(X.iloc[rows])
    assert out.index.equals(X.index[rows])
    np.testing.assert_array_equal(out.filter(like="sound__"), WANTED[rows])
    np.testing.assert_array_equal(out["rest__age"], np.arange(8.0)[rows])


@every_index
@pytest.mark.parametrize("rows", [slice(None), [6, 2, 3]], ids=["all", "a part"])
def test_unions_and_nested_pipelines_keep_their_rows(index, rows):
    nested = make_pipeline(make_pipeline(AudioLoader(), MFCCTransformer(16000, n_mfcc=3)), SequencePooling())
    union = FeatureUnion([("one", sound()), ("two", make_union(nested, sound()))]).set_output(transform="pandas")
    X = table(index)["clip"].iloc[rows]
    out = union.fit_transform(X)
    assert out.index.equals(X.index)
    np.testing.assert_array_equal(out, np.hstack([WANTED[rows]] * 3))


def test_the_choice_of_container_may_be_global():
    X = table(INDEXES["shuffled"])
    both = make_pipeline(ColumnTransformer([("sound", sound(), "clip"), ("rest", "passthrough", ["age"])]))
    with sklearn.config_context(transform_output="pandas"):
        out = both.fit_transform(X)
    assert out.index.tolist() == INDEXES["shuffled"]
    np.testing.assert_array_equal(out.iloc[:, :-1], WANTED)


class Remember(TransformerMixin, BaseEstimator):
    """Notes the index of every X that comes."""

    def __init__(self, seen=None):
        self.seen = seen

    def __sklearn_clone__(self):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y=None):
        self.seen.append(X.index)
        return self

    def transform(self, X):
        self.fit(X)
        return X

    def set_output(self, *, transform=None):
        return self


def test_cross_validation_splits_keep_their_rows():
    X, seen = table(INDEXES["two levels"])["clip"], []
    model = make_pipeline(MFCCTransformer(16000), Remember(seen), SequencePooling(), Remember(seen))
    model = make_pipeline(model.set_output(transform="pandas"), LogisticRegression())
    splits = list(GroupKFold(2).split(X, groups=np.arange(8) // 2))
    cross_val_predict(model, X, Y, cv=splits)
    assert {tuple(index) for index in seen} == {tuple(X.index[rows]) for split in splits for rows in split}


def test_a_cache_of_steps_keeps_the_rows_of_each_call(tmp_path):
    model = make_pipeline(MFCCTransformer(16000), SequencePooling(), memory=str(tmp_path))
    model.set_output(transform="pandas")
    for index in (INDEXES["shuffled"], INDEXES["strings"], INDEXES["shuffled"]):
        assert model.fit_transform(table(index)["clip"]).index.tolist() == index


def test_a_ragged_passes_its_index_on():
    frames = MFCCTransformer(16000).fit_transform(table(INDEXES["strings"])["clip"])
    tokenizer = KMeansAudioTokenizer(4, random_state=0)
    tokens = tokenizer.fit_transform(frames)
    counts = TokenCounts().set_output(transform="pandas").fit_transform(tokens)
    autoencoder = ConvAutoencoder(2, n_filters=(4, 8), max_epochs=1, random_state=0)
    vectors = autoencoder.set_output(transform="pandas").fit_transform(frames)
    for out in (frames, tokens, tokenizer.inverse_transform(tokens), counts, vectors):
        assert out.index.tolist() == INDEXES["strings"]
    assert tokenizer.transform(list(frames)).index is None


def test_scores_along_time_carry_index_and_labels():
    tagger = AudioTagger("efficientat_mn04_as", weights=None, sample_rate=32000, window=0.5, hop=0.5)
    scores = tagger.fit(CLIPS).predict_frames(pd.Series(CLIPS[:2], index=["b", "a"]))
    assert scores.index.tolist() == ["b", "a"]
    assert scores.feature_names.tolist() == tagger.classes_.tolist()


# ---- estimators of users ---------------------------------------------------------------------------------------------


class Loudness(RaggedOutputMixin, AudioEstimator):
    """As a user writes one: a Ragged from the clips, without names."""

    sample_rate = 16000

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        clips = self._validate_audio(X, 16000, reset=False, bare_rate=16000)
        return Ragged.from_list([np.square(clip)[:, None] for clip in clips])


class LoudnessBesideOthers(TransformerMixin, AudioEstimator):
    """The same from scikit-learn's own mixin, with names, under a condition."""

    sample_rate = 16000

    def fit(self, X, y=None):
        return self

    @available_if(lambda self: True)
    def transform(self, X):
        return Loudness().transform(X)

    def get_feature_names_out(self, input_features=None):
        return np.array(["loudness"], dtype=object)


class Peak(FloatOutputMixin, AudioEstimator):
    """A table."""

    sample_rate = 16000

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        clips = self._validate_audio(X, 16000, reset=False, bare_rate=16000)
        return np.array([[clip.max()] for clip in clips])

    def get_feature_names_out(self, input_features=None):
        return np.array(["peak"], dtype=object)


class Halves(Peak):
    """Two rows per clip, so that they have no index of X."""

    def transform(self, X):
        return np.repeat(np.asarray(super().transform(X)), 2, axis=0)


class Unwrapped(Peak, auto_wrap_output_keys=None):
    """Leaves its table alone, as it says."""

    def transform(self, X):
        return np.zeros((len(X), 1))


@pytest.mark.parametrize("estimator", [Loudness(), LoudnessBesideOthers()])
def test_a_ragged_of_a_users_estimator_stays_one(estimator):
    X = table(INDEXES["strings"])["clip"]
    with sklearn.config_context(transform_output="pandas"):
        for out in (clone(estimator).fit(X).transform(X), clone(estimator).fit_transform(X)):
            assert isinstance(out, Ragged)
            assert out.index.tolist() == INDEXES["strings"]
        pooled = make_pipeline(clone(estimator), SequencePooling("max")).fit_transform(X)
    assert pooled.index.tolist() == INDEXES["strings"]
    assert pooled.columns.tolist() == [f"{'loudness' if hasattr(estimator, 'get_feature_names_out') else 'x0'}_max"]


def test_a_table_of_a_users_estimator_is_contained():
    X = table(INDEXES["strings"])["clip"]
    peak = Peak().set_output(transform="pandas")
    assert peak.fit_transform(X).index.tolist() == INDEXES["strings"]
    assert peak.fit_transform(X).columns.tolist() == ["peak"]
    assert Halves().set_output(transform="pandas").fit_transform(X).index.tolist() == list(range(16))
    assert isinstance(Peak().fit_transform(X), np.ndarray)
    assert not hasattr(Unwrapped(), "set_output")
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(Unwrapped().fit_transform(X), np.ndarray)


def test_a_classifier_has_no_container_to_choose():
    assert not hasattr(CLASSIFIERS["PatchVotingClassifier"], "set_output")


# ---- the container ---------------------------------------------------------------------------------------------------

TRANSFORMERS = AUDIO | EMBEDDERS | SEQUENCES | TOKENIZERS | TOKENS | AUTOENCODERS | CLASSIFIERS


@pytest.mark.parametrize("name", TRANSFORMERS)
@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_a_global_container_changes_no_number(name, container):
    if container == "polars":
        pytest.importorskip("polars", reason="an extra of scikit-learn, not of this library")
    estimator = INSTANCES[name]
    X = probe(estimator)
    wanted = outputs(fit(estimator, X, len(X)), X)
    with sklearn.config_context(transform_output=container):
        for got, row in zip(outputs(fit(estimator, X, len(X)), X), wanted, strict=True):
            np.testing.assert_array_equal(got, row)


def result(model):
    return model.predict_proba(CLIPS) if hasattr(model, "predict_proba") else model.transform(CLIPS)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_pipelines_work_in_a_global_container(container):
    library = pytest.importorskip(container, reason="an extra of scikit-learn, not of this library")
    models = [
        make_pipeline(AcousticFeatures(16000), SequencePooling(), StandardScaler(), LogisticRegression()),
        make_pipeline(MFCCTransformer(16000), KMeansAudioTokenizer(4, random_state=0), TokenCounts()),
        make_pipeline(AudioLoader(duration=0.1, fix_length=True), MFCCTransformer(16000), SequencePooling()),
    ]
    models[1].steps.append(("classify", LogisticRegression()))
    wanted = [clone(model).fit(CLIPS, Y) for model in models]
    wanted = [result(model) for model in wanted]
    with sklearn.config_context(transform_output=container):
        for model, rows in zip(models, wanted, strict=True):
            model.fit(CLIPS, Y)
            out = result(model)
            assert isinstance(out, library.DataFrame) is not hasattr(model, "predict")
            np.testing.assert_allclose(out, rows, rtol=1e-4, atol=1e-6)


def test_the_output_of_an_embedder_follows_its_pooling():
    embedder = clone(EMBEDDERS["PANNsEmbedder"]).set_output(transform="pandas")
    X = pd.Series(CLIPS[:3], index=["c", "a", "b"])
    assert embedder.fit_transform(X).index.tolist() == ["c", "a", "b"]
    patches = embedder.set_params(pooling=None).fit_transform(X)
    assert isinstance(patches, Ragged)
    assert patches.index.tolist() == ["c", "a", "b"]
    assert patches.feature_names.tolist() == embedder.get_feature_names_out().tolist()
    assert isinstance(embedder.set_params(pooling="max").transform(X), pd.DataFrame)


def test_a_search_may_choose_between_patches_and_vectors():
    model = make_pipeline(clone(EMBEDDERS["PANNsEmbedder"]), CLASSIFIERS["PatchVotingClassifier"])
    model.set_output(transform="pandas")
    search = GridSearchCV(model, {"pannsembedder__pooling": [None, "mean"]}, cv=2, error_score="raise")
    assert search.fit(CLIPS, Y).best_score_ >= 0


def test_a_waveform_of_fixed_length_is_a_table():
    loader = AudioLoader(duration=0.01, fix_length=True).set_output(transform="pandas")
    frame = loader.fit_transform(table(INDEXES["strings"])["clip"])
    assert frame.columns[:2].tolist() == ["timepoint_0", "timepoint_1"]
    assert frame.index.tolist() == INDEXES["strings"]
    np.testing.assert_array_equal(frame, [clip[:160] for clip in CLIPS])


def test_counts_are_a_frame_of_sparse_columns():
    tokens = [[0, 1, 1], [1], [2, 0]]
    counts = TokenCounts().fit(tokens)
    frame = counts.set_output(transform="pandas").transform(tokens)
    assert frame.columns.tolist() == ["token_0", "token_1", "token_2"]
    assert all(isinstance(dtype, pd.SparseDtype) for dtype in frame.dtypes)
    np.testing.assert_array_equal(frame, [[1, 2, 0], [0, 1, 0], [1, 0, 1]])
    counts.set_output(transform="polars")
    with pytest.raises(ValueError, match="The transformer outputs a scipy sparse matrix"):
        counts.transform(tokens)


# ---- names of features -----------------------------------------------------------------------------------------------


def test_names_of_features_travel_through_frames():
    X = table(INDEXES["strings"])
    wanted = [f"mfcc_{i}_{kind}" for kind in ("mean", "std") for i in range(3)]
    model = sound().set_output(transform="pandas")
    assert model.fit_transform(X["clip"]).columns.tolist() == wanted
    assert model.get_feature_names_out().tolist() == wanted
    both = ColumnTransformer([("a", sound(), "clip"), ("b", make_pipeline(sound(), StandardScaler()), "clip")])
    frame = both.set_output(transform="pandas").fit_transform(X)
    assert frame.columns.tolist() == [f"{prefix}__{name}" for prefix in "ab" for name in wanted]
    assert make_pipeline(AudioLoader(), SequencePooling("max")).fit(CLIPS)[-1].get_feature_names_out() == [
        "amplitude_max"
    ]


def test_other_features_than_those_of_fit_are_refused():
    pooling = SequencePooling().fit(MFCCTransformer(16000, n_mfcc=2).fit_transform(CLIPS))
    assert pooling.feature_names_in_.tolist() == ["mfcc_0", "mfcc_1"]
    mel = MelSpectrogramTransformer(16000, n_mels=2).fit_transform(CLIPS)
    with pytest.raises(ValueError, match=r"should match .* 'mel_0' where 'mfcc_0' is expected.*as they were computed"):
        pooling.transform(mel)
    assert pooling.transform(FRAMES).shape == (8, 4)  # a list has no names
    assert not hasattr(pooling.fit(FRAMES), "feature_names_in_")
    assert pooling.transform(mel).shape == (8, 4)


def test_a_step_without_names_in_between_forgets_them():
    double = FunctionTransformer(lambda X: X.map(lambda row: row * 2))
    X = table(INDEXES["strings"])["clip"]
    model = make_pipeline(
        MFCCTransformer(16000, n_mfcc=1), double, SequencePooling("max").set_output(transform="pandas")
    )
    frame = model.fit_transform(X)
    assert frame.columns.tolist() == ["x0_max"]
    assert frame.index.tolist() == INDEXES["strings"]
