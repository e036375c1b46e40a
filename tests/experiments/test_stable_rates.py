"""The search for the largest rate, against limits known beforehand, and what counts as learning."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.experiments import stable_rates
from movingtarget.experiments.stable_rates import DOUBLINGS, UNLEARNED, largest_rates, measure
from movingtarget.networks import Architecture, Parameters, build_random, stack
from movingtarget.training.interface import Batch, Cost, Outcome
from movingtarget.training.simultaneous import simultaneous

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
FINEST = 2 ** (2**-5)
"""Two rates between which the search does not tell."""

SETTINGS: dict[str, Any] = {
    "regime": "minibatch",
    "order": "simultaneous",
    "network": "plain",
    "examples": 12,
    "sweeps": 12,
    "seeds": [4, 1, 7],
    "hidden_width": 8,
    "depth": 2,
    "activation": "relu",
    "initial_weights": "normal",
    "evaluation_examples": 60,
    "given": {"iterations": 2, "gamma": 1.0},
}
SEARCH = pd.DataFrame(
    {
        **{"regime": "minibatch", "network": "plain", "order": "simultaneous", "budget": "sweep"},
        **{"learning_rate": [0.05, 0.1], "seed": 100, "train_loss": [1.0, 0.5], "place": ["tried", "best"]},
    }
)


@given(limits=st.lists(st.floats(1e-7, 1e6, width=64), min_size=1, max_size=6), start=st.floats(0.01, 1.0))
def test_the_largest_rate_lies_within_a_32nd_of_an_octave_below_the_limit(
    limits: list[float], start: float
) -> None:
    found = largest_rates(
        lambda rates: rates <= torch.tensor(limits, dtype=torch.float64),
        torch.full((len(limits),), start, dtype=torch.float64),
    )
    for limit, rate in zip(limits, found.tolist(), strict=True):
        if limit < start / 2**DOUBLINGS:
            assert math.isnan(rate)
        elif limit >= start * 2**DOUBLINGS:
            assert rate == math.inf
        else:
            assert limit / FINEST * (1 - 1e-9) < rate <= limit * (1 + 1e-9)


@given(grid=st.lists(st.booleans(), min_size=200, max_size=200))
def test_between_the_rate_found_and_the_next_one_tried_training_fails(grid: list[bool]) -> None:
    """Whatever learns, by brute force: the rate is one that learns, the next 32nd of an octave is not.

    And no doubling of the start below it fails.
    """

    def one(rate: float) -> bool:
        return grid[min(round(math.log2(rate) * 32), 199)] if rate > 1 else True

    found = largest_rates(
        lambda rates: torch.tensor([one(rate) for rate in rates.tolist()]), torch.ones(1, dtype=torch.float64)
    ).item()
    if math.isinf(found):
        assert all(one(2.0**power) for power in range(DOUBLINGS + 1))
    else:
        assert one(found)
        assert not one(found * FINEST)
        assert all(one(2.0**power) for power in range(math.floor(math.log2(found) + 1e-9) + 1))


def test_members_are_searched_for_independently() -> None:
    limits = torch.tensor([0.3, 5.0, 0.01, 1e9]).double()
    start = torch.full((4,), 0.1).double()
    together = largest_rates(lambda rates: rates < limits, start)
    alone = [largest_rates(partial(torch.gt, limit), start[:1]).item() for limit in limits]
    np.testing.assert_array_equal(together.numpy(), alone)


def test_no_more_trainings_than_needed() -> None:
    """One at the start, doublings up to the first failure, five halvings."""
    tried: list[float] = []

    def learns(rates: Tensor) -> Tensor:
        tried.append(rates.item())
        return rates < 5

    largest_rates(learns, torch.ones(1))
    assert tried[:4] == [1, 2, 4, 8]
    assert len(tried) == 4 + 5
    assert all(4 < rate < 8 for rate in tried[4:])


def measured(images: Images, search: pd.DataFrame = SEARCH, **changes: Any) -> pd.DataFrame:
    return measure(images, search, **SETTINGS | changes)["stable_rates"]


def loss_after(images: Images, seed: int, rate: float, steps: int) -> float:
    """Of one member alone, by a loop of torch's on the whole data."""
    network = build_random(Architecture("plain", images.features, 8, 2, images.classes, "relu"), seed)
    optimiser = torch.optim.SGD(network.parameters(), lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(images.train_inputs), images.train_labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        scores = network.eval()(images.train_inputs)
        return torch.nn.functional.cross_entropy(scores, images.train_labels).item()


def test_on_a_full_batch_it_is_found_by_a_loop_as_well(images: Images, written: Written) -> None:
    """The rate found still learns, the next one in the search's reach fails: seed by seed."""
    search = SEARCH.assign(regime="full-batch")
    table = measured(images, search, regime="full-batch", examples=60, sweeps=10)
    assert table["seed"].tolist() == [4, 1, 7]
    least = UNLEARNED * math.log(images.classes)
    for seed, rate in zip(table["seed"], table["value"], strict=True):
        assert 0.1 < rate < 0.1 * 2**DOUBLINGS
        assert loss_after(images, seed, rate, 10) < least
        assert not loss_after(images, seed, rate * FINEST, 10) < least
    assert written(table, "stable_rates")["value"].tolist() == pytest.approx(table["value"].tolist())


def test_a_full_batch_is_the_first_images_alone(images: Images) -> None:
    search = SEARCH.assign(regime="full-batch")
    few = images._replace(train_inputs=images.train_inputs[:20], train_labels=images.train_labels[:20])
    settings = {"regime": "full-batch", "examples": 20, "sweeps": 10}
    pd.testing.assert_frame_equal(measured(images, search, **settings), measured(few, search, **settings))


def pretended(monkeypatch: pytest.MonkeyPatch, harm: Callable[[Tensor], Tensor], above: float) -> None:
    """Steps that harm the output layer of every member whose rate is above a limit."""

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, rates: Tensor
    ) -> Outcome:
        outcome = simultaneous(network, parameters, batch, memory, torch.full_like(rates, 0.3))
        too_large = rates > above
        for name in ("head.weight", "head.bias"):
            parameters[name][too_large] = harm(parameters[name][too_large])
        return outcome

    monkeypatch.setattr(stable_rates, "rule_of", lambda order, given: rule)


@pytest.mark.parametrize(
    "harm", [lambda head: head * 0, lambda head: head * math.nan, lambda head: head + 1e38]
)
def test_collapse_to_the_uniform_guess_is_a_failure_like_divergence(
    images: Images, monkeypatch: pytest.MonkeyPatch, harm: Callable[[Tensor], Tensor]
) -> None:
    """The loss of a head of zeros is the logarithm of the number of classes, finite and stable."""
    pretended(monkeypatch, harm, above=1.0)
    values = measured(images, sweeps=15)["value"]
    assert ((values > 1 / FINEST) & (values <= 1.0)).all()


def test_who_fails_at_the_best_rate_has_none_and_who_never_fails_an_infinite_one(
    images: Images, monkeypatch: pytest.MonkeyPatch, written: Written
) -> None:
    pretended(monkeypatch, lambda head: head * 0, above=0.0)
    table = measured(images)
    assert table["value"].isna().all()
    assert written(table, "stable_rates")["value"].isna().all()
    pretended(monkeypatch, lambda head: head, above=0.0)
    table = measured(images, sweeps=15)
    assert np.isinf(table["value"]).all()
    assert np.isinf(written(table, "stable_rates")["value"]).all()


def test_it_starts_from_the_best_rate_of_the_same_arm(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [
        SEARCH.assign(**{column: value}, learning_rate=9.0)
        for column, value in {
            "regime": "full-batch",
            "network": "batch-norm",
            "order": "forward",
            "budget": "flop",
        }.items()
    ]
    tried: list[float] = []

    def rule_of(order: str, given: Any) -> Any:
        def rule(
            network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, rates: Tensor
        ) -> Outcome:
            tried.append(rates[0].item())
            return Outcome(parameters, memory, Cost(1.0, 1.0), torch.zeros(len(rates)))

        return rule

    monkeypatch.setattr(stable_rates, "rule_of", rule_of)
    measured(images, pd.concat([*others, SEARCH.replace({"place": {"best": "best at an edge"}})]))
    assert tried[0] == pytest.approx(0.1)


def test_progress_is_told(images: Images) -> None:
    lines: list[str] = []
    measured(images, say=lines.append, seeds=[4])
    assert lines[0] == "rates up to 0.1: 1 of 1 learn"


def test_each_member_has_a_rate_of_its_own() -> None:
    networks = [build_random(Architecture("plain", 5, 6, 2, 4, "relu"), seed) for seed in (0, 1)]
    batch = Batch(torch.randn(2, 8, 5), torch.randint(4, (2, 8)))
    rates = torch.tensor([0.5, 0.25], dtype=torch.float64)
    scaled = stable_rates._scaled(simultaneous, rates)(networks[0], stack(networks), batch, {}, torch.ones(2))
    plain = simultaneous(networks[0], stack(networks), batch, {}, rates.float())
    for name, value in scaled.parameters.items():
        assert torch.equal(value, plain.parameters[name])
