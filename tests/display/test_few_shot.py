"""`FewShotDisplay`: what is drawn, and what is said without matplotlib."""

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from sklearn_audio import FewShotDisplay

TABLE = pd.DataFrame(
    {
        "method": ["b"] * 4 + ["a"] * 4,
        "n_shots": [5, 5, 1, 1] * 2,
        "score": [0.8, 0.6, 0.4, 0.2, 0.9, 0.9, 0.1, 0.3],
    }
)


def test_means_and_intervals(pyplot):
    display = FewShotDisplay(TABLE).plot()
    assert list(display.lines_) == ["b", "a"]
    assert display.lines_["b"].get_xdata().tolist() == [1, 5]
    assert display.lines_["b"].get_ydata() == pytest.approx([0.3, 0.7])
    heights = display.bands_["b"].get_paths()[0].vertices[:, 1]
    wanted = display.summary_.query("method == 'b'")
    assert (heights.min(), heights.max()) == pytest.approx((wanted["low"].min(), wanted["high"].max()))
    assert display.ax_.get_ylabel() == "accuracy"
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["1", "5"]
    assert display.figure_ is display.ax_.figure


def test_wider_level_is_a_wider_band(pyplot):
    narrow, wide = (FewShotDisplay(TABLE).plot(level=level).summary_ for level in (0.5, 0.99))
    assert (narrow["high"] - narrow["low"])[0] < (wide["high"] - wide["low"])[0]


def test_one_draw_has_no_band(pyplot):
    assert FewShotDisplay(TABLE.drop_duplicates(["method", "n_shots"])).plot().bands_ == {}


def test_metric_is_chosen(pyplot):
    table = pd.concat([TABLE.assign(metric="accuracy"), TABLE.assign(metric="f1", score=0.5)])
    display = FewShotDisplay(table).plot(metric="f1")
    assert display.lines_["a"].get_ydata().tolist() == [0.5, 0.5]
    assert display.ax_.get_ylabel() == "f1"
    with pytest.raises(ValueError, match=r"holds no metric 'mAP'; it has \['accuracy', 'f1'\]"):
        FewShotDisplay(table).plot(metric="mAP")


def test_from_estimators(pyplot):
    _, ax = pyplot.subplots()
    y = np.repeat([0, 1], 6)
    display = FewShotDisplay.from_estimators(
        {"1-NN": KNeighborsClassifier(1)}, y[:, None], y, ax=ax, n_shots=[1, 2], n_repeats=2, random_state=0
    )
    assert display.ax_ is ax
    assert display.lines_["1-NN"].get_ydata().tolist() == [1.0, 1.0]
    assert len(display.table) == 4


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"FewShotDisplay needs the package 'matplotlib.*sklearn-audio\[plot\]"):
        FewShotDisplay(TABLE).plot()
