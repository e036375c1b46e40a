"""Bounds of mutual information through Gaussian noise, by the distances between samples."""

import math
from typing import NamedTuple

from numpy.typing import ArrayLike
from torch import Tensor

from movingtarget.measures.information.estimate import Estimate, samples


class Bounds(NamedTuple):
    """Between which an information lies, in nats."""

    lower: float
    upper: float


def pairwise_channel(layer: ArrayLike | Tensor, noise: float) -> Bounds:
    r"""Bounds of the information between a layer, one of the samples at random, and itself with noise.

    $$ \hat I_c = -\frac1N \sum_i \ln \frac1N \sum_j e^{-\|t_i - t_j\|^2 / (c \sigma^2)}, $$

    c = 8 (Bhattacharyya) the lower and c = 2 (Kullback-Leibler) the upper bound. Neither exceeds ln N, the
    information of N samples told apart.

    Args:
        layer: t, `(examples, units)`.
        noise: the standard deviation sigma.

    Source: Kolchinsky & Tracey 2017, equations 10 and 11 (for equal Gaussian components).

    Three far clusters of equal size are told apart, ln 3 = 1.0986 nats:

    >>> bounds = pairwise_channel([[0.0], [0.0], [50.0], [50.0], [100.0], [100.0]], noise=1.0)
    >>> [round(bound, 4) for bound in bounds]
    [1.0986, 1.0986]
    """
    table, _ = samples(layer, layer)
    (bounds,) = _entropies([_distances(table)], noise)
    return bounds


def pairwise_lower(below: ArrayLike | Tensor, above: ArrayLike | Tensor, noise: float) -> Estimate:
    r"""Lower bound of the information between both with noise added: $l_x + l_y - u_{xy}$, at least 0.

    l and u are the bounds of `pairwise_channel` for each alone and for both side by side: what noise leaves
    of them is their entropy less that of the noise, and the noises' entropies cancel.

    Args:
        below: `(examples, columns)` without noise, as `samples` takes them.
        above: the same examples.
        noise: the standard deviation of the noise added to both.

    Source: Kolchinsky & Tracey 2017.
    """
    return _estimate(below, above, noise, upper=False)


def pairwise_upper(below: ArrayLike | Tensor, above: ArrayLike | Tensor, noise: float) -> Estimate:
    r"""Upper bound of the same: the least of $u_x$, $u_y$ and $u_x + u_y - l_{xy}$.

    No more can be shared than noise leaves of either.
    """
    return _estimate(below, above, noise, upper=True)


def _estimate(below: ArrayLike | Tensor, above: ArrayLike | Tensor, noise: float, upper: bool) -> Estimate:
    first, second = map(_distances, samples(below, above))
    x, y, both = _entropies([first, second, first + second], noise)
    most = min(x.upper, y.upper, x.upper + y.upper - both.lower)
    least = max(0.0, x.lower + y.lower - both.upper)
    ceiling = math.log(len(first))
    return Estimate(most if upper else least, ceiling, math.nan, both.upper > ceiling - math.log(2))


def _distances(table: Tensor) -> Tensor:
    """Squared distances between all samples."""
    centred = table - table.mean(0)
    lengths = centred.square().sum(1)
    return (lengths[:, None] + lengths - 2 * centred @ centred.mT).clamp_(min=0)


def _entropies(distances: list[Tensor], noise: float) -> list[Bounds]:
    """Bounds of the entropies of mixtures, less those of the noise."""
    return [
        Bounds(*(-(distance / (-c * noise**2)).exp().mean(1).log().mean().item() for c in (8, 2)))
        for distance in distances
    ]
