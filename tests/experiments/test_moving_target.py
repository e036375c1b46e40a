"""How far the target moves at matched promises."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from movingtarget.data.load import Images
from movingtarget.experiments.moving_target import STUDY, measure
from movingtarget.measures.moving_target import covariate_shift, promising_rate
from movingtarget.networks import Architecture, Parameters, build_random, stack, unstack
from movingtarget.training.interface import Batch
from movingtarget.training.loop import Training, start, train
from movingtarget.training.minibatches import batches
from movingtarget.training.simultaneous import simultaneous

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SETTINGS: dict[str, Any] = {
    "seeds": [0, 3],
    "tuning_seeds": [100],
    "learning_rates": [0.1],
    "promises": [0.001, 0.1, 1.0],
    "steps": [0, 4],
    "hidden_width": 6,
    "batch_size": 16,
    "evaluation_examples": 30,
    "activation": "tanh",
    "initial_weights": "normal",
}
SHARES = ["joint_share", "single_share", "interaction"]
FORETOLD = [f"foretold_{share}" for share in SHARES]
WHOLE = ["loss", "learning_rate", "promise", *SHARES, *FORETOLD]


def tables_of(images: Images, network: str, depth: int = 2, **changes: Any) -> dict[str, pd.DataFrame]:
    return measure(images, network, depth, **SETTINGS | changes)


def values(table: pd.DataFrame, quantity: str, **row: Any) -> pd.DataFrame:
    """Of one quantity, a row for each rate, promise, step and seed, a column for each layer."""
    chosen = table[table["quantity"] == quantity]
    for column, value in row.items():
        chosen = chosen[chosen[column] == value]
    index = ["rate", "promise", "step", "seed"]
    return chosen.set_index([*index, "layer"])["value"].unstack("layer")


def minibatch(images: Images, seed: int, step: int) -> Batch:
    """The minibatch of the step that follows so many; three make an epoch of 60 images."""
    index = next(islice(batches(60, 16, [seed], step // 3), step % 3, None))[0]
    return Batch(images.train_inputs[index], images.train_labels[index])


def trained(images: Images, network: str, seed: int, rate: float, steps: int) -> tuple[nn.Module, Parameters]:
    """One member by the loop of all other training."""
    made = build_random(Architecture(network, 5, 6, 2, 4, "tanh"), seed)
    plan = Training(made, simultaneous, images, [seed], [rate], 16, steps, [], 8, steps + 1)
    state = start(stack([made]))
    return made, unstack(train(plan, state).parameters if steps else state.parameters, 0)


def whole_loss(network: nn.Module, parameters: Parameters, batch: Batch) -> Tensor:
    return F.cross_entropy(functional_call(network, parameters, (batch.inputs,)), batch.labels)


@pytest.mark.parametrize("network", ["plain", "batch-norm", "residual-batch-norm", "looks-linear"])
def test_every_quantity_rate_step_seed_and_layer_fills_the_tables(
    images: Images, network: str, written: Written
) -> None:
    made = tables_of(images, network)
    table, search = (written(made[name], name) for name in STUDY.tables)
    assert list(table) == list(STUDY.tables["moving_target"])
    for quantity in WHOLE:
        assert values(table, quantity).shape == (16, 1)
    for quantity in ("input_drift", "shift"):
        assert list(values(table, quantity)) == [1, 2, 3]
    assert list(values(table, "shift_cosine")) == [0, 1, 2, 3]
    fresh = table[table["quantity"].str.startswith("fresh")]
    assert set(fresh["promise"]) == {0.1}  # the middle one
    assert table["value"].notna().all()
    (best,) = search.loc[search["place"] != "tried", "learning_rate"].unique()
    np.testing.assert_allclose(values(table, "learning_rate", rate="best"), best, rtol=1e-6)


def test_steps_promise_what_they_are_asked_for(images: Images) -> None:
    table = tables_of(images, "plain")["moving_target"]
    promised = values(table, "promise", rate="matched").reset_index()
    np.testing.assert_allclose(promised[0], promised["promise"], rtol=1e-3)


@pytest.mark.parametrize("network", ["plain", "residual-batch-norm"])
@pytest.mark.parametrize("step", [0, 4])
def test_values_are_those_of_members_trained_alone(images: Images, network: str, step: int) -> None:
    made = tables_of(images, network)
    table, search = made["moving_target"], made["moving_target_search"]
    best, seed = search.loc[search["place"] != "tried", "learning_rate"].iloc[0], 3
    member, before = trained(images, network, seed, best, step)
    batch, fresh = minibatch(images, seed, step), minibatch(images, seed, step + 1)
    leaves = {name: value.clone().requires_grad_() for name, value in before.items()}
    loss = whole_loss(member, leaves, batch)
    slope = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))
    squares = sum(value.square().sum().item() for value in slope.values())
    rate = 0.1 * loss.item() / squares
    after = {name: value - rate * slope[name] for name, value in before.items()}
    joint = (loss - whole_loss(member, after, batch)).item()
    row = {"promise": 0.1, "step": step, "seed": seed}
    measured = {name: values(table, name, **row).to_numpy()[0] for name in set(table["quantity"])}
    # single precision in both
    assert measured["loss"] == pytest.approx([loss.item()], rel=1e-5)
    assert measured["learning_rate"] == pytest.approx([rate], rel=1e-4)
    assert measured["joint_share"] == pytest.approx([joint / (0.1 * loss.item())], abs=1e-4)
    for name, shown in {"shift": batch, "fresh_shift": fresh}.items():
        shift = covariate_shift(member, before, after, *shown)
        assert measured[name] == pytest.approx(shift.relative.numpy(), rel=1e-3, abs=1e-6)
        cosines = shift.cosine.numpy()
        assert measured[f"{name}_cosine"] == pytest.approx([cosines[1:].mean(), *cosines], rel=1e-4)


@pytest.mark.parametrize("network", ["plain", "batch-norm", "residual"])
def test_the_second_order_foretells_what_small_promises_keep(images: Images, network: str) -> None:
    table = tables_of(images, network)["moving_target"]
    for share, foretold in zip(SHARES, FORETOLD, strict=True):
        kept, expected = (values(table, name, promise=0.001)[0] for name in (share, foretold))
        np.testing.assert_allclose(kept, expected, atol=2e-4)
    prices = values(table, "interaction", promise=0.001)[0], values(table, "interaction", promise=0.1)[0]
    assert (prices[0].abs() < 0.1 * prices[1].abs().max()).all()


def test_shares_fit_together(images: Images) -> None:
    table = tables_of(images, "plain")["moving_target"]
    for name in ("", "foretold_"):
        joint, single, price = (values(table, name + share)[0] for share in SHARES)
        np.testing.assert_allclose(single - joint, price, atol=1e-12)


def test_a_diverged_member_stays_as_nan(images: Images) -> None:
    broken = images._replace(train_inputs=images.train_inputs * torch.nan)
    table = tables_of(broken, "plain")["moving_target"]
    assert table["value"].isna().all()


def test_a_promise_that_no_finite_rate_makes_is_nan() -> None:
    losses, slope = torch.tensor([2.0, 2.0, torch.nan, torch.inf, 0.0]), torch.ones(5, 3)
    slope[1] = 0
    rates = promising_rate(losses, {"weight": slope}, 0.3, stacked=True)
    assert rates[0].item() == pytest.approx(0.2)
    assert rates[1:].isnan().all()


@pytest.mark.parametrize("promise", [0.0, -0.1, float("nan"), float("inf")])
def test_a_promise_that_is_none_is_refused(promise: float) -> None:
    with pytest.raises(ValueError, match=r"promise is .*; allowed: a finite number above 0"):
        promising_rate(torch.tensor(1.0), {"weight": torch.ones(1, 1)}, promise)


def test_whether_it_is_a_stack_is_said_and_not_guessed() -> None:
    slope = {"weight": torch.ones(2, 3)}
    assert promising_rate(torch.tensor(2.0), slope, 0.3).item() == pytest.approx(0.1)
    assert promising_rate(torch.ones(2), slope, 0.3, stacked=True).tolist() == pytest.approx([0.1, 0.1])
    with pytest.raises(ValueError, match=r"^the loss has shape \(2,\); allowed: \(\); .* stacked=True$"):
        promising_rate(torch.ones(2), slope, 0.3)
    with pytest.raises(ValueError, match=r"^the loss has shape \(\); allowed: \(members,\)$"):
        promising_rate(torch.tensor(1.0), slope, 0.3, stacked=True)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 61}, "batch_size is 61; allowed: 1 to 60, the training images"),
        ({"promises": [0.1, 0.0]}, "promise is 0; allowed: a finite number above 0"),
    ],
)
def test_impossible_settings_are_refused(images: Images, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tables_of(images, "batch-norm", **changed)
