# ruff: noqa: D101, D102 (their forward passes need no words)
"""What layers put out and what comes back to them, against loops over examples and units."""

import math
from typing import Any

import pytest
import torch
from probing.subjects import convnet, data, perceptron
from torch import Tensor, nn

from movingtarget.probing.given import Batch
from movingtarget.probing.observe import NEAR_THE_END, NOISE, dead_share, information_kept, observed


def seen_of(network: Any, batch: Any = None, loss: Any = nn.functional.cross_entropy) -> Any:
    return observed(network, loss, batch or Batch(*data(1)[0]), 0)


def information_by_hand(rows: list[list[float]]) -> float:
    """Kolchinsky & Tracey's lower bound, pair by pair, over the logarithm of how many there are."""
    size = math.sqrt(sum(value**2 for row in rows for value in row) / len(rows))
    total = 0.0
    for one in rows:
        near = 0.0
        for two in rows:
            distance = sum(((a - b) / size) ** 2 for a, b in zip(one, two, strict=True))
            near += math.exp(-distance / (8 * NOISE**2))
        total -= math.log(near / len(rows))
    return total / len(rows) / math.log(len(rows))


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e6])
def test_information_is_kept_whatever_the_size(scale):
    table = torch.randn(9, 3, dtype=torch.double) * 0.2 + 1
    assert information_kept(scale * table) == pytest.approx(information_by_hand(table.tolist()), rel=1e-6)
    assert 0.1 < information_kept(table) < 0.9


def test_information_at_its_ends():
    assert information_kept(torch.zeros(4, 2, dtype=torch.double)) == 0
    assert information_kept(torch.full((4, 2), 0.1, dtype=torch.double)) == 0
    assert information_kept(torch.eye(50, dtype=torch.double)) == pytest.approx(1, abs=1e-3)


def correlation_by_hand(rows: Tensor) -> float:
    pairs = [(rows[i] * rows[j]).sum().item() for i in range(len(rows)) for j in range(len(rows)) if i != j]
    squares = [(row * row).sum().item() for row in rows]
    return (sum(pairs) / len(pairs)) / (sum(squares) / len(squares))


def rank_by_hand(rows: Tensor) -> float:
    from movingtarget.networks.initialise import generator

    noise = torch.randn(rows.shape, generator=generator(0, "gaussian matrix"), dtype=torch.double)
    ranks = []
    for matrix in (rows, noise):
        singular = torch.linalg.svdvals(matrix)
        ranks.append((singular.square().sum() / singular[0] ** 2).item())
    return ranks[0] / ranks[1]


def test_gradients_of_examples_are_of_the_loss_at_a_layers_outputs():
    """By hand, from the second layer's outputs on."""
    network = perceptron(3).double()
    inputs, labels = data(1)[0]
    batch = Batch(inputs.double(), labels)
    below = network[:3](batch.inputs).detach().requires_grad_()
    nn.functional.cross_entropy(network[3:](below), labels).backward()
    found = seen_of(network, batch).quantities
    assert below.grad is not None
    assert found["gradient_correlation"]["2"] == pytest.approx(correlation_by_hand(below.grad))
    assert found["gradient_rank"]["2"] == pytest.approx(rank_by_hand(below.grad))
    assert found["information_kept"]["2"] == pytest.approx(information_by_hand(below.tolist()))


def test_a_layer_called_twice_and_changed_in_place():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.head = nn.Linear(4, 4), nn.Linear(4, 3)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.head(self.layer(self.layer(inputs).relu_()).mul_(2))

    network = Twice().double()
    inputs, labels = data(1)[0]
    first = network.layer(inputs.double()).detach().requires_grad_()
    second = network.layer(first.relu())
    second.retain_grad()
    nn.functional.cross_entropy(network.head(second * 2), labels).backward()
    found = seen_of(network, Batch(inputs.double(), labels)).quantities
    table = torch.cat([first.detach(), second.detach()], 1)
    assert found["activation_size"]["layer"] == pytest.approx(table.square().mean().sqrt().item())
    assert first.grad is not None
    slopes = torch.cat([first.grad, second.grad], 1)  # type: ignore[list-item]
    assert found["gradient_correlation"]["layer"] == pytest.approx(correlation_by_hand(slopes))


def test_dead_units_are_dead_for_every_example_place_and_call():
    slopes = torch.zeros(3, 4, 2, 2)
    slopes[1, 2, 0, 1] = 1e-30
    assert dead_share([slopes], axis=1) == 0.75
    other = torch.zeros(3, 4, 1, 1)
    other[0, 0] = -1
    assert dead_share([slopes, other], axis=1) == 0.5
    assert dead_share([slopes.movedim(1, -1)], axis=-1) == 0.75
    assert dead_share([torch.zeros(2, 5)], axis=1) == 1


def test_dead_rectifiers_of_layers():
    network: Any = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 3))
    with torch.no_grad():
        network[0].bias[:7] = -100
    found = seen_of(network).quantities["dead_share"]
    assert found["0"] >= 0.7
    assert found["2"] == 0
    image = convnet()
    with torch.no_grad():
        image[1].bias[0] = -100
    found = seen_of(image, Batch(*data(1, (1, 6, 6))[0])).quantities["dead_share"]
    assert found["1"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("activation", "ends"),
    [(nn.Tanh(), (-1, 1)), (nn.Sigmoid(), (0, 1)), (nn.Hardtanh(), (-1, 1)), (nn.Softsign(), (-1, 1))],
)
def test_saturated_units(activation, ends):
    network: Any = nn.Sequential(nn.Linear(4, 6), activation, nn.Linear(6, 3))
    with torch.no_grad():
        network[0].weight.mul_(10)
    inputs, labels = data(1)[0]
    outputs = network[:2](inputs).flatten().tolist()
    middle, half = sum(ends) / 2, (ends[1] - ends[0]) / 2
    expected = sum(abs(value - middle) > NEAR_THE_END * half for value in outputs) / len(outputs)
    found = seen_of(network, Batch(inputs, labels)).quantities["saturated_share"]
    assert found == {"0": pytest.approx(expected)}
    assert 0 < expected < 1 or isinstance(activation, nn.Softsign)


def test_layers_without_a_row_for_each_example_have_no_units():
    """Time comes first."""
    network = nn.Sequential(nn.RNN(4, 5), Last(), nn.Linear(5, 3))
    inputs = torch.randn(7, 16, 4)
    batch = Batch({"input": inputs}, torch.zeros(16, dtype=torch.long))
    found = seen_of(network, Batch(inputs, batch.targets))
    assert batch.examples == 16
    assert set(found.quantities["activation_size"]) == {"2"}
    assert found.entered[:2] == ["", "0"]


class Last(nn.Module):
    def forward(self, outputs: Any) -> Tensor:
        return outputs[0][-1]  # type: ignore[no-any-return]


def test_what_does_not_follow_from_a_layer_has_no_gradient():
    class Cut(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs.detach()

    network = nn.Sequential(nn.Linear(4, 5), Cut(), nn.Linear(5, 3))
    found = seen_of(network)
    assert found.gradient["0.weight"] is None
    assert found.gradient["2.weight"] is not None
    assert "0" in found.quantities["activation_size"]
    assert "0" not in found.quantities["dead_share"]


def test_a_layer_that_overflows_where_the_loss_does_not():
    network: Any = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    with torch.no_grad():
        network[0].bias.fill_(torch.inf)
    found = seen_of(network).quantities
    assert "0" not in found["information_kept"]
    assert "2" in found["information_kept"]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    network = perceptron(3).to(dtype)
    inputs, labels = data(1)[0]
    found = seen_of(network, Batch(inputs.to(dtype), labels))
    exact = seen_of(perceptron(3), Batch(inputs, labels))
    assert found.loss.dtype == dtype
    for name in exact.quantities:
        for layer, value in exact.quantities[name].items():
            assert found.quantities[name][layer] == pytest.approx(value, rel=0.1, abs=0.02)


def test_autocast_inside_the_network():
    class Cast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = perceptron(3)

        def forward(self, inputs: Tensor) -> Tensor:
            with torch.autocast("cpu", torch.bfloat16):
                return self.inner(inputs)  # type: ignore[no-any-return]

    found = seen_of(Cast())
    assert found.outputs.dtype == torch.bfloat16
    assert found.gradient["inner.0.weight"].dtype == torch.float32
    exact = seen_of(perceptron(3)).quantities["gradient_rank"]
    for layer, value in exact.items():
        assert found.quantities["gradient_rank"][f"inner.{layer}"] == pytest.approx(value, rel=0.1)


def test_a_network_that_is_one_layer():
    found = seen_of(nn.Linear(4, 3))
    assert set(found.quantities["activation_size"]) == {""}
    assert found.first is not None


def test_a_layer_all_of_whose_parameters_are_computed():
    network = perceptron()
    bare = nn.utils.parametrizations.weight_norm(nn.Linear(4, 8, bias=False))
    found = observed(nn.Sequential(bare, *network[1:]), nn.functional.cross_entropy, Batch(*data(1)[0]), 0)
    size = bare(data(1)[0][0]).square().mean().sqrt().item()
    assert found.quantities["activation_size"]["0"] == pytest.approx(size, rel=1e-5)
