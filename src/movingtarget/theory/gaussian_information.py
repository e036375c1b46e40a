"""Mutual information of Gaussian pairs and channels, in nats."""

import torch
from torch import Tensor


def block_information(covariance: Tensor, split: int) -> Tensor:
    r"""Information between the first `split` and the other variables of a Gaussian vector.

    $$ I = \tfrac12 \ln \frac{|\Sigma_x| |\Sigma_y|}{|\Sigma|} $$

    Args:
        covariance: `(..., d, d)`, positive definite.
        split: 1 .. d - 1.

    Source: Cover & Thomas, Elements of Information Theory, theorem 8.4.1 and equation 8.54.

    >>> correlated = torch.tensor([[1.0, 0.6], [0.6, 1.0]])
    >>> round(block_information(correlated, split=1).item(), 4)  # -ln(1 - 0.6^2) / 2
    0.2231
    """
    above = torch.logdet(covariance[..., split:, split:])
    below = torch.logdet(covariance[..., :split, :split])
    return (below + above - torch.logdet(covariance)) / 2


def linear_channel_information(weight: Tensor, noise: float) -> Tensor:
    r"""Information between a standard normal input and W x + noise e, e standard normal.

    $$ I = \tfrac12 \ln |1 + W W^T / \sigma^2| $$, largest, at a fixed Frobenius norm, for orthogonal W.

    Args:
        weight: `(..., out, in)`.
        noise: the standard deviation sigma.

    Source: Telatar 1999 (capacity of a Gaussian channel of several antennas, equal powers).

    >>> round(linear_channel_information(torch.eye(2), noise=1.0).item(), 4)  # ln 2
    0.6931
    """
    identity = torch.eye(weight.shape[-2], dtype=weight.dtype)
    return torch.logdet(identity + weight @ weight.mT / noise**2) / 2
