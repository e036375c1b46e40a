"""Bounds of mutual information through Gaussian noise, by the distances between samples."""

import math
from itertools import combinations_with_replacement
from typing import NamedTuple

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from movingtarget.measures.mutual_information.estimate import Estimate, positive, sample, samples, told_apart

BLOCK = 192
"""So many rows are compared with so many at once: what is made of them stays in the processor's cache."""

FAR = 1e6
"""Squared distances in units of the noise up to which those by products of matrices are exact to 1e-9."""


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
        layer: t, `(examples, units)`, as `sample` takes it.
        noise: the standard deviation sigma.

    Raises:
        ValueError: as `sample`, and noise that is no finite number above 0.

    Source: Kolchinsky & Tracey 2017, equations 10 and 11 (for equal Gaussian components).

    Three far clusters of equal size are told apart, ln 3 = 1.0986 nats:

    >>> bounds = pairwise_channel([[0.0], [0.0], [50.0], [50.0], [100.0], [100.0]], noise=1.0)
    >>> [round(bound, 4) for bound in bounds]
    [1.0986, 1.0986]
    """
    table = sample("layer", layer)
    bounds, _, _ = _entropies(table, table[:, :0], noise)
    return bounds


def pairwise(below: ArrayLike | Tensor, above: ArrayLike | Tensor, noise: float) -> tuple[Estimate, Estimate]:
    r"""Lower and upper bound of the information between both with noise added.

    $$ \max(0, l_x + l_y - u_{xy}) \le I \le \min(u_x, u_y, u_x + u_y - l_{xy}), $$

    where l and u are the bounds of `pairwise_channel` for each alone and for both side by side: what noise
    leaves of them is their entropy less that of the noise, and the noises' entropies cancel. No more can be
    shared than noise leaves of either.

    Args:
        below: `(examples, columns)` without noise, as `samples` takes them.
        above: the same examples.
        noise: the standard deviation of the noise added to both.

    Raises:
        ValueError: as `samples`, and noise that is no finite number above 0.

    Source: Kolchinsky & Tracey 2017.
    """
    first, second = samples(below, above)
    x, y, both = _entropies(first, second, noise)
    least = max(0.0, x.lower + y.lower - both.upper)
    most = min(x.upper, y.upper, x.upper + y.upper - both.lower)
    ceiling = told_apart(first, second)
    saturated = both.upper > ceiling - math.log(2)
    return Estimate(least, ceiling, math.nan, saturated), Estimate(most, ceiling, math.nan, saturated)


def pairwise_lower(below: ArrayLike | Tensor, above: ArrayLike | Tensor, noise: float) -> Estimate:
    """The lower bound of `pairwise`."""
    return pairwise(below, above, noise)[0]


def pairwise_upper(below: ArrayLike | Tensor, above: ArrayLike | Tensor, noise: float) -> Estimate:
    """The upper bound of `pairwise`."""
    return pairwise(below, above, noise)[1]


def _entropies(first: Tensor, second: Tensor, noise: float) -> list[Bounds]:
    """Bounds of the entropies of mixtures, less those of the noise: of each and of both side by side."""
    positive("noise", noise)
    tables = [(table - table.mean(0)) / (2 * noise) for table in (first, second)]
    means = _sums(tables) / len(first)
    return [Bounds(*mean) for mean in (-means.log().mean(-1)).T.tolist()]


def _sums(tables: list[Tensor]) -> Tensor:
    r"""`(2, 3, examples)`: $\sum_j e^{-d_{ij}^2 / 2}$, and of its 4th power, of x, y and both."""
    examples = len(tables[0])
    sums = tables[0].new_zeros(2, 3, examples)
    space = tables[0].new_empty(3 * BLOCK * BLOCK)
    far = any(table.square().sum(1).max() > FAR for table in tables)
    sides = [_by_product(table) for table in tables]
    blocks = [slice(start, min(start + BLOCK, examples)) for start in range(0, examples, BLOCK)]
    for here, there in combinations_with_replacement(blocks, 2):
        shape = here.stop - here.start, there.stop - there.start
        block = space[: 3 * shape[0] * shape[1]].view(3, *shape)
        for table, (left, right), into in zip(tables, sides, block, strict=False):
            if far:
                into.copy_(_directly(table[here], table[there]))
            else:
                torch.mm(left[here], right[there].mT, out=into)
        block[:2].clamp_(max=0).exp_()
        torch.mul(block[0], block[1], out=block[2])
        for power in sums:
            power[:, here] += block.sum(2)
            if here != there:
                power[:, there] += block.sum(1)
            block.square_().square_()
    return sums


def _by_product(table: Tensor) -> tuple[Tensor, Tensor]:
    """Two tables the products of whose rows are half the negative squared distances."""
    lengths, ones = table.square().sum(1, keepdim=True) / -2, table.new_ones(len(table), 1)
    return torch.cat([table, lengths, ones], 1), torch.cat([table, ones, lengths], 1)


def _directly(rows: Tensor, columns: Tensor) -> Tensor:
    """The same without the digits that products lose where distances are great beside the noise."""
    distances = torch.cdist(rows, columns, compute_mode="donot_use_mm_for_euclid_dist")
    return distances.square() / -2
