"""Activation patterns of random networks."""

import math
from collections import Counter
from collections.abc import Callable
from itertools import groupby
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from movingtarget.experiments.activations import activation_patterns, measure
from movingtarget.measures.paths import line
from movingtarget.networks.feedforward import Feedforward
from movingtarget.networks.initialise import generator, initialise
from movingtarget.networks.random import random_network
from movingtarget.networks.residual import Residual

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
PLAIN: dict[str, Any] = {"network": "feedforward", "normalisation": "none"}
NORMALISED: dict[str, Any] = {"network": "feedforward", "normalisation": "batch-norm"}
RESIDUAL: dict[str, Any] = {"network": "residual", "normalisation": "batch-norm", "beta": 1.0}
TINY: dict[str, Any] = {"width": 7, "points": 30, "half_width": 2.0, "inputs": 9}


def test_tables_have_all_their_rows_and_columns(written: Written) -> None:
    said: list[str] = []
    tables = measure([3, 4], depths=[2, 5], networks=[PLAIN, RESIDUAL], say=said.append, **TINY)
    lengths = {
        "activation_shares": 2 * (5 + 4) * 2,
        "activation_patterns": 2 * 2 * 7,
        "contiguity": 8 * (10 + 6 + 2),
    }
    assert {name: len(table) for name, table in tables.items()} == lengths
    assert len(said) == len(set(said)) == 6
    for name, table in tables.items():
        read = written(table, name)
        assert read.loc[read["network"] == "feedforward", "beta"].isna().all()
        assert (read.loc[read["network"] == "residual", "beta"] == 1).all()


def test_patterns_are_what_passes_the_rectifiers() -> None:
    network = initialise(Feedforward(4, 7, 3, 1, "relu"), 0, "relu")
    stream = torch.randn(9, 4)
    patterns = activation_patterns(network, stream)
    assert patterns.shape == (3, 9, 7)
    for layer, pattern in zip(network.get_submodule("hidden").children(), patterns, strict=True):
        stream = layer(stream)
        assert torch.equal(pattern, stream > 0)


@pytest.mark.parametrize("on_a_line", [False, True])
def test_patterns_of_a_residual_network_are_its_blocks_own(on_a_line: bool) -> None:
    network = Residual(1, 7, 4, 1, "relu", "none", on_a_line=on_a_line)
    initialise(network, 0, "relu", random_biases=True)
    inputs = line(9, 2.0)
    patterns = activation_patterns(network, inputs)
    assert patterns.shape == (3, 9, 7)
    stem, *blocks = network.hidden
    stream = stem(inputs)
    for block, pattern in zip(blocks, patterns, strict=True):
        assert torch.equal(pattern, stream > 0)
        stream = block(stream)


def test_a_stem_alone_has_no_pattern() -> None:
    network = Residual(1, 7, 1, 1, "relu", on_a_line=True)
    with pytest.raises(ValueError, match="need a hidden layer of rectifiers, which depth 1 has not"):
        activation_patterns(network, line(9, 2.0))


def test_shares_are_of_the_deepest_network_on_the_seeds_inputs() -> None:
    table = measure([6], depths=[2, 3], networks=[PLAIN], **TINY)["activation_shares"]
    shares = table.set_index(["quantity", "layer"])["value"]
    stream = torch.randn(9, 7, generator=generator(6, "inputs"))
    network = initialise(Feedforward(7, 7, 3, 1, "relu"), 6, "relu")
    for number, layer in enumerate(network.get_submodule("hidden").children(), start=1):
        stream = layer(stream)
        active = (stream > 0).double()
        both = active @ active.T
        assert shares["active", number] == pytest.approx(active.mean().item())
        assert shares["co-active", number] == pytest.approx((both.sum() - both.trace()).item() / (9 * 8 * 7))


def test_histogram_follows_from_the_patterns() -> None:
    tables = measure([0], depths=[2, 6], networks=[PLAIN, NORMALISED, RESIDUAL], **TINY)
    key = ["network", "normalisation", "depth"]
    drawn = dict(list(tables["activation_patterns"].groupby(key)["pattern"]))
    for setting, rows in tables["contiguity"].groupby(key):
        values = rows.set_index(["quantity", "bin"])["value"]
        expected = Counter(bin_of(pattern) for pattern in drawn[setting])
        shares = [expected[place] / 7 for place in range(1, 11)]
        assert values["share"].tolist() == pytest.approx(shares, abs=1e-12)
        counted = Counter(class_of(pattern) for pattern in drawn[setting])
        classes = [counted[place] / 7 for place in range(6)]
        assert values["class"].tolist() == pytest.approx(classes, abs=1e-12)
        assert values["breadth", 0] == pytest.approx(math.prod(share**-share for share in classes if share))
        assert values["two_fullest", 0] == pytest.approx(sum(sorted(classes)[-2:]))


def bin_of(pattern: str) -> int:
    """The bin of 1 / runs in ten equal ones, (0, 0.1] first, in whole numbers."""
    runs = len(list(groupby(pattern)))
    return -(-10 // runs)


def class_of(pattern: str) -> int:
    """The least k with at most 2^k runs, in whole numbers."""
    runs = len(list(groupby(pattern)))
    return next(k for k in range(20) if runs <= 2**k)


@pytest.mark.parametrize("points", [30, 33, 49, 256])
def test_lengths_on_the_edge_of_a_bin_are_in_it(points: int) -> None:
    tables = measure([0, 1], depths=[2], networks=[NORMALISED], **TINY | {"points": points, "width": 60})
    patterns = tables["activation_patterns"]["pattern"]
    expected = patterns.map(bin_of).value_counts(normalize=True)
    measured = tables["contiguity"].query("seed == 0 and quantity == 'share' and value > 0")
    assert dict(zip(measured["bin"], measured["value"], strict=True)) == pytest.approx(expected.to_dict())


def test_patterns_are_of_the_first_seeds_last_layer_and_at_most_sixty_units() -> None:
    table = measure([8, 9], depths=[3], networks=[RESIDUAL], **TINY | {"width": 64})["activation_patterns"]
    network = random_network(**RESIDUAL, depth=3, width=64, seed=8)
    pattern = activation_patterns(network, line(30, 2.0))[-1]
    assert table["unit"].tolist() == list(range(1, 61))
    assert (table["seed"] == 8).all()
    assert table["pattern"].tolist() == ["".join("01"[on] for on in unit) for unit in pattern.mT[:60].int()]


def test_batch_norm_keeps_co_activation_at_a_quarter() -> None:
    # 6 networks of 60 units and 40 inputs; the claim of figure 3, with room for a standard error of 0.01
    sizes: dict[str, Any] = {"width": 60, "points": 16, "half_width": 2.0, "inputs": 40}
    table = measure(range(6), depths=[20], networks=[PLAIN, NORMALISED], **sizes)["activation_shares"]
    last = table[table["layer"] == 20].groupby(["normalisation", "quantity"])["value"].mean()
    assert last["batch-norm", "active"] == pytest.approx(0.5, abs=0.03)
    assert last["batch-norm", "co-active"] == pytest.approx(0.25, abs=0.03)
    assert last["none", "co-active"] > 0.38


def test_seeds_are_independent_of_the_others_they_run_with() -> None:
    together = measure([1, 2], depths=[3], networks=[RESIDUAL], **TINY)
    alone = measure([2], depths=[3], networks=[RESIDUAL], **TINY)
    for name in ("activation_shares", "contiguity"):
        own = together[name][together[name]["seed"] == 2].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, alone[name])


def test_networks_are_left_without_hooks() -> None:
    network = random_network(**RESIDUAL, depth=3, width=7, seed=0)
    activation_patterns(network, line(9, 2.0))
    assert not any(part._forward_hooks for part in network.modules() if isinstance(part, nn.ReLU))
