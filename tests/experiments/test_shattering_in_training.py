"""Shattering of the members of a stack at every snapshot."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from movingtarget.data.load import Images
from movingtarget.experiments.shattering_in_training import measure
from movingtarget.measures.population import population_statistics
from movingtarget.networks import Architecture, Parameters, build, build_random, stack, unstack
from movingtarget.networks.stack import call

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SEEDS, DEPTH, WIDTH = [2, 5], 3, 8


@pytest.fixture(scope="module")
def squares() -> Images:
    inputs = torch.randn(90, 9, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(90) % 4
    return Images(inputs[:70], labels[:70], inputs[70:], labels[70:])


def snapshots(family: str) -> dict[int, Parameters]:
    """At step 0 as drawn, at step 7 moved a little, so that biases, gains and shifts are no longer 0 or 1."""
    architecture = Architecture(family, 9, WIDTH, DEPTH, 4, "relu", "orthogonal")
    drawn = stack(build_random(architecture, seed) for seed in SEEDS)
    source = torch.Generator().manual_seed(1)
    moved = {name: v + 0.1 * torch.randn(v.shape, generator=source) for name, v in drawn.items()}
    return {0: drawn, 7: moved}


def measured(family: str, images: Images, seeds: list[int] = SEEDS, lines: int = 3) -> pd.DataFrame:
    places = [SEEDS.index(seed) for seed in seeds]
    chosen = {
        step: {name: value[places] for name, value in parameters.items()}
        for step, parameters in snapshots(family).items()
    }
    return measured_of(family, chosen, images, seeds, lines=lines)


def measured_of(
    family: str,
    members: dict[int, Parameters],
    images: Images,
    seeds: list[int] = SEEDS,
    examples: int = 6,
    lines: int = 3,
    points: int = 10,
) -> pd.DataFrame:
    arm = {"network": family, "depth": DEPTH, "update_rule": "sgd"}
    tables = measure(arm, members, images, seeds, WIDTH, "relu", examples, lines, points)
    return tables["shattering_in_training"]


def gradients_one_by_one(family: str, member: int, step: int, images: Images, inputs: Tensor) -> np.ndarray:
    network = build(Architecture(family, 9, WIDTH, DEPTH, 4, "relu"))
    alone = unstack(snapshots(family)[step], member)
    statistics = population_statistics(network, alone, images.train_inputs[:60])
    network.eval()
    gradients = []
    for one in inputs:
        leaf = one[None].clone().requires_grad_()
        gradients.append(torch.autograd.grad(call(network, alone | statistics, leaf).sum(), leaf)[0][0])
    return torch.stack(gradients).double().numpy()


@pytest.mark.parametrize("step", [0, 7])
@pytest.mark.parametrize("family", ["plain", "batch-norm"])
def test_correlation_norm_and_line_follow_from_single_gradients(
    squares: Images, family: str, step: int
) -> None:
    table = measured(family, squares)
    values = table[(table["seed"] == 5) & (table["step"] == step)].set_index("quantity")["value"]
    gradients = gradients_one_by_one(family, 1, step, squares, squares.test_inputs[:6])
    own = np.mean([g @ g for g in gradients])
    pairs = np.mean([gradients[i] @ gradients[j] for i in range(6) for j in range(6) if i != j])
    # single precision in the gradients
    assert values["correlation"] == pytest.approx(pairs / own, rel=1e-4, abs=1e-5)
    assert values["gradient_norm"] == pytest.approx(own**0.5, rel=1e-4)
    memories = []
    for start, end in squares.test_inputs[:6].view(3, 2, 9):
        shares = torch.linspace(0, 1, 10)[:, None]
        path = start + shares * (end - start)
        slopes = gradients_one_by_one(family, 1, step, squares, path) @ (end - start).double().numpy()
        centred = slopes - slopes.mean()
        memories.append(centred[1:] @ centred[:-1] / (centred @ centred))
    assert values["line_autocorrelation"] == pytest.approx(np.mean(memories), abs=1e-4)


@pytest.mark.parametrize("family", ["plain", "batch-norm", "residual"])
def test_members_are_independent_of_the_others_they_are_stacked_with(squares: Images, family: str) -> None:
    together, alone = measured(family, squares), measured(family, squares, [5])
    own = together[together["seed"] == 5]["value"]
    np.testing.assert_allclose(own, alone["value"], rtol=1e-4, atol=1e-5)
    assert not np.allclose(together[together["seed"] == 2]["value"], alone["value"], atol=0.01)


@pytest.mark.parametrize(("family", "steps"), [("linear", [0, 7]), ("looks-linear", [0])])
def test_constant_slope_has_no_autocorrelation(squares: Images, family: str, steps: list[int]) -> None:
    table = measured(family, squares)
    values = table[table["step"].isin(steps)].pivot(
        index=["step", "seed"], columns="quantity", values="value"
    )
    assert values["line_autocorrelation"].isna().all()
    np.testing.assert_allclose(values["correlation"], 1, atol=1e-6)


def test_a_diverged_member_has_no_values_and_the_others_keep_theirs(squares: Images) -> None:
    first = snapshots("batch-norm")[0]
    broken = {name: value.clone() for name, value in first.items()}
    for value in broken.values():
        value[0] = torch.nan
    sound, lost = (
        measured_of("batch-norm", {0: parameters}, squares, lines=2).set_index(["seed", "quantity"])["value"]
        for parameters in (first, broken)
    )
    assert lost.loc[2].isna().all()
    np.testing.assert_array_equal(lost.loc[5], sound.loc[5])


def test_every_snapshot_seed_and_quantity_fills_the_table(squares: Images, written: Written) -> None:
    table = written(measured("plain", squares), "shattering_in_training")
    assert len(table) == 2 * 2 * 3
    assert (table[["network", "depth", "update_rule"]] == ["plain", DEPTH, "sgd"]).all(axis=None)


def test_one_example_is_refused(squares: Images) -> None:
    with pytest.raises(ValueError, match="needs at least 2 examples, got 1"):
        measured_of("plain", snapshots("plain"), squares, examples=1, lines=1, points=5)


def test_more_lines_than_pairs_of_images_are_refused(squares: Images) -> None:
    with pytest.raises(ValueError, match="lines is 11; allowed: at most 10"):
        measured("plain", squares, lines=11)
