"""The figure of learning rates."""

import numpy as np
import pytest
from drawing_cases import xy

from movingtarget.figures.learning_rates import draw
from movingtarget.statistics.best_rate import best_learning_rate


def names(axes):
    return [text.get_text() for text in axes.texts]


def last_losses(table):
    return table[(table["quantity"] == "train_loss") & (table["step"] == 20)]


def rings(axes):
    return [line for line in axes.lines if line.get_markersize() == 8]


def test_every_member_every_mean_and_the_best_rates(training):
    table = training(arms=[("plain", "sgd"), ("plain", "locoprop")], depths=[3])
    (axes,) = draw(table).axes
    assert sorted(names(axes)) == ["LocoProp", "plain"]
    points = [xy(line) for line in axes.lines if line.get_markersize() == 2]
    losses = last_losses(table)
    expected = losses[["learning_rate", "value"]].to_numpy()
    assert sorted(np.hstack(points).T.tolist()) == sorted(expected.tolist())
    for (rule, arm), ring in zip(losses.groupby("update_rule", sort=False), rings(axes), strict=True):
        means = arm.groupby("learning_rate")["value"].mean()
        line = next(line for line in axes.lines if line.get_label() == {"sgd": "plain"}.get(rule, "LocoProp"))
        np.testing.assert_allclose(xy(line).y, means)
        best = best_learning_rate(arm)
        assert [xy(ring).x[0], xy(ring).y[0]] == pytest.approx([best, means[best]])


def test_diverged_seeds_are_counted_and_the_mean_is_not_of_the_others(training):
    table = training(arms=[("plain", "sgd"), ("residual", "sgd")], depths=[3], rates=[0.01, 0.1, 1.0])
    plain = table["network"] == "plain"
    table.loc[plain & (table["learning_rate"] == 0.1) & (table["seed"] == 2), "value"] = np.nan
    table.loc[plain & (table["learning_rate"] == 1.0), "value"] = np.inf
    (axes,) = draw(table).axes
    assert [name for name in names(axes) if "/" in name] == ["1/3", "3/3 plain"]
    assert "diverged" in names(axes)
    line = next(line for line in axes.lines if line.get_label() == "plain")
    assert np.isfinite(xy(line).y).tolist() == [True, False, False]
    points = [line for line in axes.lines if line.get_markersize() == 2]
    assert len(xy(points[0]).x) == 3 + 2


def test_an_arm_that_always_diverged_is_still_named(training):
    table = training(arms=[("plain", "sgd")], depths=[3])
    table["value"] = np.nan
    (axes,) = draw(table).axes
    assert names(axes) == ["3/3", "3/3 plain", "diverged"]


def test_ticks_are_the_rates_or_some_of_them(training):
    figure = draw(training(depths=[3], rates=[0.003, 0.03, 0.3], seeds=1))
    figure.draw_without_rendering()
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["0.003", "0.03", "0.3"]
    many = draw(training(depths=[3], rates=[10.0**-power for power in range(9)], seeds=1)).axes[0]
    assert len(many.get_xticks()) == 5


def test_three_depths_have_a_panel_each_with_units(training):
    figure = draw(training(depths=[3, 6, 9], seeds=1))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "(a) depth 3",
        "(b) depth 6",
        "(c) depth 9",
    ]
    assert figure.axes[2].get_ylabel() == "final training loss (nats)"
    assert {axes.get_xlabel() for axes in figure.axes} == {"learning rate"}
