"""`TokenCounts`: a sparse table of token or n-gram counts per clip."""

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
from sklearn_audio.tokenization._tokens import check_tokens
from sklearn_audio.validation import container_kind


class NgramVocabulary:
    """Numbering of the n-grams of lengths 1 to `longest` that occur in some clips.

    The key of an n-gram combines the number of its first n - 1 tokens with its last token in one integer, so keys stay
    small for every n. The n-grams of length 1 are all tokens, 0 to n_tokens - 1.
    """

    def __init__(self, n_tokens: int, keys: list[NDArray[np.int64]]) -> None:
        self.n_tokens = n_tokens
        self.keys = keys

    @classmethod
    def learn(cls, tokens: Ragged, n_tokens: int, longest: int) -> NgramVocabulary:
        """Collect the n-grams of all clips."""
        vocabulary = cls(n_tokens, [])
        for length in range(2, longest + 1):
            starts, prefixes = vocabulary.number(tokens, length - 1)
            vocabulary.keys.append(np.unique(vocabulary._extend(tokens, length, starts, prefixes)[1]))
        return vocabulary

    def size(self, length: int) -> int:
        """Number of n-grams of a length."""
        return self.n_tokens if length == 1 else len(self.keys[length - 2])

    def number(self, tokens: Ragged, length: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Find the known n-grams of a length: their positions in ``tokens.values`` and their numbers."""
        if length == 1:
            return np.arange(len(tokens.values)), tokens.values.astype(np.int64)
        starts, keys = self._extend(tokens, length, *self.number(tokens, length - 1))
        known = self.keys[length - 2]
        if not len(known):
            return starts[:0], keys[:0]
        numbers = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        found = known[numbers] == keys
        return starts[found], numbers[found]

    def spell(self, length: int) -> NDArray[np.int64]:
        """Return the n-grams of a length by number, shape (size, length)."""
        if length == 1:
            return np.arange(self.n_tokens)[:, None]
        prefixes, last = np.divmod(self.keys[length - 2], self.n_tokens)
        return np.column_stack([self.spell(length - 1)[prefixes], last])

    def _extend(
        self, tokens: Ragged, length: int, starts: NDArray[np.intp], prefixes: NDArray[np.int64]
    ) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Extend known n-grams by one token within their clip: starts and keys."""
        ends = np.repeat(tokens.offsets[1:], tokens.lengths)
        whole = starts + length <= ends[starts]
        starts, prefixes = starts[whole], prefixes[whole]
        return starts, prefixes * self.n_tokens + tokens.values[starts + length - 1]


class TokenCounts(TransformerMixin, AudioEstimator):
    """Bag of tokens: counts of each token, or n-gram of tokens, per clip.

    Parameters
    ----------
    ngram_range : tuple (shortest, longest), default=(1, 1)
        Lengths of the n-grams to count. (1, 2) counts tokens and pairs of adjacent tokens.
    weighting : {"count", "binary", "frequency", "tfidf"}, default="count"
        "count": number of occurrences; "binary": 1 if present; "frequency": counts divided by their sum in the clip;
        "tfidf": counts times the inverse document frequency learned in `fit`, with rows of norm 1 (as
        `TfidfTransformer` by default).
    n_tokens : int, default=None
        Size of the vocabulary. None: the largest token in `fit` plus 1; set it if the training set may lack the last
        tokens.

    Attributes
    ----------
    n_tokens_ : int
        Size of the vocabulary: tokens are 0 to ``n_tokens_ - 1``.
    idf_ : ndarray of float64, shape (n_columns,)
        Inverse document frequencies, with ``weighting="tfidf"``.
    n_features_in_ : int
        Length of the rows, if X is an array.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        Names of the columns, if X is a DataFrame of numbers.

    See Also
    --------
    KMeansAudioTokenizer : Makes tokens of frames.

    Notes
    -----
    The columns are all tokens, seen in `fit` or not, then the sorted n-grams seen in `fit`. A token outside the
    vocabulary raises, as it comes from another tokenizer; an n-gram of known tokens that `fit` has not seen is ignored,
    as in `sklearn.feature_extraction.text.CountVectorizer`.

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
        """Learn the vocabulary and, for "tfidf", the document frequencies.

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
            If a parameter or X is invalid; the message names the row.
        """
        self._validate_params()
        shortest, longest = self._lengths()
        tokens = self._validate_tokens(X, reset=True, n_tokens=self.n_tokens)
        self.n_tokens_ = int(tokens.values.max()) + 1 if self.n_tokens is None else self.n_tokens
        vocabulary = NgramVocabulary.learn(tokens, self.n_tokens_, longest)
        self._keys = vocabulary.keys
        self.__dict__.pop("idf_", None)
        if self.weighting == "tfidf":
            counts = _count(tokens, vocabulary, range(shortest, longest + 1))
            self.idf_ = TfidfTransformer().fit(counts).idf_
        return self

    def transform(self, X: Any) -> csr_matrix:
        """Count the tokens of each clip.

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
            If a token is negative, not a whole number or outside the vocabulary; the message names the row.
        """
        self._check_fitted()
        tokens = self._validate_tokens(X, reset=False, n_tokens=self.n_tokens_)
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

    def _validate_tokens(self, X: Any, *, reset: bool, n_tokens: int | None) -> Ragged:
        ragged = isinstance(X, (list, tuple)) and len({len(row) for row in X if isinstance(row, (list, tuple))}) > 1
        kind, items = ("rows", X) if ragged else container_kind(X)
        if kind == "array":
            return check_tokens(self._validate_array(items, reset=reset), n_tokens=n_tokens)
        if reset:
            self._forget_features()
        return check_tokens(items, n_tokens=n_tokens)


def _count(tokens: Ragged, vocabulary: NgramVocabulary, lengths: range) -> csr_matrix:
    """Count the n-grams of some lengths, shorter ones first."""
    clips = np.repeat(np.arange(len(tokens)), tokens.lengths)
    rows, columns, offset = [], [], 0
    for length in lengths:
        starts, numbers = vocabulary.number(tokens, length)
        rows.append(clips[starts])
        columns.append(numbers + offset)
        offset += vocabulary.size(length)
    entries = (np.concatenate(rows), np.concatenate(columns))
    # duplicate entries are summed
    return csr_matrix((np.ones(len(entries[0])), entries), shape=(len(tokens), offset))
