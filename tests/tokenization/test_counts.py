"""`TokenCounts` against scikit-learn's text vectorisers, and its mistakes."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from sklearn_audio import KMeansAudioTokenizer, Ragged, TokenCounts

RNG = np.random.default_rng(0)
CLIPS = [RNG.integers(0, 12, n) for n in (30, 1, 2, 80, 15)]
OTHERS = [RNG.integers(0, 12, n) for n in (25, 3, 40)]


def words(tokens):
    """Tokens as words of two digits, so that they sort as numbers do."""
    return [f"{token:02d}" for token in tokens]


def columns(names):
    """Our columns in scikit-learn's spelling."""
    return [" ".join(words(map(int, name.split("_")[1:]))) for name in names]


@pytest.mark.parametrize("ngram_range", [(1, 1), (1, 2), (2, 2), (2, 4)])
@pytest.mark.parametrize("binary", [False, True])
def test_counts_are_those_of_count_vectorizer(ngram_range, binary):
    theirs = CountVectorizer(analyzer=lambda clip: ngrams(clip, ngram_range), binary=binary).fit(CLIPS)
    ours = TokenCounts(ngram_range, "binary" if binary else "count").fit(CLIPS)
    order = [theirs.vocabulary_[column] for column in columns(ours.get_feature_names_out())]
    assert len(order) == len(theirs.vocabulary_)
    for clips in (CLIPS, OTHERS):
        table = ours.transform(clips)
        assert (table.format, table.dtype) == ("csr", np.float64)
        np.testing.assert_array_equal(table.toarray(), theirs.transform(clips).toarray()[:, order])


def ngrams(clip, ngram_range):
    return [
        " ".join(words(clip[i : i + n]))
        for n in range(ngram_range[0], ngram_range[1] + 1)
        for i in range(len(clip) - n + 1)
    ]


def test_tfidf_is_that_of_tfidf_vectorizer():
    theirs = TfidfVectorizer(analyzer=lambda clip: ngrams(clip, (1, 2))).fit(CLIPS)
    ours = TokenCounts((1, 2), "tfidf").fit(CLIPS)
    order = [theirs.vocabulary_[column] for column in columns(ours.get_feature_names_out())]
    np.testing.assert_allclose(ours.idf_, theirs.idf_[order])
    np.testing.assert_allclose(ours.transform(OTHERS).toarray(), theirs.transform(OTHERS).toarray()[:, order])
    assert not hasattr(ours.set_params(weighting="count").fit(CLIPS), "idf_")


def test_frequencies_sum_to_one():
    table = TokenCounts(weighting="frequency").fit_transform(CLIPS).toarray()
    np.testing.assert_allclose(table.sum(axis=1), 1)
    np.testing.assert_allclose(table[0], np.bincount(CLIPS[0], minlength=12) / 30)


def test_columns_are_all_tokens_seen_or_not():
    counts = TokenCounts(n_tokens=5).fit([[3, 1], [1]])
    assert counts.n_tokens_ == 5
    assert counts.get_feature_names_out().tolist() == [f"token_{i}" for i in range(5)]
    assert counts.transform([[4, 4]]).toarray().tolist() == [[0, 0, 0, 0, 2]]
    assert TokenCounts().fit([[3, 1], [1]]).n_tokens_ == 4


def test_unseen_ngrams_are_left_out():
    counts = TokenCounts((2, 2)).fit([[0, 1, 2], [2, 1]])
    assert counts.get_feature_names_out().tolist() == ["token_0_1", "token_1_2", "token_2_1"]
    assert counts.transform([[0, 0, 1], [2, 2]]).toarray().tolist() == [[1, 0, 0], [0, 0, 0]]


def test_no_ngram_is_long_enough():
    counts = TokenCounts((3, 3)).fit([[0, 1], [1]])
    assert counts.transform([[0, 1, 1]]).shape == (1, 0)


def test_ngrams_do_not_run_across_clips():
    assert TokenCounts((2, 2)).fit_transform(Ragged.from_list([[0, 1], [2, 3]])).toarray().tolist() == [[1, 0], [0, 1]]


def test_long_ngrams_of_a_large_vocabulary():
    """A key of 40 digits would not fit into an integer."""
    clip = RNG.integers(0, 10_000, 30)
    counts = TokenCounts((10, 10)).fit([clip])
    assert counts.transform([clip]).toarray().tolist() == [[1] * 21]


@pytest.mark.parametrize("classifier", [LogisticRegression(), MultinomialNB()])
@pytest.mark.parametrize("weighting", ["count", "binary", "frequency", "tfidf"])
def test_pipeline_from_frames_to_classes(classifier, weighting):
    def clip(kind):
        return RNG.normal(loc=[3, 0, 0] if kind else [0, 3, 0], size=(RNG.integers(20, 40), 3))

    y = np.arange(40) % 2
    X = [clip(kind) for kind in y]
    pipeline = make_pipeline(KMeansAudioTokenizer(6, random_state=0), TokenCounts((1, 2), weighting), classifier)
    assert pipeline.fit(X[:30], y[:30]).score(X[30:], y[30:]) == 1


@pytest.mark.parametrize("given", [None, 3])
def test_a_token_beyond_the_vocabulary(given):
    counts = TokenCounts(n_tokens=given).fit([[0, 1], [2]])
    with pytest.raises(ValueError, match=r"row 1 holds the token 3: the vocabulary has 3 tokens, 0 to 2"):
        counts.transform([[0], [1, 3]])


def test_a_token_beyond_the_given_vocabulary_in_fit():
    with pytest.raises(ValueError, match=r"row 0 holds the token 7: the vocabulary has 3 tokens"):
        TokenCounts(n_tokens=3).fit([[0, 7]])


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        ([1, -1], r"Negative values in data: row 1 holds the token -1\. .*remove the padding"),
        ([0.5, 1], r"row 1 holds the token 0\.5: tokens are whole numbers; turn frames into tokens first"),
        ([2**40], r"row 1 holds the token 1\.09951e\+12: tokens fit into 32 bits"),
        ([], r"row 1 has no tokens"),
    ],
)
def test_what_is_no_token(bad, match):
    with pytest.raises(ValueError, match=match):
        TokenCounts().fit([np.array([0, 1]), np.array(bad)])


@pytest.mark.parametrize("ngram_range", [(0, 1), (2, 1), (1,), (1, 1.5), ("a", "b")])
def test_bad_range(ngram_range):
    with pytest.raises(ValueError, match=r"ngram_range=.*: give two whole numbers, \(shortest, longest\)"):
        TokenCounts(ngram_range).fit(CLIPS)


def test_unfitted():
    with pytest.raises(NotFittedError, match="This TokenCounts instance is not fitted yet"):
        TokenCounts().transform(CLIPS)
    with pytest.raises(NotFittedError, match="This TokenCounts instance is not fitted yet"):
        TokenCounts().get_feature_names_out()
