# ruff: noqa: D101, D102 (their forward passes need no words)
"""What a probe refuses, in one line each, with everything left as it was; and what it takes of batches."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from probing.subjects import Given, data, given_perceptron, perceptron, sgd, state_of
from torch import nn

from movingtarget.probing.given import Batch, checked_network, kept, repeated, taken
from movingtarget.probing.probe import probe
from movingtarget.probing.refused import CannotMeasure


class Spare(nn.Module):
    """Has a layer that it does not call."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.spare = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, inputs: Any) -> Any:
        return self.used(inputs)


def with_network(network: Any) -> Given:
    given = given_perceptron()
    return given._replace(
        network=network, optimiser=sgd(network) if isinstance(network, nn.Module) else given.optimiser
    )


def with_loss(loss: Any) -> Given:
    return given_perceptron()._replace(loss=loss)


def with_batches(batches: Any) -> Given:
    return given_perceptron()._replace(batches=batches)


def with_optimiser(optimiser: Any) -> Given:
    given = given_perceptron()
    return given._replace(optimiser=optimiser(given.network) if callable(optimiser) else optimiser)


def raising() -> Iterator[Any]:
    yield data()[0]
    raise RuntimeError("the disc\nis full")


def not_finite(place: int, value: float) -> list[Any]:
    batches = data()
    batches[place][0][3, 2] = value
    return batches


def overflowing() -> nn.Sequential:
    network: Any = nn.Sequential(*[part for part in perceptron(3) if not isinstance(part, nn.Tanh)])
    with torch.no_grad():
        network[1].weight.fill_(3e38)
        network[1].weight[:, ::2] = -3e38
    return network


class Rateless(torch.optim.Optimizer):
    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, {})

    def step(self, closure: Any = None) -> Any:  # type: ignore[override]
        return None


REFUSED: dict[str, tuple[Any, str]] = {
    "no module": (
        lambda: with_network(print),
        "the network is builtin_function_or_method; allowed: a torch module",
    ),
    "no parameters": (
        lambda: given_perceptron()._replace(network=nn.Sequential(nn.Flatten(), nn.ReLU())),
        "Sequential has no parameters; allowed: at least one layer with some",
    ),
    "script": (
        lambda: with_network(torch.jit.script(nn.Linear(4, 3))),
        "the network is RecursiveScriptModule, whose parameters torch cannot replace; allowed",
    ),
    "meta": (
        lambda: with_network(nn.Linear(4, 3, device="meta")),
        "the network is on the meta device; allowed",
    ),
    "complex": (
        lambda: with_network(nn.Linear(4, 3, dtype=torch.cfloat)),
        "parameter 'weight' is complex; allowed: real numbers",
    ),
    "lazy": (lambda: with_network(nn.LazyLinear(3)), "parameter 'weight' has no shape yet; allowed"),
    "a layer never called": (
        lambda: with_network(Spare()),
        "layer 'spare' is never called; allowed: layers that run, or whose parameters are frozen",
    ),
    "a loss for each example": (
        lambda: with_loss(nn.CrossEntropyLoss(reduction="none")),
        "the loss of batch 0 is 16; allowed: a single number, such as the mean",
    ),
    "a loss of two axes": (
        lambda: with_loss(lambda outputs, _: outputs),
        "the loss of batch 0 is 16x3; allowed",
    ),
    "no loss": (lambda: with_loss("mean"), "the loss is str; allowed: a function of outputs and targets"),
    "a float": (lambda: with_loss(lambda *_: 0.5), "the loss is float; allowed: a tensor of one number"),
    "a loss of no parameter": (
        lambda: with_loss(lambda outputs, targets: targets.double().mean()),
        "the loss depends on no parameter of the network; allowed: one that can be trained",
    ),
    "a loss that is not finite": (
        lambda: with_loss(lambda outputs, targets: outputs.mean() / 0),
        "; allowed: a finite loss",
    ),
    "one example": (
        lambda: with_batches(data(examples=1)),
        "the first batch has 1 examples; allowed: tensors of two or more",
    ),
    "no tensors": (lambda: with_batches([([1.0], [2.0])] * 4), "the first batch has 0 examples; allowed"),
    "one batch": (lambda: with_batches(data(1)), "there are 1 batches of equal size; allowed: two or more"),
    "empty": (lambda: with_batches(iter([])), "there are 0 batches of equal size; allowed: two or more"),
    "raising": (lambda: with_batches(raising()), "drawing a batch raised RuntimeError: the disc is full ("),
    "a triple": (
        lambda: with_batches([(*pair, 1) for pair in data()]),
        "batch 0 is tuple of 3; allowed: a pair (inputs, targets), or a mapping",
    ),
    "a tensor": (lambda: with_batches(torch.ones(4, 3)), "batch 0 is Tensor; allowed: a pair"),
    "no iterable": (lambda: with_batches(3), "batches are int; allowed: something to iterate over"),
    "a NaN read": (
        lambda: with_batches(not_finite(1, torch.nan)),
        "batch 1 holds numbers that are not finite; allowed: finite ones",
    ),
    "a NaN held out": (
        lambda: with_batches(not_finite(3, torch.nan)),
        "batch 3 holds numbers that are not finite; allowed: finite ones",
    ),
    "a NaN made by a layer": (
        lambda: with_network(overflowing()),
        "the loss of batch 0 is nan, and layer '1' is the first whose outputs are not finite; allowed",
    ),
    "another's optimiser": (
        lambda: with_optimiser(sgd(perceptron())),
        "the optimiser has none of the network's parameters; allowed: some of them",
    ),
    "no optimiser": (lambda: with_optimiser(0.1), "the optimiser is float; allowed: a torch.optim.Optimizer"),
    "lbfgs": (
        lambda: with_optimiser(lambda network: torch.optim.LBFGS(network.parameters())),
        "the optimiser is LBFGS; allowed: one whose step() asks for no closure",
    ),
    "no rate": (
        lambda: with_optimiser(lambda network: Rateless(network.parameters())),
        "Rateless has a group of parameters without 'lr'; allowed: a rate in each",
    ),
}


@pytest.mark.filterwarnings("ignore:Lazy modules", "ignore:`torch.jit", "ignore:Complex modules")
@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_one_line_and_nothing_is_changed(name):
    given = REFUSED[name][0]()
    compared = isinstance(given.network, nn.Module) and name not in {"script", "meta", "lazy"}
    listed = given._replace(batches=given.batches if isinstance(given.batches, list) else [])
    compared = compared and isinstance(given.optimiser, torch.optim.Optimizer)
    before = str(state_of(listed)) if compared else ""
    with pytest.raises(CannotMeasure) as error:
        probe(*given)
    assert REFUSED[name][1] in str(error.value)
    assert "\n" not in str(error.value)
    assert (str(state_of(listed)) if compared else "") == before


def test_what_the_network_raises_is_its_own_error():
    given = with_batches(data(size=(5,)))
    before = state_of(given)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        probe(*given)
    assert state_of(given) == before


def test_a_layer_never_called_may_be_frozen():
    network = Spare()
    network.spare.requires_grad_(False)
    found = probe(*with_network(network))
    assert "activation_size" not in next(one for one in found.layers if one.name == "spare").measured


class Scaled(nn.Module):
    """It owns a parameter that it makes no use of."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.unused = perceptron(), nn.Parameter(torch.ones(3))

    def forward(self, inputs: Any) -> Any:
        """Logits."""
        return self.inner(inputs)


def test_a_parameter_of_the_network_itself_may_be_unused():
    assert "inner.0" in [one.name for one in probe(*with_network(Scaled())).layers]


@pytest.mark.parametrize("place", [0, 2, 4])
def test_any_layer_may_be_frozen(place):
    network = perceptron(3)
    network[place].requires_grad_(False)
    found = probe(*with_network(network))
    tried = {trial.name: trial for trial in found.trials}
    assert tried["one-layer-at-a-time"].drop is not None
    assert [one.layers for one in found.findings if one.name == "layer-frozen"] == [(str(place),)]


def test_only_as_many_batches_are_drawn_as_are_needed():
    drawn = []

    def endless() -> Iterator[Any]:
        while True:
            drawn.append(1)
            yield torch.ones(4, 2), torch.zeros(4)

    assert len(taken(endless(), 4)) == len(drawn) == 4
    with_odd = [(torch.ones(size, 2), torch.zeros(size)) for size in (4, 3, 4, 5, 4, 4)]
    assert [batch.examples for batch in taken(with_odd, 4)] == [4, 4, 4, 4]
    sizes = iter(range(2, 10**6))
    growing = ((torch.ones(size, 1), torch.zeros(size)) for size in sizes)
    with pytest.raises(CannotMeasure, match="1 batches of equal size"):
        taken(growing, 4)
    assert next(sizes) == 18  # 16 were drawn, and no more


def test_batches_are_pairs_or_mappings():
    inputs, targets = torch.ones(4, 2), torch.zeros(4)
    named = {"inputs": inputs, "labels": targets}
    pair, by_name = taken([[inputs, targets], named], 2)
    assert pair.inputs is inputs
    assert pair.targets is targets
    assert by_name == Batch(named, named)
    assert Batch((torch.tensor(1.0), [inputs]), None).examples == 4


def test_batches_that_draw_random_numbers_leave_no_trace():
    rows: Any = [(row, 0) for row in torch.ones(64, 4)]
    given = with_batches(torch.utils.data.DataLoader(rows, 16, shuffle=True))
    before = state_of(given._replace(batches=[]))
    probe(*given)
    assert state_of(given._replace(batches=[])) == before


def test_a_compiled_network_is_measured_through_its_original():
    given = given_perceptron()
    compiled: Any = torch.compile(given.network, backend="eager")
    assert checked_network(compiled) is given.network
    assert probe(compiled, *given[1:]) == probe(*given)


def test_a_loss_that_draws_numbers_draws_the_same():
    loss = repeated(nn.Linear(1, 1), lambda outputs, targets: torch.rand(()))
    state = torch.get_rng_state()
    assert loss(None, None) == loss(None, None)
    assert torch.equal(torch.get_rng_state(), state)


def test_tensors_of_batches_are_put_back():
    batch = Batch({"a": torch.ones(2)}, [torch.zeros(2)])
    with kept([batch]):
        batch.inputs["a"] += 1
        batch.targets[0] += 1
    assert batch.inputs["a"].tolist() == [1, 1]
    assert batch.targets[0].tolist() == [0, 0]
