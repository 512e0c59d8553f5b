"""AST: its normalisation, and its positions for other grids."""

import pytest
import torch

from sklearn_audio.engine.models import ast_card


@pytest.mark.parametrize("model", ["audioset_10_10_0.4593", "speechcommands_10_10_0.9812"])
def test_ast_fills_with_zeros_before_it_normalises(model):
    card = ast_card(model)
    assert card.patching.fill == pytest.approx((0 - card.front_end.mean) / card.front_end.std)
    assert ast_card("audioset_10_10_0.4593").patching.fill == pytest.approx(0.4670, abs=1e-4)


def test_positions_are_adapted_to_the_grid():
    card = ast_card("tiny224", n_frames=512)
    tensors = card.prepare({"v.pos_embed": torch.zeros(1, 2 + 14 * 14, 192)}, card)
    assert tensors["v.pos_embed"].shape == (1, 2 + 12 * 50, 192)
    kept = card.prepare({"v.pos_embed": torch.zeros(1, 99, 192)}, card)
    assert kept["v.pos_embed"].shape == (1, 99, 192)  # the strict check names it
