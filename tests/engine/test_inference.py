"""Rows in batches of a fixed size: each with rows of one shape, results in the order of the rows."""

import numpy as np
import pytest
import torch

from sklearn_audio.engine._inference import forward_pass, in_fixed_batches


def test_rows_of_one_shape_share_batches_of_a_fixed_size():
    batches = []

    def run(rows, n_rows):
        batches.append((rows, n_rows))
        return np.array([*rows, *[-1] * (n_rows - len(rows))])[:, None]

    outputs = in_fixed_batches(run, ["a", "b", "a", "b", "a"], {"a": 2, "b": 3}.get)
    np.testing.assert_array_equal(outputs, [[0], [1], [2], [3], [4]])
    assert batches == [([0, 2], 2), ([4], 2), ([1, 3], 3)]


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_a_forward_pass_has_no_gradients_and_the_given_precision(precision, dtype):
    layer = torch.nn.Linear(2, 2)
    with forward_pass(torch.device("cpu"), precision), forward_pass(torch.device("cpu"), precision):
        output = layer(torch.ones(1, 2))
    assert (output.dtype, output.requires_grad) == (dtype, False)
