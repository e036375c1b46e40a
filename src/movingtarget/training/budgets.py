"""How many steps an order of updates can take for the price of another."""

from collections.abc import Mapping
from statistics import mean
from typing import Any

import torch
from torch import Tensor, nn

from movingtarget.networks.chain import chain
from movingtarget.networks.stack import stack
from movingtarget.training.by_name import rule_of
from movingtarget.training.interface import Batch, UpdateRule
from movingtarget.update_orders import UPDATE_ORDERS

LONGEST = 5
"""A budget that takes more than so many times the sweeps is left out."""

STEADY = 10
"""Steps after which an order whose cost has not changed is taken to cost the same always."""

PROBED = 1000
"""Steps over which other costs are averaged, but for those that whole rounds of the layers leave over."""


def budget_ends(
    order: str, sweep: str, network: nn.Module, batch_size: int, sweeps: int, given: Mapping[str, Any]
) -> dict[str, int]:
    """The step at which each budget is spent.

    Args:
        order: whose steps are counted.
        sweep: the order whose sweeps set the long budget.
        network: of one member.
        batch_size: examples of one gradient.
        sweeps: how many steps make the budget sweep.
        given: what the orders' rules are given.

    Returns:
        By budget: sweep, so many steps; flop, the FLOPs of as many simultaneous steps; long-flop, those of as
        many steps of the order `sweep`. A budget that takes more than five times the sweeps is left out, but
        for simultaneous updates, which all are compared with.
    """
    own, simultaneous, long = (
        flops_of_a_step(name, network, batch_size, given) for name in (order, "simultaneous", sweep)
    )
    ends = {
        "sweep": sweeps,
        "flop": max(1, round(sweeps * simultaneous / own)),
        "long-flop": max(1, round(sweeps * long / own)),
    }
    return {budget: end for budget, end in ends.items() if end <= LONGEST * sweeps or order == "simultaneous"}


def flops_of_a_step(order: str, network: nn.Module, batch_size: int, given: Mapping[str, Any]) -> float:
    """Mean FLOPs of a step of an order for one member.

    They grow linearly with the examples, so two small batches tell them.
    """
    rule, layers = rule_of(order, given), len(chain(network))
    small = layers if UPDATE_ORDERS[order].fresh else 1
    at_small, at_double = (_mean_flops(rule, network, size) for size in (2 * small, 4 * small))
    return at_small + (batch_size - 2) / 2 * (at_double - at_small)


def examples_in_a_step(order: str, network: nn.Module, batch_size: int) -> int:
    """Of one minibatch, or of one for each layer where the order wants fresh ones."""
    return batch_size * (len(chain(network)) if UPDATE_ORDERS[order].fresh else 1)


def _mean_flops(rule: UpdateRule, network: nn.Module, examples: int) -> float:
    parameters, memory, costs = stack([network]), dict[str, Tensor](), list[float]()
    features = next(value.shape[-1] for value in parameters.values() if value.dim() == 3)
    source, first = torch.Generator().manual_seed(0), next(iter(parameters.values()))
    inputs = torch.randn(1, examples, features, generator=source).to(first.device)
    batch, rates = Batch(inputs, inputs.new_zeros(1, examples).long()), inputs.new_zeros(1)
    layers = len(chain(network))
    while len(costs) < PROBED // layers * layers and (len(costs) < STEADY or len({*costs}) > 1):
        outcome = rule(network, parameters, batch, memory, rates)
        parameters, memory = outcome.parameters, outcome.memory
        costs.append(outcome.cost.flops)
    return mean(costs)
