"""Frames: reflection at the ends against NumPy, and empty clips."""

import numpy as np
import pytest

from sklearn_audio.dsp import (
    FrameGeometry,
    FrameStream,
    reflect_indices,
)


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_reflect_indices_equal_numpy(n):
    np.testing.assert_array_equal(reflect_indices(n, 9, 11).numpy(), np.pad(np.arange(n), (9, 11), mode="reflect"))


def test_frame_stream_refuses_an_empty_clip():
    stream = FrameStream(FrameGeometry(length=4, hop=2, lead=0, span=4, pad=0, pad_mode="constant"), block=2)
    with pytest.raises(ValueError, match="a waveform without timepoints has no frames"):
        list(stream.finish())
