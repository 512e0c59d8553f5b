"""Training on the input alone: methods as networks, and errors that are the loss."""

import torch
from torch import nn

from sklearn_audio.engine.training import MethodNetwork, ReconstructionLoss


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
