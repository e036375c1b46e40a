"""The figure of the chain of linear units."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from drawing_cases import named, xy
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

from movingtarget.figures.linear_chain import LOWEST, SIDES, draw
from movingtarget.theory.linear_chain import kept, stability_limit, step_size, updated_output
from movingtarget.update_orders import UPDATE_ORDERS

LAYERS, WEIGHTS, SIZES = [2, 4, 8], [0.5, 1.0, 2.0], [0.01, 0.05, 0.1]


def noise(rows, columns):
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(value=np.random.default_rng(0).uniform(0.3, 0.9, len(table)))


@pytest.fixture(scope="module")
def steps():
    rows = product(LAYERS, WEIGHTS, ["fixed", "normalised"], SIZES, range(3), ["kept", "predicted"])
    return noise(rows, ["layers", "weight", "rule", "size", "seed", "quantity"])


@pytest.fixture(scope="module")
def rates():
    return noise(product([2, 4, 8], ["simultaneous", "forward"], range(3)), ["layers", "order", "seed"])


@pytest.fixture(scope="module")
def figure(steps, rates):
    return draw(steps, rates)


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def points(axes):
    """Markers in the order of their lines."""
    return [line for line in axes.lines if line.get_linestyle() == "None"]


def bars(axes):
    """The height of every interval, line by line."""
    return [
        np.ptp(segment[:, 1])
        for drawn in axes.collections
        if isinstance(drawn, LineCollection)
        for segment in drawn.get_segments()
        if segment.size
    ]


def test_a_panel_for_each_rule_at_the_greatest_size_and_one_of_rates(figure):
    assert titles(figure) == [
        "(a) fixed step, ε = 0.1",
        "(b) normalised step, δ = 0.1",
        "(c) largest stable rate",
    ]
    assert {axes.get_xlabel() for axes in figure.axes} == {"layers"}
    assert [axes.get_xticks().tolist() for axes in figure.axes] == [LAYERS] * 3
    assert [axes.get_yscale() for axes in figure.axes] == ["linear"] * 2 + ["log"]


def test_lines_are_theory_at_every_number_of_layers(figure):
    size = 0.1
    for axes, rule in zip(figure.axes, ["fixed", "normalised"], strict=False):
        lines = named(axes)
        assert [*lines] == ["w = 0.5", "w = 1", "w = 2"]
        assert sorted(text.get_text() for text in axes.texts) == [*lines]
        for weight, line in zip(WEIGHTS, lines.values(), strict=True):
            chains = [np.full(layers, weight) for layers in range(2, 9)]
            expected = np.array([kept(chain, step_size(chain, rule, size)) for chain in chains])
            outputs = [updated_output(chain, step_size(chain, rule, size)) for chain in chains]
            gone = np.abs(outputs) > np.array([chain.prod() for chain in chains])
            first = int(gone.argmax()) if gone.any() else len(gone)
            np.testing.assert_array_equal(xy(line).x, np.arange(2, 9)[: first + 1])
            np.testing.assert_allclose(xy(line).y[:first], expected[:first], rtol=1e-12)
            assert [*xy(line).y[first:]] == [LOWEST] * int(gone.any())


def test_conclusions_reverse_between_the_rules(figure):
    fixed, normalised, _ = figure.axes
    assert xy(named(fixed)["w = 0.5"]).y[-1] > 0.99
    assert LOWEST in xy(named(fixed)["w = 2"]).y
    assert LOWEST in xy(named(normalised)["w = 0.5"]).y
    assert xy(named(normalised)["w = 2"]).y[-1] > 0.99


def test_points_are_means_of_what_was_kept_with_intervals(steps, figure):
    for axes, rule in zip(figure.axes, ["fixed", "normalised"], strict=False):
        rows = steps[(steps["rule"] == rule) & (steps["size"] == 0.1) & (steps["quantity"] == "kept")]
        for weight, line, name in zip(WEIGHTS, points(axes), named(axes), strict=True):
            means = rows[rows["weight"] == weight].groupby("layers")["value"].mean()
            np.testing.assert_allclose(xy(line), means.reset_index().T)
            assert line.get_color() == named(axes)[name].get_color()
            assert line.get_marker() == SIDES[int(np.sign(weight - 1))]
        assert len(bars(axes)) == 9
        assert min(bars(axes)) > 0
    assert len({line.get_color() for line in points(axes)}) == 3


def test_rates_of_both_orders(rates, figure):
    layers, axes = np.arange(2, 9), figure.axes[2]
    lines = named(axes)
    assert [*lines] == ["simultaneous", "forward sweep"]
    for order, line, measured in zip(["simultaneous", "forward"], lines.values(), points(axes), strict=True):
        np.testing.assert_allclose(xy(line).y, stability_limit(layers, order))
        means = rates[rates["order"] == order].groupby("layers")["value"].mean()
        np.testing.assert_allclose(xy(measured).y, means)
        assert to_hex(measured.get_color()) == UPDATE_ORDERS[order].look["color"].lower()
    assert len(bars(axes)) == 6


def test_one_of_everything(steps, rates):
    one = (steps["layers"] == 4) & (steps["weight"] == 1) & (steps["size"] == 0.1) & (steps["seed"] == 0)
    figure = draw(steps[one], rates[(rates["layers"] == 4) & (rates["seed"] == 0)])
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes[:2]] == [["w = 1"]] * 2
    assert not any(bars(axes) for axes in figure.axes)
    assert [len(points(axes)) for axes in figure.axes] == [1, 1, 2]


def test_a_weight_whose_every_step_overshoots_still_has_its_name(steps, rates):
    far = steps.assign(layers=steps["layers"] * 4, weight=2 * steps["weight"])
    axes = draw(far, rates).axes[0]
    assert "w = 4" in {text.get_text() for text in axes.texts}
    np.testing.assert_array_equal(xy(named(axes)["w = 4"]), [[8], [LOWEST]])
