"""Events and scores of frames: cases worked out by hand, a plain reference frame by frame, and scipy."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import median_filter

from sklearn_audio import Ragged
from sklearn_audio.events import find_events, windows_to_frames

# two labels along a second of ten frames: one event with a gap of one frame; a single frame
DOG = [0.1, 0.9, 0.8, 0.3, 0.7, 0.9, 0.2, 0.0, 0.0, 0.0]
CAT = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.6, 0.0, 0.0]
SCORES = np.array([DOG, CAT], dtype=np.float32).T
OPTIONS = {"labels": ["dog", "cat"], "frames_per_second": 10}
COLUMNS = ["clip", "start", "end", "label", "score"]


def rows(table):
    return [(row.label, row.start, row.end) for row in table.itertuples()]


def spans(scores, **options):
    """Spans in frames of the events of one label in one clip."""
    table = find_events([np.asarray(scores, dtype=float)], frames_per_second=1, **options)
    return list(zip(table["start"], table["end"], strict=True))


def plain_spans(scores, rate, *, threshold, low, median, min_duration, merge_gap):
    """The rules of `find_events` on one label, frame by frame."""
    n = len(scores)
    active = [score >= threshold for score in scores]
    changed = True
    while changed:
        changed = False
        for i in range(n):
            near = active[max(0, i - 1) : i + 2]
            if not active[i] and scores[i] >= low and any(near):
                active[i] = changed = True
    size = round(median * rate)
    if size > 1:
        around = [
            [active[j] if 0 <= j < n else False for j in range(i - size // 2, i - size // 2 + size)] for i in range(n)
        ]
        active = [sorted(values)[size // 2] for values in around]
    events = []
    for i in range(n):
        if active[i] and events and events[-1][1] == i:
            events[-1][1] = i + 1
        elif active[i]:
            events.append([i, i + 1])
    merged = []
    for first, last in events:
        if merged and (first - merged[-1][1]) / rate < merge_gap - 1e-9:
            merged[-1][1] = last
        else:
            merged.append([first, last])
    return [(first / rate, last / rate) for first, last in merged if (last - first) / rate >= min_duration - 1e-9]


SECONDS = st.integers(0, 60).map(lambda n: n / 20)


@settings(max_examples=50)
@given(
    scores=st.lists(st.integers(0, 10).map(lambda n: n / 10), max_size=40),
    rate=st.sampled_from([1, 2, 2.5, 10, 100 / 3, 100]),
    low=st.sampled_from([0.2, 0.4, 0.6]),
    median=SECONDS,
    min_duration=SECONDS,
    merge_gap=SECONDS,
)
def test_events_are_those_of_the_plain_rules(scores, rate, low, **rules):
    wanted = plain_spans(scores, rate, threshold=0.6, low=low, **rules)
    found = find_events([scores], frames_per_second=rate, threshold=0.6, low_threshold=low, **rules)
    assert list(zip(found["start"], found["end"], strict=True)) == wanted
    for start, end, score in zip(found["start"], found["end"], found["score"], strict=True):
        assert score == np.mean(scores[round(start * rate) : round(end * rate)])


@pytest.mark.parametrize("size", [2, 3, 4, 7, 12, 30, 31, 100])
def test_the_median_filter_is_that_of_scipy(size):
    active = np.random.default_rng(size).random(30) < 0.5
    wide = np.pad(active, 100)  # scipy needs a signal longer than its window
    wanted = median_filter(wide.astype(np.uint8), size, mode="constant")[100:-100].astype(bool)
    found = np.zeros(30, dtype=bool)
    for start, end in spans(active, median=size):
        found[int(start) : int(end)] = True
    np.testing.assert_array_equal(found, wanted)


def test_runs_of_frames_above_the_threshold():
    table = find_events([SCORES, SCORES[:3]], **OPTIONS)
    assert table.columns.tolist() == COLUMNS
    assert table["clip"].tolist() == [0, 0, 0, 1]
    assert rows(table) == [("dog", 0.1, 0.3), ("dog", 0.4, 0.6), ("cat", 0.7, 0.8), ("dog", 0.1, 0.3)]
    assert table["score"].iloc[0] == pytest.approx(0.85)


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        ([0, 1, 1, 0, 1], [(1, 3), (4, 5)]),
        ([1, 1, 1], [(0, 3)]),
        ([0, 0], []),
        ([0.49, 0.5], [(1, 2)]),
        ([0.5], [(0, 1)]),
        ([0.4], []),
        ([], []),
    ],
)
def test_runs_reach_to_the_ends_of_a_clip(scores, wanted):
    assert spans(scores) == wanted


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ({"merge_gap": 0.2}, [("dog", 0.1, 0.6), ("cat", 0.7, 0.8)]),
        ({"min_duration": 0.2}, [("dog", 0.1, 0.3), ("dog", 0.4, 0.6)]),
        ({"merge_gap": 0.2, "min_duration": 0.4}, [("dog", 0.1, 0.6)]),
        ({"median": 0.3}, [("dog", 0.1, 0.6)]),
        ({"low_threshold": 0.3}, [("dog", 0.1, 0.6), ("cat", 0.7, 0.8)]),
    ],
)
def test_rules_are_in_seconds(rules, wanted):
    assert rows(find_events([SCORES], **OPTIONS, **rules)) == wanted


def test_thresholds_by_label():
    cat = [("cat", 0.7, 0.8)]
    for threshold in ({"cat": 0.6}, [2.0, 0.6], np.array([2.0, 0.6]), pd.Series([2.0, 0.6])):
        assert rows(find_events([SCORES], threshold=threshold, **OPTIONS)) == cat


def test_a_score_is_compared_in_its_own_precision():
    assert spans([0.7, 0.1], threshold=0.7) == [(0, 1)]


def test_hysteresis_by_label():
    long, short = [("dog", 0.1, 0.7)], [("dog", 0.1, 0.3), ("dog", 0.4, 0.6)]
    options = OPTIONS | {"threshold": {"dog": 0.65}}
    assert rows(find_events([SCORES], low_threshold=0.2, **options)) == long
    assert rows(find_events([SCORES], low_threshold=[0.2, 0.9], **options)) == long
    assert rows(find_events([SCORES], low_threshold={"dog": 0.2}, **options)) == long
    assert rows(find_events([SCORES], low_threshold={"cat": 0.2}, **options)) == short
    assert rows(find_events([SCORES], low_threshold={"dog": 0.65}, **options)) == short


def test_low_scores_alone_are_no_event():
    assert spans([0.3, 0.3, 0, 0.3, 0.9, 0.3, 0, 0.3], low_threshold=0.3) == [(3, 6)]


def test_short_events_are_dropped_after_gaps_are_merged():
    scores = [1, 0, 1, 0, 0, 0, 1, 0]
    assert spans(scores, min_duration=2) == []
    assert spans(scores, merge_gap=2) == [(0, 3), (6, 7)]
    assert spans(scores, merge_gap=2, min_duration=2) == [(0, 3)]
    assert spans(scores, merge_gap=4) == [(0, 7)]


def test_a_gap_as_long_as_the_limit_stays_and_so_does_an_event():
    assert spans([1, 0, 0, 1], merge_gap=2) == [(0, 1), (3, 4)]
    assert spans([1, 0, 0, 1], merge_gap=3) == [(0, 4)]
    assert spans([1, 1, 0, 1], min_duration=2) == [(0, 2)]


def test_durations_between_two_frames_are_not_rounded():
    assert spans([1, 1, 0, 0, 1, 1, 1], min_duration=2.4) == [(4, 7)]
    assert spans([1, 0, 0, 1], merge_gap=2.4) == [(0, 4)]
    # 0.07 * 100 exceeds 7 by a rounding error
    seven = np.ones(7)
    assert len(find_events([seven], frames_per_second=100, min_duration=0.07)) == 1


@pytest.mark.parametrize("median", [3, 3.4, 2.6])
def test_the_median_removes_isolated_frames(median):
    assert spans([0, 1, 0, 0, 1, 1, 0, 1, 1, 0], median=median) == [(4, 9)]


def test_a_median_longer_than_the_clip():
    assert spans([1, 1, 1], median=5) == [(0, 3)]
    assert spans([1, 1, 1], median=7) == []
    assert spans([1, 1, 1], median=6) == [(0, 3)]  # half of the window


def test_columns_without_names_are_numbered():
    table = find_events(SCORES[None], threshold={1: 0.5}, frames_per_second=10)
    assert rows(table) == [(1, 0.7, 0.8)]


def test_containers_and_clips_that_failed():
    failed = np.full((1, 2), np.nan, dtype=np.float32)
    wanted = find_events([SCORES], **OPTIONS).assign(clip=1)
    empty = np.empty((0, 2))
    for scores in (
        [failed, SCORES],
        Ragged.from_list([failed, SCORES]),
        (None, SCORES),
        iter([empty, SCORES]),
        [failed, pd.DataFrame(SCORES)],
        pd.Series([failed, SCORES]),
    ):
        pd.testing.assert_frame_equal(find_events(scores, **OPTIONS), wanted)


def test_one_label_needs_no_second_dimension():
    one = Ragged.from_list([SCORES[:, 0], SCORES[:3, 0]])
    wanted = find_events([SCORES[:, :1], SCORES[:3, :1]], frames_per_second=10)
    assert len(wanted) == 3
    pd.testing.assert_frame_equal(find_events(one, frames_per_second=10), wanted)
    pd.testing.assert_frame_equal(find_events([row.tolist() for row in one], frames_per_second=10), wanted)


def test_an_iterator_is_read_clip_by_clip():
    def clips():
        yield SCORES
        yield SCORES[:, :1]
        pytest.fail("read on after a clip that is invalid")

    with pytest.raises(ValueError, match="row 1: the frames have 1 columns, but there are 2 labels"):
        find_events(clips(), **OPTIONS)
    with pytest.raises(ValueError, match="median must be"):
        find_events((pytest.fail("read before the rules") for _ in range(1)), median=-1, **OPTIONS)


@pytest.mark.parametrize("scores", [[], [None], [SCORES], [np.full((1, 2), np.nan)], [np.empty((0, 2))]])
@pytest.mark.parametrize("labels", [None, ["dog", "cat"]])
def test_no_event(scores, labels):
    table = find_events(scores, threshold=1.1, frames_per_second=10, labels=labels)
    assert len(table) == 0
    assert table.columns.tolist() == COLUMNS
    assert table[["start", "end", "score"]].dtypes.eq(np.float64).all()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"labels": ["dog"]}, "row 0: the frames have 2 columns, but there are 1 labels; name each column once"),
        ({"labels": "dog"}, "labels must be a sequence with one name per column, got 'dog'"),
        ({"threshold": {"cow": 0.5}}, r"unknown label 'cow'; choose one of \['dog', 'cat'\]"),
        ({"threshold": {2: 0.5}, "labels": None}, r"unknown label 2; choose one of \[0, 1\]"),
        ({"threshold": [0.1, 0.2, 0.3]}, r"threshold has shape \(3,\); give one number, one for each of the 2 labels"),
        ({"threshold": {"dog": [0.1, 0.2]}}, r"threshold has shape \(1, 2\)"),
        ({"threshold": np.nan}, "threshold=nan holds NaN"),
        ({"threshold": None}, "threshold=None holds NaN"),
        ({"low_threshold": [0.1]}, r"low_threshold has shape \(1,\); give one number"),
        ({"low_threshold": {"dgo": 0.1}}, "unknown label 'dgo'; did you mean 'dog'"),
        ({"low_threshold": {"cat": np.nan}}, r"low_threshold=\{'cat': nan\} holds NaN"),
        (
            {"low_threshold": [0.1, 0.6]},
            r"low_threshold is 0\.6 for label 'cat', whose threshold is 0\.5; give a lower",
        ),
        ({"frames_per_second": 0}, "frames_per_second must be a number above 0, got 0"),
        ({"frames_per_second": "10"}, "frames_per_second must be a number above 0, got '10'"),
        ({"median": -1.0}, r"median must be a number of seconds, at least 0, got -1\.0"),
        ({"merge_gap": np.inf}, "merge_gap must be a number of seconds, at least 0, got inf"),
        ({"min_duration": "1"}, "min_duration must be a number of seconds, at least 0, got '1'"),
    ],
)
def test_invalid_parameters(options, match):
    with pytest.raises(ValueError, match=match):
        find_events([SCORES], **(OPTIONS | options))


@pytest.mark.parametrize("threshold", ["high", {"dog": "high"}, [0.1, [0.2]]])
def test_thresholds_that_are_no_numbers(threshold):
    with pytest.raises(TypeError, match="threshold must be a number, numbers or a dict of numbers by label, got"):
        find_events([SCORES], threshold=threshold, **OPTIONS)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_clip_with_some_frames_that_are_not_finite(value):
    broken = SCORES.copy()
    broken[3, 1] = value
    for clip in (broken, broken[3:4]):
        with pytest.raises(ValueError, match="row 1 contains NaN or infinity"):
            find_events([SCORES, clip], **OPTIONS)


@pytest.mark.parametrize("clip", [0.5, "clip.wav", SCORES[None], ["a", "b"], [[0.1], [0.1, 0.2]], [0.1j], [None]])
def test_a_clip_that_is_no_scores(clip):
    with pytest.raises(TypeError, match=r"row 1: expected scores of shape \(n_frames, n_labels\), got"):
        find_events([SCORES, clip], **OPTIONS)


def test_an_array_may_not_mean_two_things():
    with pytest.raises(ValueError, match=r"scores is one array of shape \(10, 2\); give \[scores\] if it is one clip"):
        find_events(SCORES, **OPTIONS)


def plain_frames(windows, spans, rate, n_frames):
    """The mean of the windows around each frame, frame by frame."""
    bounds = [(round(start * rate), max(round(end * rate), round(start * rate) + 1)) for start, end in spans]
    frames = []
    for k in range(n_frames):
        around = [window for window, (first, last) in zip(windows, bounds, strict=True) if first <= k < last]
        frames.append(np.mean(around, axis=0) if around else frames[-1])
    return np.array(frames)


@pytest.mark.parametrize("n_frames", [1, 7, 40, 60])
@pytest.mark.parametrize(("window", "hop"), [(1.0, 0.25), (0.5, 0.5), (0.3, 0.125), (0.01, 0.1)])
def test_frames_are_means_of_the_windows_around_them(window, hop, n_frames):
    rng = np.random.default_rng(n_frames)
    windows, starts = rng.random((8, 3)), np.arange(8) * hop
    spans = rng.permutation(np.column_stack([starts, starts + window]))
    found = windows_to_frames(windows, spans, frames_per_second=10, n_frames=n_frames)
    np.testing.assert_allclose(found, plain_frames(windows, spans, 10, n_frames), rtol=1e-12)


def test_other_windows_of_the_clip_do_not_change_a_frame():
    windows = np.random.default_rng(0).random((50, 3))
    windows[40:] = [0.0, 1e-12, 1.0]
    starts = np.arange(50) * 0.1
    spans = np.column_stack([starts, starts + 0.3])
    frames = windows_to_frames(windows, spans, frames_per_second=10)
    np.testing.assert_array_equal(frames[42:], np.tile(windows[-1], (10, 1)))


def test_windows_that_end_with_the_clip():
    spans = [[0.0, 0.8], [0.4, 1.2]]
    frames = windows_to_frames([[0.0], [1.0]], spans, frames_per_second=10, n_frames=10).ravel()
    np.testing.assert_array_equal(frames, [0] * 4 + [0.5] * 4 + [1] * 2)
    assert len(windows_to_frames([[0.0], [1.0]], spans, frames_per_second=10)) == 12
    longer = windows_to_frames([[0.0], [1.0]], spans, frames_per_second=10, n_frames=15).ravel()
    np.testing.assert_array_equal(longer[12:], [1, 1, 1])


def test_frames_have_the_type_of_the_scores():
    spans = [[0, 1]]
    for dtype, wanted in (
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.int64, np.float64),
        (bool, np.float64),
    ):
        frames = windows_to_frames(np.ones((1, 2), dtype=dtype), spans, frames_per_second=3)
        assert frames.dtype == wanted
        np.testing.assert_array_equal(frames, np.ones((3, 2)))


@pytest.mark.parametrize(
    ("scores", "spans", "match"),
    [
        ([[0.0], [1.0]], [[0, 1], [1.5, 2]], "no window covers the frame at 1 s; give windows without gaps"),
        ([[0.0]], [[0.5, 1]], "no window covers the frame at 0 s"),
        (np.zeros((2, 1)), np.zeros((1, 2)), r"got ndarray of shape \(2, 1\) and ndarray of shape \(1, 2\)"),
        (np.zeros(1), [[0, 1]], r"got ndarray of shape \(1,\) and list"),
        (np.empty((0, 2)), np.empty((0, 2)), r"with at least one window; got ndarray of shape \(0, 2\) and"),
        ([["a"]], [[0, 1]], r"must hold numbers in the shapes \(n_windows, n_labels\) and \(n_windows, 2\)"),
        ([[0.0]], [["0", "1"]], "must hold numbers in the shapes"),
        ([[0.0], [1.0]], [[0, 1], [1]], "must hold numbers in the shapes"),
        ([[0.0], [np.nan]], [[0, 1], [1, 2]], "row 1 of scores contains NaN or infinity"),
        ([[0.0], [1.0]], [[0, 1], [2, 1]], r"row 1 of spans runs from 2 to 1 s; expected 0 <= start <= end"),
        ([[0.0]], [[-1, 1]], r"row 0 of spans runs from -1 to 1 s"),
        ([[0.0]], [[0, np.inf]], r"row 0 of spans runs from 0\.0 to inf s"),
        ([[0.0]], [[0, np.nan]], r"row 0 of spans runs from 0\.0 to nan s"),
    ],
)
def test_invalid_windows(scores, spans, match):
    with pytest.raises(ValueError, match=match):
        windows_to_frames(scores, spans, frames_per_second=10)


@pytest.mark.parametrize("n_frames", [0, -1, 2.5])
def test_a_number_of_frames_that_is_none(n_frames):
    with pytest.raises(ValueError, match=f"n_frames must be a whole number of at least 1, got {n_frames}"):
        windows_to_frames([[0.0]], [[0, 1]], frames_per_second=10, n_frames=n_frames)
    with pytest.raises(ValueError, match="frames_per_second must be a number above 0, got -1"):
        windows_to_frames([[0.0]], [[0, 1]], frames_per_second=-1)
