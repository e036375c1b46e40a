"""When budgets are spent, against FLOPs counted over real courses."""

from itertools import pairwise
from statistics import mean

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor, nn

from movingtarget.networks import Architecture, build, build_random, stack
from movingtarget.networks.chain import chain
from movingtarget.networks.layers import Linear
from movingtarget.training import budgets, random_subset
from movingtarget.training.budgets import LONGEST, budget_ends, examples_in_a_step, flops_of_a_step
from movingtarget.training.by_name import rule_of
from movingtarget.training.interface import Batch
from movingtarget.training.random_subset import drawn_layers
from movingtarget.training.simultaneous import backpropagation_cost
from movingtarget.update_orders import UPDATE_ORDERS

GIVEN = {"iterations": 2, "gamma": 1.0, "steps": 10}
SIZES = (5, 6, 3, 4)
LAYERS = 4
BATCH = 8


def network(family: str = "plain") -> nn.Module:
    return build(Architecture(family, *SIZES, "relu"))


def counted(order: str, family: str, steps: int) -> list[float]:
    """FLOPs spent after each step of a real course at the batch size wanted."""
    member = build_random(Architecture(family, *SIZES, "relu"), 0)
    rule, parameters, memory = rule_of(order, GIVEN), stack([member]), dict[str, Tensor]()
    size, spent = examples_in_a_step(order, member, BATCH), [0.0]
    for _ in range(steps):
        batch = Batch(torch.randn(1, size, 5), torch.randint(4, (1, size)))
        outcome = rule(member, parameters, batch, memory, torch.tensor([0.05]))
        parameters, memory = outcome.parameters, outcome.memory
        spent.append(spent[-1] + outcome.cost.flops)
    return spent


@pytest.mark.parametrize("family", ["plain", "residual-batch-norm"])
@pytest.mark.parametrize("order", [name for name, order in UPDATE_ORDERS.items() if order.group != "remedy"])
def test_budgets_are_spent_at_their_ends(order: str, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To a step, and to 5 % where chance decides which layers move and few of its choices are probed."""
    monkeypatch.setattr(budgets, "PROBED", 100)
    sweeps, sweep = 60, "fresh" if UPDATE_ORDERS[order].fresh else "forward"
    ends = budget_ends(order, sweep, network(family), BATCH, sweeps, GIVEN)
    spent = counted(order, family, max(ends.values()))
    step = max(after - before for before, after in pairwise(spent))
    assert ends["sweep"] == sweeps
    for budget, other in {"flop": "simultaneous", "long-flop": sweep}.items():
        price = sweeps * (counted(other, family, 1)[1])
        if budget in ends:
            assert abs(spent[ends[budget]] - price) <= step + 0.05 * price
        else:
            assert price / (spent[-1] / (len(spent) - 1)) > LONGEST * sweeps * 0.95


@pytest.mark.parametrize("order", ["round-robin", "locoprop-m", "muon", "repeated-fresh"])
def test_a_steps_flops_are_those_of_the_batch_wanted(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Probed on small batches; of round robin the mean over whole rounds."""
    monkeypatch.setattr(budgets, "PROBED", 5 * LAYERS + 3)
    spent = counted(order, "plain", LAYERS)
    assert flops_of_a_step(order, network(), BATCH, GIVEN) == pytest.approx(spent[-1] / LAYERS, rel=1e-12)


@pytest.mark.parametrize("order", ["simultaneous", "stale"])
def test_simultaneous_steps_are_their_own_measure(order: str) -> None:
    ends = budget_ends(order, "forward", network(), BATCH, 30, GIVEN)
    assert (ends["sweep"], ends["flop"]) == (30, 30)
    assert flops_of_a_step(order, network(), BATCH, GIVEN) == backpropagation_cost(network(), BATCH).flops


@given(layers=st.integers(1, 24), width=st.integers(1, 6), batch_size=st.integers(1, 40))
@hypothesis_settings(max_examples=8)
def test_a_sweep_over_equal_layers_costs_a_third_of_their_number_and_two(
    layers: int, width: int, batch_size: int
) -> None:
    """(l + 2) / 3 simultaneous steps, the gradient of the inputs added to both, which leave it out."""
    equal = nn.Sequential(*(Linear(width, width) for _ in range(layers)))
    product = 2.0 * batch_size * width**2
    sweep, simultaneous = (
        flops_of_a_step(order, equal, batch_size, GIVEN) for order in ("forward", "simultaneous")
    )
    assert simultaneous == pytest.approx((3 * layers - 1) * product)
    assert sweep == pytest.approx((layers**2 + 2 * layers - 1) * product)
    assert (sweep + product) / (simultaneous + product) == pytest.approx((layers + 2) / 3)


def test_enough_steps_are_probed_for_subsets_to_average_out() -> None:
    """Of nine layers as in the study, to half a per cent of what 5000 steps cost."""
    links = chain(build(Architecture("plain", 784, 64, 8, 10, "relu")))
    costs = [random_subset._cost(links, drawn_layers(9, step), 64).flops for step in range(5000)]
    assert mean(costs[: budgets.PROBED]) == pytest.approx(mean(costs), rel=0.005)


def test_a_budget_that_takes_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "PROBED", 20)
    monkeypatch.setattr(budgets, "LONGEST", 1.5)
    assert set(budget_ends("round-robin", "forward", network(), BATCH, 100, GIVEN)) == {"sweep"}
    assert set(budget_ends("forward", "forward", network(), BATCH, 100, GIVEN)) == {
        "sweep",
        "flop",
        "long-flop",
    }


def test_a_budget_too_small_for_a_step_takes_one() -> None:
    ends = budget_ends("repeated", "forward", network(), BATCH, 1, GIVEN)
    assert ends == {"sweep": 1, "flop": 1, "long-flop": 1}


@pytest.mark.parametrize("order", UPDATE_ORDERS)
def test_only_orders_that_say_so_want_examples_for_each_layer(order: str) -> None:
    wanted = BATCH * LAYERS if order in ("fresh", "repeated-fresh") else BATCH
    assert examples_in_a_step(order, network(), BATCH) == wanted
