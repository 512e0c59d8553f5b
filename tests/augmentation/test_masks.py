"""SpecAugment: how wide its masks are, where they lie, and what stands in them."""

import numpy as np
import pytest

from sklearn_audio.augmentation import SpecAugment

FRAMES = np.random.default_rng(0).normal(loc=3.0, size=(50, 20)).astype(np.float32)


def hidden(transform, seed, frames=FRAMES):
    """Find the cells that are changed; all of them hold the mean."""
    masked = transform.transform(frames, np.random.default_rng(seed))
    changed = masked != frames
    np.testing.assert_array_equal(masked[changed], frames.mean())
    return changed


def test_masks_over_time_have_all_widths_up_to_the_largest_and_lie_anywhere():
    transform = SpecAugment(time_masks=1, time_width=6, frequency_masks=0)
    widths, firsts, lasts = set(), set(), set()
    for seed in range(1500):
        rows = hidden(transform, seed)
        assert (rows.all(axis=1) == rows.any(axis=1)).all()
        places = np.flatnonzero(rows[:, 0])
        widths.add(len(places))
        if len(places):
            assert places[-1] - places[0] + 1 == len(places)
            firsts.add(places[0])
            lasts.add(places[-1])
    assert widths == set(range(7))
    assert min(firsts) == 0
    assert max(lasts) == 49


def test_masks_over_features_span_all_frames():
    transform = SpecAugment(time_masks=0, frequency_masks=1, frequency_width=0.25)
    widths = set()
    for seed in range(300):
        columns = hidden(transform, seed)
        assert (columns.all(axis=0) == columns.any(axis=0)).all()
        widths.add(int(columns[0].sum()))
    assert widths == set(range(6))


def test_number_of_masks():
    transform = SpecAugment(time_masks=3, time_width=1, frequency_masks=0)
    counts = [int(hidden(transform, seed)[:, 0].sum()) for seed in range(300)]
    assert max(counts) == 3
    assert np.mean(counts) == pytest.approx(1.5, abs=0.2)
    assert not hidden(SpecAugment(time_masks=0, frequency_masks=0), 0).any()


def test_widths_beyond_the_clip_are_cut_to_it():
    changed = [hidden(SpecAugment(time_masks=1, time_width=999, frequency_masks=0), seed) for seed in range(300)]
    assert any(rows.all() for rows in changed)


def test_masks_stay_within_the_real_frames_of_a_batch():
    rng = np.random.default_rng(0)
    lengths = np.array([50, 20, 1, 35])
    values = np.zeros((4, 50, 20), np.float32)
    for row, n in zip(values, lengths, strict=True):
        row[:n] = rng.normal(size=(n, 20))
    masked = values.copy()
    SpecAugment(time_width=1.0).hide(masked, lengths, rng)
    for row, before, n in zip(masked, values, lengths, strict=True):
        np.testing.assert_array_equal(row[n:], 0)
        changed = row[:n] != before[:n]
        np.testing.assert_array_equal(row[:n][changed], before[:n].mean())
    assert (masked != values).mean() > 0.1


def test_a_batch_is_masked_with_the_probability():
    values = np.random.default_rng(0).normal(size=(400, 10, 4)).astype(np.float32)
    masked = values.copy()
    rng = np.random.default_rng(0)
    SpecAugment(time_masks=20, time_width=5, p=0.25).hide(masked, np.full(400, 10), rng)
    assert (masked != values).any(axis=(1, 2)).mean() == pytest.approx(0.25, abs=0.06)


def test_waveforms_are_refused():
    with pytest.raises(ValueError, match=r"SpecAugment masks parts of frames .*, got a waveform of shape \(9,\)"):
        SpecAugment().transform(np.zeros(9, np.float32), np.random.default_rng(0))


@pytest.mark.parametrize("count", [-1, 1.5, True, None])
@pytest.mark.parametrize("name", ["time_masks", "frequency_masks"])
def test_what_does_not_count_is_refused(name, count):
    with pytest.raises(ValueError, match=f"{name} is an int of 0 or more, got"):
        SpecAugment(**{name: count})


@pytest.mark.parametrize("name", ["time_width", "frequency_width"])
def test_what_is_no_width_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} is an int, a number of steps, or a float"):
        SpecAugment(**{name: 1.5})
