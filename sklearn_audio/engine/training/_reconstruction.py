"""What it takes to train a network on its input alone: the network tells how far off it is, and that is the loss."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["MethodNetwork", "ReconstructionLoss"]


class MethodNetwork(nn.Module):
    """A method of a network in the place of its `forward`; the parameters are shared."""

    def __init__(self, network: nn.Module, method: str) -> None:
        super().__init__()
        self.network = network
        self.method = method

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Call the method.

        Shapes: values (B, T, n_features), lengths (B,).
        """
        answer: Tensor = getattr(self.network, self.method)(values, lengths)
        return answer


class ReconstructionLoss(nn.Module):
    """The mean over rows and features of errors that the network has computed itself; rows are weighted."""

    # there are no labels, hence no score beside the loss
    multi_label = None

    def forward(self, errors: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Compute the mean over the batch.

        Shapes: errors (B, n_features), targets (B,), weights (B,).
        """
        return (errors.mean(dim=1) * weights).mean()
