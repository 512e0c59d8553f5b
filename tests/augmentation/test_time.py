"""Shifts, crops and speeds."""

import numpy as np
import pytest

from sklearn_audio.augmentation import RandomCrop, SpeedChange, TimeShift

PLACES = np.arange(1, 101, dtype=np.float32)


def many(transform, clip, n=300):
    rng = np.random.default_rng(0)
    return [transform.transform(clip, rng) for _ in range(n)]


@pytest.mark.parametrize("max_shift", [7, 0.07])
def test_all_shifts_up_to_the_farthest_happen(max_shift):
    shifts = set()
    for shifted in many(TimeShift(max_shift), PLACES):
        shift = int(1 - shifted[0]) if shifted[0] < 50 else int(101 - shifted[0])
        np.testing.assert_array_equal(shifted, np.roll(PLACES, shift))
        shifts.add(shift)
    assert shifts == set(range(-7, 8))


def test_without_wrapping_a_waveform_is_filled_with_zeros():
    rows = many(TimeShift(3, wrap=False), PLACES)
    assert {int((row == 0).sum()) for row in rows} == {0, 1, 2, 3}
    for row in rows:
        kept = row[row > 0]
        np.testing.assert_array_equal(np.diff(kept), 1)
    assert any(row[0] == 0 for row in rows)
    assert any(row[-1] == 0 for row in rows)


def test_without_wrapping_frames_are_filled_with_the_frame_at_the_edge():
    frames = np.stack([PLACES, -PLACES], axis=1)
    for row in many(TimeShift(3, wrap=False), frames):
        np.testing.assert_array_equal(row[:, 0], -row[:, 1])
        assert set(np.diff(row[:, 0])) <= {0, 1}
        assert row.min() >= -100
        assert row.max() <= 100
    assert len({tuple(row[:, 0]) for row in many(TimeShift(3, wrap=False), frames)}) == 7


@pytest.mark.parametrize(("size", "n"), [(30, 30), (0.3, 30), (1.0, 100), (500, 100), (0, 1), (0.0, 1)])
def test_crops_are_parts_from_anywhere(size, n):
    starts = set()
    for part in many(RandomCrop(size), PLACES, 1000):
        assert len(part) == n
        np.testing.assert_array_equal(part, PLACES[int(part[0]) - 1 :][:n])
        starts.add(int(part[0]) - 1)
    assert starts == set(range(100 - n + 1))


@pytest.mark.parametrize("extent", [-1, -0.1, 1.1, 2.0, "all", True, None])
@pytest.mark.parametrize(("transform", "name"), [(TimeShift, "max_shift"), (RandomCrop, "size")])
def test_what_is_no_extent_is_refused(transform, name, extent):
    with pytest.raises(ValueError, match=f"{name} is an int, a number of steps, or a float, a fraction of the clip"):
        transform(extent)


@pytest.mark.parametrize("speed", [0.5, 0.93, 1.0, 1.25])
def test_speed_changes_pitch_and_length(speed):
    tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype(np.float32)
    changed = SpeedChange(speed).transform(tone, np.random.default_rng(0))
    assert len(changed) == round(16000 / speed)
    spectrum = np.abs(np.fft.rfft(changed * np.hanning(len(changed)), 2**17))
    assert spectrum.argmax() * 16000 / 2**17 == pytest.approx(440 * speed, abs=0.5)
    assert np.abs(changed[1000:-1000]).max() == pytest.approx(1, abs=0.01)


def test_speeds_are_spread_over_the_range():
    lengths = [len(row) for row in many(SpeedChange((0.8, 1.25)), np.zeros(1000, np.float32))]
    assert 800 <= min(lengths) < 815
    assert 1230 < max(lengths) <= 1250


def test_speed_refuses_frames_and_standing_still():
    with pytest.raises(ValueError, match=r"SpeedChange changes waveforms .* use RandomCrop or TimeShift"):
        SpeedChange().transform(np.zeros((5, 2), np.float32), np.random.default_rng(0))
    with pytest.raises(ValueError, match="speed is a number above 0 or a tuple"):
        SpeedChange((0.0, 1.0))
