"""The figure of update orders at their costs."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import xy
from matplotlib.colors import to_hex

from movingtarget.figures.update_orders import draw
from movingtarget.statistics.rows import where
from movingtarget.update_orders import UPDATE_ORDERS

TIME, FLOPS, GRADIENTS, STEPS = range(4)


def times(table: pd.DataFrame) -> pd.DataFrame:
    """A step of a sweep takes 0.3 s on average, of any other order 0.1 s."""
    arms = table[["network", "order"]].drop_duplicates()
    mean = np.where(arms["order"] == "forward", 0.3, 0.1)
    return pd.concat(
        [arms.assign(seed=seed, seconds=mean + shift) for seed, shift in enumerate([-0.05, 0.05])]
    )


def drawn(axes, order):
    """The only line of an order with as many points as there are evaluations."""
    colour = UPDATE_ORDERS[order].look["color"].lower()
    lines = [
        line
        for line in axes.lines
        if to_hex(line.get_color()) == colour and line.get_marker() not in ("x", "None")
    ]
    return lines[0] if lines else None


def names(axes):
    return [text.get_text() for text in axes.texts]


def test_a_row_for_each_network_and_a_column_for_each_cost(update_orders):
    table = update_orders()
    axes = draw(table, times(table)).axes
    assert len(axes) == 2 * 4
    assert [axes[0].get_ylabel(), axes[4].get_ylabel()] == [
        "plain\ntraining loss (nats)",
        "batch norm\ntraining loss (nats)",
    ]
    assert [panel.get_xlabel() for panel in axes] == [""] * 4 + [
        "time\n(s, all members)",
        "cost\n(GFLOP a member)",
        "gradient\nevaluations",
        "steps\n(minibatches)",
    ]
    assert {panel.get_xscale() for panel in axes} == {panel.get_yscale() for panel in axes} == {"log"}
    assert [names(panel) for panel in axes[:3]] == [[]] * 3
    assert sorted(names(axes[3])) == ["forward sweep", "simultaneous"]


def test_each_column_has_the_same_losses_at_its_own_cost(update_orders):
    table = update_orders(networks=["plain"])
    axes = draw(table, times(table)).axes
    rows = where(table, order="forward", learning_rate=0.1)
    losses = rows[rows["step"] > 0].groupby("step")["train_loss"].mean()
    costs = {
        TIME: 0.3 * losses.index,
        FLOPS: 6 * losses.index,
        GRADIENTS: 3 * losses.index,
        STEPS: losses.index,
    }
    for place, cost in costs.items():
        line = drawn(axes[place], "forward")
        np.testing.assert_allclose(xy(line).x, cost)
        np.testing.assert_allclose(xy(line).y, losses)
    np.testing.assert_allclose(xy(drawn(axes[TIME], "simultaneous")).x, [1, 2, 4])


def test_a_thin_line_stands_where_simultaneous_updates_end(update_orders):
    table = update_orders(networks=["plain"])
    axes = draw(table, times(table)).axes
    budgets = [xy(panel.lines[0]).x for panel in axes]
    np.testing.assert_allclose(budgets, [[4, 4], [80, 80], [40, 40], [40, 40]])


def test_every_order_stands_at_its_own_best_rate(update_orders):
    table = update_orders(networks=["plain"])
    table.loc[(table["order"] == "forward") & (table["learning_rate"] == 0.3), "train_loss"] /= 4
    axes = draw(table, times(table)).axes[STEPS]
    for order, rate in {"simultaneous": 0.1, "forward": 0.3}.items():
        rows = where(table, order=order, learning_rate=rate, step=40)
        assert xy(drawn(axes, order)).y[-1] == pytest.approx(rows["train_loss"].mean())


def test_only_orders_that_compute_the_gradient_again_are_drawn(update_orders):
    orders = ["greedy", "stale", "round-robin", "fresh", "random", "backward", "forward", "simultaneous"]
    table = update_orders(orders=orders, networks=["plain"])
    axes = draw(table, times(table)).axes[STEPS]
    assert sorted(names(axes)) == [
        "backward sweep",
        "forward sweep",
        "fresh batches",
        "random sweep",
        "round robin",
        "simultaneous",
    ]
    assert drawn(axes, "greedy") is None
    assert drawn(axes, "stale") is None


def test_a_diverged_seed_ends_the_line_under_a_cross_in_every_column(update_orders):
    table = update_orders(networks=["plain"])
    lost = (table["order"] == "forward") & (table["seed"] == 1) & (table["step"] >= 20)
    table.loc[lost, "train_loss"] = np.nan
    axes = draw(table, times(table)).axes
    for place, end in enumerate([20 * 0.3, 20 * 6, 20 * 3, 20]):
        assert np.isfinite(xy(drawn(axes[place], "forward")).y).tolist() == [True, False, False]
        (cross,) = [line for line in axes[place].lines if line.get_marker() == "x"]
        assert xy(cross).x == pytest.approx([end])
        assert any(name.startswith("1/3") for name in names(axes[place]))
    assert "1/3 forward sweep" in names(axes[STEPS])


def test_a_single_seed_and_order(update_orders):
    table = update_orders(orders=["simultaneous"], networks=["plain"], seeds=1, rates=[0.1], steps=[0, 4])
    axes = draw(table, times(table)).axes
    assert names(axes[STEPS]) == ["simultaneous"]
