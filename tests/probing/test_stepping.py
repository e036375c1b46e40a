"""A step of any optimiser is the one that torch makes, and all is as before afterwards."""

import copy
from typing import Any

import pytest
import pytorch_optimizer
import torch
from probing.subjects import Given, data, given_convnet, given_perceptron, perceptron, state_of
from torch import nn

from movingtarget.probing.probe import probe
from movingtarget.probing.refused import CannotMeasure
from movingtarget.probing.stepping import restored, step, stepped


def groups(network: nn.Module) -> list[dict[str, Any]]:
    first, *others = network.parameters()
    return [{"params": [first], "lr": 0.5}, {"params": others, "weight_decay": 0.1}]


OPTIMISERS = {
    "sgd": lambda network: torch.optim.SGD(network.parameters(), 0.1),
    "momentum": lambda network: torch.optim.SGD(network.parameters(), 0.1, momentum=0.9, nesterov=True),
    "groups": lambda network: torch.optim.SGD(groups(network), 0.1, momentum=0.5),
    "adam": lambda network: torch.optim.Adam(network.parameters(), 0.1, amsgrad=True),
    "adamw": lambda network: torch.optim.AdamW(network.parameters(), 0.1, foreach=True),
    "fused": lambda network: torch.optim.Adam(network.parameters(), 0.1, fused=True),
    "rate in a tensor": lambda network: torch.optim.Adam(network.parameters(), torch.tensor(0.1)),
    "rmsprop": lambda network: torch.optim.RMSprop(network.parameters(), 0.1, centered=True),
    "adagrad": lambda network: torch.optim.Adagrad(network.parameters(), 0.1),
    "nadam": lambda network: torch.optim.NAdam(network.parameters(), 0.1),
    "lion": lambda network: pytorch_optimizer.Lion(network.parameters(), 0.1),
    "lamb": lambda network: pytorch_optimizer.Lamb(network.parameters(), 0.1),
    "shampoo": lambda network: pytorch_optimizer.Shampoo(network.parameters(), 0.1),
    "lookahead": lambda network: pytorch_optimizer.Lookahead(
        torch.optim.SGD(network.parameters(), 0.1, momentum=0.9), k=2
    ),
}


def trained(network: nn.Module, optimiser: torch.optim.Optimizer, steps: int) -> None:
    for inputs, labels in data(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(inputs), labels).backward()
        optimiser.step()


@pytest.mark.parametrize("history", [0, 3])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_step_is_the_next_one_of_training_and_is_taken_back(name, history):
    """Training goes on as though nothing had been: two runs, one of which is stepped aside from."""
    pairs = []
    for _ in range(2):
        network = perceptron()
        pairs.append((network, OPTIMISERS[name](network)))
        trained(*pairs[-1], history)
    (network, optimiser), (other, others_optimiser) = pairs
    before = state_of(Given(network, None, [], optimiser))
    inputs, labels = data(history + 1)[-1]
    slopes = torch.autograd.grad(
        nn.functional.cross_entropy(network(inputs), labels), [*network.parameters()]
    )
    gradient = dict(zip(dict(network.named_parameters()), slopes, strict=True))
    after = [stepped(network, optimiser, gradient) for _ in range(2)][-1]
    assert state_of(Given(network, None, [], optimiser)) == before
    for value, slope in zip(other.parameters(), slopes, strict=True):
        value.grad = slope.clone()
    others_optimiser.step()
    for name_of, value in other.named_parameters():
        assert torch.equal(after[name_of], value)
    step(network, optimiser, gradient)
    for value, expected in zip(network.parameters(), other.parameters(), strict=True):
        assert torch.equal(value, expected)


def test_a_parameter_without_a_gradient_is_left_alone():
    network = perceptron()
    optimiser = torch.optim.SGD(network.parameters(), 0.1, weight_decay=0.5)
    gradient = {name: torch.ones_like(value) for name, value in network.named_parameters()}
    after = stepped(network, optimiser, {**gradient, "0.weight": None})
    assert torch.equal(after["0.weight"], network[0].weight)
    assert not torch.equal(after["0.bias"], network[0].bias)


def test_parameters_of_another_network_do_not_move():
    """One optimiser may hold two networks' parameters, with gradients left by the last step."""
    network, other = perceptron(), nn.Linear(1, 1)
    optimiser = torch.optim.Adam([*network.parameters(), *other.parameters()])
    other.weight.grad = torch.ones(1, 1)
    weight, gradient = other.weight.item(), other.weight.grad
    with restored(network, optimiser):
        step(network, optimiser, {name: torch.ones_like(value) for name, value in network.named_parameters()})
        assert other.weight.item() == weight
    assert other.weight.grad is gradient


def given_with(optimiser_of: Any, given: Given | None = None) -> Given:
    given = given or given_perceptron()
    return given._replace(optimiser=optimiser_of(given.network))


@pytest.mark.parametrize("name", ["momentum", "groups", "adamw", "rate in a tensor", "shampoo", "lookahead"])
def test_nothing_is_changed_by_a_probe(name):
    given = given_with(OPTIMISERS[name], given_convnet())
    network, _, batches, optimiser = given
    for inputs, labels in batches[:2]:
        nn.functional.cross_entropy(network(inputs), labels).backward()
        optimiser.step()
    network[0].remembered = [1]
    network[0].register_forward_hook(lambda part, inputs, output: None)
    network[3].bias.requires_grad_(False)
    network[4].eval()
    before = state_of(given)
    probe(*given)
    assert state_of(given) == before


def test_a_schedule_of_the_rate_goes_on():
    given = given_perceptron()
    schedule = torch.optim.lr_scheduler.StepLR(given.optimiser, 1, 0.5)
    before, of_schedule = state_of(given), copy.copy(schedule.state_dict())
    probe(*given)
    assert state_of(given) == before
    assert schedule.state_dict() == of_schedule
    given.optimiser.step()
    schedule.step()
    assert given.optimiser.param_groups[0]["lr"] == 0.05


class Stop(BaseException):
    """As KeyboardInterrupt, not an Exception."""


@pytest.mark.parametrize("error", [RuntimeError("broke"), KeyboardInterrupt(), Stop()])
@pytest.mark.parametrize("at", [0, 3, 17, 25])
@pytest.mark.parametrize("what", ["network", "loss", "optimiser"])
def test_nothing_is_changed_where_something_raises_midway(what, at, error):
    given = given_with(OPTIMISERS["momentum"], given_convnet())
    calls, armed = [0], [False]

    def count(*_: Any) -> None:
        calls[0] += armed[0]
        if armed[0] and calls[0] > at:
            raise error

    loss = given.loss
    if what == "network":
        given.network[1].register_forward_pre_hook(count)
    elif what == "optimiser":
        given.optimiser.register_step_post_hook(count)
    else:

        def raising(*pair: Any) -> Any:
            count()
            return loss(*pair)

        given = given._replace(loss=raising)
    before = state_of(given)
    armed[0] = True
    expected = CannotMeasure if what == "optimiser" and isinstance(error, RuntimeError) else type(error)
    if not (what == "optimiser" and at == 25):  # so many steps are not made
        with pytest.raises(expected):
            probe(*given)
    assert state_of(given) == before


def test_a_loss_that_writes_to_its_targets_and_a_network_that_writes_to_its_inputs():
    given = given_perceptron()
    network = nn.Sequential(nn.ReLU(inplace=True), given.network)

    def loss(outputs: Any, targets: Any) -> Any:
        targets.clamp_(max=1)
        return nn.functional.cross_entropy(outputs, targets)

    given = Given(network, loss, given.batches, torch.optim.SGD(network.parameters(), 0.1))
    before = state_of(given)
    probe(*given)
    assert state_of(given) == before


@pytest.mark.parametrize(
    "optimiser_of",
    [
        lambda network: pytorch_optimizer.SAM(network.parameters(), torch.optim.SGD, lr=0.1),
        lambda network: pytorch_optimizer.AdaHessian(network.parameters()),
    ],
)
def test_an_optimiser_that_asks_for_more_is_refused(optimiser_of):
    given = given_with(optimiser_of)
    before = state_of(given)
    with pytest.raises(
        CannotMeasure, match=r"^the step of \w+ raised .*; allowed: an optimiser whose"
    ) as error:
        probe(*given)
    assert "\n" not in str(error.value)
    assert state_of(given) == before
