"""Refusals: the right error with the right message, and nothing else."""

import re

import pytest

from sklearn_audio.testing._refusals import expect_refusal


def test_refusals():
    def refuse():
        raise ValueError("row 1: no")

    expect_refusal(refuse, "a clip", "row 1")
    with pytest.raises(AssertionError, match=re.escape("a clip raises, but the message does not match 'row 2': row 1")):
        expect_refusal(refuse, "a clip", "row 2")
    with pytest.raises(AssertionError, match="a clip does not raise"):
        expect_refusal(lambda: None, "a clip", "row 1")
