"""The figure of one step."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from drawing_cases import xy

from movingtarget.figures.one_step import OFF_SCALE, draw

RATES = [0.001, 0.01, 0.1, 0.3, 1.0]
SEEDS = 3
NETWORKS = [("example", 1), ("plain", 3), ("plain", 5), ("batch-norm", 3), ("residual", 3)]


def table_of(networks=NETWORKS) -> pd.DataFrame:
    """Movements of rate x layer; losses that fall by the rate's share a step, a half more with Adam."""
    ways = pd.DataFrame(
        product(["sgd", "adam"], RATES, range(SEEDS)), columns=["optimiser", "learning_rate", "seed"]
    )
    measured = [
        {"network": network, "depth": depth, **place}
        for network, depth in networks
        for place in [
            *({"quantity": "movement", "step": 1, "layer": layer} for layer in range(1, depth + 2)),
            *({"quantity": "loss", "step": step, "layer": 0} for step in range(5)),
        ]
    ]
    rows = pd.DataFrame(measured).merge(ways, "cross")
    factor = np.where(rows["optimiser"] == "adam", 1.5, 1.0)
    moved = rows["learning_rate"] * rows["layer"] * factor
    loss = 2.0 * np.exp(-rows["learning_rate"] * factor * rows["step"])
    spread = 1 + 0.1 * (rows["seed"] - 1)
    return rows.assign(value=np.where(rows["quantity"] == "loss", loss, moved) * spread)


@pytest.fixture(scope="module")
def figure():
    return draw(table_of())


def names(axes):
    return [text.get_text() for text in axes.texts]


def line(axes, name):
    return next(line for line in axes.lines if line.get_label() == name)


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_movements_of_the_example_and_a_family_above_losses_of_two_families(figure):
    assert titles(figure) == [
        *("(a) example, SGD", "(b) example, Adam"),
        *("(c) plain, 3 layers, SGD", "(d) plain, 3 layers, Adam"),
        *("(e) plain, 3 layers, SGD", "(f) batch norm, 3 layers, SGD"),
    ]
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["movement\n(layer's norm)"] * 2 + [
        "loss (nats)"
    ]
    assert [axes.get_xlabel() for axes in figure.axes] == ["learning rate"] * 4 + ["step"] * 2
    assert {axes.get_yscale() for axes in figure.axes} == {"log"}
    assert len({axes.get_ylim() for axes in figure.axes[:4]}) == 1


def test_every_layer_has_a_line_against_the_rate(figure):
    example, _, plain, adam = figure.axes[:4]
    assert sorted(names(example)) == ["layer 1", "output layer"]
    assert sorted(names(plain)) == ["layer 1", "layer 3", "output layer"]
    np.testing.assert_allclose(xy(line(example, "output layer")), [RATES, [2 * rate for rate in RATES]])
    drawn = [xy(own).y[0] for own in plain.lines if len(xy(own).x) == len(RATES)]
    np.testing.assert_allclose(drawn, [0.001 * layer for layer in (1, 2, 3, 4)])
    np.testing.assert_allclose(xy(line(adam, "layer 3")).y, [4.5 * rate for rate in RATES])
    darkness = [np.sum(line(plain, name).get_color()) for name in ("layer 1", "layer 3", "output layer")]
    assert darkness == sorted(darkness, reverse=True)


def test_a_layers_own_size_is_a_thin_line(figure):
    for axes in figure.axes[:4]:
        (level,) = [own for own in axes.lines if own.get_linewidth() == 0.7]
        np.testing.assert_array_equal(xy(level), [[0.001, 1], [1, 1]])


def test_losses_of_some_rates_from_the_largest_on(figure):
    for axes in figure.axes[4:]:
        assert sorted(names(axes)) == ["rate 0.001", "rate 0.1", "rate 1"]
        expected = [2 * np.exp(-step) for step in range(5)]
        np.testing.assert_allclose(xy(line(axes, "rate 1")).y, expected)


def test_losses_off_the_scale_leave_a_gap_under_a_cross():
    table = table_of([("plain", 3)])
    losses = (table["optimiser"] == "sgd") & (table["quantity"] == "loss")
    large = losses & (table["learning_rate"] == 1.0) & (table["seed"] < 2)
    table.loc[large & (table["step"] == 2), "value"] = OFF_SCALE + 1
    table.loc[large & (table["step"] == 4), "value"] = np.nan
    table.loc[losses & (table["learning_rate"] == 0.1) & (table["step"] > 0), "value"] = np.nan
    *_, sgd = draw(table).axes
    assert np.isfinite(xy(line(sgd, "rate 1")).y).tolist() == [True, True, False, True, False]
    assert {"2/3 rate 1", "3/3 rate 0.1", "diverged"} < {*names(sgd)}
    crosses = [xy(mark).x[0] for mark in sgd.lines if mark.get_marker() == "x"]
    assert sorted(crosses) == [1, 2]
    assert sgd.get_ylim()[1] < OFF_SCALE


def test_members_that_all_diverged_are_still_named():
    table = table_of([("plain", 3)])
    table.loc[table["quantity"] == "loss", "value"] = np.nan
    *_, axes = draw(table).axes
    assert sorted(names(axes)) == ["3/3 rate 0.001", "3/3 rate 0.1", "3/3 rate 1", "diverged"]


def test_the_example_and_one_seed_alone():
    table = table_of([("example", 1)])
    figure = draw(table[table["seed"] == 0])
    assert [len(names(axes)) for axes in figure.axes] == [2, 2, 3]
