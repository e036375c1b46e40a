"""What an estimate of mutual information says of itself, and the samples it is made from."""

import math
from collections import Counter
from numbers import Real
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

LARGEST = 1e100
"""The largest size of a value that can still be squared, summed and squared again."""


class Estimate(NamedTuple):
    """An estimate of mutual information.

    Attributes:
        value: in nats.
        ceiling: the most that this estimator can say of so many examples; infinite if there is no such limit.
        bias: what has been taken off because the plain estimate is known to be so much too high on average;
            NaN where that is not known.
        saturated: whether the ceiling, not the samples, decides: the truth may be higher.
    """

    value: float
    ceiling: float
    bias: float
    saturated: bool


def not_negative(estimate: Estimate) -> Estimate:
    """The estimate, or zero where it is less: information is not, its estimates are by chance.

    >>> not_negative(Estimate(-0.01, 5.0, 0.02, saturated=False)).value
    0.0
    """
    return estimate._replace(value=0.0) if estimate.value < 0 else estimate


def samples(below: ArrayLike | Tensor, above: ArrayLike | Tensor) -> tuple[Tensor, Tensor]:
    """Two sets of samples as an estimator wants them; each as from `sample`, of as many examples.

    Args:
        below: `(examples, columns)` or `(examples,)`, numbers of any kind.
        above: the same examples, in the same order.

    Raises:
        ValueError: one line that says which samples are not as they should be, and what is allowed.
    """
    first, second = sample("below", below), sample("above", above)
    if len(first) != len(second):
        raise ValueError(
            f"below has {len(first)} examples and above {len(second)}; allowed: the same examples in both"
        )
    return first, second


def sample(name: str, values: ArrayLike | Tensor) -> Tensor:
    """Samples in float64, `(examples, columns)`, all columns varying.

    A column that is the same for all examples tells nothing and is left out. One axis is one column.

    Args:
        name: what an error calls them.
        values: `(examples, columns)` or `(examples,)`, numbers of any kind.

    Raises:
        ValueError: one line that says what is not as it should be, and what is allowed.

    >>> sample("layer", [[1, 5], [2, 5], [4, 5]]).tolist()
    [[1.0], [2.0], [4.0]]
    """
    table = _table(name, values)
    highest, lowest = table.amax(0), table.amin(0)
    largest = torch.maximum(highest, -lowest).max()  # NaN if there is one
    if not largest <= LARGEST:
        raise ValueError(
            f"{name} has values that are not finite or beyond {LARGEST:g}; allowed: finite numbers alone"
        )
    varying = highest != lowest
    if not varying.any():
        raise ValueError(
            f"{name} is the same for all {len(table)} examples; allowed: samples of which a column varies"
        )
    return table if varying.all() else table[:, varying]


def told_apart(below: Tensor, above: Tensor) -> float:
    """The information, in nats, of which example it is: ln n if no two are equal in both.

    >>> below, above = torch.tensor([[1.0], [2.0], [2.0]]), torch.tensor([[0.0], [5.0], [5.0]])
    >>> round(told_apart(below, above), 4)  # ln 3 - 2 / 3 ln 2
    0.6365
    """
    rows = torch.cat([below, above], 1).add_(0.0).numpy()  # no negative zeros
    counts = np.array([*Counter(row.tobytes() for row in rows).values()])
    return math.log(len(rows)) - float(counts @ np.log(counts)) / len(rows)


def positive(name: str, value: float) -> float:
    """The value itself, or a ValueError of one line unless it is a finite number above 0."""
    if not isinstance(value, Real) or not 0 < value < LARGEST:
        raise ValueError(f"{name} is {value}; allowed: a finite number above 0")
    return value


def _table(name: str, values: ArrayLike | Tensor) -> Tensor:
    table = _on_the_cpu(name, values) if isinstance(values, Tensor) else _tensor(name, values)
    if table.is_complex():
        raise ValueError(f"{name} is complex; allowed: real numbers")
    if table.dim() == 1:
        table = table[:, None]
    if table.dim() != 2:
        shape = "x".join(map(str, table.shape)) or "a single number"
        raise ValueError(f"{name} is {shape}; allowed: examples x columns, other axes flattened")
    if not table.numel():
        raise ValueError(
            f"{name} is empty ({table.shape[0]} x {table.shape[1]}); allowed: two examples or more"
        )
    return table.double()


def _on_the_cpu(name: str, values: Tensor) -> Tensor:
    if values.is_meta:
        raise ValueError(f"{name} is on device meta, which holds no values; allowed: any other device")
    if values.layout != torch.strided:
        raise ValueError(f"{name} is {values.layout}; allowed: dense tensors")
    return values.detach().cpu()


def _tensor(name: str, values: ArrayLike) -> Tensor:
    try:
        return torch.tensor(np.ascontiguousarray(values))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} is no array of numbers but {type(values).__name__}; allowed: examples x columns"
        ) from error
