"""As many simultaneous steps as layers, against calls of the simultaneous rule."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import Parameters, stack
from movingtarget.training.interface import Batch, Cost, Outcome
from movingtarget.training.repeated import repeated
from movingtarget.training.simultaneous import simultaneous

RandomNetworks = Callable[..., list[nn.Module]]
MEMBERS, DEPTH = 3, 3
LAYERS = DEPTH + 1
RATES = torch.tensor([0.5, 0.1, 0.02])
FAMILIES = ("plain", "batch-norm", "residual-batch-norm")


def random_batch(size: int) -> Batch:
    return Batch(torch.randn(MEMBERS, size, 5), torch.randint(4, (MEMBERS, size)))


def one_by_one(network: nn.Module, parameters: Parameters, parts: list[Batch]) -> list[Outcome]:
    return [simultaneous(network, parameters, part, {}, RATES) for part in parts]


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_as_many_simultaneous_steps_as_there_are_layers(
    random_networks: RandomNetworks, family: str, fresh: bool
) -> None:
    networks, batch = random_networks(family, MEMBERS, DEPTH), random_batch(8 * LAYERS)
    sizes = [slice(8 * place, 8 * place + 8) if fresh else slice(None) for place in range(LAYERS)]
    parts = [Batch(batch.inputs[:, size], batch.labels[:, size]) for size in sizes]
    expected = stack(networks)
    steps = one_by_one(networks[0], expected, parts)
    with FlopCounterMode(display=False) as counter:
        outcome = repeated(fresh)(networks[0], stack(networks), batch, {}, RATES)
    for name, value in outcome.parameters.items():
        assert torch.equal(value, expected[name])
    assert torch.equal(outcome.loss, steps[0].loss)
    assert outcome.cost == Cost(LAYERS, sum(step.cost.flops for step in steps))
    assert outcome.cost.flops == counter.get_total_flops() / MEMBERS
    assert outcome.memory == {}


def test_parameters_move_in_place(random_networks: RandomNetworks) -> None:
    networks = random_networks("plain", MEMBERS, DEPTH)
    parameters = stack(networks)
    outcome = repeated()(networks[0], parameters, random_batch(4), {}, RATES)
    assert outcome.parameters is parameters
    assert not any(value.requires_grad for value in [*parameters.values(), outcome.loss])


def test_a_batch_that_does_not_divide_is_refused(random_networks: RandomNetworks) -> None:
    networks = random_networks("plain", MEMBERS, DEPTH)
    message = "batch of 6 examples for 4 layers with examples of their own; allowed: multiples of 4"
    with pytest.raises(ValueError, match=message):
        repeated(fresh=True)(networks[0], stack(networks), random_batch(6), {}, RATES)
