from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from movingtarget.measures.layer_alone import Alone, alone, sizes
from movingtarget.measures.moving_target import drops
from movingtarget.networks import Parameters, stack
from movingtarget.networks.chain import chain
from movingtarget.networks.losses import member_losses
from movingtarget.training.interface import Batch
from movingtarget.training.simultaneous import gradients_of

MEMBERS, BATCH = 3, 8
Networks = Callable[..., list[nn.Module]]


class Step(NamedTuple):
    """A step from `before` to `after`, and what it is measured on."""

    before: Parameters
    after: Parameters
    gradient: Parameters
    batch: Batch
    held_out: Tensor


def step_of(networks: list[nn.Module], rate: float) -> Step:
    source = torch.Generator().manual_seed(2)
    inputs = torch.randn(MEMBERS, BATCH, 5, generator=source).double()
    batch = Batch(inputs, torch.randint(4, (MEMBERS, BATCH), generator=source))
    before = stack(network.double() for network in networks)
    _, gradient = gradients_of(networks[0], before, batch)
    after = {name: value - rate * gradient[name] for name, value in before.items()}
    return Step(before, after, gradient, batch, torch.randn(11, 5, generator=source).double())


def measured(networks: list[nn.Module], step: Step) -> Alone:
    return alone(chain(networks[0]), *step, member_losses)


def names_of(network: nn.Module, layer: int) -> list[str]:
    """All parameters for layer 0, else those of one layer, 1 at the bottom."""
    depth = 1 + max(int(name.split(".")[1]) for name, _ in network.named_parameters() if "hidden" in name)
    layers = {
        name: int(name.split(".")[1]) + 1 if name.startswith("hidden") else depth + 1
        for name, _ in network.named_parameters()
    }
    return [name for name, of in layers.items() if layer in (0, of)]


@pytest.mark.parametrize("family", ["plain", "batch-norm", "residual", "residual-batch-norm"])
def test_agrees_with_networks_moved_by_hand(random_networks: Networks, family: str) -> None:
    networks = random_networks(family, MEMBERS)
    step = step_of(networks, 0.3)
    found = measured(networks, step)
    for member, network in enumerate(networks):
        inputs, labels = step.batch.inputs[member], step.batch.labels[member]
        outputs, loss = network(step.held_out), F.cross_entropy(network(inputs), labels)
        for layer in range(5):
            own = dict(network.named_parameters())
            promise = 0.0
            for name in names_of(network, layer):
                own[name].data.copy_(step.after[name][member])
                promise += 0.3 * step.gradient[name][member].square().sum().item()
            change = (network(step.held_out) - outputs).norm() / outputs.norm()
            drop = loss - F.cross_entropy(network(inputs), labels)
            for name, value in own.items():
                value.data.copy_(step.before[name][member])
            expected = [change.item(), drop.item(), promise]
            assert [values[layer, member].item() for values in found] == pytest.approx(expected, rel=1e-9)


def test_drops_are_those_of_the_whole_measure(random_networks: Networks) -> None:
    networks = random_networks("batch-norm", MEMBERS)
    step = step_of(networks, 0.3)
    found = measured(networks, step)
    expected = drops(networks[0], step.before, step.after, *step.batch, stacked=True)
    torch.testing.assert_close(found.drop[0], expected.joint)
    torch.testing.assert_close(found.drop[1:], expected.single)
    torch.testing.assert_close(found.promise[0], expected.first_order)
    torch.testing.assert_close(found.promise[1:].sum(0), found.promise[0])


def test_a_small_step_keeps_its_promise(random_networks: Networks) -> None:
    networks = random_networks("residual", MEMBERS)
    found = measured(networks, step_of(networks, 1e-6))
    torch.testing.assert_close(found.drop / found.promise, torch.ones(5, MEMBERS).double(), atol=1e-4, rtol=0)
    # and the outputs change in proportion to it
    larger = measured(networks, step_of(networks, 2e-6))
    torch.testing.assert_close(larger.output_change, 2 * found.output_change, atol=0, rtol=1e-4)


def test_outputs_of_zero_leave_their_change_undefined(random_networks: Networks) -> None:
    networks = random_networks("plain", MEMBERS)
    step = step_of(networks, 0.1)
    for name in ("head.weight", "head.bias"):
        step.before[name].zero_()
    assert measured(networks, step).output_change.isnan().all()


def test_sizes_count_each_parameter_once(random_networks: Networks) -> None:
    (network,) = random_networks("batch-norm", 1)
    assert sizes(chain(network)) == [
        sum(value.numel() for value in network.parameters()),
        *(5 * 6 + 3 * 6, 6 * 6 + 3 * 6, 6 * 6 + 3 * 6, 6 * 4 + 4),
    ]
