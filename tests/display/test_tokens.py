"""`TokenDisplay`: what is drawn, and what is said without matplotlib."""

import sys

import numpy as np
import pytest

from sklearn_audio import KMeansAudioTokenizer, TokenDisplay

RNG = np.random.default_rng(0)
CLIPS = [RNG.normal(size=(n, 3)) for n in (60, 90)]
TOKENIZER = KMeansAudioTokenizer(6, random_state=0).fit(CLIPS)


def test_from_estimator(pyplot):
    display = TokenDisplay.from_estimator(TOKENIZER)
    assert display.line_.get_ydata().tolist() == sorted(TOKENIZER.token_counts_, reverse=True)
    assert display.line_.get_label() == "KMeansAudioTokenizer"
    assert "slope" in display.zipf_line_.get_label()
    assert (display.ax_.get_xscale(), display.ax_.get_yscale()) == ("log", "log")
    assert display.figure_ is display.ax_.figure


def test_from_estimator_on_other_frames(pyplot):
    _, ax = pyplot.subplots()
    display = TokenDisplay.from_estimator(TOKENIZER, [CLIPS[0][:5]], ax=ax, name="five")
    assert display.ax_ is ax
    assert display.line_.get_ydata().sum() == 5
    assert len(display.table) == 6


def test_from_tokens(pyplot):
    display = TokenDisplay.from_tokens([[0, 0, 1]], n_tokens=4)
    assert display.line_.get_ydata().tolist() == [2, 1]
    assert display.zipf_line_ is None
    assert display.ax_.get_xlabel() == "rank (2 of 4 tokens never occur)"


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"TokenDisplay needs the package 'matplotlib.*sklearn-audio\[plot\]"):
        TokenDisplay.from_estimator(TOKENIZER)
