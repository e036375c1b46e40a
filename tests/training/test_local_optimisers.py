"""Local optimisers against plain recurrences of numbers, and what they keep from step to step."""

import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from movingtarget.training.interface import Memory
from movingtarget.training.local_optimisers import LocalOptimiser, descent, rmsprop

RATES = torch.tensor([0.3, 0.02], dtype=torch.double)
SHAPES = {"weight": (2, 4, 3), "bias": (2, 4)}
STEPS = 30


def drawn(seed: int) -> dict[str, Tensor]:
    """A tensor of each shape; every number of its own size, so that no constant is lost beside it."""
    source = torch.Generator().manual_seed(seed)

    def draw(shape: tuple[int, ...]) -> Tensor:
        values, sizes = (torch.randn(shape, dtype=torch.double, generator=source) for _ in range(2))
        return values * 10 ** (2 * sizes)

    return {name: draw(shape) for name, shape in SHAPES.items()}


def changing(step: int) -> Tensor:
    """Rates that are never twice the same; both members' are equal in every third step."""
    rates = RATES * (1 + step % 7)
    return rates if step % 3 else rates[:1].expand(2)


def recurrence(start: float, gradients: list[float], rates: list[float]) -> float:
    """TensorFlow's RMSProp of one number."""
    weight, square, velocity = start, 1.0, 0.0
    for gradient, rate in zip(gradients, rates, strict=True):
        square = 0.9 * square + 0.1 * gradient**2
        velocity = 0.999 * velocity + rate * gradient / math.sqrt(square + 1e-5)
        weight -= velocity
    return weight


def moved(dtype: torch.dtype = torch.double) -> dict[str, Tensor]:
    """Where RMSProp comes to in all steps."""
    parameters, memory = {name: value.to(dtype) for name, value in drawn(0).items()}, Memory()
    for step in range(STEPS):
        gradients = {name: value.to(dtype) for name, value in drawn(1 + step).items()}
        rmsprop(parameters, gradients, memory, changing(step).to(dtype))
    return parameters


@pytest.mark.parametrize("name", SHAPES)
def test_rmsprop_is_tensorflows_recurrence_of_every_number(name: str) -> None:
    parameters = moved()[name]
    start, gradients = drawn(0)[name], torch.stack([drawn(1 + step)[name] for step in range(STEPS)])
    rates = torch.stack([changing(step) for step in range(STEPS)])
    for place in torch.cartesian_prod(*(torch.arange(length) for length in start.shape)).tolist():
        whole = (slice(None), *place)
        expected = recurrence(
            start[tuple(place)].item(), gradients[whole].tolist(), rates[:, place[0]].tolist()
        )
        assert parameters[tuple(place)].item() == pytest.approx(expected, rel=1e-11, abs=1e-11)


def test_rmsprop_is_as_exact_in_float32_as_numbers_are() -> None:
    for ours, exact in zip(moved(torch.float).values(), moved().values(), strict=True):
        assert_close(ours.double(), exact, rtol=1e-5, atol=1e-4)  # some steps are of 100


def test_a_small_gradient_feels_epsilon_once_its_square_has_faded() -> None:
    # S = 0.9^k nearly, below epsilon from k = 110 on: the step tends to rate x gradient / sqrt(epsilon)
    weight, memory, steps = {"w": torch.zeros(1, 1, 1, dtype=torch.double)}, Memory(), 400
    places = [0.0]
    for _ in range(steps):
        rmsprop(
            weight, {"w": torch.full((1, 1, 1), 1e-6, dtype=torch.double)}, memory, torch.ones(1).double()
        )
        places.append(weight["w"].item())
    assert places[-1] == pytest.approx(recurrence(0.0, [1e-6] * steps, [1.0] * steps), rel=1e-10)
    velocities = [before - after for before, after in zip(places[-3:], places[-2:], strict=False)]
    assert velocities[1] - 0.999 * velocities[0] == pytest.approx(1e-6 / math.sqrt(1e-5), rel=1e-3)


def test_rmsprop_at_rate_zero_stands_still_and_remembers_gradients() -> None:
    parameters, memory = drawn(0), Memory()
    rmsprop(parameters, drawn(1), memory, torch.zeros(2).double())
    assert_close(parameters, drawn(0), rtol=1e-14, atol=0)
    for step in (2, 3):
        rmsprop(parameters, drawn(step), memory, RATES)
    weights, gradients = (
        drawn(0)["bias"][1, 2].item(),
        [drawn(step)["bias"][1, 2].item() for step in (1, 2, 3)],
    )
    expected = recurrence(weights, gradients, [0.0, 0.02, 0.02])
    assert parameters["bias"][1, 2].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("optimiser", [descent, rmsprop])
def test_gradients_may_lie_in_memory_in_any_order_and_stay_as_they_are(optimiser: LocalOptimiser) -> None:
    results = []
    for order in (lambda value: value, lambda value: value.mT.contiguous().mT):
        parameters, memory = {"weight": drawn(0)["weight"]}, Memory()
        for step in (1, 2):
            gradient = order(drawn(step)["weight"])
            optimiser(parameters, {"weight": gradient}, memory, RATES)
            assert torch.equal(gradient, drawn(step)["weight"])
        results.append(parameters)
    assert_close(*results, rtol=0, atol=0)


@pytest.mark.parametrize("optimiser", [descent, rmsprop])
def test_a_member_of_nan_or_infinity_touches_no_other(optimiser: LocalOptimiser) -> None:
    results = []
    for spoilt in (1.0, torch.nan, torch.inf):
        parameters, memory = drawn(0), Memory()
        for step in (1, 2, 3):
            gradients = drawn(step)
            for gradient in gradients.values():
                gradient[0] *= spoilt
            optimiser(parameters, gradients, memory, RATES)
        results.append(parameters)
    for name in SHAPES:
        for result in results[1:]:
            assert not result[name][0].isfinite().any()
            assert torch.equal(result[name][1], results[0][name][1])


def test_descent_goes_down_every_members_gradient_at_its_rate_and_remembers_nothing() -> None:
    parameters, memory = drawn(0), Memory()
    descent(parameters, drawn(1), memory, RATES)
    for name, value in parameters.items():
        for member, rate in enumerate(RATES.tolist()):
            assert_close(
                value[member], drawn(0)[name][member] - rate * drawn(1)[name][member], rtol=1e-14, atol=0
            )
    assert memory == {}


def test_parameters_without_a_gradient_stay() -> None:
    for optimiser in (descent, rmsprop):
        parameters, memory = drawn(0), Memory()
        optimiser(parameters, {"bias": drawn(1)["bias"]}, memory, RATES)
        assert torch.equal(parameters["weight"], drawn(0)["weight"])
        assert not torch.equal(parameters["bias"], drawn(0)["bias"])
        assert not any("weight" in name for name in memory)
