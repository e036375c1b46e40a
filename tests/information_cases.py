"""Samples whose information is known, for the tests of its estimators."""

import math

import torch
from torch import Tensor

from movingtarget.estimators import ESTIMATORS
from movingtarget.measures.mutual_information.by_name import estimate
from movingtarget.measures.mutual_information.estimate import Estimate

Pair = tuple[Tensor, Tensor]


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal values in float64."""
    return torch.randn(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


def uniform(*shape: int, seed: int = 0) -> Tensor:
    """Values from 0 to 1 in float64."""
    return torch.rand(*shape, dtype=torch.double, generator=torch.Generator().manual_seed(seed))


def rotation(columns: int, seed: int = 0) -> Tensor:
    """An orthogonal matrix."""
    orthogonal: Tensor = torch.linalg.qr(normal(columns, columns, seed=seed))[0]
    return orthogonal


def pairs(examples: int, columns: int, correlation: float, seed: int = 0) -> Pair:
    """Independent Gaussian pairs of columns."""
    below, own = normal(2, examples, columns, seed=seed)
    return below, correlation * below + math.sqrt(1 - correlation**2) * own


def pairs_information(columns: int, correlation: float) -> float:
    """What they share."""
    return -columns / 2 * math.log(1 - correlation**2)


def blocks(examples: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Three and two Gaussian columns, all correlated, and the covariance of the five."""
    mixing = normal(5, 5, seed=1) + 2 * torch.eye(5)
    both = normal(examples, 5, seed=seed) @ mixing.mT
    return both[:, :3], both[:, 3:], mixing @ mixing.mT


def blurred(examples: int, half_width: float, seed: int = 0) -> Pair:
    """X uniform from 0 to 1, and X plus uniform noise of that half width."""
    below = uniform(examples, seed=seed)
    return below, below + half_width * (2 * uniform(examples, seed=seed + 1) - 1)


def blurred_information(half_width: float) -> float:
    """What they share."""
    return 1 / (4 * half_width) if half_width > 0.5 else half_width - math.log(2 * half_width)


def side_by_side(first: Pair, second: Pair) -> Pair:
    """The columns of both."""
    return torch.cat([first[0], second[0]], 1), torch.cat([first[1], second[1]], 1)


def permuted(above: Tensor, seed: int = 0) -> Tensor:
    """The same examples in another order."""
    return above[torch.randperm(len(above), generator=torch.Generator().manual_seed(seed))]


def said(estimator: str, below: object, above: object, noise: float = 0.5) -> Estimate:
    """What an estimator says of samples; the noise counts for those alone that add it themselves."""
    settings = {"noise": noise} if ESTIMATORS[estimator].adds_noise else {}
    return estimate(estimator, below, above, **settings)  # type: ignore[arg-type]
