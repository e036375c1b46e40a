"""Mutual information of the Gaussian pair with the samples' ranks."""

import torch
from numpy.typing import ArrayLike
from scipy.special import ndtri
from scipy.stats import rankdata
from torch import Tensor

from movingtarget.measures.information.estimate import Estimate, samples
from movingtarget.measures.information.gaussian import gaussian


def copula(below: ArrayLike | Tensor, above: ArrayLike | Tensor) -> Estimate:
    r"""The Gaussian estimate after each column has been made Gaussian by its ranks.

    $$ x \mapsto \Phi^{-1}\!\left( \frac{\mathrm{rank}(x)}{n + 1} \right) $$

    So it is the same for any increasing function of a column, and for a Gaussian copula exact up to the
    ranks' own error; for others a lower bound as far as the normal scores are jointly Gaussian.

    Args:
        below: `(examples, columns)`, as `samples` takes them.
        above: the same examples.

    Raises:
        ValueError: as `gaussian`.

    Source: Ince et al. 2017, Human Brain Mapping 38, section 2.4.

    >>> draws = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    >>> copula(draws[:, :1], draws[:, 1:]) == copula(draws[:, :1].exp(), draws[:, 1:] ** 3)
    True
    """
    return gaussian(*map(_normal_scores, samples(below, above)))


def _normal_scores(table: Tensor) -> Tensor:
    ranks = rankdata(table.numpy(), axis=0)
    return torch.from_numpy(ndtri(ranks / (len(table) + 1)))
