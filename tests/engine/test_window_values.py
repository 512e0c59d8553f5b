import itertools

import numpy as np
import pytest
import soundfile

from sklearn_audio.engine import WindowGrid, Windowing, window_values
from sklearn_audio.exceptions import AudioReadError
from sklearn_audio.validation import check_audio


def spans(n_timepoints, rate, window, hop, block=1000):
    blocks = (np.arange(first, min(first + block, n_timepoints)) for first in range(0, n_timepoints, block))
    return [window.span for window in WindowGrid(window, hop).cut(blocks, rate)]


@pytest.mark.parametrize(
    ("n_timepoints", "window", "hop", "wanted"),
    [
        (300, 1.0, 1.0, [(0, 1), (1, 2), (2, 3)]),
        (350, 1.0, 1.0, [(0, 1), (1, 2), (2, 3), (3, 3.5)]),
        (250, 1.0, 0.5, [(0, 1), (0.5, 1.5), (1, 2), (1.5, 2.5)]),
        (260, 1.0, 0.5, [(0, 1), (0.5, 1.5), (1, 2), (1.5, 2.5), (2, 2.6)]),
        (40, 1.0, 0.5, [(0, 0.4)]),
        (100, 1.0, 0.5, [(0, 1)]),
        (250, 0.5, 1.0, [(0, 0.5), (1, 1.5), (2, 2.5)]),  # gaps between windows
        (225, 0.5, 1.0, [(0, 0.5), (1, 1.5), (2, 2.25)]),
        (180, 0.5, 1.0, [(0, 0.5), (1, 1.5)]),  # ends within a gap
    ],
)
def test_windows_cover_the_clip(n_timepoints, window, hop, wanted):
    for block in (1, 7, 100, 1000):
        assert spans(n_timepoints, 100, window, hop, block) == wanted


def test_windows_hold_the_samples_of_their_span():
    for window in WindowGrid(0.5, 0.2).cut(iter([np.arange(250.0), np.arange(250.0, 333.0)]), 100):
        assert np.array_equal(window.samples, np.arange(window.first, window.first + window.size))


def test_starts_do_not_drift():
    grid = WindowGrid(1.0, 1 / 3)
    assert grid.start(3_000_000, 44100) == 44_100_000_000


def test_windows_are_cut_while_a_clip_is_read():
    endless = (np.zeros(1000, dtype=np.float32) for _ in itertools.count())
    windows = list(itertools.islice(WindowGrid(1.0, 0.5).cut(endless, 1000), 100))
    assert windows[-1].span == (49.5, 50.5)


def lengths(windows):
    return np.array([[window.size] for window in windows])


def windowing(X, window=1.0, hop=0.5, **options):
    return Windowing(check_audio(X, 100, bare_rate=100), WindowGrid(window, hop), 100, **options)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_values_are_those_of_the_windows_of_each_clip(n_jobs):
    X = [np.zeros(n) for n in (100, 250, 110, 400, 100)]
    calls = []

    def function(windows):
        calls.append(len(windows))
        return lengths(windows)

    found = list(window_values(function, windowing(X, n_jobs=n_jobs), 4))
    assert [np.ravel(clip.values).tolist() for clip in found] == [
        [100],
        [100, 100, 100, 100],
        [100, 60],
        [100] * 7,
        [100],
    ]
    assert calls == [4, 4, 4, 3]  # windows of several clips in one call


def test_clips_come_as_soon_as_they_are_complete():
    calls = []
    clips = window_values(lambda windows: calls.append(1) or lengths(windows), windowing([np.zeros(200)] * 6), 3)
    assert next(clips).spans == [(0.0, 1.0), (0.5, 1.5), (1.0, 2.0)]
    assert len(calls) == 1


def test_some_rows_of_x():
    X = [np.zeros(100), np.zeros(200), np.zeros(150)]
    found = window_values(
        lambda windows: [(window.row, window.number) for window in windows], windowing(X, rows=[2, 1]), 2
    )
    assert [clip.values for clip in found] == [[(2, 0), (2, 1)], [(1, 0), (1, 1), (1, 2)]]


def test_rates_of_clips_are_kept_where_none_is_wanted(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(8000), 8000)
    soundfile.write(tmp_path / "b.wav", np.zeros(44100), 44100)
    X = [str(tmp_path / "a.wav"), str(tmp_path / "b.wav"), (np.zeros(2000), 1000.5)]
    clips = Windowing(check_audio(X, 16000), WindowGrid(1.0, 1.0))
    found = window_values(lambda windows: [np.array(window.as_clip()["sampling_rate"]) for window in windows], clips, 8)
    assert [clip.values[0].item() for clip in found] == [8000, 44100, 1000.5]


def test_clips_that_cannot_be_read(tmp_path):
    X = [np.zeros(150), str(tmp_path / "none.wav"), np.zeros(100)]
    with pytest.raises(AudioReadError, match=r"row 1: cannot read .*none\.wav"):
        list(window_values(lengths, windowing(X), 8))
    with pytest.warns(UserWarning, match=r"1 clip\(s\) could not be used and became NaN"):
        found = list(window_values(lengths, windowing(X, on_error="nan"), 8))
    assert [len(clip.values) for clip in found] == [2, 0, 1]


def test_short_clips_are_said():
    with pytest.warns(UserWarning, match=r"7 clip\(s\) are shorter than window=1 s: row 0, 0.5 s; .* and 2 more"):
        found = list(window_values(lengths, windowing([np.zeros(50)] * 7), 8))
    assert [clip.spans for clip in found] == [[(0.0, 0.5)]] * 7


@pytest.mark.parametrize("kind", [ValueError, TypeError])
def test_errors_of_the_function_name_the_windows(kind):
    def function(windows):
        raise kind("too loud")

    with pytest.raises(kind, match=r"the windows from row 0 at 0 s to row 1 at 0\.5 s: too loud"):
        list(window_values(function, windowing([np.zeros(100), np.zeros(150)]), 8))


def test_progress_is_in_seconds_of_sound(capsys):
    list(window_values(lengths, windowing([np.zeros(250), np.zeros(100)], verbose=1), 8))
    assert "3.5/3.5" in capsys.readouterr().err
