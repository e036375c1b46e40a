from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import FAMILIES, stack
from movingtarget.training import Batch, Cost, UpdateRule, locoprop, simultaneous

MEMBERS = 3


def counted(networks: list[nn.Module], rule: UpdateRule) -> tuple[Cost, float]:
    """The cost a rule reports of one step, and the FLOPs that torch counts while it runs, for one member."""
    batch = Batch(torch.randn(MEMBERS, 8, 5), torch.randint(4, (MEMBERS, 8)))
    with FlopCounterMode(display=False) as counter:
        outcome = rule(networks[0], stack(networks), batch, {}, torch.full((MEMBERS,), 0.1))
    return outcome.cost, counter.get_total_flops() / MEMBERS


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("depth", [1, 4])
def test_flops_of_simultaneous(
    random_networks: Callable[..., list[nn.Module]], family: str, depth: int
) -> None:
    cost, measured = counted(random_networks(family, MEMBERS, depth), simultaneous)
    assert cost == Cost(gradient_evaluations=1.0, flops=measured)


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("iterations", [1, 2, 7])
def test_flops_of_locoprop(
    random_networks: Callable[..., list[nn.Module]], depth: int, iterations: int
) -> None:
    cost, measured = counted(random_networks("plain", MEMBERS, depth), locoprop(iterations, gamma=1.0))
    assert cost == Cost(gradient_evaluations=iterations, flops=measured)
