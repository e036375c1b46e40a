# ruff: noqa: D101, D102 (their forward passes need no words)
"""The whole probe: what it tells of networks with one thing wrong, in what order, and its notes."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from probing.subjects import Given, data, given_convnet, given_perceptron, given_transformer, perceptron, sgd
from torch import Tensor, nn

from movingtarget.probing.plan import Plan, planned
from movingtarget.probing.probe import probe
from movingtarget.probing.result import Result


class Cut(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.detach()


def found_in(given: Given, passes: int = 50) -> dict[str, tuple[str, ...]]:
    return {finding.name: finding.layers for finding in probe(*given, passes=passes).findings}


def changed(change: Callable[[Any], Any], given: Given | None = None) -> Given:
    """A case whose network was changed in place; the optimiser knows nothing of it."""
    given = given or given_perceptron(3)
    change(given.network)
    return given


def stepped_in_part(given: Given) -> Given:
    """The optimiser has the first layer only."""
    return given._replace(optimiser=sgd(given.network[0]))


def test_nothing_is_found_in_healthy_networks():
    for given in (given_perceptron(3), given_convnet(), given_transformer()):
        assert found_in(given) == {}


@pytest.mark.parametrize(
    ("given", "name", "layers"),
    [
        (lambda: changed(lambda network: network[2].requires_grad_(False)), "layer-frozen", ("2",)),
        (lambda: stepped_in_part(given_perceptron(3)), "layer-frozen", ("2", "4")),
        (lambda: changed(lambda network: network.insert(3, Cut())), "gradients-cut", ("0", "2")),
        (
            lambda: given_perceptron(3)._replace(loss=nn.CrossEntropyLoss(reduction="sum")),
            "loss-summed",
            (),
        ),
        (lambda: changed(lambda network: network.append(nn.Softmax(1))), "softmax-twice", ()),
    ],
)  # fmt: skip
def test_one_thing_is_wrong(given, name, layers):
    found = found_in(given())
    assert found[name] == layers


def test_a_rate_of_zero_leaves_every_layer_as_it_is():
    given = given_perceptron(2)
    assert found_in(given._replace(optimiser=sgd(given.network, 0.0)))["layer-frozen"] == ("0", "2")


def test_a_gradient_too_small_to_move_a_weight_is_no_frozen_layer():
    """In single precision the step of the lowest layer is lost in round-off."""
    given = given_perceptron(3)
    with torch.no_grad():
        given.network[4].weight.mul_(1e-9)
        given.network[2].weight.mul_(1e-3)
    assert "layer-frozen" not in found_in(given)


class Beside(nn.Module):
    """A layer whose outputs are not used."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.beside = perceptron(2), nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        self.beside(inputs)
        return self.inner(inputs)  # type: ignore[no-any-return]


def test_a_layer_that_decides_nothing_is_not_cut():
    network = Beside()
    given = Given(network, nn.functional.cross_entropy, data(), sgd(network))
    assert found_in(given) == {}


def test_layers_stand_in_the_order_of_a_pass():
    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.first = nn.Linear(5, 3), nn.Linear(4, 5)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.last(self.first(inputs).tanh())  # type: ignore[no-any-return]

    network = Backwards()
    found = probe(network, nn.functional.cross_entropy, data(), sgd(network))
    assert (
        [layer.name for layer in found.layers] == [block.name for block in found.blocks] == ["first", "last"]
    )
    assert found.parameters == sum(value.numel() for value in network.parameters())
    assert (found.batches, found.examples, found.optimiser, found.learning_rate) == (5, 16, "SGD", 0.1)


def same(one: Result, two: Result) -> bool:
    return repr(one) == repr(two)  # NaN is not equal to itself


@pytest.mark.parametrize("given", [given_convnet, given_transformer])
def test_a_probe_can_be_repeated(given):
    first = given()
    torch.manual_seed(5)
    one = probe(*first)
    torch.manual_seed(6)
    assert same(one, probe(*first))


def test_it_is_probed_in_inference_mode_and_without_gradients_too():
    given = given_perceptron(2)
    expected = probe(*given)
    with torch.no_grad():
        assert same(probe(*given), expected)
    with torch.inference_mode():
        assert same(probe(*given), expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_measured(dtype):
    network = perceptron(2).to(dtype)
    batches = [(inputs.to(dtype), labels) for inputs, labels in data()]
    found = probe(network, nn.functional.cross_entropy, batches, sgd(network))
    exact = probe(*given_perceptron(2))
    for one, two in zip(found.layers, exact.layers, strict=True):
        assert one.measured["gradient_norm"].estimate == pytest.approx(
            two.measured["gradient_norm"].estimate, rel=0.05
        )


def test_autocast_in_the_loss():
    given = given_perceptron(2)

    def loss(outputs: Tensor, labels: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return nn.functional.cross_entropy(outputs @ torch.eye(3), labels)

    found = probe(*given._replace(loss=loss))
    assert found.whole["loss"].estimate == pytest.approx(probe(*given).whole["loss"].estimate, rel=0.02)


def notes_of(given: Given, passes: int = 50) -> Mapping[str, bool]:
    words = ("stretches", "rows", "labels", "curvature", "gains of", "fewer")
    said = probe(*given, passes=passes).notes
    assert all(len(line.splitlines()) == 1 for line in said)
    return {
        word: any(word in line or (word == "rows" and "a row for" in line) for line in said) for word in words
    }


def test_notes_say_what_was_not_measured():
    nothing = dict.fromkeys(("stretches", "rows", "labels", "curvature", "gains of", "fewer"), False)
    given = given_perceptron(3)._replace(batches=data(examples=40))
    assert notes_of(given) == nothing
    assert notes_of(given._replace(batches=given.batches[:3])) == nothing | {"fewer": True}
    floats = [(inputs, inputs[:, :3]) for inputs, _ in given.batches]
    assert notes_of(Given(given.network, nn.functional.mse_loss, floats, given.optimiser)) == nothing | {
        "labels": True
    }
    assert notes_of(given_perceptron(9)._replace(batches=given.batches)) == nothing | {"stretches": True}
    whole = given._replace(
        loss=lambda outputs, labels: nn.functional.cross_entropy(outputs.view(40, 3), labels)
    )
    assert notes_of(whole) == nothing | {"gains of": True}


class First(nn.Module):
    """Of a row for each token, the first of each example."""

    def forward(self, rows: Tensor) -> Tensor:
        return rows[::2]


def test_layers_of_other_rows_are_noted():
    network = nn.Sequential(nn.Flatten(0, 1), nn.Linear(2, 3), First())
    batches = [(inputs.view(16, 2, 2), labels) for inputs, labels in data()]
    found = probe(network, nn.functional.cross_entropy, batches, sgd(network))
    (note,) = found.notes
    assert note.startswith("of layer '1' no finite outputs were seen with a row for each example")
    assert "activation_size" not in found.layers[0].measured


def test_as_many_passes_as_a_note_names_move_each_layer_alone():
    given = given_perceptron(9)._replace(batches=data(examples=40))
    (note,) = probe(*given).notes
    enough = Plan(9)
    needed = max(enough.forward, enough.backward)
    assert note == f"layers were moved alone in 4 stretches of several; {needed} passes move each alone"
    assert planned(9, needed).blocks == 9
    assert planned(9, needed - 1).blocks < 9


def test_a_loss_with_buffers_of_its_own_is_as_before():
    class Averaging(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.zeros(()))

        def forward(self, outputs: Tensor, labels: Tensor) -> Tensor:
            value = nn.functional.cross_entropy(outputs, labels)
            self.mean += value.detach()  # type: ignore[operator]
            return value

    loss: Any = Averaging()
    probe(*given_perceptron(2)._replace(loss=loss))
    assert loss.mean.item() == 0


def test_intervals_are_over_batches():
    found = probe(*given_perceptron(2))
    for layer in found.layers:
        assert layer.measured["gradient_norm"].low < layer.measured["gradient_norm"].estimate
        assert math.isnan(layer.measured["weight_gain"].low)
    assert found.whole["kept"].low < found.whole["kept"].estimate < found.whole["kept"].high


def test_a_network_that_is_one_layer():
    network = nn.Linear(4, 3)
    (layer,) = probe(network, nn.functional.cross_entropy, data(), sgd(network)).layers
    assert {"activation_size", "gradient_rank", "kept_alone"} <= set(layer.measured)
