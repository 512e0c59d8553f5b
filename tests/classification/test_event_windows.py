import numpy as np
import pandas as pd
import pytest

from sklearn_audio.classification._event_windows import LabelRules, Mixing, read_windows
from sklearn_audio.engine import WindowGrid, Windowing
from sklearn_audio.validation import check_audio

RATE = 1000
RULES = LabelRules(overlap=0.5, min_level=0.0, max_background=None, is_multilabel=False)


def sizes(windows):
    return [window.size for window in windows]


def read(X, window=1.0, hop=0.5, rate=RATE):
    windowing = Windowing(check_audio(X, RATE, bare_rate=RATE), WindowGrid(window, hop), rate)
    return windowing, read_windows(windowing, sizes, 4)


def events(*rows):
    return pd.DataFrame(rows, columns=["clip", "start", "end", "label"])


def starts(windows, mask):
    return windows.spans[mask, 0].tolist()


def test_windows_of_all_recordings_follow_each_other():
    _, windows = read([np.ones(1500), np.full(2000, 0.5)])
    assert windows.clip.tolist() == [0, 0, 1, 1, 1]
    assert windows.number.tolist() == [0, 1, 0, 1, 2]
    assert windows.levels.tolist() == [1, 1, 0.5, 0.5, 0.5]
    assert windows.rows == [1000] * 5


@pytest.mark.parametrize(
    ("overlap", "wanted"), [(0.1, [0.5, 1.0, 1.5, 2.0, 2.5]), (0.6, [1.0, 1.5, 2.0]), (0.7, [1.5]), (1.0, [1.5])]
)
def test_a_window_has_the_label_of_an_event_that_covers_enough_of_it(overlap, wanted):
    _, windows = read([np.ones(4000)])
    labelled = windows.labelled(events((0, 1.4, 2.6, "dog")), ["dog"], RULES._replace(overlap=overlap))
    assert starts(labelled, labelled.present[:, 0]) == wanted


def test_a_short_event_need_not_cover_a_window():
    _, windows = read([np.ones(4000)])
    labelled = windows.labelled(events((0, 1.6, 1.8, "tick")), ["tick"], RULES._replace(overlap=1.0))
    assert starts(labelled, labelled.present[:, 0]) == [1.0, 1.5]
    assert starts(labelled, labelled.is_free) == [0.0, 0.5, 2.0, 2.5, 3.0]


def test_windows_that_an_event_only_touches_are_left_out():
    _, windows = read([np.ones(4000)], hop=1.0)
    labelled = windows.labelled(events((0, 0.8, 2.2, "dog")), ["dog"], RULES)
    assert starts(labelled, labelled.is_used) == [1.0]
    assert starts(labelled, labelled.is_free) == [3.0]
    assert labelled.chosen(RULES, np.random.RandomState(0)).tolist() == [1, 3]


def test_quiet_windows_of_an_event_are_left_out():
    wave = np.repeat([1.0, 0.2, 0.3, 0.0], 1000)
    _, windows = read([wave], hop=1.0)
    labelled = windows.labelled(events((0, 0.0, 4.0, "dog")), ["dog"], RULES._replace(min_level=0.25))
    assert starts(labelled, labelled.is_used) == [0.0, 2.0]
    assert not labelled.is_free.any()


def test_windows_with_several_labels():
    _, windows = read([np.ones(3000)], hop=1.0)
    table = events((0, 0.0, 2.0, "dog"), (0, 1.0, 3.0, "cat"))
    labelled = windows.labelled(table, ["cat", "dog"], RULES)
    assert labelled.present.tolist() == [[False, True], [True, True], [True, False]]
    assert starts(labelled, labelled.is_used) == [0.0, 2.0]
    several = windows.labelled(table, ["cat", "dog"], RULES._replace(is_multilabel=True))
    assert starts(several, several.is_used) == [0.0, 1.0, 2.0]


def test_events_of_other_labels_are_background():
    _, windows = read([np.ones(2000)], hop=1.0)
    labelled = windows.labelled(events((0, 0.0, 1.0, "dog"), (0, 1.0, 2.0, "background")), ["dog"], RULES)
    assert starts(labelled, labelled.is_free) == [1.0]


def test_background_is_bounded():
    _, windows = read([np.ones(10000)], hop=1.0)
    labelled = windows.labelled(events((0, 2.0, 4.0, "dog")), ["dog"], RULES)
    chosen = labelled.chosen(RULES._replace(max_background=1.5), np.random.RandomState(0))
    assert len(chosen) == 2 + 3
    assert {2, 3} < set(chosen.tolist())


@pytest.mark.parametrize("rate", [RATE, None])
def test_mixtures_have_the_ratio_that_is_drawn(rate):
    tone, noise = np.sin(np.arange(3000)), np.random.default_rng(0).normal(size=4000)
    X = [(tone.astype(np.float32), RATE), (noise.astype(np.float32), RATE if rate else 2 * RATE)]
    windowing, windows = read(X, hop=1.0, rate=rate)
    labelled = windows.labelled(events((0, 0.0, 3.0, "hum")), ["hum"], RULES)
    mixing = Mixing(windowing, labelled, (10.0, 10.0), np.random.RandomState(0))
    mixed = mixing.rows(np.flatnonzero(labelled.is_used), lambda found: [window.samples for window in found], 2)
    assert len(mixed) == 3
    for first, wave in zip((0, 1000, 2000), mixed, strict=True):
        clean = tone[first : first + 1000]
        ratio = 10 * np.log10(np.mean(clean**2) / np.mean((wave - clean) ** 2))
        assert ratio == pytest.approx(10.0, abs=0.01)


def test_mixtures_need_a_background():
    windowing, windows = read([np.ones(2000)])
    labelled = windows.labelled(events((0, 0.0, 2.0, "hum")), ["hum"], RULES)
    with pytest.raises(ValueError, match=r"mix=\(6, 20\) needs windows without events, and there are none"):
        Mixing(windowing, labelled, (6, 20), np.random.RandomState(0)).rows(np.array([0]), sizes, 2)
