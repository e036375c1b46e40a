# ruff: noqa: D101, D102 (their forward passes need no words)
"""Everything measured of layers and steps, against slow and obvious computations in float64."""

import copy
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from probing.subjects import Given, convnet, data, of_logits, perceptron, tokens
from probing.subjects import Transformer as Tokens
from torch import Tensor, nn

from movingtarget.measures.moving_target import covariate_shift
from movingtarget.probing.curved import curvature, step_curvature
from movingtarget.probing.given import Batch, Subject
from movingtarget.probing.measured import Measured, measured, members, noise, stretches
from movingtarget.probing.moved import MATCHED
from movingtarget.probing.plan import Plan
from movingtarget.probing.refused import CannotMeasure
from movingtarget.statistics.bootstrap import Interval

BATCHES = 3
"""Of which the last is not stepped on."""


class Shared(nn.Module):
    """A layer that is called twice, a tuple of outputs, a frozen layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.twice, self.head = nn.Linear(4, 5), nn.Linear(5, 5), nn.Linear(5, 3)
        self.first.requires_grad_(False)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.twice(self.twice(self.first(inputs)).tanh()).tanh()
        return self.head(hidden), hidden


class Tied(nn.Module):
    """An output layer that is the embedding, and a layer for each token."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.mix = nn.Embedding(7, 4), nn.Linear(4, 4)
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"logits": self.head(self.mix(self.embed(tokens)).tanh().mean(1))}


def in_double(given: Given) -> Given:
    def wide(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.double() if value.is_floating_point() else value
        return (
            {name: wide(part) for name, part in value.items()}
            if isinstance(value, dict)
            else tuple(map(wide, value))
        )

    given.network.double()
    return given._replace(batches=[wide(batch) for batch in given.batches])


def with_momentum(network: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        [value for value in network.parameters() if value.requires_grad], 0.1, momentum=0.9
    )


def case(network: nn.Module, loss: Any, batches: list[Any]) -> Given:
    torch.manual_seed(3)
    for value in network.parameters():
        value.data += 0.2 * torch.randn_like(value)
    return in_double(Given(network, loss, batches[:BATCHES], with_momentum(network)))


CASES: dict[str, Callable[[], Given]] = {
    "chain": lambda: case(perceptron(3), nn.functional.cross_entropy, data()),
    "convnet": lambda: case(convnet(), nn.CrossEntropyLoss(), data(size=(1, 6, 6))),
    "dropout, tokens": lambda: case(Tokens(), of_logits, tokens()),
    "called twice": lambda: case(
        Shared(), lambda outputs, labels: nn.functional.cross_entropy(outputs[0], labels), data()
    ),
    "tied": lambda: case(Tied(), of_logits, tokens()),
}


class Known:
    """A case and what was measured of it."""

    def __init__(self, name: str) -> None:
        self.given = CASES[name]()
        network, loss, batches, optimiser = self.given
        self.batches = [
            Batch(batch, batch) if isinstance(batch, dict) else Batch(*batch) for batch in batches
        ]
        subject = Subject(network, loss, tuple(self.batches), optimiser)
        count = len([part for part in network.modules() if [*part.parameters(recurse=False)]])
        self.found: Measured = measured(subject, Plan(count, BATCHES - 1, BATCHES - 1), lambda line: None)
        self.parameters = {name: value.detach().clone() for name, value in network.named_parameters()}

    def outputs(self, network: nn.Module, place: int) -> Any:
        """As in training, from one seed."""
        torch.manual_seed(0)
        inputs = self.batches[place].inputs
        return network(**inputs) if isinstance(inputs, dict) else network(inputs)

    def loss(self, parameters: dict[str, Tensor], place: int) -> float:
        """Of a copy of the network with other parameters."""
        network = copy.deepcopy(self.given.network)
        with torch.no_grad():
            for name, value in network.named_parameters():
                value.copy_(parameters[name])
        return self.given.loss(self.outputs(network, place), self.batches[place].targets).item()

    def stepped(self, place: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Gradient and parameters after a step of a copy; the case's optimisers have no history."""
        network = copy.deepcopy(self.given.network)
        optimiser = with_momentum(network)
        self.given.loss(self.outputs(network, place), self.batches[place].targets).backward()
        own = dict(network.named_parameters())
        gradient = {
            name: torch.zeros_like(value) if value.grad is None else value.grad.clone()
            for name, value in own.items()
        }
        optimiser.step()
        return gradient, {name: value.detach() for name, value in own.items()}

    def mean(self, value: Callable[[int], float]) -> float:
        return sum(value(place) for place in range(BATCHES - 1)) / (BATCHES - 1)


@pytest.fixture(scope="module", params=CASES)
def known(request: Any) -> Known:
    return Known(request.param)


def close(found: Interval, expected: float, tolerance: float = 1e-9) -> None:
    if math.isnan(expected):
        assert math.isnan(found.estimate)
    else:
        assert found.estimate == pytest.approx(expected, rel=tolerance, abs=1e-12)


def norm(values: dict[str, Tensor], names: list[str]) -> float:
    return math.sqrt(sum(values[name].square().sum().item() for name in names))


def less(one: dict[str, Tensor], two: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value - two[name] for name, value in one.items()}


def test_gradients_and_steps_of_layers(known):
    (one, after_one), (two, after_two) = (known.stepped(place) for place in range(BATCHES - 1))
    for layer in known.found.of_layers:
        own = known.found.layers[layer.name]
        close(layer.measured["gradient_norm"], (norm(one, own) + norm(two, own)) / 2)
        moved_by = [norm(less(after, known.parameters), own) for after in (after_one, after_two)]
        close(layer.measured["update_ratio"], sum(moved_by) / 2 / norm(known.parameters, own))
        mean = {name: (one[name] + two[name]) / 2 for name in own}
        if norm(mean, own):
            spread = math.sqrt(norm(less(mean, one), own) ** 2 + norm(less(mean, two), own) ** 2)
            close(layer.measured["gradient_noise"], spread / norm(mean, own))
        else:
            assert "gradient_noise" not in layer.measured


def alone_and_together(
    known: Known, place: int, scale: float = 1.0
) -> tuple[float, float, list[float], list[float]]:
    """F, J, each layer's F and its drop."""
    gradient, after = known.stepped(place)
    after = {name: value + scale * (after[name] - value) for name, value in known.parameters.items()}
    start = known.loss(known.parameters, place)
    promises = [
        sum((gradient[name] * (known.parameters[name] - after[name])).sum().item() for name in own)
        for own in known.found.blocks.values()
    ]
    single = [
        start - known.loss({**known.parameters, **{name: after[name] for name in own}}, place)
        for own in known.found.blocks.values()
    ]
    return sum(promises), start - known.loss(after, place), promises, single


def test_what_steps_keep(known):
    found, whole = known.found, known.found.whole
    assert [block.name for block in found.of_blocks] == [*found.layers]
    by_hand = [alone_and_together(known, place) for place in range(BATCHES - 1)]
    starts = [known.loss(known.parameters, place) for place in range(BATCHES - 1)]
    close(whole["loss"], known.mean(lambda place: starts[place]))
    close(whole["promise"], known.mean(lambda place: by_hand[place][0] / starts[place]))
    close(whole["kept"], known.mean(lambda place: by_hand[place][1] / by_hand[place][0]))
    close(whole["kept_alone"], known.mean(lambda place: sum(by_hand[place][3]) / by_hand[place][0]))
    close(
        whole["interaction"],
        known.mean(lambda place: (sum(by_hand[place][3]) - by_hand[place][1]) / by_hand[place][0]),
        1e-7,
    )
    for number, block in enumerate(found.of_blocks):
        parts = [(one[2][number], one[3][number], one[0]) for one in by_hand]
        close(block.measured["promise_share"], sum(part / total for part, _, total in parts) / 2)
        if any(part for part, _, _ in parts):
            close(block.measured["kept_alone"], sum(drop / part for part, drop, _ in parts) / 2, 1e-7)
        else:
            assert "kept_alone" not in block.measured


def test_the_same_step_at_a_matched_promise(known):
    scale = MATCHED * known.loss(known.parameters, 0) / alone_and_together(known, 0)[0]
    promise, joint, _, single = alone_and_together(known, 0, scale)
    assert promise == pytest.approx(MATCHED * known.loss(known.parameters, 0))
    close(known.found.whole["matched_kept"], joint / promise, 1e-7)
    close(known.found.whole["matched_interaction"], (sum(single) - joint) / promise, 1e-6)


def test_how_far_targets_move(known):
    network, loss, _, _ = known.given
    shifts = []
    for place in range(BATCHES - 1):
        batch = known.batches[place]
        _, after = known.stepped(place)
        found = covariate_shift(
            network, {}, after, batch.inputs, batch.targets, loss, layers=known.found.blocks
        )
        shifts.append(found.relative.tolist())
    assert "target_shift" not in known.found.of_blocks[0].measured
    for number, block in enumerate(known.found.of_blocks[1:], 1):
        expected = sum(shift[number] for shift in shifts) / 2
        if math.isnan(expected):
            assert "target_shift" not in block.measured
        else:
            close(block.measured["target_shift"], expected, 1e-7)


def test_curvature(known):
    """By the Hessian as a matrix, whose largest eigenvalue Lanczos comes near to from below."""
    names = [name for own in known.found.blocks.values() for name in own]
    start = torch.cat([known.parameters[name].flatten() for name in names])
    batch = known.batches[0]

    def of_vector(vector: Tensor) -> Tensor:
        pieces = vector.split([known.parameters[name].numel() for name in names])
        values = {n: p.view_as(known.parameters[n]) for n, p in zip(names, pieces, strict=True)}
        torch.manual_seed(0)
        inputs = batch.inputs
        places, named = ((), inputs) if isinstance(inputs, dict) else ((inputs,), {})
        buffers = {name: value.clone() for name, value in known.given.network.named_buffers()}
        outputs = torch.func.functional_call(known.given.network, {**buffers, **values}, places, named)
        return known.given.loss(outputs, batch.targets)

    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        slope = torch.autograd.functional.jacobian(of_vector, start)
        if len(start) <= 250:
            hessian = torch.autograd.functional.hessian(of_vector, start)
            largest = torch.linalg.eigvalsh(hessian)[-1].item()
            found = known.found.whole["curvature"].estimate
            assert 0.9 * largest < found < 1.0000001 * largest
        _, after = known.stepped(0)
        step = torch.cat([(after[name] - known.parameters[name]).flatten() for name in names])
        product = torch.autograd.functional.vhp(of_vector, start, step)[1]
    promise = -(slope @ step)
    close(known.found.whole["step_curvature"], (step @ product / 2 / promise).item(), 1e-8)


def pieces(tensor: Any, axis: int) -> list[Tensor]:
    return [*tensor.movedim(axis, 0)]


def test_units_of_layers(known):
    """Outputs and their gradients by retain_grad; every unit by itself."""
    of_batches: list[dict[str, list[Tensor]]] = []
    for place in range(BATCHES - 1):
        network = copy.deepcopy(known.given.network)
        seen: dict[str, list[Any]] = {}

        def keep(name: str, seen: Any) -> Any:
            def hook(part: Any, inputs: Any, output: Any) -> None:
                held = output[0] if isinstance(output, tuple) else output
                if held.requires_grad:
                    held.retain_grad()
                seen.setdefault(name, []).append(held)

            return hook

        for name, part in network.named_modules():
            if name in known.found.layers:
                part.register_forward_hook(keep(name, seen))
        for part in network.modules():
            part.inplace = False
        known.given.loss(known.outputs(network, place), known.batches[place].targets).backward()
        of_batches.append(seen)
    network = known.given.network
    for layer in known.found.of_layers:
        if layer.name not in of_batches[0]:
            continue
        sizes, dead = [], []
        for seen in of_batches:
            numbers = [value for call in seen[layer.name] for value in call.flatten().tolist()]
            sizes.append(math.sqrt(sum(value**2 for value in numbers) / len(numbers)))
            slopes = [call.grad for call in seen[layer.name]]
            if any(slope is None for slope in slopes):
                continue
            axis = 1 if isinstance(network.get_submodule(layer.name), (nn.Conv2d, nn.BatchNorm2d)) else -1
            units = zip(*(pieces(slope, axis) for slope in slopes), strict=True)
            none = [all(float(part.abs().max()) == 0 for part in unit) for unit in units]
            dead.append(sum(none) / len(none))
        close(layer.measured["activation_size"], sum(sizes) / len(sizes))
        if dead:
            close(layer.measured["dead_share"], sum(dead) / len(dead))
        else:
            assert "dead_share" not in layer.measured


def test_weights_gain(known):
    for layer in known.found.of_layers:
        weight: Any = getattr(known.given.network.get_submodule(layer.name), "weight", None)
        if layer.kind in ("Linear", "Conv2d"):
            rows = [row.flatten().tolist() for row in weight]
            squares = sum(value**2 for row in rows for value in row)
            close(layer.measured["weight_gain"], math.sqrt(squares / len(rows)))
        elif layer.kind != "MultiheadAttention":  # it owns a Linear that is never called by itself
            assert "weight_gain" not in layer.measured


def test_a_layer_knows_all_that_its_block_does(known):
    for layer, block in zip(known.found.of_layers, known.found.of_blocks, strict=True):
        assert block.measured.items() <= layer.measured.items()
        assert layer.parameters == sum(
            known.parameters[name].numel() for name in known.found.layers[layer.name]
        )
        assert block.layers == ()


def test_lanczos_is_exact_for_few_parameters():
    network = nn.Sequential(nn.Linear(2, 1), nn.Tanh(), nn.Linear(1, 1)).double()
    inputs, targets = torch.randn(8, 2).double(), torch.randn(8, 1).double()
    given = Given(network, nn.functional.mse_loss, [(inputs, targets)] * 2, with_momentum(network))
    subject = Subject(network, given.loss, (Batch(inputs, targets), Batch(inputs, targets)), given.optimiser)
    found = measured(subject, Plan(2, 1), lambda line: None)
    values = [value.detach() for value in network.parameters()]

    def of(*parts: Tensor) -> Tensor:
        hidden = torch.tanh(inputs @ parts[0].T + parts[1])
        return nn.functional.mse_loss(hidden @ parts[2].T + parts[3], targets)

    blocks = torch.autograd.functional.hessian(of, tuple(values))
    matrix = torch.cat(
        [torch.cat([blocks[i][j].reshape(values[i].numel(), -1) for j in range(4)], 1) for i in range(4)]
    )
    assert found.whole["curvature"].estimate == pytest.approx(torch.linalg.eigvalsh(matrix)[-1].item())
    assert found.whole["curvature"] == curvature_of(subject, found)
    assert math.isnan(found.whole["loss"].low)


def curvature_of(subject: Subject, found: Measured) -> Any:
    step = found.steps[0]
    assert found.whole["step_curvature"].estimate == step_curvature(
        subject.network, subject.loss, found.blocks, step
    )
    return pytest.approx(
        (curvature(subject.network, subject.loss, found.blocks, step), math.nan, math.nan), nan_ok=True
    )


class Once(torch.autograd.Function):
    """Has no second derivative."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        return value * 2

    @staticmethod
    def backward(context: Any, slope: Tensor) -> Tensor:  # type: ignore[override]
        if torch.is_grad_enabled():
            raise RuntimeError("derivative of backward is not implemented")
        return slope * 2


class Twofold(nn.Linear):
    def forward(self, inputs: Tensor) -> Tensor:
        return Once.apply(super().forward(inputs).tanh())  # type: ignore[no-any-return]


def test_without_second_derivatives_there_is_no_curvature():
    network = nn.Sequential(Twofold(4, 5), nn.Linear(5, 3))
    batches = tuple(Batch(*batch) for batch in data(3))
    subject = Subject(network, nn.functional.cross_entropy, batches, with_momentum(network))
    found = measured(subject, Plan(2, 2), lambda line: None).whole
    assert "kept" in found
    assert "curvature" not in found


def test_losses_below_zero_promise_no_less():
    network = perceptron()
    batches = tuple(Batch(*batch) for batch in data(2))
    promises = []
    for offset in (0.0, -100.0):

        def loss(outputs: Any, labels: Any) -> Tensor:
            return nn.functional.cross_entropy(outputs, labels) + offset  # noqa: B023

        found = measured(
            Subject(network, loss, batches, with_momentum(network)), Plan(2, 1), lambda line: None
        )
        promises.append(found.whole["promise"].estimate * abs(found.whole["loss"].estimate))
        assert found.whole["matched_kept"].estimate > 0
    assert promises[0] == pytest.approx(promises[1], rel=1e-4)
    assert promises[0] > 0


def test_noise():
    rows = [torch.tensor([1.0, 0.0]), torch.tensor([3.0, 0.0]), torch.tensor([2.0, 3.0])]
    # mean (2, 1); squared distances 2, 2 and 4; over two, and the norm of the mean
    assert noise(rows) == pytest.approx(2 / math.sqrt(5))
    assert math.isnan(noise(rows[:1]))
    assert math.isnan(noise([torch.ones(1), -torch.ones(1)]))


@pytest.mark.parametrize(("layers", "count"), [(1, 1), (5, 2), (7, 3), (50, 4), (3, 9)])
def test_stretches_hold_every_layer_once_in_order(layers, count):
    owned = {str(number): [f"{number}.weight", f"{number}.bias"] for number in range(layers)}
    found = stretches(owned, count)
    assert [name for own in found.values() for name in own] == [
        name for own in owned.values() for name in own
    ]
    assert len(found) == min(layers, count)
    sizes = [len(own) for own in found.values()]
    assert max(sizes) - min(sizes) <= 2
    for name, own in found.items():
        held = members(owned, own)
        assert name == (f"{held[0]} to {held[-1]}" if held else name)
        assert len(held) != 1


def test_blocks_of_several_layers():
    network = perceptron(5)
    batches = tuple(Batch(*batch) for batch in data(3))
    subject = Subject(network, nn.functional.cross_entropy, batches, with_momentum(network))
    found = measured(subject, Plan(2, 2), lambda line: None)
    assert [block.layers for block in found.of_blocks] == [("0", "2"), ("4", "6", "8")]
    assert all("kept_alone" not in layer.measured for layer in found.of_layers)
    for one, two in pairwise(found.of_blocks):
        assert one.kind == two.kind == "several"
        assert one.measured["promise_share"].estimate + two.measured[
            "promise_share"
        ].estimate == pytest.approx(1)


def test_a_layer_that_no_batch_calls_is_named():
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head, self.spare = nn.Linear(4, 3), nn.Linear(4, 3)

        def forward(self, inputs: Tensor) -> Any:
            return self.head(inputs) if inputs[0, 0] > -10 else self.spare(inputs)

    network = Unused()
    batches = tuple(Batch(*batch) for batch in data(3))
    subject = Subject(network, nn.functional.cross_entropy, batches, with_momentum(network))
    with pytest.raises(CannotMeasure, match="layer 'spare' is never called"):
        measured(subject, Plan(2, 2), lambda line: None)
    batches[1].inputs[0, 0] = -20  # now one batch does
    assert "spare" in measured(subject, Plan(2, 2), lambda line: None).layers
