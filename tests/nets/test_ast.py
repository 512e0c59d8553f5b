"""AST: positions of another grid."""

import pytest
import torch

from sklearn_audio import nets


def test_positions_of_another_grid_are_refused():
    with pytest.raises(ValueError, match=r"1214 positions are not 2 \+ 12 x 50"):
        nets.adapt_positions(torch.zeros(1, 1214, 8), (12, 50), (12, 12))


def test_positions_of_the_same_grid_stay():
    positions = torch.randn(1, 2 + 6 * 5, 4)
    assert torch.equal(nets.adapt_positions(positions, (6, 5), (6, 5)), positions)


def test_smaller_grids_take_the_middle_and_larger_ones_interpolate():
    grid = torch.arange(16.0).reshape(1, 16, 1)
    positions = torch.cat([torch.full((1, 2, 1), -1.0), grid], dim=1)  # 4 x 4, frequency by frequency
    middle = nets.adapt_positions(positions, (4, 4), (2, 3))
    assert middle[0, :, 0].tolist() == [-1, -1, 5, 6, 7, 9, 10, 11]
    wider = nets.adapt_positions(positions, (4, 4), (4, 8))
    wanted = torch.nn.functional.interpolate(grid.reshape(1, 1, 4, 4), size=(4, 8), mode="bilinear")
    assert torch.equal(wider[0, 2:, 0], wanted.flatten())
