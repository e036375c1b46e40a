from collections.abc import Callable
from typing import Any

import pytest
import torch
from network_cases import PERCEPTRONS
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from movingtarget.networks import stack
from movingtarget.networks.layers import BatchNorm, Linear
from movingtarget.training.interface import Batch, Cost, UpdateRule, steps_done
from movingtarget.training.locoprop import locoprop_by_descent
from movingtarget.training.simultaneous import simultaneous

RandomNetworks = Callable[..., list[nn.Module]]
MEMBERS = 3


FORMULAS = {operation.__name__: formula for operation, formula in flop_registry.items()}


class CountedFlops(TorchDispatchMode):
    """Sums torch's own FLOP formulas, for in-place products too (FlopCounterMode leaves those out)."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = function(*args, **(kwargs or {}))
        formula = FORMULAS.get(function.overloadpacket.__name__.rstrip("_"))
        if formula:
            self.flops += formula(*args, **(kwargs or {}), out_val=output)
        return output


def counted(networks: list[nn.Module], rule: UpdateRule) -> tuple[Cost, float]:
    """The cost a rule reports of one step, and the FLOPs counted while it runs, for one member."""
    batch = Batch(torch.randn(MEMBERS, 8, 5), torch.randint(4, (MEMBERS, 8)))
    with CountedFlops() as counter:
        outcome = rule(networks[0], stack(networks), batch, {}, torch.full((MEMBERS,), 0.1))
    return outcome.cost, counter.flops / MEMBERS


@pytest.mark.parametrize("family", PERCEPTRONS)
@pytest.mark.parametrize("depth", [1, 4])
def test_flops_of_simultaneous(random_networks: RandomNetworks, family: str, depth: int) -> None:
    cost, measured = counted(random_networks(family, MEMBERS, depth), simultaneous)
    assert cost == Cost(gradient_evaluations=1.0, flops=measured)


def test_flops_where_normalisation_comes_first() -> None:
    networks = [nn.Sequential(BatchNorm(5), Linear(5, 6), nn.Tanh(), Linear(6, 4)) for _ in range(MEMBERS)]
    cost, measured = counted(list(networks), simultaneous)
    assert cost.flops == measured


def test_steps_are_counted_from_nought() -> None:
    assert steps_done({}) == 0
    assert steps_done({"step": torch.tensor(7)}) == 7


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("iterations", [1, 2, 7])
def test_flops_of_locoprop(random_networks: RandomNetworks, depth: int, iterations: int) -> None:
    cost, measured = counted(
        random_networks("plain", MEMBERS, depth), locoprop_by_descent(iterations, gamma=1.0)
    )
    assert cost == Cost(gradient_evaluations=iterations, flops=measured)
