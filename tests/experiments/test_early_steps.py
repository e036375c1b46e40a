"""The first steps: what is recorded of them, and that recording changes nothing."""

from collections.abc import Callable
from math import log
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from movingtarget.data.load import Images
from movingtarget.experiments.early_steps import STUDY, Moment, _way, follow, measure
from movingtarget.networks import Architecture, build_random, stack, unstack
from movingtarget.networks.initialise import generator
from movingtarget.networks.scale_free import scale_free_weights
from movingtarget.training.interface import Batch
from movingtarget.training.simultaneous import simultaneous

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SIZES: dict[str, Any] = {
    **{"learning_rates": [0.05, 0.1], "tuning_seeds": [100], "multiples": [1.0, 4.0]},
    **{"hidden_width": 6, "depth": 2, "activation": "relu", "initial_weights": "normal"},
    **{
        "batch_size": 8,
        "steps": 12,
        "full_batch": 20,
        "full_batch_steps": 6,
        "moments": [3],
        "iterations": 90,
    },
}
RATE = 0.25  # the same in single and in double precision


def network_of(family: str, seed: int) -> nn.Module:
    return build_random(Architecture(family, 5, 6, 2, 4, "relu", "normal"), seed)


def minibatches(images: Images, steps: int) -> list[Batch]:
    index = torch.randint(60, (steps, 2, 8), generator=torch.Generator().manual_seed(1))
    return [Batch(images.train_inputs[each], images.train_labels[each]) for each in index]


def by_hand(network: nn.Module, batches: list[tuple[Tensor, Tensor]], rate: float) -> list[np.ndarray]:
    """Loss, J and F of every step of one ordinary network, in a loop over parameters."""
    rows = []
    for inputs, labels in batches:
        loss = F.cross_entropy(network(inputs), labels)
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        promise = 0.0
        for value, gradient in zip(network.parameters(), gradients, strict=True):
            promise += rate * gradient.square().sum().item()
            value.data -= rate * gradient
        after = F.cross_entropy(network(inputs), labels)
        rows.append([loss.item(), loss.item() - after.item(), promise])
    return [*np.array(rows).T]


@pytest.mark.parametrize("family", ["plain", "batch-norm", "residual"])
def test_every_step_is_that_of_a_loop(images: Images, family: str) -> None:
    networks, batches = [network_of(family, seed).double() for seed in (0, 1)], minibatches(images, 9)
    batches = [Batch(batch.inputs.double(), batch.labels) for batch in batches]
    path, _ = follow(networks[0], stack(networks), iter(batches), torch.full((2,), RATE))
    for member, network in enumerate(networks):
        expected = by_hand(network, [(batch.inputs[member], batch.labels[member]) for batch in batches], RATE)
        for values, wanted in zip(path, expected, strict=True):
            np.testing.assert_allclose(values[:, member], wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("family", ["plain", "batch-norm"])
def test_recording_changes_no_bit_of_training(images: Images, family: str) -> None:
    members, rates = [network_of(family, seed) for seed in (0, 1)], torch.tensor([0.1, RATE])
    seen: list[int] = []

    def observe(moment: Moment) -> None:
        seen.append(moment.step)
        for values in (moment.before, moment.after):
            values["head.bias"].clone().requires_grad_()

    _, recorded = follow(members[0], stack(members), iter(minibatches(images, 9)), rates, [], observe)
    parameters = stack(members)
    for batch in minibatches(images, 9):
        parameters = simultaneous(members[0], parameters, batch, {}, rates).parameters
    assert seen == [*range(1, 10)]
    assert all(torch.equal(parameters[name], value) for name, value in recorded.items())


def test_the_table_is_the_same_whichever_steps_are_measured(images: Images) -> None:
    few, many = (
        measure(images, "batch-norm", [0, 1], **SIZES | {"moments": moments})["early_steps"]
        for moments in ([3], [1, 2, 3, 5])
    )
    last = ["train_loss", "failed", "diverged"]
    for table in (few, many):
        assert set(last) <= set(table["quantity"])
    ends = [table[table["quantity"].isin(last)]["value"].to_numpy() for table in (few, many)]
    np.testing.assert_array_equal(ends[0], ends[1])


def test_held_norms_stay_and_the_function_with_them(images: Images) -> None:
    member, batches = network_of("batch-norm", 0), minibatches(images, 6)
    names, rates, start = scale_free_weights(member), torch.full((2,), 1.0), stack([member, member])
    moments: list[Moment] = []
    _, end = follow(member, start, iter(batches), rates, names, moments.append)
    for name in names:
        torch.testing.assert_close(end[name].norm(dim=-1), start[name].norm(dim=-1))
    inputs = images.train_inputs[:20]
    scaled = unstack(end, 0)
    free = unstack(moments[-1].after, 0)
    outputs = [torch.func.functional_call(member, values, (inputs,)) for values in (scaled, free)]
    torch.testing.assert_close(*outputs, rtol=1e-3, atol=1e-3)  # epsilon does feel the size of weights


def value_of(table: pd.DataFrame, **conditions: Any) -> float:
    for column, value in conditions.items():
        table = table[table[column] == value]
    (found,) = table["value"]
    return float(found)


def full_batch_of(images: Images, seed: int) -> tuple[Tensor, Tensor]:
    drawn = torch.randperm(60, generator=generator(seed, "full batch"))[:20]
    return images.train_inputs[drawn].double(), images.train_labels[drawn]


def test_windows_and_the_end_follow_from_the_loop(images: Images) -> None:
    tables = measure(images, "plain", [2, 5], **SIZES)
    table = tables["early_steps"]
    rate = table.query("batches == 'full batch' and multiple == 4")["learning_rate"].iloc[0]
    loss, joint, promise = by_hand(network_of("plain", 5).double(), [full_batch_of(images, 5)] * 6, rate)
    own = table.query("batches == 'full batch' and multiple == 4 and seed == 5")
    for start, end in ((0, 1), (1, 3), (3, 6)):
        of = slice(start, end)
        expected = {
            "loss": loss[of].mean(),
            "kept": joint[of].sum() / promise[of].sum(),
            "broken": (joint[of] / promise[of] < 0.5).mean(),
            "rising": (joint[of] < 0).mean(),
            "promise": np.sort(promise[of] / loss[of])[(end - start - 1) // 2],
        }
        for quantity, wanted in expected.items():
            assert value_of(own, step=end, quantity=quantity) == pytest.approx(wanted, rel=1e-3, abs=1e-6)
    assert value_of(own, quantity="train_loss") == pytest.approx(loss[-1], rel=1e-4)
    assert value_of(own, quantity="failed") == (loss[-1] > log(4) - 0.1)


def test_the_edge_is_the_largest_eigenvalue_of_the_whole_matrix(images: Images) -> None:
    table = measure(images, "plain", [2], **SIZES | {"iterations": 90})["early_steps"]
    network, (inputs, labels) = network_of("plain", 2).double(), full_batch_of(images, 2)
    values = [value.detach() for value in network.parameters()]
    names = [name for name, _ in network.named_parameters()]
    sizes = [value.numel() for value in values]

    def loss(vector: Tensor) -> Tensor:
        parts = [part.view(v.shape) for part, v in zip(vector.split(sizes), values, strict=True)]
        outputs = torch.func.functional_call(network, dict(zip(names, parts, strict=True)), (inputs,))
        return F.cross_entropy(outputs, labels)

    whole = torch.autograd.functional.hessian(loss, torch.cat([value.flatten() for value in values]))
    largest = torch.linalg.eigvalsh(whole)[-1].item()
    first = table.query("batches == 'full batch' and multiple == 1 and step == 1")
    rate = first["learning_rate"].iloc[0]
    assert value_of(first, quantity="curvature") == pytest.approx(largest, rel=1e-4)
    assert value_of(first, quantity="edge") == pytest.approx(rate * largest / 2, rel=1e-4)
    assert 0 < value_of(first, quantity="block_edge") < rate * largest / 2


def test_the_way_made_to_the_last_features_is_a_share_of_the_dissimilarity_at_first() -> None:
    """Of one unit each, whose similarity is the squared cosine of their angle."""

    def at(*degrees: float) -> Tensor:
        angles = torch.tensor(degrees).double().deg2rad()[:, None]
        axes = torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]]).double()
        return (angles.cos() * axes[0] + angles.sin() * axes[1])[:, None, :, None]

    first, last = at(90, 45), at(0, 0)
    shares = [_way(features, first, last).item() for features in (first, at(30, 45), at(30, 30), last)]
    assert shares == pytest.approx([0, 0.75 / 2, (0.75 + 0.5) / 2, 1])


def test_tables_are_whole(images: Images, written: Written) -> None:
    said: list[str] = []
    tables = {
        family: measure(images, family, [0, 1], **SIZES, say=said.append)
        for family in ("plain", "batch-norm")
    }
    for of_family in tables.values():
        for name, table in of_family.items():
            written(table, name)
    plain, norm = (tables[family]["early_steps"] for family in tables)
    assert set(plain["norms"]) == {"free"}
    assert set(norm[["norms", "multiple"]].drop_duplicates().itertuples(index=False, name=None)) == {
        *[("free", 1.0), ("free", 4.0), ("held", 4.0)]
    }
    for (batches, steps), table in plain.groupby(["batches", "step"]):
        assert steps in ({1, 3, 12} if batches == "minibatches" else {1, 3, 6})
        assert len(set(table["quantity"])) >= 12
    ways = norm.query("quantity == 'way_to_features' and step == 1")["value"]
    # undefined where a layer of such small networks has died in the end
    np.testing.assert_allclose(ways.dropna(), 0, atol=1e-9)
    assert len(ways.dropna()) > len(ways) / 2
    held = norm.query("quantity == 'effective_rate'").groupby(["norms", "step"])["value"].mean()
    assert held["held"].tolist() == pytest.approx([1, 1, 1, 1])
    assert (held["free"].to_numpy()[1:] < 1).all()


def test_diverged_seeds_stay_in_the_table_as_nan(images: Images, written: Written) -> None:
    table = measure(images, "plain", [0, 1], **SIZES | {"multiples": [1.0, 1e12]})["early_steps"]
    lost = written(table, "early_steps").query("multiple > 1 and batches == 'minibatches'")
    last = lost[lost["step"] == 12].set_index(["quantity", "seed"])["value"]
    assert last["failed"].tolist() == last["diverged"].tolist() == [1, 1]
    for quantity in ("kept", "edge", "train_loss", "interaction", "way_to_features"):
        assert last[quantity].isna().all()


def test_batches_larger_than_the_data_are_refused(images: Images) -> None:
    for name in ("batch_size", "full_batch"):
        with pytest.raises(ValueError, match=f"{name} is 61; allowed: 2 to 60, the training images"):
            measure(images, "plain", [0], **SIZES | {name: 61})


def test_multiples_have_the_best_rate_and_tuning_seeds_are_not_tested() -> None:
    settings = {"multiples": [0.5, 2], "seeds": [0, 1], "tuning_seeds": [1, 2]}
    assert list(STUDY.problems({"early_steps": settings})) == [
        "early_steps.multiples is 0.5, 2; allowed: numbers above 0 with 1, the best rate, among them",
        "early_steps.tuning_seeds has 1; allowed: none of early_steps.seeds, which are tested",
    ]
