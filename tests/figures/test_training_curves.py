"""The figure of learning curves."""

import numpy as np
import pytest
from drawing_cases import xy
from matplotlib.colors import to_hex

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.training_curves import draw


def names(axes):
    return [text.get_text() for text in axes.texts]


def rows(table, network, update_rule="sgd"):
    return (table["network"] == network) & (table["update_rule"] == update_rule)


def line(axes, name):
    return next(line for line in axes.lines if line.get_label() == name)


def test_loss_by_step_loss_by_cost_and_accuracy_for_each_depth(training):
    axes = draw(training()).axes
    assert [panel.get_xlabel() for panel in axes[::2]] == [
        "step (minibatches)",
        "cost (gradient evaluations)",
        "step (minibatches)",
    ]
    assert [panel.get_ylabel() for panel in axes[::2]] == ["minibatch loss (nats)"] * 2 + [
        "test accuracy (%)"
    ]
    assert [panel.get_title(loc="left") for panel in axes] == [
        f"({letter}) depth {depth}" for letter, depth in zip("abcdef", [3, 6] * 3, strict=True)
    ]
    assert all(sorted(names(panel)) == ["LocoProp", "batch norm", "plain", "residual"] for panel in axes)


def test_a_line_is_the_mean_over_seeds(training):
    table = training(depths=[3])
    loss = draw(table).axes[0]
    for name in ("plain", "residual"):
        shown = rows(table, name) & (table["quantity"] == "batch_loss")
        np.testing.assert_allclose(xy(line(loss, name)).y, table[shown].groupby("step")["value"].mean())


def test_a_step_of_locoprop_costs_more_and_accuracy_is_a_percentage(training):
    table = training(depths=[3])
    _, cost, accuracy = draw(table).axes
    assert xy(line(cost, "plain")).x.tolist() == [5, 10, 20]
    assert xy(line(cost, "LocoProp")).x.tolist() == [25, 50, 100]
    assert to_hex(line(cost, "LocoProp").get_color()) == LOOKS["locoprop"]["color"].lower()
    assert xy(line(accuracy, "plain")).y[0] == pytest.approx(100, rel=0.1)


def test_untrained_networks_do_not_stretch_the_accuracys_scale(training):
    table = training(depths=[3])
    table.loc[table["step"] == 5, ["step", "value"]] = [0, 0.001]
    assert xy(line(draw(table).axes[2], "plain")).x.tolist() == [10, 20]


def test_a_diverged_seed_ends_the_line_under_a_cross(training):
    table = training(depths=[3])
    table.loc[rows(table, "plain") & (table["seed"] == 1) & (table["step"] >= 10), "value"] = np.nan
    table.loc[rows(table, "residual"), "value"] = np.nan
    for axes in draw(table).axes:
        assert np.isfinite(xy(line(axes, "plain")).y).tolist() == [True, False, False]
        assert {"1/3 plain", "3/3 residual", "diverged"} < {*names(axes)}
        crosses = [mark for mark in axes.lines if mark.get_marker() == "x"]
        assert {xy(mark).x[0] for mark in crosses} == {5, 10}


def test_a_single_seed_and_arm(training):
    figure = draw(training(arms=[("batch-norm", "sgd")], depths=[3], seeds=1))
    assert [names(axes) for axes in figure.axes] == [["batch norm"]] * 3
