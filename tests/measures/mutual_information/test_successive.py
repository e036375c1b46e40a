"""Information between successive layers of a stack."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from movingtarget.measures.mutual_information.by_name import information_through_noise
from movingtarget.measures.mutual_information.successive import Pair, Reading, permuted, read, successive
from movingtarget.networks import stack

Random = Callable[..., list[nn.Module]]
USUAL = Reading(["gaussian"], [0.5], ["deviation"])


def inputs(examples: int = 300) -> Tensor:
    return torch.randn(examples, 5, generator=torch.Generator().manual_seed(1))


def pairs_of(networks: list[nn.Module], **given: Tensor) -> list[Pair]:
    sets = {"train_inputs": inputs(), "test_inputs": inputs(200)} | given
    return successive(networks[0], stack(networks), **sets)


@pytest.mark.parametrize("family", ["plain", "batch-norm", "residual"])
def test_pairs_are_the_layers_that_each_member_computes(random_networks: Random, family: str) -> None:
    networks = random_networks(family, 2, depth=3)
    pairs = [pair for pair in pairs_of(networks) if pair.relation == "layers"]
    assert [pair.layer for pair in pairs] == [1, 2]
    assert torch.equal(pairs[0].above, pairs[1].below)
    for place, network in enumerate(networks):
        alone = pairs_of([network])
        torch.testing.assert_close(pairs[1].above[place], alone[1].above[0])
        if family == "plain":
            hidden = network.get_submodule("hidden")
            first = hidden[0](inputs(200))  # type: ignore[index]
            torch.testing.assert_close(pairs[0].below[place], first)
            torch.testing.assert_close(pairs[0].above[place], hidden[1](first))  # type: ignore[index]


def test_a_branch_is_what_a_block_adds_to_its_stream(random_networks: Random) -> None:
    networks = random_networks("residual", 2, depth=4)
    pairs = pairs_of(networks)
    layers = {pair.layer: pair for pair in pairs if pair.relation == "layers"}
    branches = {pair.layer: pair for pair in pairs if pair.relation == "branch"}
    assert set(branches) == set(layers) == {1, 2, 3}
    for layer, branch in branches.items():
        assert torch.equal(branch.below, layers[layer].below)
        added = layers[layer].above - layers[layer].below
        torch.testing.assert_close(branch.above / math.sqrt(4), added, atol=1e-6, rtol=1e-4)


def test_population_statistics_come_from_the_training_inputs(random_networks: Random) -> None:
    networks = random_networks("batch-norm", 1)
    networks[0].train()
    usual, moved = pairs_of(networks), pairs_of(networks, train_inputs=3 * inputs() + 1)
    assert not torch.allclose(usual[0].below, moved[0].below)
    few = pairs_of(networks, test_inputs=inputs(200)[:3])
    torch.testing.assert_close(few[0].below, usual[0].below[:, :3])
    assert networks[0].training


def test_records_say_what_the_estimator_says_of_each_member(random_networks: Random) -> None:
    (pair,) = pairs_of(random_networks("plain", 2, depth=2))
    reading = Reading(["gaussian", "alignment"], [0.3, 1.0], ["deviation", "root-mean-square"])
    records = list(read([pair], reading, [7, 9]))
    assert len(records) == 2 * 2 * 2 * 2
    for record in records:
        member = [7, 9].index(record["seed"])
        sides = pair.below[member], pair.above[member]
        named = {key: record[key] for key in ("estimator", "noise", "scaling")}
        spread = [information_through_noise(*sides, **named, seed=seed).value for seed in range(8)]
        assert record["value"] == pytest.approx(np.mean(spread), abs=float(5 * np.std(spread) + 1e-12))
        assert (record["layer"], record["relation"], record["saturated"]) == (1, "layers", 0)
        assert record["ceiling"] == (1.0 if record["estimator"] == "alignment" else math.inf)


def test_both_layers_get_noise_of_their_own_and_so_do_seeds_and_pairs() -> None:
    layer = torch.randn(1, 4000, 3, generator=torch.Generator().manual_seed(0))
    pair = Pair(1, "layers", layer, layer)
    expected = -3 / 2 * math.log(1 - 1 / (1 + 0.5**2) ** 2)
    values = {
        (place, seed): next(read([pair._replace(layer=place)], USUAL, [seed]))["value"]
        for place in (1, 2)
        for seed in (0, 1)
    }
    assert len(set(values.values())) == 4
    for value in values.values():
        assert value == pytest.approx(expected, abs=0.1)


def test_shuffled_layers_share_nothing() -> None:
    layer = torch.randn(1, 4000, 3, generator=torch.Generator().manual_seed(0))
    shuffled = permuted(Pair(1, "layers", layer, layer))
    assert shuffled.relation == "permuted"
    torch.testing.assert_close(shuffled.above.sort(1).values, layer.sort(1).values)
    assert next(read([shuffled], USUAL, [0]))["value"] == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("broken", [0.0, math.nan])
def test_layers_that_do_not_vary_or_are_not_finite_are_undefined_and_others_go_on(broken: float) -> None:
    layer = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0))
    bad = layer.clone()
    bad[1] = broken
    first, second = read([Pair(1, "layers", layer, bad)], USUAL, [0, 1])
    assert math.isfinite(first["value"])
    assert math.isnan(second["value"])
    assert math.isnan(second["ceiling"])
    assert (first["saturated"], second["saturated"]) == (0, 0)


def test_estimators_that_add_the_noise_themselves_are_told_it() -> None:
    """Two far clusters, told apart through little noise and not through much."""
    layer = torch.tensor([-1.0, 1.0]).repeat(50)[None, :, None]
    reading = Reading(["pairwise-lower", "pairwise-upper"], [0.1, 30.0], ["deviation"])
    values = {
        (record["noise"], record["estimator"]): record["value"]
        for record in read([Pair(1, "layers", layer, layer)], reading, [0])
    }
    assert values[0.1, "pairwise-lower"] == pytest.approx(math.log(2), abs=1e-6)
    assert values[0.1, "pairwise-upper"] == pytest.approx(math.log(2), abs=1e-6)
    assert values[30.0, "pairwise-upper"] < 0.01
