"""How far the target moves along training."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from movingtarget.data.load import Images
from movingtarget.experiments.moving_target import STUDY, largest_lowering_rate, measure
from movingtarget.measures.curvature import block_curvatures
from movingtarget.measures.moving_target import covariate_shift
from movingtarget.networks import Architecture, Parameters, build_random, call, stack, unstack
from movingtarget.networks.layers import Linear
from movingtarget.networks.losses import member_losses
from movingtarget.training.interface import Batch, UpdateRule
from movingtarget.training.loop import Training, start, train
from movingtarget.training.minibatches import batches
from movingtarget.training.sequential import recomputed
from movingtarget.training.simultaneous import simultaneous

RandomNetworks = Callable[..., list[nn.Module]]
Written = Callable[[pd.DataFrame, str], pd.DataFrame]
CURVATURE = {"learning_rate": 0.1, "steps": [0, 4], "examples": 6, "iterations": 3, "block_iterations": 2}
SETTINGS: dict[str, Any] = {
    "seeds": [0, 3],
    "learning_rates": [0.02, 0.1],
    "steps": [0, 4],
    "hidden_width": 6,
    "batch_size": 16,
    "activation": "tanh",
    "initial_weights": "normal",
    "curvature": CURVATURE,
}
WHOLE = ["loss", "joint_drop", "single_drops", "first_order", "joint_share", "single_share", "interaction"]
LAYERED = ["gradient_norm", "movement", "single_drop", "shift", "shift_cosine"]
LAYERED += ["fresh_shift", "fresh_shift_cosine", "input_drift"]
RATES = ["largest_rate", "largest_sweep_rate", "bought"]


def table_of(images: Images, network: str, depth: int = 2, **changes: Any) -> pd.DataFrame:
    return measure(images, network, depth, **SETTINGS | changes)["moving_target"]


def values(table: pd.DataFrame, quantity: str, **row: Any) -> pd.DataFrame:
    """Of one quantity, a row for each rate, step and seed, a column for each layer."""
    chosen = table[table["quantity"] == quantity]
    for column, value in row.items():
        chosen = chosen[chosen[column] == value]
    return chosen.pivot(index=["learning_rate", "step", "seed"], columns="layer", values="value")


def minibatch(images: Images, seed: int, step: int) -> Batch:
    """The minibatch of the step that follows so many; three make an epoch of 60 images."""
    index = list(batches(60, 16, [seed], step // 3))[step % 3][0]
    return Batch(images.train_inputs[index], images.train_labels[index])


def trained(images: Images, network: str, seed: int, rate: float, steps: int) -> tuple[nn.Module, Parameters]:
    """One member by the loop of all other training."""
    made = build_random(Architecture(network, 5, 6, 2, 4, "tanh"), seed)
    plan = Training(made, simultaneous, images, [seed], [rate], 16, steps, [], 8, steps + 1)
    state = start(stack([made]))
    return made, unstack(train(plan, state).parameters if steps else state.parameters, 0)


def whole_loss(network: nn.Module, parameters: Parameters, batch: Batch) -> Tensor:
    return F.cross_entropy(functional_call(network, parameters, (batch.inputs,)), batch.labels)


@pytest.mark.parametrize(
    "network", ["plain", "batch-norm", "residual", "residual-batch-norm", "looks-linear"]
)
def test_every_quantity_rate_step_seed_and_layer_fills_the_table(
    images: Images, network: str, written: Written
) -> None:
    said: list[str] = []
    table = written(table_of(images, network, say=said.append), "moving_target")
    assert list(table) == list(STUDY.tables["moving_target"])
    assert len(said) == len(set(said)) == 2
    for quantity in [*WHOLE, "sweep_drop"]:
        assert values(table, quantity).shape == (8, 1)
        assert list(values(table, quantity)) == [0]
    for quantity in LAYERED:
        assert values(table, quantity).shape == (8, 3)
        assert list(values(table, quantity)) == [1, 2, 3]
    curved = table[table["learning_rate"] == 0.1]
    assert values(table, "curvature").shape == (4, 4)
    assert list(values(table, "curvature")) == [0, 1, 2, 3]
    for quantity in ["curvature_ratio", *RATES]:
        assert values(table, quantity).equals(values(curved, quantity))
        assert values(table, quantity).shape == (4, 1)
    assert set(table["quantity"]) == {*WHOLE, "sweep_drop", *LAYERED, "curvature", "curvature_ratio", *RATES}
    assert table["value"].notna().all()


@pytest.mark.parametrize("network", ["plain", "residual-batch-norm"])
@pytest.mark.parametrize("step", [0, 4])
def test_values_are_those_of_members_trained_alone(images: Images, network: str, step: int) -> None:
    table = table_of(images, network)
    rate, seed = 0.1, 3
    made, before = trained(images, network, seed, rate, step)
    batch, fresh = minibatch(images, seed, step), minibatch(images, seed, step + 1)
    leaves = {name: value.clone().requires_grad_() for name, value in before.items()}
    loss = whole_loss(made, leaves, batch)
    gradients = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))
    after = {name: value - rate * gradients[name] for name, value in before.items()}
    next_loss = whole_loss(made, after, batch)
    measured = {
        quantity: values(table, quantity, learning_rate=rate, step=step, seed=seed).to_numpy()[0]
        for quantity in WHOLE + LAYERED
    }
    squares = sum(gradient.square().sum().item() for gradient in gradients.values())
    # single precision in both
    assert measured["loss"] == pytest.approx([loss.item()], rel=1e-5)
    assert measured["joint_drop"] == pytest.approx([(loss - next_loss).item()], abs=1e-5)
    assert measured["first_order"] == pytest.approx([rate * squares], rel=1e-4)
    for name, shown in {"shift": batch, "fresh_shift": fresh}.items():
        shift = covariate_shift(made, before, after, *shown)
        assert measured[name] == pytest.approx(shift.relative.numpy(), rel=1e-3)
        assert measured[f"{name}_cosine"] == pytest.approx(shift.cosine.numpy(), rel=1e-4)
    assert measured["fresh_shift"][1:] != pytest.approx(measured["shift"][1:], rel=1e-2)


def test_shares_and_norms_fit_together(images: Images) -> None:
    table = table_of(images, "plain")
    whole = {quantity: values(table, quantity)[0] for quantity in WHOLE}
    for share, drop in {"joint_share": "joint_drop", "single_share": "single_drops"}.items():
        assert whole[share].tolist() == pytest.approx(
            (whole[drop] / whole["first_order"]).tolist(), rel=1e-12
        )
    gap = (whole["single_drops"] - whole["joint_drop"]) / whole["first_order"]
    assert whole["interaction"].tolist() == pytest.approx(gap.tolist(), rel=1e-12)
    single = values(table, "single_drop").sum(axis=1)
    assert whole["single_drops"].tolist() == pytest.approx(single.tolist(), rel=1e-12)
    # of gradient descent: the promise is the rate times the squared norm
    squares = values(table, "gradient_norm").pow(2).sum(axis=1)
    rates = whole["first_order"].index.get_level_values("learning_rate")
    assert whole["first_order"].tolist() == pytest.approx((rates * squares).tolist(), rel=1e-4)
    assert (values(table, "shift")[1] == 0).all()
    assert (values(table, "input_drift")[1] == 0).all()


@pytest.mark.parametrize("network", ["plain", "batch-norm"])
def test_sweep_drop_is_of_layers_moved_one_after_the_other(images: Images, network: str) -> None:
    table = table_of(images, network)
    for rate in SETTINGS["learning_rates"]:
        made, parameters = trained(images, network, 3, rate, 4)
        batch = minibatch(images, 3, 4)
        first = whole_loss(made, parameters, batch)
        for prefix in ("hidden.0", "hidden.1", "head"):
            own = {name: value.requires_grad_() for name, value in parameters.items() if prefix in name}
            slopes = torch.autograd.grad(whole_loss(made, parameters, batch), list(own.values()))
            for value, slope in zip(own.values(), slopes, strict=True):
                value.requires_grad_(False).sub_(rate * slope)
        measured = values(table, "sweep_drop")[0].loc[rate, 4, 3]
        assert measured == pytest.approx((first - whole_loss(made, parameters, batch)).item(), abs=1e-5)


def test_curvatures_are_of_the_first_examples(images: Images) -> None:
    table = table_of(images, "plain")
    for step in (0, 4):
        made, parameters = trained(images, "plain", 3, 0.1, step)
        inputs, labels = (part[:6] for part in minibatch(images, 3, step))
        expected = block_curvatures(made, parameters, inputs, labels, 3, 2, seed=0)
        curvature = values(table, "curvature", step=step, seed=3).to_numpy()[0]
        assert curvature == pytest.approx([expected.whole.item(), *expected.blocks.tolist()], rel=1e-3)
        ratio = values(table, "curvature_ratio", step=step, seed=3).to_numpy()
        assert ratio.item() == pytest.approx(expected.ratio.item(), rel=1e-3)


def test_members_are_independent_of_the_others_they_run_with(images: Images) -> None:
    together = table_of(images, "batch-norm")
    alone = table_of(images, "batch-norm", seeds=[3], learning_rates=[0.1])
    own = together.query("seed == 3 and learning_rate == 0.1")
    # products of one member may be summed in another order
    np.testing.assert_allclose(own["value"], alone["value"], rtol=1e-3, atol=1e-6)
    assert values(together, "loss", seed=0)[0].tolist() != values(together, "loss", seed=3)[0].tolist()


def test_a_diverged_member_stays_as_nan(images: Images) -> None:
    table = table_of(images, "plain", activation="relu", learning_rates=[0.1, 1e30])
    healthy = table[table["learning_rate"] == 0.1]
    same = table_of(images, "plain", activation="relu").query("learning_rate == 0.1")
    np.testing.assert_allclose(healthy["value"], same["value"], rtol=1e-3, atol=1e-6)
    diverged = table[table["learning_rate"] == 1e30]
    late = diverged[diverged["step"] == 4]
    assert len(late) == 2 * (len(WHOLE) + 1 + 3 * len(LAYERED))
    assert late["value"].isna().all()
    assert diverged.query("step == 0 and quantity == 'loss'")["value"].notna().all()
    assert not np.isinf(table["value"]).any()


def test_looks_linear_takes_the_initial_weights(images: Images) -> None:
    losses = [
        values(table_of(images, "looks-linear", initial_weights=weights), "loss", step=0)
        for weights in ("normal", "orthogonal")
    ]
    assert (losses[0] != losses[1]).to_numpy().all()


@pytest.mark.parametrize("rule", [simultaneous, recomputed("forward")], ids=["simultaneous", "sweep"])
@pytest.mark.parametrize("family", ["plain", "batch-norm", "residual"])
def test_largest_rate_lowers_the_loss_and_a_little_more_does_not(
    random_networks: RandomNetworks, family: str, rule: UpdateRule
) -> None:
    networks = [network.double() for network in random_networks(family, 4)]
    parameters = stack(networks)
    batch = Batch(torch.randn(4, 16, 5).double(), torch.randint(4, (4, 16)))

    def lowers(rates: Tensor) -> list[bool]:
        copies = {name: value.clone() for name, value in parameters.items()}
        moved = rule(networks[0], copies, batch, {}, rates).parameters
        losses = [
            member_losses(call(networks[0], p, batch.inputs), batch.labels) for p in (parameters, moved)
        ]
        return (losses[1] < losses[0]).tolist()

    largest = largest_lowering_rate(networks[0], parameters, batch, rule)
    assert lowers(largest) == [True] * 4
    assert lowers(1.011 * largest) == [False] * 4
    for doubling in range(10):
        assert lowers(largest / 2**doubling) == [True] * 4


def test_rates_out_of_the_bracket() -> None:
    network = nn.Sequential(Linear(3, 2))
    parameters = {"0.weight": torch.zeros(3, 2, 3).double(), "0.bias": torch.zeros(3, 2).double()}
    parameters["0.weight"][1, 0, 0] = 1e-6
    parameters["0.weight"][2] = torch.nan
    # one class only, which every step serves; two for one enormous input, and hardly any step is small enough
    inputs = torch.ones(3, 2, 3) * torch.tensor([1.0, 1e6, 1.0]).double()[:, None, None]
    batch = Batch(inputs, torch.tensor([[0, 0], [0, 1], [0, 0]]))
    rates = largest_lowering_rate(network, parameters, batch, simultaneous)
    assert rates[0] == torch.inf
    assert rates[1:].isnan().all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 61}, "batch_size is 61; allowed: 1 to 60, the training images"),
        (
            {"curvature": CURVATURE | {"learning_rate": 0.5}},
            "curvature.learning_rate is 0.5; allowed: one of learning_rates, 0.02, 0.1",
        ),
        (
            {"curvature": CURVATURE | {"steps": [0, 3]}},
            "curvature.steps has 3; allowed: those of steps, 0, 4",
        ),
        ({"batch_size": 1}, "batch norm needs a batch of at least 2 while training, got 1"),
    ],
)
def test_impossible_settings_are_refused(images: Images, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        table_of(images, "batch-norm", **changed)


def test_the_last_minibatch_of_an_epoch_has_a_fresh_one_after_it(images: Images) -> None:
    changes = {"batch_size": 60, "steps": [0], "curvature": CURVATURE | {"steps": []}}
    table = table_of(images, "plain", 1, **changes)
    # both hold all images, in another order: the same gradient but for round-off
    shift, fresh_shift = (values(table, quantity).to_numpy() for quantity in ("shift", "fresh_shift"))
    np.testing.assert_allclose(shift, fresh_shift, rtol=1e-3, atol=1e-6)
