"""Episodes: what is drawn, how queries are classified, and the loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sklearn_audio.engine.training import (
    EmbeddedSpace,
    EpisodeConfig,
    Episodes,
    episode_logits,
    seeded,
    train_in_episodes,
)
from sklearn_audio.nets import FrameInput

CODES = np.repeat(np.arange(4), [9, 7, 8, 6])
NAMES = np.array(["ape", "bee", "cat", "dog"])
CPU = torch.device("cpu")


def test_support_and_query_are_apart_and_new_in_each_episode():
    episodes = Episodes(CODES, 3, 2, 3, NAMES)
    rng = np.random.default_rng(0)
    drawn = [episodes.draw(rng) for _ in range(200)]
    for support, query in drawn:
        assert support.shape == (3, 2)
        assert query.shape == (3, 3)
        together = np.concatenate([support, query], axis=1)
        assert len(np.unique(together)) == 15
        assert (CODES[together] == CODES[together[:, :1]]).all()
        assert len(np.unique(CODES[together[:, 0]])) == 3
    assert len({tuple(np.sort(support, axis=None)) for support, _ in drawn}) > 190
    for clip in range(30):
        assert any(clip in support for support, _ in drawn)
        assert any(clip in query for _, query in drawn)


def test_all_classes_when_no_number_is_given():
    support, _ = Episodes(CODES, None, 1, 1, NAMES).draw(np.random.default_rng(0))
    assert sorted(CODES[support[:, 0]]) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("n_way", "n_support", "message"),
    [
        (None, 4, r"class 'dog' has 6 clip\(s\), fewer than the 7 that an episode needs: n_support=4 and n_query=3"),
        (5, 1, "n_way=5 is more than the 4 classes of y"),
    ],
)
def test_refused_episodes(n_way, n_support, message):
    with pytest.raises(ValueError, match=message):
        Episodes(CODES, n_way, n_support, 3, NAMES)


@pytest.mark.parametrize("distance", ["sqeuclidean", "cosine"])
def test_logits_are_distances_to_the_means_of_the_support(distance):
    vectors = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))  # 3 classes of 3 + 1 clips
    logits = episode_logits(vectors, 3, 3, distance, torch.tensor(2.0))
    units = F.normalize(vectors, dim=1) if distance == "cosine" else vectors
    prototypes = torch.stack([units[start : start + 3].mean(dim=0) for start in (0, 4, 8)])
    for row, query in enumerate(units[[3, 7, 11]]):
        for column, prototype in enumerate(prototypes):
            gap = torch.cosine_similarity(query, prototype, dim=0) if distance == "cosine" else None
            wanted = 2 * gap if gap is not None else -2 * (query - prototype).square().sum()
            assert logits[row, column].item() == pytest.approx(wanted.item(), rel=1e-5)


def train(n_episodes=10, seed=0, **options):
    generator = np.random.default_rng(0)
    values = torch.from_numpy((generator.normal(size=(30, 1, 4)) + CODES[:, None, None]).astype(np.float32))
    picked = []

    def pick(rows, rng):
        picked.append(rows.tolist())
        return values[rows], torch.ones(len(rows), dtype=torch.int64)

    with seeded(1) as generators:
        network = FrameInput(4, 2)
    space = EmbeddedSpace(network, lambda v, n: network(v, n)[:, 0], 2, "sqeuclidean")
    config = EpisodeConfig(**{"n_episodes": n_episodes, "lr": 0.01, "optimizer": "adamw"} | options)
    history = train_in_episodes(
        space, pick, Episodes(CODES, 3, 2, 3, NAMES), config, CPU, seed=seed, generators=generators
    )
    return network, history, picked


def test_every_episode_is_a_step_and_a_row():
    network, history, picked = train(10)
    assert history.columns.tolist() == ["episode", "train_loss", "train_score", "lr", "seconds"]
    assert history["episode"].tolist() == list(range(1, 11))
    assert [len(rows) for rows in picked] == [15] * 10
    assert all(len(set(rows)) == 15 for rows in picked)
    assert not network.training


def test_seed_decides():
    first, again, other = train(seed=3), train(seed=3), train(seed=4)
    assert first[2] == again[2] != other[2]
    assert torch.equal(first[0].projection.weight, again[0].projection.weight)


def test_loss_falls():
    _, history, _ = train(80)
    assert history["train_loss"][-10:].mean() < 0.7 * history["train_loss"][:10].mean()


def test_gradients_are_clipped():
    free, clipped = (train(1, optimizer="sgd", gradient_clip=clip)[0].projection.weight for clip in (None, 1e-9))
    start = train(1, lr=1e-12)[0].projection.weight
    assert not torch.allclose(free, start, atol=1e-6)
    assert torch.allclose(clipped, start, atol=1e-6)


def test_schedule_moves_the_rate():
    assert train(4, lr_schedule="cosine")[1]["lr"].is_monotonic_decreasing
    assert train(4)[1]["lr"].tolist() == [0.01] * 4


def test_loss_that_is_not_finite():
    with pytest.raises(ValueError, match=r"the loss became \w+ in episode \d+ at a learning rate of 1e\+20.*lr \(say"):
        train(20, lr=1e20, optimizer="sgd")


def test_progress(capsys):
    train(2)
    assert capsys.readouterr().err == ""
    train(2, progress="learning")
    assert "learning: 100%" in capsys.readouterr().err
