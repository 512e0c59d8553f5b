"""The banks of the short-term features: where the spectrum ends before the triangles or the semitones do."""

import numpy as np
import pytest

from sklearn_audio.dsp._short_term_banks import pitch_classes, triangles


def test_low_sample_rate_leaves_high_triangles_empty():
    filled = triangles(4000, 100).any(axis=0)
    assert filled[0]
    assert not filled[-1]
    assert np.diff(filled.astype(int)).tolist().count(-1) == 1


def test_pitch_classes_of_few_bins():
    # bins stand for 100, 200 ... 4000 Hz, up to semitone 86 above 27.5 Hz; 3500 and 3600 Hz share one, an A
    weights = pitch_classes(8000, 40)
    hertz = 100.0 * np.arange(1, 41)
    semitones = np.round(12 * np.log2(hertz / 27.5)).astype(int)
    expected = np.zeros((40, 12))
    for semitone in np.unique(semitones):
        bins = np.flatnonzero(semitones == semitone)
        expected[bins[-1], semitone % 12] = 1 / len(bins)
    np.testing.assert_array_equal(weights, expected)


@pytest.mark.parametrize("bank", [triangles, pitch_classes])
def test_shared_banks_are_read_only(bank):
    with pytest.raises(ValueError, match="read-only"):
        bank(8000, 200)[0] = 1.0
