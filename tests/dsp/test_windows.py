"""Windows against SciPy."""

import numpy as np
import pytest

from sklearn_audio.dsp import (
    window,
)


@pytest.mark.parametrize("periodic", [True, False])
def test_windows(periodic):
    np.testing.assert_allclose(
        window("hann", 400, periodic=periodic), 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / (400 - (not periodic)))
    )
    np.testing.assert_allclose(window("povey", 9, periodic=False), window("hann", 9, periodic=False) ** 0.85)
    assert window("rectangular", 3).tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="unknown window 'kaiser'; choose one of"):
        window("kaiser", 8)
