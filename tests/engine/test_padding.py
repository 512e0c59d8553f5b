"""Arrays of unequal length in one tensor."""

import numpy as np
import torch

from sklearn_audio.engine._padding import pad_arrays


def test_arrays_are_cut_and_followed_by_padding():
    arrays = [np.arange(6, dtype=np.float32).reshape(3, 2), np.ones((1, 2), np.float32)]
    tensor = pad_arrays(arrays, (3, 2, 2), np.float32, -1)
    assert tensor.dtype == torch.float32
    assert tensor.tolist() == [[[0, 1], [2, 3]], [[1, 1], [-1, -1]], [[-1, -1], [-1, -1]]]
