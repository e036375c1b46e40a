"""A learning rate chosen on some seeds, and others trained at it."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from movingtarget.data.load import Images
from movingtarget.networks import Architecture, Parameters, build, build_random
from movingtarget.training.interface import Batch, Outcome, UpdateRule
from movingtarget.training.loop import Training, train
from movingtarget.training.simultaneous import simultaneous
from movingtarget.training.tuned import Tuned, final_losses, start_of, train_to_ends, train_tuned
from movingtarget.training.tuning import FINEST

ARCHITECTURE = Architecture("plain", 5, 6, 3, 4, "relu")
TUNING_SEEDS = [100, 101]


def plan(images: Images, **changes: Any) -> Training:
    """Two tested seeds, two epochs of ten steps each."""
    plain = Training(
        network=build(ARCHITECTURE),
        rule=simultaneous,
        images=images,
        seeds=[3, 5],
        learning_rates=[0.05, 0.1],
        batch_size=6,
        steps=20,
        evaluation_steps=[10, 20],
        evaluation_examples=30,
        curve_window=5,
        snapshot_steps=[0, 10],
    )
    return replace(plain, **changes)


def draw(seed: int) -> nn.Module:
    return build_random(ARCHITECTURE, seed)


def tuned(images: Images, tuning_seeds: list[int] = TUNING_SEEDS, **options: Any) -> Tuned:
    return train_tuned(plan(images), draw, tuning_seeds, **options)


def alone(training: Training, rate: float, seed: int) -> float:
    """The last training loss of a member that is trained by itself."""
    one = replace(training, learning_rates=[rate], seeds=[seed])
    rows = pd.DataFrame(train(one, start_of(one, draw)).rows)
    (last,) = rows[(rows["quantity"] == "train_loss") & (rows["step"] == training.steps)]["value"]
    return float(last)


def counted(calls: list[int]) -> UpdateRule:
    """The rule simultaneous, which notes how many members each of its steps has."""

    def rule(
        network: nn.Module, parameters: Parameters, batch: Batch, memory: Parameters, rates: Tensor
    ) -> Outcome:
        calls.append(len(rates))
        return simultaneous(network, parameters, batch, memory, rates)

    return rule


def assert_same(one: Tuned, other: Tuned) -> None:
    assert one.search.best == other.search.best
    assert one.search.at_edge == other.search.at_edge
    assert [*one.search.losses] == [*other.search.losses]
    for ours, theirs in zip(one.search.losses.values(), other.search.losses.values(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
    assert [*one.snapshots] == [*other.snapshots]
    assert_close(one.snapshots, other.snapshots, rtol=0, atol=0)


def test_final_losses_are_those_of_each_member_trained_alone(images: Images) -> None:
    """At each end; in float32, sums are taken in another order when a member stands elsewhere."""
    training = plan(images, learning_rates=[0.2, 0.02, 0.1])
    losses = final_losses(training, [7, 20], draw)
    assert [*losses] == [0.2, 0.02, 0.1]
    for rate, by_end in losses.items():
        assert [*by_end] == [7, 20]
        for end, found in by_end.items():
            to_end = replace(training, steps=end, evaluation_steps=[end])
            np.testing.assert_allclose(found, [alone(to_end, rate, seed) for seed in (3, 5)], rtol=1e-4)


def test_a_final_loss_that_has_diverged_is_not_a_number(images: Images) -> None:
    losses = final_losses(plan(images, learning_rates=[1e20, 0.1]), [20], draw)
    assert np.isnan(losses[1e20][20]).all()
    assert np.isfinite(losses[0.1][20]).all()


def test_final_losses_do_not_depend_on_what_else_is_looked_at(images: Images) -> None:
    training = plan(images)
    busy = replace(training, evaluation_steps=[1, 7], curve_window=1, snapshot_steps=[3])
    assert final_losses(busy, [20], draw) == final_losses(training, [20], draw)


def test_the_best_rate_is_that_of_brute_force(images: Images) -> None:
    found = tuned(images).search
    training = plan(images, seeds=TUNING_SEEDS)
    losses = {rate: [alone(training, rate, seed) for seed in TUNING_SEEDS] for rate in found.losses}
    for rate, measured in found.losses.items():
        np.testing.assert_allclose(measured, losses[rate], rtol=1e-4)
    assert found.best == min(losses, key=lambda rate: np.mean(losses[rate]))
    rates = [*found.losses]
    place = rates.index(found.best)
    assert 0 < place < len(rates) - 1
    assert rates[place + 1] / rates[place - 1] <= FINEST**2 * 1.01
    assert not found.at_edge


def test_tested_seeds_have_no_part_in_the_choice(images: Images) -> None:
    """Others give the same search; other seeds of the search give another."""
    found = tuned(images)
    others = train_tuned(plan(images, seeds=[7, 8, 9]), draw, TUNING_SEEDS)
    assert others.search.best == found.search.best
    np.testing.assert_equal(others.search.losses, found.search.losses)
    assert not others.table.equals(found.table)
    elsewhere = tuned(images, [200]).search.losses
    assert {len(losses) for losses in elsewhere.values()} == {1}
    assert elsewhere[0.1] not in found.search.losses[0.1]


def test_tested_seeds_are_trained_at_the_best_rate_as_without_a_search(images: Images) -> None:
    found = tuned(images)
    tested = plan(images, learning_rates=[found.search.best])
    state = train(tested, start_of(tested, draw))
    pd.testing.assert_frame_equal(found.table, pd.DataFrame(state.rows), check_exact=True)
    assert_close(found.snapshots, state.snapshots, rtol=0, atol=0)
    assert [*found.snapshots] == [0, 10]
    assert set(found.table["seed"]) == {3, 5}
    assert set(found.table["learning_rate"]) == {found.search.best}


def test_the_start_of_a_member_is_the_network_of_its_seed(images: Images) -> None:
    training = plan(images)
    state = start_of(training, draw)
    for place, (_, seed) in enumerate(training.members):
        for name, value in draw(seed).named_parameters():
            assert torch.equal(state.parameters[name][place], value)


def kept_by(run: Callable[..., Tuned]) -> tuple[Tuned, list[bytes]]:
    """What a training finds, and what it kept on its way, as it is written."""
    kept: list[bytes] = []

    def keep(data: dict[str, Any]) -> None:
        file = BytesIO()
        torch.save(data, file)
        kept.append(file.getvalue())

    return run(keep=keep), kept


def test_going_on_from_what_was_kept_changes_nothing_at_every_stage(images: Images) -> None:
    """Nothing is trained twice: what was kept is read as data alone, and the rest is what is left."""
    calls: list[int] = []
    training = plan(images, rule=counted(calls))
    whole, kept = kept_by(lambda **options: train_tuned(training, draw, TUNING_SEEDS, **options))
    steps = len(calls)
    stages = [torch.load(BytesIO(data), weights_only=True) for data in kept]
    searching = [stage for stage in stages if not stage["states"]]
    best = whole.search.best
    assert len(searching) >= 2
    assert [stage["states"][best]["epoch"] for stage in stages[len(searching) :]] == [1, 2]
    for done, stage in enumerate(stages, start=1):
        calls.clear()
        assert_same(train_tuned(training, draw, TUNING_SEEDS, kept=stage), whole)
        left = steps - 20 * min(done, len(searching)) - 10 * max(0, done - len(searching))
        assert len(calls) == left


def test_an_interruption_within_the_search_loses_no_rate_that_was_tried(images: Images) -> None:
    calls: list[int] = []
    training = plan(images, rule=counted(calls))
    whole, kept = kept_by(lambda **options: train_tuned(training, draw, TUNING_SEEDS, **options))
    first = torch.load(BytesIO(kept[0]), weights_only=True)
    assert sorted(first["losses"]) == [0.05, 0.1]
    tried = sum(members // 2 for members in calls[: -training.steps]) // training.steps
    assert tried == len(whole.search.losses)


def test_progress_tells_the_search_from_what_follows(images: Images) -> None:
    lines: list[str] = []
    found = tuned(images, say=lines.append)
    searches = [line for line in lines if line.startswith("search, step 20/20: ")]
    assert 1 < len(searches) <= len(found.search.losses)
    assert [line.split(":")[0] for line in lines[len(searches) :]] == ["step 10/20", "step 20/20"]


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_one_rate_is_enough_to_start_with(images: Images, rate: float) -> None:
    found = train_tuned(plan(images, learning_rates=[rate]), draw, TUNING_SEEDS)
    assert rate in found.search.losses
    assert len(found.search.losses) >= 3


ENDS = [5, 20]


def to_ends(images: Images, **options: Any) -> dict[int, Tuned]:
    """Trainings of 5 and of 20 steps that start from different rates."""
    training = plan(images, evaluation_steps=[5, 10, 20], snapshot_steps=[0, 5, 10])
    return train_to_ends(training, ENDS, draw, TUNING_SEEDS, **options)


@pytest.mark.parametrize("end", ENDS)
def test_each_end_is_tuned_and_trained_as_if_it_were_the_only_one(images: Images, end: int) -> None:
    """But that more rates may have been tried, and whether a member diverged is told at the last step."""
    found = to_ends(images)[end]
    training = plan(images, evaluation_steps=[5, 10, 20], snapshot_steps=[0, 5, 10], steps=end)
    only = train_tuned(training, draw, TUNING_SEEDS)
    assert found.search.best == only.search.best
    for rate, losses in only.search.losses.items():
        np.testing.assert_allclose(found.search.losses[rate], losses, rtol=1e-4)
    rows = only.table[only.table["quantity"] != "diverged"]
    cut = found.table[found.table["quantity"] != "diverged"]
    pd.testing.assert_frame_equal(cut.reset_index(drop=True), rows.reset_index(drop=True), check_exact=True)
    assert_close(found.snapshots, only.snapshots, rtol=0, atol=0)


def test_going_on_towards_several_ends_changes_nothing(images: Images) -> None:
    stages: list[bytes] = []

    def keep(data: dict[str, Any]) -> None:
        file = BytesIO()
        torch.save(data, file)
        stages.append(file.getvalue())

    whole = to_ends(images, keep=keep)
    assert len(stages) >= 5
    for stage in stages:
        resumed = to_ends(images, kept=torch.load(BytesIO(stage), weights_only=True))
        for end in ENDS:
            assert_same(resumed[end], whole[end])
