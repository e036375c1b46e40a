"""Mutual information of the Gaussian pair with the samples' covariance."""

import math

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from movingtarget.measures.information.estimate import Estimate, samples

SINGULAR = 1e-12
"""A column of which others leave no more than this share of variance unexplained is theirs."""


def gaussian(below: ArrayLike | Tensor, above: ArrayLike | Tensor) -> Estimate:
    r"""Information of a Gaussian pair, without the bias that its sample covariance brings in.

    With S the sample covariance of both side by side, and S_x and S_y its blocks,

    $$ I = \tfrac12 \left( \ln|S_x| + \ln|S_y| - \ln|S| \right) - (b_{d_x} + b_{d_y} - b_{d_x + d_y}), $$

    where $b_p = \tfrac12 \sum_{j=1}^{p} [\psi(\tfrac{n-j}{2}) + \ln \tfrac{2}{n-1}]$ is half the bias of a
    log determinant: unbiased for Gaussian samples. Of others it is the information of their linear relations,
    blind to (x, |x|).

    Args:
        below: `(examples, columns)`, as `samples` takes them.
        above: the same examples.

    Raises:
        ValueError: not more examples than columns of both together, or columns that follow linearly from
            others, whose information is infinite or undefined.

    Source: Cover & Thomas, Elements of Information Theory, equation 8.54; Goodman 1963 and Misra et al. 2005
    for the bias of a Gaussian log determinant.

    Two units of correlation 0.8 share -ln(1 - 0.8^2) / 2 = 0.51 nats:

    >>> draws = torch.randn(10_000, 2, generator=torch.Generator().manual_seed(0))
    >>> round(gaussian(draws[:, 0], 0.8 * draws[:, 0] + 0.6 * draws[:, 1]).value, 1)
    0.5
    """
    first, second = samples(below, above)
    examples, columns = len(first), first.shape[1] + second.shape[1]
    if examples <= columns:
        raise ValueError(
            f"{examples} examples for {columns} columns; allowed: more examples than columns of both together"
        )
    joint = torch.cat([first, second], 1)
    joint -= joint.mean(0)
    joint /= joint.square().mean(0).sqrt()
    correlation = joint.mT @ joint / examples
    plug_in = _half_log_determinant(correlation[: first.shape[1], : first.shape[1]])
    plug_in += _half_log_determinant(correlation[first.shape[1] :, first.shape[1] :])
    plug_in -= _half_log_determinant(correlation)
    bias = _half_bias(first.shape[1], examples) + _half_bias(second.shape[1], examples)
    bias -= _half_bias(columns, examples)
    return Estimate(plug_in - bias, math.inf, bias, saturated=False)


def gaussian_channel(layer: Tensor, noise: float) -> float:
    r"""Information between a layer and the same layer with noise added, of Gaussian samples, in nats.

    $$ I = \tfrac12 \ln |1 + C / \sigma^2| $$

    with C the sample covariance: one-sided, as a layer above is a function of the one below.

    Args:
        layer: `(examples, units)`.
        noise: the standard deviation sigma.

    Source: Goldfeld et al. 2019, section 2 (the noise); Cover & Thomas, equation 9.4.

    >>> round(gaussian_channel(torch.tensor([[-1.0], [0.0], [1.0]]), noise=1.0), 4)  # ln 2 / 2
    0.3466
    """
    centred = layer.double() - layer.double().mean(0)
    covariance = centred.mT @ centred / (len(layer) - 1)
    return torch.logdet(torch.eye(len(covariance), dtype=torch.float64) + covariance / noise**2).item() / 2


def _half_log_determinant(correlation: Tensor) -> float:
    factor, failed = torch.linalg.cholesky_ex(correlation)
    left = factor.diagonal()
    if failed or (left.square() < SINGULAR).any():
        raise ValueError(
            "columns follow linearly from others, so that their information is infinite or undefined; "
            "allowed: samples with noise of their own"
        )
    return float(left.log().sum())


def _half_bias(columns: int, examples: int) -> float:
    """Half the expected ln|S| - ln|Sigma| of a Gaussian sample covariance of so many columns."""
    places = torch.arange(1, columns + 1, dtype=torch.float64)
    terms = torch.digamma((examples - places) / 2) + math.log(2 / (examples - 1))
    return float(terms.sum() / 2)
