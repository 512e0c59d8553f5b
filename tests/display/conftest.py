"""Figures that are closed again, and a check that nothing in them is cut or overprinted."""

import numpy as np
import pytest


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.fixture
def is_legible():
    """Whether all of a figure is within it, and no two tick labels of an axis overlap."""

    def check(figure):
        figure.draw_without_rendering()
        width, height = figure.get_size_inches()
        box = figure.get_tightbbox()
        inside = box.x0 > -0.02 and box.y0 > -0.02 and box.x1 < width + 0.02 and box.y1 < height + 0.02
        axes = [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]
        return inside and not any(_overlap(axis) for axis in axes)

    return check


def _overlap(axis):
    low, high = np.sort(axis.get_view_interval())
    ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high and tick.label1.get_text()]
    boxes = [tick.label1.get_window_extent() for tick in ticks if tick.label1.get_visible()]
    return any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[i + 1 :])
