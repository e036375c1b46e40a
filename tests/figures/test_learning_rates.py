"""The figure of learning rates."""

import numpy as np
import pytest
from drawing_cases import xy

from movingtarget.figures.learning_rates import draw


def names(axes):
    return [text.get_text() for text in axes.texts]


def rings(axes):
    return [line for line in axes.lines if line.get_markersize() == 8]


def test_every_seed_every_mean_and_the_chosen_rates(training_search):
    """The ring stands where the search says, not at the lowest mean of the table."""
    table = training_search(arms=[("plain", "sgd"), ("plain", "locoprop")], depths=[3], best=0.1)
    (axes,) = draw(table).axes
    assert sorted(names(axes)) == ["LocoProp", "plain"]
    points = [xy(line) for line in axes.lines if line.get_markersize() == 2]
    expected = table[["learning_rate", "train_loss"]].to_numpy()
    assert sorted(np.hstack(points).T.tolist()) == sorted(expected.tolist())
    for (rule, arm), ring in zip(table.groupby("update_rule", sort=False), rings(axes), strict=True):
        means = arm.groupby("learning_rate")["train_loss"].mean()
        line = next(line for line in axes.lines if line.get_label() == {"sgd": "plain"}.get(rule, "LocoProp"))
        np.testing.assert_allclose(xy(line).y, means)
        assert means.idxmin() != 0.1
        assert [xy(ring).x[0], xy(ring).y[0]] == pytest.approx([0.1, means[0.1]])


def test_a_best_rate_at_an_edge_is_ringed_too(training_search):
    table = training_search(arms=[("plain", "sgd")], depths=[3], best=1.0, place="best at an edge")
    (ring,) = rings(draw(table).axes[0])
    assert xy(ring).x.tolist() == [1.0]


def test_diverged_seeds_are_counted_and_the_mean_is_not_of_the_others(training_search):
    table = training_search(arms=[("plain", "sgd"), ("residual", "sgd")], depths=[3])
    plain = table["network"] == "plain"
    table.loc[plain & (table["learning_rate"] == 0.1) & (table["seed"] == 2), "train_loss"] = np.inf
    table.loc[plain & (table["learning_rate"] == 1.0), "train_loss"] = np.inf
    (axes,) = draw(table).axes
    assert [name for name in names(axes) if "/" in name] == ["1/3", "3/3 plain"]
    assert "diverged" in names(axes)
    line = next(line for line in axes.lines if line.get_label() == "plain")
    assert np.isfinite(xy(line).y).tolist() == [True, False, False]
    points = [line for line in axes.lines if line.get_markersize() == 2]
    assert len(xy(points[0]).x) == 3 + 2


def test_an_arm_that_always_diverged_is_still_named(training_search):
    table = training_search(arms=[("plain", "sgd")], depths=[3], rates=[0.01, 0.1])
    (axes,) = draw(table.assign(train_loss=np.inf)).axes
    assert names(axes) == ["3/3", "3/3 plain", "diverged"]


def test_three_depths_have_a_panel_each_with_units(training_search):
    figure = draw(training_search(depths=[3, 6, 9], seeds=1))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "(a) depth 3",
        "(b) depth 6",
        "(c) depth 9",
    ]
    assert figure.axes[2].get_ylabel() == "final training loss (nats)"
    assert {axes.get_xlabel() for axes in figure.axes} == {"learning rate"}
