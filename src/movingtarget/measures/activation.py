"""Activation patterns: which units are active for which inputs, `(..., inputs, units)` booleans."""

import torch
from torch import Tensor


def active_share(pattern: Tensor) -> Tensor:
    """Share of the pairs of a unit and an input in which the unit is active.

    Args:
        pattern: `(..., inputs, units)` booleans.

    Returns:
        `(...)`, from 0 to 1.

    Source: Balduzzi et al. 2017, figure 3.

    >>> pattern = torch.tensor([[True, False], [True, True]])  # two inputs, two units
    >>> active_share(pattern).item()
    0.75
    """
    return pattern.double().mean((-2, -1))


def co_active_share(pattern: Tensor) -> Tensor:
    r"""Share of the pairs of two different inputs for which a unit is active for both, mean over units.

    $$ \frac{1}{n} \sum_{k=1}^{n} \frac{a_k (a_k - 1)}{m (m - 1)} $$

    with $a_k$ of m inputs activating unit k.

    Args:
        pattern: `(..., inputs, units)` booleans, at least two inputs.

    Returns:
        `(...)`, from 0 to 1.

    Raises:
        ValueError: fewer than two inputs.

    Source: Balduzzi et al. 2017, figure 3.

    >>> pattern = torch.tensor([[True, False], [True, True]])  # only the first unit is active for both
    >>> co_active_share(pattern).item()
    0.5
    """
    inputs = pattern.shape[-2]
    if inputs < 2:
        raise ValueError(f"co-activation needs at least 2 inputs, got {inputs}")
    active = pattern.sum(-2)
    return (active * (active - 1)).double().mean(-1) / (inputs * (inputs - 1))


def mean_run_length(pattern: Tensor) -> Tensor:
    """Contiguity: the mean length of a unit's runs of equal activation along the inputs, in inputs.

    Args:
        pattern: `(..., inputs, units)` booleans, inputs in their order along a line.

    Returns:
        `(..., units)`, the number of inputs over the number of runs, from 1 to the number of inputs.

    Source: Balduzzi et al. 2017, figure 4.

    >>> along_a_line = torch.tensor([[True, True], [True, False], [False, True], [False, False]])
    >>> mean_run_length(along_a_line).tolist()
    [2.0, 1.0]
    """
    changes = pattern[..., 1:, :] != pattern[..., :-1, :]
    runs = changes.sum(-2, dtype=torch.double) + 1
    return pattern.shape[-2] / runs
