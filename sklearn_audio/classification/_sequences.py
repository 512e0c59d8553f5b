"""Classifiers over sequences: X is frames or tokens, decided by the type of its numbers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from torch import nn

from sklearn_audio._meaning import Uses, needs_frames, needs_tokens
from sklearn_audio.classification._neural import NeuralClassifier
from sklearn_audio.engine.training import Cut, cut_rows
from sklearn_audio.ragged import Ragged, mean_and_std
from sklearn_audio.validation import check_sequences, container_kind

__all__ = ["SequenceClassifier", "holds_tokens"]

# A vocabulary learned from X of more than this is more likely numbers that mean something.
_MOST_TOKENS = 1_000_000


class SequenceClassifier(NeuralClassifier):
    """Base class of the classifiers over frames or tokens.

    Integers in one dimension per clip are tokens, everything else is frames.
    """

    n_tokens_: int | None
    _parameter_uses: ClassVar[Uses] = {
        **NeuralClassifier._parameter_uses,
        "n_tokens": needs_tokens(),
        "normalize": needs_frames(None),
    }

    def _admit(self, X: Any, *, reset: bool) -> Ragged:
        kind, items = container_kind(X) if getattr(X, "ndim", None) != 3 else ("rows", X)
        array = self._admit_array(items, reset=reset) if kind == "array" else None
        over_tokens = holds_tokens(items if array is None else array) if reset else self.n_tokens_ is not None
        if not over_tokens:
            if reset:
                self.n_tokens_ = None
            frames = check_sequences(array) if array is not None else self._admit_frames(items, reset=reset)
            if not reset:
                self._check_frame_width(frames)
            return frames
        if array is None and reset:
            self._forget_features()
        tokens = _as_tokens(items if array is None else array)
        if reset:
            self.n_tokens_ = self._vocabulary(tokens)
        self._check_vocabulary(tokens)
        return tokens

    def _vocabulary(self, tokens: Ragged) -> int:
        if self.n_tokens is not None:
            return int(self.n_tokens)
        n_tokens = int(tokens.values.max()) + 1
        if n_tokens > _MOST_TOKENS:
            raise ValueError(
                f"X holds integers up to {n_tokens - 1}, which would be a vocabulary of {n_tokens} tokens. If they are "
                "frames, pass floats; if they are tokens, say so by n_tokens."
            )
        return n_tokens

    def _check_vocabulary(self, tokens: Ragged) -> None:
        n_tokens = self.n_tokens_ or 0
        outside = (tokens.values < 0) | (tokens.values >= n_tokens)
        if outside.any():
            place = int(np.argmax(outside))
            row = int(np.searchsorted(tokens.offsets, place, side="right")) - 1
            raise ValueError(
                f"row {row} holds the token {tokens.values[place]}, but the vocabulary has {n_tokens} tokens, 0 to "
                f"{n_tokens - 1}. Tokenise it with the same tokenizer, or reserve more tokens by n_tokens."
            )

    def _cut(self, sequences: Ragged) -> Cut:
        return cut_rows(sequences, None, "head")

    def _input_options(self) -> dict[str, Any]:
        """Give what every network over sequences is told of its input."""
        if self.n_tokens_ is not None:
            return {"n_tokens": self.n_tokens_}
        return {"n_features": self._n_features, "per_clip": self.normalize == "clip"}

    def _shape_options(self) -> dict[str, Any]:
        return {"pad_value": self.n_tokens_ or 0}

    def _prepare_network(self, network: nn.Module, sequences: Ragged) -> None:
        if self.n_tokens_ is None and self.normalize == "standard":
            frames: Any = network.input
            frames.standardise_by(*mean_and_std(sequences.values))

    def _build_network(self, sequences: Ragged) -> None:
        item_shape = self._item_shape(sequences)
        self._n_features = item_shape[0] if item_shape else None
        super()._build_network(sequences)

    def _item_shape(self, sequences: Ragged) -> tuple[int, ...]:
        """Tell the shape of what the network reads, one at a time."""
        return sequences.item_shape


def holds_tokens(items: Any) -> bool:
    """Tell whether clips are integers in one dimension each."""
    if isinstance(items, Ragged):
        return items.item_shape == () and items.dtype.kind in "iu"
    if isinstance(items, np.ndarray) and items.dtype != object:
        return items.ndim == 2 and items.dtype.kind in "iu"
    first = np.asarray(items[0])
    return first.ndim == 1 and first.dtype.kind in "iu"


def _as_tokens(items: Any) -> Ragged:
    if not holds_tokens(items):
        # floats may still be whole numbers, as a table of integers with another column becomes
        numbers = check_sequences(items, item_ndim=0, dtype=np.float64)
        broken = numbers.values != np.floor(numbers.values)
        if broken.any():
            row = int(np.searchsorted(numbers.offsets, int(np.argmax(broken)), side="right")) - 1
            raise ValueError(
                f"row {row} holds the number {numbers.values[np.argmax(broken)]:g}, where fit had tokens, which are "
                "whole. Pass tokens, or fit on frames."
            )
        return numbers.with_values(numbers.values.astype(np.int64))
    return check_sequences(items, item_ndim=0, dtype=np.int64)
