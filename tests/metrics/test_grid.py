"""Labels on a grid, point by point as deep_audio_features walks through a recording."""

import numpy as np
import pandas as pd
import pytest

from sklearn_audio.metrics import grid_accuracy, grid_labels

COLUMNS = ["clip", "start", "end", "label"]


def table(*rows):
    return pd.DataFrame(list(rows), columns=COLUMNS)


REFERENCE = table((0, 0.0, 4.0, "speech"), (0, 6.0, 10.0, "music"))


def walked(events, end, step):
    """The label of each point: the first event around it, a start excluded and an end included."""
    labels, point = [], step / 2
    while point < end:
        around = [label for _, start, stop, label in events.itertuples(index=False) if start < point <= stop]
        labels.append(around[0] if around else "background")
        point += step
    return labels


@pytest.mark.parametrize("seed", range(20))
def test_points_equal_a_walk(seed):
    rng = np.random.default_rng(seed)
    tables = []
    for n in (6, 8):
        starts = rng.uniform(0, 10, n)
        spans = (np.zeros(n, int), starts, starts + rng.uniform(0, 3, n), rng.choice(["a", "b"], n))
        tables.append(pd.DataFrame(dict(zip(COLUMNS, spans, strict=True))))
    expected = [walked(events, tables[0]["end"].max(), 0.1) for events in tables]
    labels = grid_labels(*tables)
    assert [part.tolist() for part in labels] == expected
    assert grid_accuracy(*tables) == pytest.approx(np.mean(np.array(expected[0]) == np.array(expected[1])))


def test_ties_do_not_hang_on_rounding():
    """Points lie at 0.05, 0.15, ...: a start there excludes the point, an end includes it."""
    labels = grid_labels(table((0, 0.15, 0.35, "x"), (0, 0.75, 0.95, "x")), table())[0].tolist()
    assert labels == ["background", "background", "x", "x", *["background"] * 4, "x"]


def test_accuracy_over_recordings():
    reference = pd.concat([REFERENCE, table((1, 0.0, 10.0, "music"))])
    assert grid_accuracy(reference, REFERENCE) == 0.5
    assert grid_accuracy(reference, reference) == 1.0
    assert grid_accuracy(REFERENCE, table((0, 0.0, 99.0, "music"))) == pytest.approx(0.4)


def test_background_and_step():
    true, predicted = grid_labels(REFERENCE, table(), step=1.0, background="silence")
    assert true.tolist() == ["speech"] * 4 + ["silence"] * 2 + ["music"] * 4
    assert set(predicted) == {"silence"}


@pytest.mark.parametrize(
    ("estimated", "options", "match"),
    [
        (REFERENCE, {"step": 0}, "step=0 must be a positive number of seconds"),
        (REFERENCE, {"step": 50.0}, r"step=50\.0 is too long"),
        (REFERENCE.assign(clip=2), {}, "estimated: row 0 has 2, which is not in reference"),
        (REFERENCE.drop(columns="label"), {}, r"estimated lacks the column\(s\) \['label'\]"),
    ],
)
def test_bad_input(estimated, options, match):
    with pytest.raises(ValueError, match=match):
        grid_labels(REFERENCE, estimated, **options)


def test_reference_without_events():
    with pytest.raises(ValueError, match="reference has no events"):
        grid_accuracy(table(), REFERENCE)
