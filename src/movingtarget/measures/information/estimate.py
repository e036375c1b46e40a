"""What an estimate of mutual information says of itself, and the samples it is made from."""

from typing import NamedTuple

import torch
from numpy.typing import ArrayLike
from torch import Tensor


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


def samples(below: ArrayLike | Tensor, above: ArrayLike | Tensor) -> tuple[Tensor, Tensor]:
    """Two sets of samples as an estimator wants them: float64, `(examples, columns)`, all columns varying.

    A column that is the same for all examples tells nothing and is left out. One axis is one column.

    Args:
        below: `(examples, columns)` or `(examples,)`, numbers of any kind.
        above: the same examples, in the same order.

    Raises:
        ValueError: one line that says which samples are not as they should be, and what is allowed.

    >>> samples([[1, 5], [2, 5], [4, 5]], [0.5, 0.1, 0.2])[0].tolist()
    [[1.0], [2.0], [4.0]]
    """
    first, second = _table("below", below), _table("above", above)
    if len(first) != len(second):
        raise ValueError(
            f"below has {len(first)} examples and above {len(second)}; allowed: the same examples in both"
        )
    return _varying("below", first), _varying("above", second)


def _table(name: str, values: ArrayLike | Tensor) -> Tensor:
    table = torch.as_tensor(values).detach()
    if table.is_complex():
        raise ValueError(f"{name} is complex; allowed: real numbers")
    table = table.double()
    if table.dim() == 1:
        table = table[:, None]
    if table.dim() != 2:
        shape = "x".join(map(str, table.shape)) or "a single number"
        raise ValueError(f"{name} is {shape}; allowed: examples x columns, other axes flattened")
    if not table.isfinite().all():
        raise ValueError(f"{name} has values that are not finite; allowed: finite numbers alone")
    return table


def _varying(name: str, table: Tensor) -> Tensor:
    varying = (table != table[:1]).any(0)
    if not varying.any():
        raise ValueError(
            f"{name} is the same for all {len(table)} examples; allowed: samples of which a column varies"
        )
    return table[:, varying]
