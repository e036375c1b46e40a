"""The figure of what a step loses because the other layers move too."""

import numpy as np
import pytest
from drawing_cases import xy

from movingtarget.figures.interaction import draw

STEPS = [0, 100]
ROWS = {"at F / L = 0.1": "interaction", "at the best rate": "interaction", "F / L": "promise"}


def titles(figure):
    return [axes.get_title(loc="left").split(") ")[1] for axes in figure.axes]


def texts(axes):
    return [text.get_text().strip() for text in axes.texts]


def heights(axes, name):
    (line,) = [line for line in axes.lines if line.get_label() == name]
    return xy(line).y


def test_prices_at_a_promise_and_at_best_rates_and_what_those_promise_against_depth(moving_target):
    table = moving_target()
    figure = draw(table)
    assert titles(figure) == [f"step {step}" for _ in ROWS for step in STEPS]
    panels = iter(figure.axes)
    for name, quantity in ROWS.items():
        chosen = table[table["promise"] == 0.1] if "=" in name else table[table["rate"] == "best"]
        rows = chosen[(chosen["quantity"] == quantity) & (chosen["network"] == "batch-norm")]
        for step, label in zip(STEPS, ["_batch norm", "batch norm"], strict=True):
            means = rows[rows["step"] == step].groupby("depth")["value"].mean()
            np.testing.assert_allclose(heights(next(panels), label), means)
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}
    assert [axes.get_yscale() for axes in figure.axes[::2]] == ["linear", "linear", "log"]
    assert {axes.get_xlabel() for axes in figure.axes[-2:]} == {"hidden layers"}
    assert all(name in axes.get_ylabel() for name, axes in zip(ROWS, figure.axes[::2], strict=True))


def test_a_price_of_a_billion_promises_does_not_squash_the_picture(moving_target):
    table = moving_target()
    prices = (table["quantity"] == "interaction") & (table["step"] == 100)
    table.loc[prices & (table["depth"] == 6), "value"] = 1e9
    table.loc[prices & (table["depth"] == 4), "value"] = -1e9
    axes = draw(table).axes[1]
    assert heights(axes, "plain")[1:].tolist() == [-0.5, 1.0]
    assert axes.get_ylim()[1] < 1.5


def test_seeds_without_a_value_are_counted_above(moving_target):
    table = moving_target()
    lost = (table["network"] == "plain") & (table["depth"] == 6) & (table["step"] == 100)
    table.loc[lost & (table["rate"] == "matched") & (table["seed"] == 1), "value"] = np.nan
    figure = draw(table)
    assert ["diverged" in texts(axes) for axes in figure.axes] == [True] + [False] * 5
    assert texts(figure.axes[1])[:2] == ["1", "plain"]


def test_a_promise_of_a_thousand_losses_does_not_squash_the_picture(moving_target):
    table = moving_target()
    promises = (table["quantity"] == "promise") & (table["rate"] == "best")
    table.loc[promises & (table["depth"] == 6), "value"] = 1e4
    axes = draw(table).axes[5]
    assert heights(axes, "plain")[-1] == 100
    assert axes.get_ylim()[1] < 150


@pytest.mark.filterwarnings("error")
def test_one_of_everything(moving_target):
    figure = draw(moving_target(networks=["plain"], depths=[2], promises=[0.1], steps=[0], seeds=1))
    figure.draw_without_rendering()
    assert titles(figure) == ["step 0"] * 3
