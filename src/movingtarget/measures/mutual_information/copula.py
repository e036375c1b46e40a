"""Mutual information of the Gaussian pair with the samples' ranks."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from scipy.stats import rankdata
from torch import Tensor

from movingtarget.measures.mutual_information.estimate import Estimate, samples
from movingtarget.measures.mutual_information.gaussian import gaussian


def copula(below: ArrayLike | Tensor, above: ArrayLike | Tensor) -> Estimate:
    r"""The Gaussian estimate after each column has been made Gaussian by its ranks.

    $$ x \mapsto \Phi^{-1}\!\left( \frac{\mathrm{rank}(x)}{n + 1} \right) $$

    Equal values have their mean rank. So it is the same for any increasing function of a column, and for a
    Gaussian copula exact up to the ranks' own error; for others a lower bound as far as the normal scores are
    jointly Gaussian. Where dependence is strong, ranks of few examples tell too little.

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
    columns = np.ascontiguousarray(table.numpy().T)  # sorts fastest
    order = np.argsort(columns, axis=1)
    places = np.arange(1, len(table) + 1)
    scores = np.empty_like(columns)
    np.put_along_axis(scores, order, _score(places, len(table))[None], axis=1)
    ordered = np.take_along_axis(columns, order, axis=1)
    tied = (ordered[:, 1:] == ordered[:, :-1]).any(1)
    if tied.any():
        scores[tied] = _score(rankdata(columns[tied], axis=1), len(table))
    return torch.from_numpy(scores.T)


def _score(ranks: NDArray[Any], examples: int) -> NDArray[np.float64]:
    scores: NDArray[np.float64] = ndtri(ranks / (examples + 1))
    return scores
