"""Losses, weights and probabilities."""

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from torch import nn

from sklearn_audio.engine.training import ClassificationLoss, MethodNetwork, ReconstructionLoss, to_probabilities

LOGITS = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
WEIGHTS = np.array([1, 2, 0.5, 1, 1, 0.5], dtype=np.float32)


def loss_of(loss, targets, weights=WEIGHTS):
    return loss(torch.from_numpy(LOGITS), torch.as_tensor(targets), torch.as_tensor(weights)).item()


def test_cross_entropy_is_the_weighted_log_loss():
    targets = np.array([0, 1, 2, 0, 1, 2])
    wanted = log_loss(targets, to_probabilities(LOGITS, multi_label=False), sample_weight=WEIGHTS)
    assert loss_of(ClassificationLoss(False), targets) == pytest.approx(wanted, rel=1e-6)


def test_soft_targets_are_expectations():
    loss = ClassificationLoss(False)
    hard = [loss_of(loss, np.full(6, code)) for code in (0, 1)]
    mixed = np.tile(np.array([0.25, 0.75, 0.0], dtype=np.float32), (6, 1))
    assert loss_of(loss, mixed) == pytest.approx(0.25 * hard[0] + 0.75 * hard[1], rel=1e-6)


def test_binary_cross_entropy_is_the_mean_over_labels():
    targets = (np.arange(18).reshape(6, 3) % 2).astype(np.float32)
    p = to_probabilities(LOGITS, multi_label=True)
    each = -(targets * np.log(p) + (1 - targets) * np.log(1 - p))
    wanted = (each.mean(axis=1) * WEIGHTS).mean()
    assert loss_of(ClassificationLoss(True), targets) == pytest.approx(wanted, rel=1e-6)
    weighted = np.where(targets == 1, [2.0, 1.0, 1.0], [0.5, 1.0, 1.0]) * each
    label_weights = np.array([[0.5, 1.0, 1.0], [2.0, 1.0, 1.0]])
    wanted = (weighted.mean(axis=1) * WEIGHTS).mean()
    assert loss_of(ClassificationLoss(True, label_weights), targets) == pytest.approx(wanted, rel=1e-6)


def smoothed(multi_label, share):
    loss = ClassificationLoss(multi_label)
    loss.smoothing = share
    return loss


def test_smoothing_is_that_of_torch_in_training_alone():
    targets = np.array([0, 1, 2, 0, 1, 2])
    wanted = nn.CrossEntropyLoss(reduction="none", label_smoothing=0.1)(torch.tensor(LOGITS), torch.tensor(targets))
    loss = smoothed(False, 0.1)
    assert loss_of(loss, targets) == pytest.approx((wanted * torch.tensor(WEIGHTS)).mean().item(), rel=1e-6)
    assert loss_of(loss.eval(), targets) == loss_of(ClassificationLoss(False), targets)
    several = (np.arange(18).reshape(6, 3) % 2).astype(np.float32)
    half = several * np.float32(0.8) + np.float32(0.1)
    assert loss_of(smoothed(True, 0.2), several) == pytest.approx(loss_of(ClassificationLoss(True), half), rel=1e-6)


def test_probabilities_of_labels_are_strictly_between_0_and_1():
    p = to_probabilities(np.array([[-1e4, 0.0, 1e4]]), multi_label=True)
    assert p.min() > 0
    assert p.max() < 1
    assert p[0, 1] == 0.5


def test_probabilities_of_classes_sum_to_1():
    p = to_probabilities(LOGITS * 100, multi_label=False)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-15)
    assert p.dtype == np.float64


def test_weighted_labels_have_a_loss_that_is_linear_in_their_targets():
    loss = ClassificationLoss(True, np.array([[0.5, 1.0, 2.0], [4.0, 1.0, 3.0]]))
    ones, zeros = (np.full((6, 3), value, dtype=np.float32) for value in (1, 0))
    wanted = 0.3 * loss_of(loss, ones) + 0.7 * loss_of(loss, zeros)
    assert loss_of(loss, 0.3 * ones) == pytest.approx(wanted, rel=1e-6)


class Doubles(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))
        self.dropout = nn.Dropout(0.5)

    def twice(self, values, lengths):
        return self.weight * self.dropout(values) * lengths


def test_a_method_becomes_a_network_with_the_same_parameters():
    network = Doubles()
    method = MethodNetwork(network, "twice").eval()
    assert [id(parameter) for parameter in method.parameters()] == [id(network.weight)]
    assert not network.dropout.training
    answer = method(torch.tensor(3.0), torch.tensor(1))
    assert answer.item() == 6.0
    answer.backward()
    assert float(network.weight.grad) == 3.0


def test_rows_are_weighted():
    errors, ignored = torch.tensor([[1.0, 3.0], [10.0, 20.0]]), torch.zeros(2)
    assert float(ReconstructionLoss()(errors, ignored, torch.tensor([2.0, 0.0]))) == 2.0
    assert float(ReconstructionLoss()(errors, ignored, torch.ones(2))) == 8.5
