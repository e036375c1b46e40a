"""Every measure on every kind of network, against what is slow and obvious, in double precision.

Slow is: a network of its own, into which values are written, called as a whole; its buffers and the seed as
they were; gradients by autograd; second derivatives by central differences of gradients. A measure is added
to `MEASURES`, a kind of network to `own_networks.KINDS`.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from own_networks import KINDS, Kind, made
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils._pytree import tree_map

from movingtarget.measures.curvature import block_curvatures
from movingtarget.measures.layers import layers_of
from movingtarget.measures.moving_target import (
    covariate_shift,
    drops,
    gradient_norms,
    gradients,
    input_drift,
    movement,
)
from movingtarget.measures.second_order import prices
from movingtarget.networks import Parameters

ALL = 10**4
"""More iterations than any network here has parameters."""


class Step(NamedTuple):
    """A kind, and parameters before and after a step that no gradient told."""

    kind: Kind
    before: Parameters
    after: Parameters


def step_of(name: str) -> Step:
    kind = made(name)
    before = {name: value.detach().clone() for name, value in kind.network.named_parameters()}
    after = {name: value + kind.step * torch.randn_like(value) for name, value in before.items()}
    return Step(kind, before, after)


class Slow:
    """The loss of a kind's network as a function of all its parameters in one vector."""

    def __init__(self, name: str) -> None:
        step, twin = step_of(name), made(name)
        self.network = (twin.plain or twin.network).double().requires_grad_()
        self.values = [*self.network.parameters()]
        self.inputs, self.labels, self.loss_of = twin.inputs, twin.labels, twin.loss or F.cross_entropy
        self.buffers = {name: value.clone() for name, value in self.network.named_buffers()}
        names = [name.removeprefix("_orig_mod.") for name in step.before]
        self.owner = [name for name, value in zip(names, self.values, strict=True) for _ in value.view(-1)]
        self.layers = named(step.kind, names)
        self.before, self.after = vector(step.before), vector(step.after)

    def outputs(self, point: Tensor) -> Any:
        """Of the whole network, at these parameters."""
        start = 0
        for value in self.values:
            value.data.copy_(point[start : start + value.numel()].view(value.shape))
            start += value.numel()
        for name, buffer in self.network.named_buffers():
            buffer.data = self.buffers[name].clone()
        torch.default_generator.manual_seed(0)
        inputs = tree_map(fresh, self.inputs)
        if isinstance(inputs, dict):
            return self.network(**inputs)
        return self.network(*inputs) if isinstance(inputs, (tuple, list)) else self.network(inputs)

    def loss(self, point: Tensor) -> Tensor:
        """Of the batch."""
        return self.loss_of(self.outputs(point), self.labels)

    def gradient(self, point: Tensor) -> Tensor:
        """Of the loss, in one vector."""
        found = torch.autograd.grad(self.loss(point), self.values, allow_unused=True, materialize_grads=True)
        return torch.cat([value.flatten() for value in found])

    def among(self, *layers: str) -> Tensor:
        """Which numbers belong to these layers, as 0 and 1."""
        names = {name for layer in layers for name in self.layers[layer]}
        return torch.tensor([name in names for name in self.owner]).double()

    def moved(self, *layers: str) -> Tensor:
        """The parameters, those of these layers as they are after the step."""
        return self.before + self.among(*layers) * (self.after - self.before)


def named(kind: Kind, names: Sequence[str]) -> dict[str, list[str]]:
    """The layers as told by hand; where only their names are, with the parameters that begin so."""
    if isinstance(kind.layers, Mapping):
        return {layer: [*held] for layer, held in kind.layers.items()}
    return {layer: [name for name in names if name.startswith(layer)] for layer in kind.layers}


def fresh(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    return value.clone().double() if value.is_floating_point() else value.clone()


def vector(values: Parameters) -> Tensor:
    return torch.cat([value.detach().double().flatten() for value in values.values()])


slow = cache(Slow)


@cache
def hessian(name: str) -> Tensor:
    of = slow(name)
    steps = 1e-5 * torch.eye(len(of.before)).double()
    rows = [of.gradient(of.before + step) - of.gradient(of.before - step) for step in steps]
    return torch.stack(rows) / 2e-5


# ours, and the same slowly; lists of tensors


def our_drops(step: Step) -> Sequence[Tensor]:
    kind = step.kind
    return drops(
        kind.network, step.before, step.after, kind.inputs, kind.labels, kind.loss, layers=kind.asked
    )


def slow_drops(name: str) -> Sequence[Tensor]:
    of = slow(name)
    start, slope = of.loss(of.before), of.gradient(of.before) * (of.before - of.after)
    single = [start - of.loss(of.moved(layer)) for layer in of.layers]
    promises = [(of.among(layer) * slope).sum() for layer in of.layers]
    joint = start - of.loss(of.moved(*of.layers))
    return [joint, torch.stack(single), torch.stack(promises).sum(), start, torch.stack(promises)]


def our_shift(step: Step) -> Sequence[Tensor]:
    kind = step.kind
    arguments = kind.inputs, kind.labels, kind.loss
    return covariate_shift(kind.network, step.before, step.after, *arguments, layers=kind.asked)


def slow_shift(name: str) -> Sequence[Tensor]:
    of = slow(name)
    below, found = list[str](), list[tuple[Tensor, Tensor]]()
    for layer in of.layers:
        old, new = (of.among(layer) * of.gradient(point) for point in (of.before, of.moved(*below)))
        found.append(((new - old).norm() / old.norm(), (old @ new) / (old.norm() * new.norm())))
        below.append(layer)
    return [torch.stack(values) for values in zip(*found, strict=True)]


def our_drift(step: Step) -> Sequence[Tensor]:
    kind = step.kind
    return [input_drift(kind.network, step.before, step.after, kind.inputs, layers=kind.asked)]


def slow_drift(name: str) -> Sequence[Tensor]:
    of = slow(name)
    before, after = (entering(of, point) for point in (of.before, of.after))
    return [torch.stack([(after[layer] - one).norm() / one.norm() for layer, one in before.items()])]


def entering(of: Slow, point: Tensor) -> dict[str, Tensor]:
    """All numbers among the arguments of every layer; of one that is no part that is called, of the whole."""
    seen: dict[str, list[Tensor]] = {layer: [] for layer in of.layers}
    parts = {name.replace("body.", "body._orig_mod."): part for name, part in of.network.named_modules()}

    def keep(layer: str) -> Any:
        return lambda part, places, names: seen[layer].extend(
            value.detach().clone().double().flatten()
            for value in [*places, *names.values()]
            if isinstance(value, Tensor)
        )

    handles = []
    for layer in seen:
        part = of.network if isinstance(parts[layer], nn.ParameterList) else parts[layer]
        handles.append(part.register_forward_pre_hook(keep(layer), with_kwargs=True))
    of.outputs(point)
    for handle in handles:
        handle.remove()
    return {layer: torch.cat(values) for layer, values in seen.items()}


def our_gradients(step: Step) -> Sequence[Tensor]:
    kind = step.kind
    return [*gradients(kind.network, step.before, kind.inputs, kind.labels, kind.loss).values()]


def slow_gradients(name: str) -> Sequence[Tensor]:
    of = slow(name)
    parts = of.gradient(of.before).split([value.numel() for value in of.values])
    return [part.view(value.shape) for part, value in zip(parts, of.values, strict=True)]


def our_prices(step: Step) -> Sequence[Tensor]:
    kind = step.kind
    return prices(
        kind.network, step.before, step.after, kind.inputs, kind.labels, kind.loss, layers=kind.asked
    )


def slow_prices(name: str) -> Sequence[Tensor]:
    of, matrix = slow(name), hessian(name)
    parts = [of.among(layer) * (of.after - of.before) for layer in of.layers]
    own = torch.stack([part @ matrix @ part for part in parts])
    whole = torch.stack(parts).sum(0)
    return [own / 2, (whole @ matrix @ whole - own.sum()) / 2]


def our_curvatures(step: Step) -> Sequence[Tensor]:
    kind = step.kind
    arguments = kind.inputs, kind.labels, ALL, ALL, 0, kind.loss
    return block_curvatures(kind.network, step.before, *arguments, layers=kind.asked)


def slow_curvatures(name: str) -> Sequence[Tensor]:
    of, matrix = slow(name), hessian(name)
    whole, *blocks = (
        torch.linalg.eigvalsh(matrix[own][:, own])[-1]
        for own in (of.among(*layers).bool() for layers in [[*of.layers], *([layer] for layer in of.layers)])
    )
    return [whole, torch.stack(blocks), whole / torch.stack(blocks).max()]


def our_movement(step: Step) -> Sequence[Tensor]:
    kind = step.kind
    layers = named(kind, [*step.before]) if kind.asked else layers_of(kind.network, kind.inputs)
    return [movement(layers, step.before, step.after)]


def slow_movement(name: str) -> Sequence[Tensor]:
    of = slow(name)
    change = [(of.among(layer) * (of.after - of.before)).norm() for layer in of.layers]
    return [torch.stack(change) / torch.stack([(of.among(layer) * of.before).norm() for layer in of.layers])]


def our_norms(step: Step) -> Sequence[Tensor]:
    kind = step.kind
    slopes = gradients(kind.network, step.before, kind.inputs, kind.labels, kind.loss)
    layers = named(kind, [*slopes]) if kind.asked else layers_of(kind.network, kind.inputs)
    return [gradient_norms(layers, slopes)]


def slow_norms(name: str) -> Sequence[Tensor]:
    of = slow(name)
    return [torch.stack([(of.among(layer) * of.gradient(of.before)).norm() for layer in of.layers])]


class Measure(NamedTuple):
    """One measure: ours, slowly, and the tolerance that its own error makes."""

    ours: Callable[[Step], Sequence[Tensor]]
    slow: Callable[[str], Sequence[Tensor]]
    tolerance: float = 0.0


MEASURES = {
    "drops": Measure(our_drops, slow_drops),
    "covariate_shift": Measure(our_shift, slow_shift),
    "input_drift": Measure(our_drift, slow_drift),
    "gradients": Measure(our_gradients, slow_gradients),
    "prices": Measure(our_prices, slow_prices, 1e-6),
    "block_curvatures": Measure(our_curvatures, slow_curvatures, 1e-6),
    "movement": Measure(our_movement, slow_movement),
    "gradient_norms": Measure(our_norms, slow_norms),
}

each = pytest.mark.parametrize("measure", MEASURES)
of_each = pytest.mark.parametrize("name", KINDS)


@of_each
@each
def test_the_value_is_the_slow_one(name: str, measure: str) -> None:
    step = step_of(name)
    found, expected = MEASURES[measure].ours(step), MEASURES[measure].slow(name)
    tolerance = max(step.kind.tolerance, MEASURES[measure].tolerance)
    for value, reference in zip(found, expected, strict=True):
        assert not value.requires_grad
        # in the size of the largest of them: a difference of losses is no nearer than they are
        size = max((one.abs().nan_to_num().max().item() for one in expected), default=1.0)
        assert_close(
            value.double(), reference.detach(), rtol=tolerance, atol=tolerance * size, equal_nan=True
        )


@of_each
def test_layers_are_those_told_by_hand(name: str) -> None:
    kind = made(name)
    if kind.asked is None:
        names = [name.removeprefix("_orig_mod.") for name, _ in kind.network.named_parameters()]
        found = layers_of(kind.network, kind.inputs)
        assert [*found.items()] == [*named(kind, names).items()]


def state(network: nn.Module) -> list[Any]:
    """All there is of a network and of random numbers: values, and which objects hold them."""
    numbers: Any = np.random.get_state(legacy=False)
    found: list[Any] = [random.getstate(), numbers["state"]["pos"], numbers["state"]["key"].tobytes()]
    found.append(torch.get_rng_state().numpy().tobytes())
    for part in network.modules():
        for name, value in vars(part).items():
            found.append((name, id(value)))
            if isinstance(value, (dict, list, set)):
                found.append([(str(key), id(key)) for key in value])
            if isinstance(value, dict):
                found.append([id(one) for one in value.values()])
            if isinstance(value, (bool, int)):
                found.append(value)
    for value in [*network.parameters(), *network.buffers()]:
        found += [id(value), value.requires_grad, value.tolist(), id(value.grad)]
        found += [] if value.grad is None else [value.grad.tolist()]
    return found


def with_gradients(network: nn.Module) -> None:
    for place, value in enumerate(network.parameters()):
        if place % 2:
            value.grad = torch.randn_like(value)


@of_each
@each
def test_the_network_is_as_before(name: str, measure: str) -> None:
    step = step_of(name)
    with_gradients(step.kind.network)
    inputs, before = tree_map(fresh, step.kind.inputs), state(step.kind.network)
    MEASURES[measure].ours(step)
    assert state(step.kind.network) == before
    assert_close(tree_map(fresh, step.kind.inputs), inputs, rtol=0, atol=0)


class BrokenError(Exception):
    """Raised by a network in the midst of it."""


@of_each
@pytest.mark.parametrize("measure", [measure for measure in MEASURES if measure != "movement"])
def test_the_network_is_as_before_when_it_breaks(name: str, measure: str) -> None:
    # in the midst of its first call, and in the first layer of the second, if there is one
    for place, layer in ((1, -1), (2, 0)):
        step = step_of(name)
        network = step.kind.network
        with_gradients(network)
        break_at(place, called_layers(step.kind)[layer])
        before = state(network)
        with pytest.raises(BrokenError) if measure in ("drops", "covariate_shift") else suppress(BrokenError):
            MEASURES[measure].ours(step)
        assert state(network) == before


def called_layers(kind: Kind) -> list[nn.Module]:
    network = getattr(kind.network, "_orig_mod", kind.network)
    layers = [network.get_submodule(layer) for layer in kind.layers]
    return [layer for layer in layers if not isinstance(layer, nn.ParameterList)]


def break_at(place: int, part: nn.Module) -> None:
    """Have a part raise when it is called for so many times."""
    calls, forward = [], part.forward

    def breaks(*places: Any, **names: Any) -> Any:
        calls.append(places)
        if len(calls) == place:
            raise BrokenError
        return forward(*places, **names)

    vars(part)["forward"] = breaks
