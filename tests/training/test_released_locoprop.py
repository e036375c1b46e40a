"""LocoProp with the released optimiser, on an autoencoder: against a loop over one network, and its costs."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from movingtarget.networks import Parameters, stack, unstack
from movingtarget.networks.autoencoder import autoencoder, initialise_glorot
from movingtarget.networks.convolution import convolutional_chain
from movingtarget.training.interface import Batch, Memory, UpdateRule, backpropagation_flops, forward_flops
from movingtarget.training.local_optimisers import LocalOptimiser, descent, rmsprop
from movingtarget.training.locoprop import locoprop
from movingtarget.training.simultaneous import simultaneous

RandomNetworks = Callable[..., list[nn.Module]]
Loss = Literal["matching", "squared"]
LOSSES: tuple[Loss, Loss] = ("matching", "squared")
MEMBERS, BATCH, PIXELS, ITERATIONS, GAMMA = 2, 12, 7, 10, 10.0
WIDTHS = [6, 5, 3]
RATES = torch.tensor([1e-3, 2e-5], dtype=torch.double)


def autoencoders(seeds: int = MEMBERS) -> list[nn.Module]:
    return [initialise_glorot(autoencoder(PIXELS, WIDTHS), seed).double() for seed in range(seeds)]


def image_batches(number: int = 4) -> list[Batch]:
    drawn = torch.rand(number, MEMBERS, BATCH, PIXELS, generator=torch.Generator().manual_seed(1)).double()
    return [Batch(images, images) for images in drawn]


def trained(
    rule: UpdateRule, batches: list[Batch], networks: list[nn.Module]
) -> tuple[Parameters, list[Tensor]]:
    parameters, memory, losses = stack(networks), Memory(), []
    for batch in batches:
        parameters, memory, _, loss = rule(networks[0], parameters, batch, memory, RATES)
        losses.append(loss)
    return parameters, losses


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-values))


class PlainLoop:
    """LocoProp of one autoencoder, its backward pass and its RMSProp written out with numpy."""

    def __init__(self, network: nn.Module, loss: Loss) -> None:
        layers = [part for part in network.children() if isinstance(part, nn.Linear)]
        self.values = [
            (layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy()) for layer in layers
        ]
        self.memory = [[(np.ones_like(v), np.zeros_like(v)) for v in pair] for pair in self.values]
        self.loss, self.linear = loss, (len(WIDTHS) - 1, len(layers) - 1)

    def transfer(self, place: int, a: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the layer makes of a."""
        return a if place in self.linear else np.tanh(a)

    def matched(self, place: int, a: NDArray[np.float64]) -> NDArray[np.float64]:
        """What the local loss compares with the target."""
        if self.loss == "squared":
            return a
        return sigmoid(a) if place == self.linear[1] else self.transfer(place, a)

    def step(self, images: NDArray[np.float64], rate: float) -> float:
        """One minibatch; the loss before it."""
        below, affine = [images], []
        for place, (weight, bias) in enumerate(self.values):
            affine.append(below[-1] @ weight.T + bias)
            below.append(self.transfer(place, affine[-1]))
        pixels = sigmoid(below[-1])
        loss = -(images * np.log(pixels) + (1 - images) * np.log(1 - pixels)).sum() / len(images)
        error = (pixels - images) / len(images)
        errors = [error]
        for place in reversed(range(1, len(self.values))):
            error = error @ self.values[place][0]
            if place - 1 not in self.linear:
                error = error * (1 - np.tanh(affine[place - 1]) ** 2)
            errors.insert(0, error)
        for place, (inputs, a, e) in enumerate(zip(below[:-1], affine, errors, strict=True)):
            self.descend(place, inputs, self.matched(place, a) - GAMMA * e, rate)
        return float(loss)

    def descend(
        self, place: int, inputs: NDArray[np.float64], target: NDArray[np.float64], rate: float
    ) -> None:
        """All local steps of one layer."""
        weight, bias = self.values[place]
        for k in range(ITERATIONS):
            residual = self.matched(place, inputs @ weight.T + bias) - target
            for which, (value, gradient) in enumerate(
                [(weight, residual.T @ inputs), (bias, residual.sum(0))]
            ):
                square, velocity = self.memory[place][which]
                square[...] = 0.9 * square + 0.1 * gradient**2
                decayed = rate * max(1 - k / ITERATIONS, 0.25)
                velocity[...] = 0.999 * velocity + decayed * gradient / np.sqrt(square + 1e-5)
                value -= velocity


@pytest.mark.parametrize("loss", LOSSES)
def test_agrees_with_a_plain_loop_over_several_minibatches(loss: Loss) -> None:
    batches = image_batches()
    parameters, losses = trained(locoprop(ITERATIONS, GAMMA, loss), batches, autoencoders())
    for member, network in enumerate(autoencoders()):
        loop = PlainLoop(network, loss)
        for batch, found in zip(batches, losses, strict=True):
            expected = loop.step(batch.inputs[member].numpy(), RATES[member].item())
            assert found[member].item() == pytest.approx(expected, rel=1e-12)
        ours = list(unstack(parameters, member).values())
        theirs = [torch.from_numpy(value) for pair in loop.values for value in pair]
        assert_close(ours, theirs, rtol=1e-10, atol=1e-11)
        started = list(network.parameters())
        assert not any(
            torch.allclose(value, start, atol=1e-4) for value, start in zip(ours, started, strict=True)
        )


def check_first_step(
    network: nn.Module, parameters: Parameters, batch: Batch, gamma: float, loss: Loss
) -> None:
    copies = [{name: value.clone() for name, value in parameters.items()} for _ in range(2)]
    ours = locoprop(1, gamma, loss, descent)(network, copies[0], batch, {}, RATES)
    theirs = simultaneous(network, copies[1], batch, {}, gamma * RATES)
    assert_close(ours.parameters, theirs.parameters, rtol=1e-12, atol=1e-14)
    assert_close(ours.loss, theirs.loss, rtol=1e-14, atol=0)
    assert not any(torch.equal(value, parameters[name]) for name, value in ours.parameters.items())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("gamma", [0.3, 10.0])
def test_one_step_of_descent_is_gamma_times_backpropagations(
    random_networks: RandomNetworks, gamma: float, loss: Loss
) -> None:
    networks = autoencoders()
    check_first_step(networks[0], stack(networks), image_batches()[0], gamma, loss)
    classifiers = [network.double() for network in random_networks("plain", MEMBERS)]
    inputs, labels = torch.randn(MEMBERS, BATCH, 5).double(), torch.randint(4, (MEMBERS, BATCH))
    check_first_step(classifiers[0], stack(classifiers), Batch(inputs, labels), gamma, loss)


@pytest.mark.parametrize("loss", LOSSES)
def test_one_step_of_descent_is_backpropagations_in_a_convolutional_network(loss: Loss) -> None:
    networks = [convolutional_chain(4, [3, 2], 4, "tanh").double() for _ in range(MEMBERS)]
    batch = Batch(torch.randn(MEMBERS, BATCH, 16).double(), torch.randint(4, (MEMBERS, BATCH)))
    check_first_step(networks[0], stack(networks), batch, 2.0, loss)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("iterations", [1, 2, 4, 20])
def test_cost_is_what_torch_counts(iterations: int, loss: Loss) -> None:
    networks = autoencoders()
    with FlopCounterMode(display=False) as counter:
        outcome = locoprop(iterations, GAMMA, loss)(
            networks[0], stack(networks), image_batches()[0], {}, RATES
        )
    assert outcome.cost.flops == counter.get_total_flops() / MEMBERS
    assert outcome.cost.gradient_evaluations == iterations
    passes = (2 * iterations + 1) * forward_flops(networks[0], BATCH) - 2.0 * BATCH * PIXELS * WIDTHS[0]
    if loss == "matching":
        assert outcome.cost.flops == passes
    else:
        assert (outcome.cost.flops < passes) == (iterations > 1)
    assert outcome.cost.flops >= backpropagation_flops(networks[0], BATCH)


@pytest.mark.parametrize("optimiser", [descent, rmsprop])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_step_calls_autograd_once_whatever_its_iterations(
    monkeypatch: pytest.MonkeyPatch, loss: Loss, optimiser: LocalOptimiser
) -> None:
    calls, grad = [], torch.autograd.grad

    def counted(*given: Any) -> Any:
        calls.append(given)
        return grad(*given)

    monkeypatch.setattr(torch.autograd, "grad", counted)
    networks = autoencoders()
    rule = locoprop(ITERATIONS, GAMMA, loss, optimiser)
    outcome = rule(networks[0], stack(networks), image_batches()[0], {}, RATES)
    assert len(calls) == 1
    kept = [*outcome.parameters.values(), *outcome.memory.values(), outcome.loss]
    assert not any(value.requires_grad for value in kept)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_stack_moves_as_its_members_alone(loss: Loss) -> None:
    rule, batches = locoprop(ITERATIONS, GAMMA, loss), image_batches()
    together, _ = trained(rule, batches, autoencoders())
    for member, network in enumerate(autoencoders()):
        own = slice(member, member + 1)
        parameters, memory = stack([network]), Memory()
        for inputs, labels in batches:
            parameters, memory, *_ = rule(
                network, parameters, Batch(inputs[own], labels[own]), memory, RATES[own]
            )
        assert_close(unstack(parameters, 0), unstack(together, member), rtol=0, atol=1e-11)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("spoilt", [torch.nan, torch.inf])
def test_a_member_that_diverges_touches_no_other(loss: Loss, spoilt: float) -> None:
    rule, batches = locoprop(ITERATIONS, GAMMA, loss), image_batches()
    expected, _ = trained(rule, batches, autoencoders())
    networks = autoencoders()
    next(networks[0].parameters()).data[0, 0] = spoilt
    found, losses = trained(rule, batches, networks)
    for name, value in found.items():
        assert torch.equal(value[1], expected[name][1])
    assert losses[-1].isfinite().tolist() == [False, True]


def test_the_memory_given_is_left_as_it_is_but_for_its_tensors() -> None:
    networks = autoencoders()
    memory: Memory = {"kept": 3}
    outcome = locoprop(2, GAMMA)(networks[0], stack(networks), image_batches()[0], memory, RATES)
    assert memory == {"kept": 3}
    assert outcome.memory["kept"] == 3
    assert len(outcome.memory) > 1


@pytest.mark.parametrize("iterations", [0, -1, float("nan")])
def test_iterations_below_one_are_refused(iterations: int) -> None:
    with pytest.raises(ValueError, match=f"^iterations is {iterations}; allowed: at least 1$"):
        locoprop(iterations, GAMMA)


@pytest.mark.parametrize("gamma", [0.0, -1.0, float("nan")])
def test_gamma_of_zero_or_below_is_refused(gamma: float) -> None:
    with pytest.raises(ValueError, match=f"^gamma is {gamma}; allowed: above 0$"):
        locoprop(2, gamma)


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^loss 'cubed' is unknown; allowed: matching, squared$"):
        locoprop(2, GAMMA, "cubed")  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_layer_without_bias_is_refused_by_name(loss: Loss) -> None:
    network = autoencoder(PIXELS, WIDTHS).double()
    network[2].bias = None  # type: ignore[assignment]
    with pytest.raises(
        ValueError, match=r"^layer 2.weight has no bias; allowed: layers with weights and a bias"
    ):
        locoprop(2, GAMMA, loss)(network, stack([network] * MEMBERS), image_batches()[0], {}, RATES)
