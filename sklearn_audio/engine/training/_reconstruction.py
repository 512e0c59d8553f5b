"""What it takes to train a network on its input alone: the network tells how far off it is, and that is the loss."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["MethodNetwork", "ReconstructionLoss"]


class MethodNetwork(nn.Module):
    """A method of a network in the place of its `forward`; the parameters are shared.

    Parameters
    ----------
    network : nn.Module
        The network.
    method : str
        Name of a method that takes values and lengths.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.engine.training import MethodNetwork
    >>> from sklearn_audio.nets import FrameAutoencoder
    >>> network = FrameAutoencoder(16, 16, n_channels=3)
    >>> MethodNetwork(network, "encode")(torch.zeros(2, 16, 16), torch.tensor([16, 9])).shape
    torch.Size([2, 3])
    """

    def __init__(self, network: nn.Module, method: str) -> None:
        super().__init__()
        self.network = network
        self.method = method

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Call the method.

        Parameters
        ----------
        values : Tensor of shape (B, T, n_features)
            Padded frames.
        lengths : Tensor of int, shape (B,)
            Real frames of each row.

        Returns
        -------
        Tensor
            What the method returns.
        """
        answer: Tensor = getattr(self.network, self.method)(values, lengths)
        return answer


class ReconstructionLoss(nn.Module):
    """The mean over rows and features of errors that the network has computed itself; rows are weighted.

    Examples
    --------
    >>> import torch
    >>> from sklearn_audio.engine.training import ReconstructionLoss
    >>> float(ReconstructionLoss()(torch.tensor([[1.0, 3.0]]), torch.zeros(1), torch.ones(1)))
    2.0
    """

    # there are no labels, hence no score beside the loss
    multi_label = None

    def forward(self, errors: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Compute the mean over the batch.

        Parameters
        ----------
        errors : Tensor of shape (B, n_features)
            Squared errors.
        targets : Tensor of shape (B,)
            Ignored: the input is the target.
        weights : Tensor of shape (B,)
            Weights of the rows.

        Returns
        -------
        Tensor
            A scalar.
        """
        return (errors.mean(dim=1) * weights).mean()
