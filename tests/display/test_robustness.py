"""`RobustnessDisplay`: a bar per condition."""

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_audio import MFCCTransformer, RobustnessDisplay, SequencePooling

TABLE = pd.DataFrame(
    {
        "kind": ["none", "noise", "noise", "codec", "sample_rate", "crop"],
        "level": [None, 20, 0.5, "mp3", 8000, 0.25],
        "score": [0.9, 0.8, 0.2, 0.85, 0.7, 0.6],
    }
)


def test_bars_and_the_line(pyplot):
    display = RobustnessDisplay(TABLE).plot()
    assert [bar.get_width() for bar in display.bars_] == TABLE["score"][1:].tolist()
    assert display.line_.get_xdata() == [0.9, 0.9]
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == ["noise 20 dB SNR", "noise 0.5 dB SNR", "codec mp3", "sample rate 8000 Hz", "crop 0.25"]
    colours = [bar.get_facecolor() for bar in display.bars_]
    assert colours[0] == colours[1] != colours[2]
    assert display.figure_ is display.ax_.figure


def test_given_axes(pyplot):
    ax = pyplot.subplots()[1]
    assert RobustnessDisplay(TABLE).plot(ax).ax_ is ax


def test_from_estimator(pyplot):
    clips = [np.sin(f * np.arange(4000)) for f in (0.1, 0.5, 0.11, 0.52)]
    model = make_pipeline(MFCCTransformer(16000), SequencePooling(), LogisticRegression()).fit(clips, list("abab"))
    display = RobustnessDisplay.from_estimator(model, clips, list("abab"), conditions={"noise": [20], "gain": [-6]})
    assert display.table["kind"].tolist() == ["none", "noise", "gain"]
    assert len(display.bars_) == 2


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="RobustnessDisplay needs the package 'matplotlib"):
        RobustnessDisplay(TABLE).plot()
