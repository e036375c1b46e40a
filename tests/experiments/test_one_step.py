"""What one step of an optimiser does to every layer of a network."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.experiments.one_step import (
    OPTIMISERS,
    binary_losses,
    example_batch,
    example_network,
    measure,
    take_steps,
)
from movingtarget.networks import Architecture, build_random, stack
from movingtarget.networks.initialise import generator
from movingtarget.networks.losses import member_losses
from movingtarget.training.interface import Batch

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
FAMILIES = ["plain", "batch-norm", "residual", "residual-batch-norm", "looks-linear"]
SIZES: dict[str, Any] = {
    **{"steps": 3, "hidden_width": 6, "batch_size": 16},
    **{"activation": "relu", "initial_weights": "normal"},
}


def network_of(family: str, seed: int, depth: int = 3) -> nn.Module:
    return build_random(Architecture(family, 5, 6, depth, 4, "relu", "normal"), seed)


def minibatch(images: Images, seed: int) -> tuple[Tensor, Tensor]:
    drawn = torch.randperm(60, generator=generator(seed, "order of epoch 0"))[:16]
    return images.train_inputs[drawn], images.train_labels[drawn]


def layer_of(name: str, depth: int) -> int:
    parts = name.split(".")
    return int(parts[1]) + 1 if parts[0] == "hidden" else depth + 1


def sgd_step(gradient: Tensor, memory: dict[str, Any], rate: float) -> Tensor:
    return -rate * gradient


def adam_step(gradient: Tensor, memory: dict[str, Any], rate: float) -> Tensor:
    """Kingma & Ba 2015, algorithm 1, with its suggested constants."""
    time = memory["time"] = memory.get("time", 0) + 1
    first = memory["first"] = 0.9 * memory.get("first", 0.0) + 0.1 * gradient
    second = memory["second"] = 0.999 * memory.get("second", 0.0) + 0.001 * gradient**2
    return -rate * (first / (1 - 0.9**time)) / ((second / (1 - 0.999**time)).sqrt() + 1e-8)


BY_HAND = {"sgd": sgd_step, "adam": adam_step}


def by_hand(
    network: nn.Module, inputs: Tensor, labels: Tensor, optimiser: str, rate: float, depth: int
) -> tuple[np.ndarray, np.ndarray]:
    """Losses and movements of one ordinary network in double, in a loop over parameters."""
    network, losses = network.double(), []
    squares = np.zeros((2, depth + 1))
    memories: dict[str, dict[str, Any]] = {name: {} for name, _ in network.named_parameters()}
    for step in range(SIZES["steps"] + 1):
        loss = F.cross_entropy(network(inputs.double()), labels)
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        for (name, value), gradient in zip(network.named_parameters(), gradients, strict=True):
            update = BY_HAND[optimiser](gradient, memories[name], rate)
            if step == 0:
                layer = layer_of(name, depth) - 1
                squares[:, layer] += [part.square().sum().item() for part in (update, value)]
            value.data += update
    moved, size = np.sqrt(squares)
    return np.array(losses), moved / size


def value_of(table: pd.DataFrame, **conditions: Any) -> np.ndarray:
    for column, value in conditions.items():
        table = table[table[column] == value]
    return table.sort_values(["step", "layer"])["value"].to_numpy()


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_stack_takes_the_steps_of_each_network_by_hand(images: Images, family: str, optimiser: str) -> None:
    seeds = [0, 3]
    drawn = [minibatch(images, seed) for seed in seeds]
    batch = Batch(torch.stack([x for x, _ in drawn]).double(), torch.stack([y for _, y in drawn]))
    members = [network_of(family, seed).double() for seed in seeds]
    chosen = partial(OPTIMISERS[optimiser], lr=0.1)
    taken = take_steps(members[0], stack(members), batch, member_losses, chosen, SIZES["steps"])
    for place, (network, inputs, labels) in enumerate(zip(members, *batch, strict=True)):
        expected = by_hand(network, inputs, labels, optimiser, 0.1, 3)
        for values, wanted in zip(taken, expected, strict=True):
            # a bias that batch norm takes out again has a gradient of rounding errors, which Adam enlarges
            np.testing.assert_allclose(values[:, place], wanted, rtol=1e-7)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_the_table_holds_every_seeds_own_steps_on_its_first_minibatch(images: Images, optimiser: str) -> None:
    table = measure(images, [0, 3], [0.01, 0.1], depths=[2, 3], networks=["plain", "residual"], **SIZES)
    for seed in (0, 3):
        made, drawn = network_of("residual", seed), minibatch(images, seed)
        losses, movement = by_hand(made, *drawn, optimiser, 0.1, 3)
        own = partial(
            value_of,
            table["one_step"],
            **{"network": "residual", "depth": 3, "optimiser": optimiser, "learning_rate": 0.1, "seed": seed},
        )
        # single precision
        np.testing.assert_allclose(own(quantity="loss"), losses, rtol=1e-4)
        np.testing.assert_allclose(own(quantity="movement"), movement, rtol=1e-4)


def test_the_example_follows_from_its_closed_form(images: Images) -> None:
    table = measure(images, [2], [0.3], depths=[1], networks=["plain"], **SIZES)["one_step"]
    own = partial(value_of, table, network="example", optimiser="sgd")
    batch = example_batch([2])
    x, y = batch.inputs[0].double().numpy(), batch.labels[0].numpy()
    values = [value.detach().double().numpy() for value in example_network(2, "normal").parameters()]
    first, first_bias, second, second_bias = values
    assert (x.shape, first.shape, second.shape) == ((32, 5), (10, 5), (1, 10))
    np.testing.assert_array_equal(y, x.sum(1) > 0)
    pre_activation = x @ first.T + first_bias
    hidden = np.maximum(pre_activation, 0)
    probability = 1 / (1 + np.exp(-(hidden @ second.T + second_bias)[:, 0]))
    error = (probability - y)[:, None] / 32
    backward = (error @ second) * (pre_activation > 0)
    gradients = [(backward.T @ x, backward.sum(0)), (error.T @ hidden, error.sum(0))]
    norms = [np.hypot(np.linalg.norm(weight), np.linalg.norm(bias)) for weight, bias in gradients]
    sizes = [np.linalg.norm(first), np.linalg.norm(second)]
    loss = -np.log(np.where(y, probability, 1 - probability)).mean()
    # single precision
    assert own(quantity="loss", step=0) == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(own(quantity="movement"), 0.3 * np.divide(norms, sizes), rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_one_backward_pass_gives_every_parameter_a_gradient_of_its_own_shape(
    images: Images, family: str
) -> None:
    inputs, labels = minibatch(images, 0)
    network = network_of(family, 0)
    F.cross_entropy(network(inputs), labels).backward()
    shapes = {name: value.shape for name, value in network.named_parameters()}
    gradients = {name: value.grad for name, value in network.named_parameters()}
    assert {name: None if g is None else g.shape for name, g in gradients.items()} == shapes
    assert all(g is not None and g.isfinite().all() for g in gradients.values())
    weights = [g for name, g in gradients.items() if name.endswith("weight")]
    assert all(g is not None and g.abs().sum() > 0 for g in weights)


def test_table_is_whole(images: Images, written: Written) -> None:
    said: list[str] = []
    rates = [0.01, 0.1]
    sizes = SIZES | {"depths": [2, 4], "networks": FAMILIES, "say": said.append}
    table = written(measure(images, [0, 1], rates, **sizes)["one_step"], "one_step")
    layers = 2 + len(FAMILIES) * (3 + 5)
    losses = (1 + 2 * len(FAMILIES)) * (SIZES["steps"] + 1)
    assert len(table) == 2 * 2 * 2 * (layers + losses)
    assert len(said) == len(set(said)) == 1 + 2 * len(FAMILIES)
    moved = table[table["quantity"] == "movement"]
    assert (moved["step"] == 1).all()
    assert (moved["value"] > 0).all()
    by_rate = moved.set_index([*moved.columns.difference(["value"])])["value"].unstack("learning_rate")
    # single precision; exact but for the rounding of sums of weights and steps
    np.testing.assert_allclose(by_rate[0.1], 10 * by_rate[0.01], rtol=1e-3)


def test_seeds_do_not_feel_each_other(images: Images) -> None:
    run = partial(measure, images, learning_rates=[0.1], depths=[3], networks=["plain"], **SIZES)
    together, alone = run(seeds=[1, 2])["one_step"], run(seeds=[2])["one_step"]
    own = together[together["seed"] == 2]
    # products of stacks may be summed in another order
    np.testing.assert_allclose(own["value"], alone["value"], rtol=1e-4)
    assert not np.isclose(own["value"], together.loc[together["seed"] == 1, "value"]).any()


def test_a_member_that_diverges_harms_no_other(images: Images) -> None:
    members = [network_of("plain", seed) for seed in (0, 1)]
    inputs, labels = minibatch(images, 0)
    both = Batch(torch.stack([inputs, 1e12 * inputs]), torch.stack([labels, labels]))
    run = partial(take_steps, losses=member_losses, optimiser=partial(torch.optim.SGD, lr=0.1), steps=2)
    taken = run(members[0], stack(members), both)
    alone = run(members[0], stack(members[:1]), Batch(inputs[None], labels[None]))
    assert taken.loss[:, 1].isnan().tolist() == [False, True, True]
    for values, expected in zip(taken, alone, strict=True):
        torch.testing.assert_close(values[:, :1], expected)


def test_diverged_members_stay_in_the_table_as_nan(images: Images) -> None:
    table = measure(images, [0, 1], [1e-3, 1e15], depths=[3], networks=["batch-norm", "plain"], **SIZES)
    rows = table["one_step"].query("network == 'plain' and optimiser == 'adam'")
    losses = (
        rows[rows["quantity"] == "loss"].sort_values("step").set_index(["learning_rate", "seed"])["value"]
    )
    assert losses.loc[1e-3].notna().all()
    for seed in (0, 1):
        assert losses.loc[1e15, seed].isna().tolist() == [False, True, True, True]
    of_layers = rows[rows["quantity"] != "loss"]
    assert np.isfinite(of_layers["value"]).all()
    assert len(of_layers) == 2 * 2 * 4


def test_a_loss_that_was_infinite_once_is_nan_from_there_on(images: Images) -> None:
    inputs, labels = minibatch(images, 0)
    offsets = iter([0.0, torch.inf, 0.0])

    def losses(logits: Tensor, wanted: Tensor) -> Tensor:
        return member_losses(logits, wanted) + next(offsets)

    network = network_of("plain", 0)
    batch = Batch(inputs[None], labels[None])
    taken = take_steps(network, stack([network]), batch, losses, partial(torch.optim.SGD, lr=0.1), 2)
    assert taken.loss[:, 0].isfinite().tolist() == [True, False, False]
    assert taken.loss[1:].isnan().all()


def test_parameters_are_left_as_they_are() -> None:
    members = [example_network(seed, "normal") for seed in (0, 1)]
    parameters = stack(members)
    before = {name: value.clone() for name, value in parameters.items()}
    take_steps(members[0], parameters, example_batch([0, 1]), binary_losses, torch.optim.Adam, 2)
    for name, value in parameters.items():
        assert torch.equal(value, before[name])
        assert not value.requires_grad


def test_a_minibatch_larger_than_the_data_is_refused(images: Images) -> None:
    sizes = SIZES | {"batch_size": 61}
    with pytest.raises(ValueError, match="batch_size is 61; allowed: 1 to 60, the training images"):
        measure(images, [0], [0.1], depths=[1], networks=["plain"], **sizes)
