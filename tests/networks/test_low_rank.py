"""Feedforward networks with hidden weights of low rank."""

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.measures.capture import capture
from movingtarget.networks import Architecture, build, build_random, call, stack
from movingtarget.networks.chain import chain, hidden_layers, propagate
from movingtarget.networks.initialise import Weights, initialise
from movingtarget.networks.layers import Linear
from movingtarget.training.interface import Batch, forward_flops
from movingtarget.training.simultaneous import simultaneous


def factors_of(network: nn.Module, layer: int) -> list[Linear]:
    return [part for part in network.get_submodule(f"hidden.{layer}").modules() if isinstance(part, Linear)]


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "linear"])
def test_it_is_the_plain_network_of_the_products(activation: str) -> None:
    architecture = Architecture("low-rank", 5, 8, 3, 4, activation)
    ours = initialise(build(architecture), 0, activation, random_biases=True).double()
    plain = build(Architecture("plain", 5, 8, 3, 4, activation)).double()
    values: dict[str, Tensor] = {name: ours.get_parameter(name) for name in ("head.weight", "head.bias")}
    for layer in range(3):
        inner, outer = factors_of(ours, layer)
        values[f"hidden.{layer}.linear.weight"] = outer.weight @ inner.weight
        values[f"hidden.{layer}.linear.bias"] = outer.bias
    inputs = torch.randn(7, 5).double()
    assert_close(ours(inputs), torch.func.functional_call(plain, values, inputs), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("width", "rank"), [(1, 1), (3, 1), (4, 1), (8, 2), (11, 2), (64, 16)])
def test_the_rank_is_a_quarter_of_the_width(width: int, rank: int) -> None:
    network = build(Architecture("low-rank", 5, width, 2, 4, "relu"))
    for layer, below in enumerate((5, width)):
        inner, outer = factors_of(network, layer)
        assert (inner.weight.shape, outer.weight.shape) == ((rank, below), (width, rank))
        assert inner.bias is None


@pytest.mark.parametrize("weights", ["normal", "orthogonal"])
@pytest.mark.parametrize(("activation", "gain"), [("relu", 2), ("tanh", 1), ("sigmoid", 1)])
def test_products_have_the_variance_of_plain_weights(activation: str, gain: float, weights: Weights) -> None:
    network = build_random(Architecture("low-rank", 300, 400, 2, 4, activation, weights), 0)
    for layer, below in enumerate((300, 400)):
        inner, outer = factors_of(network, layer)
        mean_square = (outer.weight @ inner.weight).square().mean().item()
        # products of rank 100: of normal factors the deviation is 1.2 % in 60 draws
        assert mean_square == pytest.approx(gain / below, rel=0.04)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_signals_are_as_large_as_in_plain_networks(activation: str) -> None:
    """Mean squares of the outputs of eight layers, of 20 networks each."""
    sizes: dict[str, list[float]] = {"plain": [], "low-rank": []}
    for family, means in sizes.items():
        for seed in range(20):
            network = build_random(Architecture(family, 20, 128, 8, 4, activation), seed)
            inputs = torch.randn(50, 20, generator=torch.Generator().manual_seed(seed))
            means.append(network(inputs).square().mean().item())
    plain, low = (torch.tensor(means).log() for means in sizes.values())
    # logarithms deviate by 0.8 at most: standard error of 0.25; a gain of 2 too many would add 8 ln 2 = 5.5
    assert low.mean().item() == pytest.approx(plain.mean().item(), abs=0.75)


def test_it_is_a_chain_whose_links_have_both_factors() -> None:
    members = [build_random(Architecture("low-rank", 5, 8, 3, 4, "tanh"), seed).double() for seed in (0, 1)]
    links, inputs = chain(members[0]), torch.randn(2, 7, 5).double()
    assert [len(link.names) for link in links] == [3, 3, 3, 2]
    parameters = stack(members)
    assert_close(propagate(links, parameters, inputs), call(members[0], parameters, inputs))
    layers = hidden_layers(members[0])
    with torch.no_grad(), capture(layers, lambda _, output: output.shape) as shapes:
        members[0](inputs[0])
    assert shapes == {f"hidden.{place}": (7, 8) for place in range(3)}


@pytest.mark.parametrize("depth", [1, 4])
def test_flops_are_what_torch_counts(depth: int) -> None:
    network = build_random(Architecture("low-rank", 5, 8, depth, 4, "tanh"), 0)
    inputs, labels = torch.randn(1, 6, 5), torch.randint(4, (1, 6))
    with FlopCounterMode(display=False) as forward:
        network(inputs[0])
    assert forward_flops(network, 6) == forward.get_total_flops()
    with FlopCounterMode(display=False) as step:
        outcome = simultaneous(network, stack([network]), Batch(inputs, labels), {}, torch.tensor([0.1]))
    assert outcome.cost.flops == step.get_total_flops()


def test_it_learns() -> None:
    network = build_random(Architecture("low-rank", 5, 32, 3, 4, "relu"), 0)
    labels = torch.arange(40)[None] % 4
    inputs = torch.randn(4, 5)[labels] + 0.1 * torch.randn(1, 40, 5)
    parameters, losses = stack([network]), []
    for _ in range(100):
        outcome = simultaneous(network, parameters, Batch(inputs, labels), {}, torch.tensor([0.1]))
        parameters = outcome.parameters
        losses.append(outcome.loss.item())
    assert losses[-1] < 0.3 * losses[0]
