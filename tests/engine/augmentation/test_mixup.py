"""Mixup: values, targets, weights, and the loss of the pair."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sklearn_audio import Ragged
from sklearn_audio.engine.augmentation import mix_batch
from sklearn_audio.engine.augmentation._batch import mix_style
from sklearn_audio.engine.augmentation._loudness import sound_levels
from sklearn_audio.engine.training import ClassificationLoss, RowView, SegmentDataset

N, CLASSES = 24, 5
RNG = np.random.default_rng(0)
CODES = RNG.integers(0, CLASSES, N)
TAGS = (RNG.random((N, CLASSES)) < 0.4).astype(np.float32)
WEIGHTS = RNG.uniform(0.5, 2, N).astype(np.float32)
LOGITS = torch.from_numpy(RNG.normal(size=(N, CLASSES)).astype(np.float32))


def batch(targets, lengths=(7,) * N, weights=WEIGHTS, item_shape=(3,)):
    """Rows which are told apart by a constant."""
    values = np.repeat(1000.0 + np.arange(N, dtype=np.float32), lengths)
    values = np.broadcast_to(values.reshape(-1, *[1] * len(item_shape)), (len(values), *item_shape))
    data = SegmentDataset(
        RowView.of(Ragged.from_lengths(np.ascontiguousarray(values), np.array(lengths))), targets, weights
    )
    return data.batch(np.arange(N))


def pairs(seed=0, alpha=1.0):
    """The shares and partners that the generator gives."""
    rng = np.random.default_rng(seed)
    shares = rng.beta(alpha, alpha, N).astype(np.float32)
    return shares, rng.permutation(N)


def mix(given, seed=0, alpha=1.0, **options):
    return mix_batch(given, alpha, np.random.default_rng(seed), **options)


@pytest.mark.parametrize("item_shape", [(3,), ()], ids=["frames", "waveforms"])
def test_values_are_the_weighted_means_of_pairs(item_shape):
    given = batch(CODES, item_shape=item_shape)
    kept = given.inputs.values.clone()
    mixed = mix(given, n_classes=CLASSES)
    shares, partners = pairs()
    wanted = 1000 + shares * np.arange(N) + (1 - shares) * partners
    found = mixed.inputs.values.reshape(N, 7, -1).numpy()
    np.testing.assert_allclose(found, np.broadcast_to(wanted[:, None, None], found.shape), rtol=1e-6)
    assert mixed.inputs.values.dtype == torch.float32
    assert torch.equal(given.inputs.values, kept)
    assert torch.equal(given.targets, torch.from_numpy(CODES))


def test_targets_of_rows_of_equal_weight_have_the_shares():
    mixed = mix(batch(CODES, weights=np.ones(N, np.float32)), n_classes=CLASSES)
    shares, partners = pairs()
    one_hot = np.eye(CLASSES)
    wanted = shares[:, None] * one_hot[CODES] + (1 - shares[:, None]) * one_hot[CODES[partners]]
    assert mixed.targets.dtype == torch.float32
    np.testing.assert_allclose(mixed.targets, wanted, atol=1e-6)
    np.testing.assert_allclose(mixed.targets.sum(dim=1), 1, atol=1e-6)


def test_the_loss_is_the_cross_entropy_in_two_terms():
    mixed = mix(batch(CODES), n_classes=CLASSES)
    shares, partners = map(torch.from_numpy, pairs())
    each = (
        F.cross_entropy(LOGITS, torch.from_numpy(CODES), reduction="none"),
        F.cross_entropy(LOGITS, torch.from_numpy(CODES)[partners], reduction="none"),
    )
    weights = torch.from_numpy(WEIGHTS)
    wanted = (shares * weights * each[0] + (1 - shares) * weights[partners] * each[1]).mean()
    found = ClassificationLoss(False)(LOGITS, mixed.targets, mixed.inputs.weights)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-6)


@pytest.mark.parametrize("label_weights", [None, np.array([[0.5] * CLASSES, [1, 2, 3, 4, 5]])])
def test_the_loss_of_labels_is_the_binary_cross_entropy_in_two_terms(label_weights):
    mixed = mix(batch(TAGS), multi_label=True)
    shares, partners = map(torch.from_numpy, pairs())
    tags, weights = torch.from_numpy(TAGS), torch.from_numpy(WEIGHTS)
    absent, present = torch.ones(2, CLASSES) if label_weights is None else torch.from_numpy(label_weights).float()

    def losses(wanted):
        weight = torch.where(wanted > 0, present, absent)
        return F.binary_cross_entropy_with_logits(LOGITS, wanted, weight=weight, reduction="none").mean(dim=1)

    wanted = (shares * weights * losses(tags) + (1 - shares) * weights[partners] * losses(tags[partners])).mean()
    found = ClassificationLoss(True, label_weights)(LOGITS, mixed.targets, mixed.inputs.weights)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-6)
    assert mixed.targets.min() >= 0
    assert mixed.targets.max() <= 1


def test_rows_keep_their_length_and_shorter_partners_are_repeated():
    lengths = tuple(range(3, 3 + N))
    given = batch(CODES, lengths)
    places = torch.arange(given.inputs.values.shape[1], dtype=torch.float32)
    real = places < torch.tensor(lengths)[:, None]
    given.inputs.values[real] = places.expand(N, -1)[real][:, None]  # each frame holds its number
    mixed = mix(given, n_classes=CLASSES)
    shares, partners = pairs()
    assert mixed.inputs.lengths.tolist() == list(lengths)
    for i, (share, partner) in enumerate(zip(shares, partners, strict=True)):
        own = np.arange(lengths[i])
        wanted = share * own + (1 - share) * (own % lengths[partner])
        np.testing.assert_allclose(mixed.inputs.values[i, : lengths[i], 0], wanted, atol=1e-5)
        assert not mixed.inputs.values[i, lengths[i] :].any()


def test_more_alpha_brings_shares_to_one_half():
    given = batch(np.arange(N) % 2, weights=np.ones(N, np.float32))
    spread = {}
    for alpha in (0.2, 10.0):
        tops = [mix(given, seed, alpha, n_classes=2).targets.max(dim=1).values for seed in range(40)]
        spread[alpha] = torch.cat([top[top < 1] for top in tops]).mean().item()
    assert spread[10.0] < 0.65 < 0.8 < spread[0.2]


def test_weights_of_zero_leave_targets_that_are_numbers():
    mixed = mix(batch(CODES, weights=np.zeros(N, np.float32)), n_classes=CLASSES)
    assert not mixed.inputs.weights.any()
    np.testing.assert_allclose(mixed.targets.sum(dim=1), 1, atol=1e-6)


def test_a_single_row_is_mixed_with_itself():
    given = SegmentDataset(
        RowView.of(Ragged.from_list([np.ones((4, 2), np.float32)])), np.array([1]), np.ones(1, np.float32)
    )
    mixed = mix_batch(given.batch(np.array([0])), 0.3, np.random.default_rng(0), n_classes=3)
    np.testing.assert_allclose(mixed.inputs.values, 1)
    np.testing.assert_allclose(mixed.targets, [[0, 1, 0]], atol=1e-7)


def test_a_fraction_is_mixed():
    given = batch(np.arange(N) % 3)
    changed = [
        (mix(given, seed, fraction=0.3, n_classes=3).inputs.values != given.inputs.values)
        .any(dim=(1, 2))
        .float()
        .mean()
        for seed in range(200)
    ]
    whole = (mix(given, 0, fraction=1.0, n_classes=3).inputs.values == mix(given, 0, n_classes=3).inputs.values).all()
    assert np.mean(changed) == pytest.approx(0.3 * (1 - 1 / N), abs=0.04)  # a row may be its own partner
    assert whole


def test_tokens_are_refused():
    data = SegmentDataset(RowView.of(Ragged.from_list([[1, 2], [3]])), np.array([0, 1]), np.ones(2, np.float32))
    with pytest.raises(ValueError, match=r"mixup mixes frames or waveforms, got tokens \(torch.int64\)"):
        mix_batch(data.batch(np.arange(2)), 1.0, np.random.default_rng(0), n_classes=2)


def test_loudness_decides_the_weights_of_waveforms():
    """Labels have the shares, and amplitudes the weights of Tokozume et al."""
    rng = np.random.default_rng(1)
    waveforms = rng.normal(size=(N, 4000)).astype(np.float32)
    waveforms *= 10 ** (rng.uniform(-20, 0, (N, 1)).astype(np.float32) / 20)
    data = SegmentDataset(RowView.of(Ragged.from_list(waveforms)), CODES, np.ones(N, np.float32))
    given = data.batch(np.arange(N))
    mixed = mix(given, n_classes=CLASSES, loudness_rate=16000)
    shares, partners = pairs()
    levels = sound_levels(waveforms, np.full(N, 4000), 16000)
    weights = 1 / (1 + 10 ** ((levels - levels[partners]) / 20) * (1 - shares) / shares)
    wanted = weights[:, None] * waveforms + (1 - weights[:, None]) * waveforms[partners]
    wanted /= np.sqrt(weights**2 + (1 - weights) ** 2)[:, None]
    np.testing.assert_allclose(mixed.inputs.values.numpy(), wanted, atol=1e-5)
    plain = mix(given, n_classes=CLASSES)
    assert torch.equal(mixed.targets, plain.targets)
    # each part has its share of the loudness
    loudness = weights * 10 ** (levels / 20), (1 - weights) * 10 ** (levels[partners] / 20)
    np.testing.assert_allclose(loudness[0] / sum(loudness), shares, rtol=1e-5)
    untouched = mix(given, n_classes=CLASSES, loudness_rate=16000, fraction=1e-9)
    np.testing.assert_allclose(untouched.inputs.values.numpy(), waveforms, rtol=1e-6)


def test_style_mixes_mean_and_deviation_of_each_feature_over_real_frames():
    lengths = 4 + np.arange(N) % 5
    rows = Ragged.from_list(RNG.normal(3, 2, (n, 3)).astype(np.float32) * (1 + np.arange(3)) for n in lengths)
    data = SegmentDataset(RowView.of(rows), CODES, np.ones(N, np.float32))
    given = data.batch(np.arange(N))
    changed = mix_style(given, 0.5, np.random.default_rng(4))
    rng = np.random.default_rng(4)
    shares, partners = rng.beta(0.5, 0.5, N)[:, None], rng.permutation(N)
    means, deviations = (np.stack([of(row, axis=0) for row in rows]) for of in (np.mean, np.std))
    for row, n in enumerate(lengths):
        real = changed.inputs.values[row, :n].numpy()
        np.testing.assert_allclose(
            real.mean(axis=0), shares[row] * means[row] + (1 - shares[row]) * means[partners[row]], rtol=1e-3, atol=1e-3
        )
        wanted = shares[row] * deviations[row] + (1 - shares[row]) * deviations[partners[row]]
        np.testing.assert_allclose(real.std(axis=0), wanted, rtol=1e-3)
        assert torch.equal(changed.inputs.values[row, n:], given.inputs.values[row, n:])
    assert torch.equal(changed.targets, given.targets)
