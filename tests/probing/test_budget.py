"""No more passes are made than are said beforehand, and no more are said than allowed."""

import pytest
import torch
from probing.subjects import GIVEN, counted
from torch import Tensor

from movingtarget.probing.plan import Plan, planned
from movingtarget.probing.probe import probe
from movingtarget.probing.refused import CannotMeasure


@pytest.mark.parametrize(
    ("name", "passes"),
    [*((name, 50) for name in GIVEN), ("perceptron", 60), ("convnet", 100), ("one layer", 400)],
)
def test_no_part_is_called_more_often_than_said(name, passes):
    """Of a chain measured link by link only parts are called, hence every part is counted."""
    given = GIVEN[name]()
    lines: list[str] = []
    calls: dict[str, int] = {}
    counted(given.network, calls)
    found = probe(*given, passes, lines.append)
    assert lines[0] == (
        f"at most {found.passes.forward} passes forward and {found.passes.backward} backward, "
        f"of {passes} allowed"
    )
    assert found.passes.forward <= passes
    assert found.passes.backward <= passes
    assert 20 < max(calls.values()) <= found.passes.forward


@pytest.mark.parametrize("name", GIVEN)
def test_passes_backward(name, monkeypatch):
    """Each call of torch.autograd.grad is a pass; one through a graph of gradients is two."""
    given, calls, found = GIVEN[name](), [], torch.autograd.grad

    def grad(outputs, inputs, grad_outputs=None, **options):
        calls.append(1 if grad_outputs is None else 2)
        return found(outputs, inputs, grad_outputs, **options)

    monkeypatch.setattr(torch.autograd, "grad", grad)
    monkeypatch.setattr(Tensor, "backward", None)
    passes = probe(*given).passes
    assert 20 < sum(calls) <= passes.backward <= 50


def test_too_few_passes_are_refused_before_anything_is_called():
    given = GIVEN["perceptron"]()
    calls: dict[str, int] = {}
    counted(given.network, calls)
    least = Plan(2)
    needed = max(least.forward, least.backward)
    with pytest.raises(CannotMeasure, match=rf"^passes is {needed - 1}; allowed: at least {needed}$"):
        probe(*given, passes=needed - 1)
    assert not calls
    assert probe(*given, passes=needed).passes.forward == needed


@pytest.mark.parametrize("layers", [1, 2, 3, 7, 50])
def test_more_passes_never_plan_less(layers):
    plans = [planned(layers, passes) for passes in range(45, 400, 7)]
    for plan, passes in zip(plans, range(45, 400, 7), strict=True):
        assert max(plan.forward, plan.backward) <= passes
        assert plan.blocks <= layers
        assert plan.shifts <= plan.batches
    blocks = [plan.blocks for plan in plans]
    assert blocks == sorted(blocks)
    largest = planned(layers, 10_000)
    assert largest == Plan(layers, 5, 5, 5)


def by_hand(plan: Plan) -> tuple[int, int]:
    """Every pass, one after the other."""
    forward = backward = 0
    for _ in range(plan.batches):  # looked at, then all blocks moved, then each alone
        forward, backward = forward + 1, backward + 1
        forward += 1 + plan.blocks
    forward += 1 + plan.blocks  # at a matched promise
    for _ in range(plan.shifts):
        for _ in range(plan.blocks - 1):
            forward, backward = forward + 1, backward + 1
    forward, backward = forward + 2, backward + 2  # both graphs of curvature
    backward += 2 * 6 + 2  # Lanczos, and a product with the step
    forward += 1  # the loss to start from
    for known in (True, True, True, True, False, False):
        forward, backward = forward + plan.steps - known, backward + plan.steps - known
        forward += 1  # the loss afterwards
    return forward + 1, backward  # what decides the outputs


@pytest.mark.parametrize("plan", [Plan(1), Plan(2), Plan(4, 3, 2, 3), Plan(9, 5, 4, 5)])
def test_the_plan_counts_every_pass(plan):
    assert (plan.forward, plan.backward) == by_hand(plan)
    assert plan.read == plan.batches + 1
