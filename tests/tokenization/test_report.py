"""The table of tokens and the report on a vocabulary."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.metrics import silhouette_score

from sklearn_audio import KMeansAudioTokenizer
from sklearn_audio.tokenization import token_table, vocabulary_report, zipf_line

RNG = np.random.default_rng(0)
CLIPS = [(10 * RNG.integers(0, 4, (n, 1)) + RNG.normal(size=(n, 3))).astype(np.float32) for n in (60, 90)]


@pytest.fixture(scope="module")
def tokenizer():
    return KMeansAudioTokenizer(4, normalize=None, n_init=5, random_state=0).fit(CLIPS)


def test_table():
    table = token_table([[4, 4, 4, 1], [1, 0]], n_tokens=6)
    assert table["token"].tolist() == [4, 1, 0, 2, 3, 5]
    assert table["count"].tolist() == [3, 2, 1, 0, 0, 0]
    assert table["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(table["share"], np.array([3, 2, 1, 0, 0, 0]) / 6)
    np.testing.assert_allclose(table["cumulative_share"], np.array([3, 5, 6, 6, 6, 6]) / 6)


def test_table_of_a_tokenizer(tokenizer):
    table = token_table(tokenizer).set_index("token")
    np.testing.assert_array_equal(table["count"].sort_index(), tokenizer.token_counts_)
    with pytest.raises(NotFittedError, match="This KMeansAudioTokenizer instance is not fitted"):
        token_table(KMeansAudioTokenizer())


def test_report_of_equally_frequent_tokens():
    report = vocabulary_report([np.arange(10).repeat(5)], n_tokens=16).iloc[0]
    assert (report.n_tokens, report.n_frames, report.dead_tokens) == (16, 50, 6)
    np.testing.assert_allclose(report.perplexity, 10)
    assert (report.mass_tokens, report.mass_share) == (8, 0.5)
    np.testing.assert_allclose((report.zipf_slope, report.zipf_r2), (0, 1), atol=1e-12)
    assert np.isnan(report.silhouette)


@pytest.mark.parametrize("exponent", [0.5, 1, 2])
def test_zipf_slope(exponent):
    counts = (1e12 / np.arange(1, 501) ** exponent).astype(np.int64)
    slope, intercept, r2 = zipf_line(counts)
    np.testing.assert_allclose((slope, intercept, r2), (-exponent, 12, 1), rtol=1e-4)
    # the ends are left out
    bent = counts.copy()
    bent[:50] = counts[0]
    bent[450:] = 1
    np.testing.assert_allclose(zipf_line(bent), (slope, intercept, r2), rtol=1e-9)


def test_too_few_ranks_for_a_line():
    assert np.isnan(zipf_line(np.array([5, 1, 0]))).all()


@pytest.mark.parametrize(("mass", "wanted"), [(0.5, 1), (0.8, 3), (0.81, 4), (1.0, 5)])
def test_mass(mass, wanted):
    tokens = [np.repeat(np.arange(5), [5, 2, 1, 1, 1])]
    assert vocabulary_report(tokens, mass=mass).loc[0, "mass_tokens"] == wanted


def test_silhouette(tokenizer):
    values = np.concatenate(CLIPS)
    report = vocabulary_report(tokenizer, CLIPS, sample_size=1000)
    wanted = silhouette_score(values, tokenizer.transform(CLIPS).values)
    np.testing.assert_allclose(report.loc[0, "silhouette"], wanted, rtol=1e-6)
    assert report.loc[0, "n_frames"] == 150
    some = [vocabulary_report(tokenizer, CLIPS, sample_size=50, random_state=s).loc[0, "silhouette"] for s in (0, 0, 1)]
    assert some[0] == some[1] != some[2]
    assert np.isnan(vocabulary_report(tokenizer, [values[:1].repeat(5, axis=0)]).loc[0, "silhouette"])


def test_mistakes(tokenizer):
    with pytest.raises(ValueError, match=r"mass=1\.5: give a fraction of all frames"):
        vocabulary_report(tokenizer, mass=1.5)
    with pytest.raises(TypeError, match=r"frames come with a fitted KMeansAudioTokenizer, got list"):
        vocabulary_report([[0, 1]], CLIPS)
    with pytest.raises(ValueError, match=r"row 0 holds the token 2: the vocabulary has 2 tokens"):
        token_table([[0, 2]], n_tokens=2)
