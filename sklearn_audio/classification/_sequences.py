"""Base class of the classifiers over sequences of frames or tokens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from sklearn_audio._meaning import Item, Items, Uses, items_of, needs_frames, needs_tokens
from sklearn_audio.classification._network_options import COUNT
from sklearn_audio.classification._neural import NeuralClassifier
from sklearn_audio.engine.training import Collation, RowView
from sklearn_audio.ragged import Ragged
from sklearn_audio.validation import check_sequences, container_kind
from sklearn_audio.validation._sequences import holds_tokens

__all__ = ["SequenceClassifier"]

# Integers above this are more likely measurements than tokens.
_MOST_TOKENS = 1_000_000


class SequenceClassifier(NeuralClassifier):
    """Base class of the classifiers over frames, tokens or, with a front end, audio.

    Integers in one dimension per clip are tokens; everything else without a front end is frames.
    """

    options: dict[str, Any] | None
    n_tokens_: int | None
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **NeuralClassifier._parameter_constraints,
        "options": [dict, None],
    }
    _parameter_items: ClassVar[Items] = {"options": {"n_tokens": Item(None, [COUNT, None])}}
    _parameter_uses: ClassVar[Uses] = {
        **NeuralClassifier._parameter_uses,
        "options.n_tokens": needs_tokens(),
        "options.embedding_size": needs_tokens(),
        "normalize": needs_frames(None),
    }

    def _option(self, name: str) -> Any:
        return items_of(self, "options")[name]

    def _read_rows(self, X: Any, *, reset: bool) -> RowView:
        if self._takes_audio():
            if reset:
                self.n_tokens_ = None
            return self._read_audio(X, reset=reset)
        kind, items = container_kind(X) if getattr(X, "ndim", None) != 3 else ("rows", X)
        array = self._validate_array(items, reset=reset) if kind == "array" else None
        over_tokens = holds_tokens(items if array is None else array) if reset else self.n_tokens_ is not None
        if over_tokens:
            return RowView.of(self._tokens(items, array, reset=reset))
        if reset:
            self.n_tokens_ = None
        frames = check_sequences(array) if array is not None else self._validate_frames(items, reset=reset)
        if not reset:
            self._check_frame_width(frames.item_shape)
        return RowView.of(frames)

    def _tokens(self, items: Any, array: NDArray[Any] | None, *, reset: bool) -> Ragged:
        if array is None and reset:
            self._forget_features()
        tokens = _as_tokens(items if array is None else array)
        if reset:
            self.n_tokens_ = self._vocabulary(tokens)
        self._check_vocabulary(tokens)
        return tokens

    def _vocabulary(self, tokens: Ragged) -> int:
        given = self._option("n_tokens")
        if given is not None:
            return int(given)
        n_tokens = int(tokens.values.max()) + 1
        if n_tokens > _MOST_TOKENS:
            raise ValueError(
                f"X holds integers up to {n_tokens - 1}, which would be a vocabulary of {n_tokens} tokens. If they are "
                "frames, pass floats; if they are tokens, pass options={'n_tokens': ...}."
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
                f"{n_tokens - 1}. Tokenise it with the same tokenizer, or reserve more by options={{'n_tokens': ...}}."
            )

    def _collation(self, *, training: bool) -> Collation:
        return replace(super()._collation(training=training), pad_value=self.n_tokens_ or 0)

    def _set_sequence_network(self, network_class: type[nn.Module], rows: RowView, **options: Any) -> None:
        """Build a network over tokens, or over frames, which are standardised."""
        if self.n_tokens_ is not None:
            options |= {"n_tokens": self.n_tokens_}
        else:
            n_features = self._collation(training=True).item_shape(rows)[0]
            options |= {"n_features": n_features, "per_clip": self.normalize == "clip"}
        options["n_outputs"] = len(self.classes_)
        self._set_network(network_class(**options), options)
        if self.n_tokens_ is None and self.normalize == "standard":
            self._standardise(rows)


def _as_tokens(items: Any) -> Ragged:
    if not holds_tokens(items):
        # floats may be whole numbers, for instance if a table of integers has another column
        numbers = check_sequences(items, item_ndim=0, dtype=np.float64)
        broken = numbers.values != np.floor(numbers.values)
        if broken.any():
            row = int(np.searchsorted(numbers.offsets, int(np.argmax(broken)), side="right")) - 1
            raise ValueError(
                f"row {row} holds the number {numbers.values[np.argmax(broken)]:g}, but fit had tokens, which are "
                "integers. Pass tokens, or fit on frames."
            )
        return numbers.with_values(numbers.values.astype(np.int64))
    return check_sequences(items, item_ndim=0, dtype=np.int64)
