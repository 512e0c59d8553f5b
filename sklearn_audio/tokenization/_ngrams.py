"""Vocabularies of n-grams, as sorted arrays of integer keys."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_audio.ragged import Ragged

__all__ = ["NgramVocabulary"]


class NgramVocabulary:
    """Numbers for the n-grams of lengths 1 to `longest` that occur in some clips.

    An n-gram of length n is known by the number of its first n - 1 tokens and by its last token, which make one integer
    key; so keys stay small whatever n is. The tokens themselves are the n-grams of length 1, all of 0 to n_tokens - 1.
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
        """How many n-grams of a length there are."""
        return self.n_tokens if length == 1 else len(self.keys[length - 2])

    def number(self, tokens: Ragged, length: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Find the known n-grams of a length: their places in ``tokens.values`` and their numbers."""
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
        """The n-grams of a length in the order of their numbers, shape (size, length)."""
        if length == 1:
            return np.arange(self.n_tokens)[:, None]
        prefixes, last = np.divmod(self.keys[length - 2], self.n_tokens)
        return np.column_stack([self.spell(length - 1)[prefixes], last])

    def _extend(
        self, tokens: Ragged, length: int, starts: NDArray[np.intp], prefixes: NDArray[np.int64]
    ) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Keys of the n-grams that begin with known ones one shorter and end within their clip."""
        ends = np.repeat(tokens.offsets[1:], tokens.lengths)
        whole = starts + length <= ends[starts]
        starts, prefixes = starts[whole], prefixes[whole]
        return starts, prefixes * self.n_tokens + tokens.values[starts + length - 1]
