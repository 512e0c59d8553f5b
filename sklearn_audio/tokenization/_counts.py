"""`TokenCounts`: tokens to a sparse table of how often they, or their n-grams, occur in each clip."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import TransformerMixin
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sklearn_audio._sklearn import Interval, StrOptions
from sklearn_audio.base import AudioEstimator
from sklearn_audio.ragged import Ragged
from sklearn_audio.tokenization._ngrams import NgramVocabulary
from sklearn_audio.tokenization._tokens import check_tokens
from sklearn_audio.validation import container_kind

__all__ = ["TokenCounts"]


class TokenCounts(TransformerMixin, AudioEstimator):
    """Bag of tokens: how often each token, or each n-gram of tokens, occurs in a clip.

    Parameters
    ----------
    ngram_range : tuple (shortest, longest), default=(1, 1)
        Lengths of the n-grams that are counted. (1, 2) counts tokens and pairs of neighbours.
    weighting : {"count", "binary", "frequency", "tfidf"}, default="count"
        "count": how often; "binary": 1 if at all; "frequency": counts divided by their sum in the clip; "tfidf": counts
        times the inverse document frequency learned in `fit`, each row of norm 1 (`TfidfTransformer`'s defaults).
    n_tokens : int, default=None
        Size of the vocabulary. None takes the largest token in `fit` plus 1; give it where some clips of the training
        set may lack the last tokens.

    Attributes
    ----------
    n_tokens_ : int
        Size of the vocabulary: tokens are 0 to ``n_tokens_ - 1``.
    idf_ : ndarray of float64, shape (n_columns,)
        Inverse document frequencies, with ``weighting="tfidf"``.
    n_features_in_ : int
        Length of the rows, if X was an array.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if X was a DataFrame of numbers.

    See Also
    --------
    KMeansAudioTokenizer : Where tokens come from.

    Notes
    -----
    The columns are all tokens, whether seen in `fit` or not, then the n-grams seen in `fit`, sorted. A token beyond the
    vocabulary is refused, as it comes from another tokenizer; an n-gram of known tokens that `fit` has not seen is left
    out, as `sklearn.feature_extraction.text.CountVectorizer` does.

    Examples
    --------
    >>> from sklearn_audio import TokenCounts
    >>> counts = TokenCounts(ngram_range=(1, 2))
    >>> counts.fit_transform([[0, 1, 1], [1, 0]]).toarray()
    array([[1., 2., 1., 0., 1.],
           [1., 1., 0., 1., 0.]])
    >>> counts.get_feature_names_out().tolist()
    ['token_0', 'token_1', 'token_0_1', 'token_1_0', 'token_1_1']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "ngram_range": [tuple, list],
        "weighting": [StrOptions({"count", "binary", "frequency", "tfidf"})],
        "n_tokens": [None, Interval(Integral, 1, None, closed="left")],
    }
    _stateless: ClassVar[bool] = False

    def __init__(
        self,
        ngram_range: tuple[int, int] = (1, 1),
        weighting: Literal["count", "binary", "frequency", "tfidf"] = "count",
        *,
        n_tokens: int | None = None,
    ) -> None:
        self.ngram_range = ngram_range
        self.weighting = weighting
        self.n_tokens = n_tokens

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.positive_only = True
        tags.input_tags.three_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the vocabulary, and the document frequencies where they are wanted.

        Parameters
        ----------
        X : Ragged, list of arrays (n_tokens,), or array of 2 dimensions
            Tokens, one row per clip.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        TypeError, ValueError
            If a parameter or X is not admissible; the message names the row.
        """
        self._validate_params()
        shortest, longest = self._lengths()
        tokens = self._admit_tokens(X, reset=True, n_tokens=self.n_tokens)
        self.n_tokens_ = int(tokens.values.max()) + 1 if self.n_tokens is None else self.n_tokens
        vocabulary = NgramVocabulary.learn(tokens, self.n_tokens_, longest)
        self._keys = vocabulary.keys
        self.__dict__.pop("idf_", None)
        if self.weighting == "tfidf":
            counts = _count(tokens, vocabulary, range(shortest, longest + 1))
            self.idf_ = TfidfTransformer().fit(counts).idf_
        return self

    def transform(self, X: Any) -> csr_matrix:
        """Count.

        Parameters
        ----------
        X : Ragged, list of arrays (n_tokens,), or array of 2 dimensions
            Tokens, one row per clip.

        Returns
        -------
        scipy.sparse.csr_matrix of float64, shape (n_clips, n_columns)
            The weighted counts.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        TypeError, ValueError
            If a token is negative, no whole number or beyond the vocabulary; the message names the row.
        """
        self._check_fitted()
        tokens = self._admit_tokens(X, reset=False, n_tokens=self.n_tokens_)
        shortest, longest = self._lengths()
        counts = _count(tokens, self._vocabulary(), range(shortest, longest + 1))
        if self.weighting == "binary":
            counts.data[:] = 1
        elif self.weighting == "frequency":
            counts = TfidfTransformer(use_idf=False, norm="l1").fit_transform(counts)
        elif self.weighting == "tfidf":
            weights = TfidfTransformer()
            weights.idf_ = self.idf_
            counts = weights.transform(counts)
        return counts

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the columns.

        Parameters
        ----------
        input_features : object, default=None
            Ignored.

        Returns
        -------
        ndarray of str, shape (n_columns,)
            ``token_3`` for a token, ``token_3_17`` for the pair of 3 and 17.
        """
        check_is_fitted(self)
        shortest, longest = self._lengths()
        spelled = [row for n in range(shortest, longest + 1) for row in self._vocabulary().spell(n).tolist()]
        return np.asarray(["_".join(["token", *map(str, ngram)]) for ngram in spelled], dtype=object)

    def _vocabulary(self) -> NgramVocabulary:
        return NgramVocabulary(self.n_tokens_, self._keys)

    def _lengths(self) -> tuple[int, int]:
        lengths = tuple(self.ngram_range)
        whole = len(lengths) == 2 and all(isinstance(length, Integral) for length in lengths)
        if not whole or not 1 <= lengths[0] <= lengths[1]:
            raise ValueError(
                f"ngram_range={self.ngram_range!r}: give two whole numbers, (shortest, longest), "
                "with 1 <= shortest <= longest."
            )
        return int(lengths[0]), int(lengths[1])

    def _admit_tokens(self, X: Any, *, reset: bool, n_tokens: int | None) -> Ragged:
        ragged = isinstance(X, (list, tuple)) and len({len(row) for row in X if isinstance(row, (list, tuple))}) > 1
        kind, items = ("rows", X) if ragged else container_kind(X)
        if kind == "array":
            return check_tokens(self._admit_array(items, reset=reset), n_tokens=n_tokens)
        if reset:
            self._forget_features()
        return check_tokens(items, n_tokens=n_tokens)


def _count(tokens: Ragged, vocabulary: NgramVocabulary, lengths: range) -> csr_matrix:
    """Counts of the n-grams of some lengths, shorter ones in the first columns."""
    clips = np.repeat(np.arange(len(tokens)), tokens.lengths)
    rows, columns, offset = [], [], 0
    for length in lengths:
        starts, numbers = vocabulary.number(tokens, length)
        rows.append(clips[starts])
        columns.append(numbers + offset)
        offset += vocabulary.size(length)
    places = (np.concatenate(rows), np.concatenate(columns))
    # places that occur several times are added up
    return csr_matrix((np.ones(len(places[0])), places), shape=(len(tokens), offset))
