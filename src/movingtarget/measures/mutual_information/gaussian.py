"""Mutual information of the Gaussian pair with the samples' covariance."""

import math

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from movingtarget.measures.mutual_information.estimate import Estimate, positive, sample, samples

LEAST_LEFT = 1e-12
"""A column of which others leave no more than this share of variance unexplained is theirs."""

SMALLEST = 1e-250
"""Sums of squares below this have lost digits."""


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
    examples, split, columns = len(first), first.shape[1], first.shape[1] + second.shape[1]
    if examples <= columns:
        raise ValueError(
            f"{examples} examples for {columns} columns; allowed: more examples than columns of both together"
        )
    bias = _half_bias(split, examples) + _half_bias(columns - split, examples) - _half_bias(columns, examples)
    value = _of_correlation(_correlation(first, second), split) - bias
    return Estimate(value, math.inf, bias, saturated=False)


def gaussian_channel(layer: ArrayLike | Tensor, noise: float) -> float:
    r"""Information between a layer and the same layer with noise added, of Gaussian samples, in nats.

    $$ I = \tfrac12 \ln |1 + C / \sigma^2| $$

    with C the sample covariance: one-sided, as a layer above is a function of the one below.

    Args:
        layer: `(examples, units)`, as `sample` takes it.
        noise: the standard deviation sigma.

    Raises:
        ValueError: as `sample`, and noise that is no finite number above 0.

    Source: Goldfeld et al. 2019, section 2 (the noise); Cover & Thomas, equation 9.4.

    >>> round(gaussian_channel(torch.tensor([[-1.0], [0.0], [1.0]]), noise=1.0), 4)  # ln 2 / 2
    0.3466
    """
    table = sample("layer", layer)
    centred = (table - table.mean(0)) / positive("noise", noise)
    covariance = centred.mT @ centred / (len(table) - 1)
    return torch.logdet(torch.eye(len(covariance), dtype=torch.float64) + covariance).item() / 2


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    """The correlations of all columns side by side."""
    split, columns = first.shape[1], first.shape[1] + second.shape[1]
    joint = first.new_empty(len(first), columns)
    torch.sub(first, first.mean(0), out=joint[:, :split])
    torch.sub(second, second.mean(0), out=joint[:, split:])
    products = joint.mT @ joint
    if products.diagonal().min() < SMALLEST:
        joint /= joint.abs().amax(0)
        products = joint.mT @ joint
    sizes = products.diagonal().sqrt()
    return products / sizes / sizes[:, None]


def _of_correlation(correlation: Tensor, split: int) -> float:
    """Half of ln|S_x| + ln|S_y| - ln|S|; of S = L L^T, the first diagonal block is that of its block of L."""
    both, above = _left_over(correlation), _left_over(correlation[split:, split:])
    for name, left in {"below": both[:split], "above": above}.items():
        if not (left > LEAST_LEFT).all():
            raise ValueError(
                f"{name} has columns that follow linearly from its others; allowed: columns that differ, as "
                "those with noise of their own do"
            )
    if not (both > LEAST_LEFT).all():
        raise ValueError(
            "columns of above follow linearly from those of below, so that the information is infinite, or "
            "so great that it cannot be told; allowed: samples with noise of their own, and more of it"
        )
    return float(above.log().sum() - both[split:].log().sum()) / 2


def _left_over(correlation: Tensor) -> Tensor:
    """The share of each column's variance that those before it leave unexplained."""
    factor, _ = torch.linalg.cholesky_ex(correlation)  # NaN where it fails
    left: Tensor = factor.diagonal().square()
    return left


def _half_bias(columns: int, examples: int) -> float:
    """Half the bias of a log determinant but for its logarithms, which cancel between blocks and both."""
    places = torch.arange(1, columns + 1, dtype=torch.float64)
    return float(torch.digamma((examples - places) / 2).sum() / 2)
