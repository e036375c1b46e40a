"""The figure of learning rates that update orders bear."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import pixels, xy

from movingtarget.figures.update_order_rates import BAR, _written, draw
from movingtarget.statistics.rows import where

RATES = (0.1, 0.3, 1.0)


def stable(table, value=0.3):
    members = table[["network", "order", "seed"]].drop_duplicates()
    return members.assign(value=value)


def cells(axes, rows=2):
    """What is written, by row and column."""
    written = {(text.get_position()[1], text.get_position()[0]): text for text in axes.texts}
    return [[written[row, column] for column in range(len(RATES))] for row in range(rows)]


def bars(axes):
    """Place of the bar in every row."""
    found = [line for line in axes.lines if line.get_color() == BAR]
    assert [xy(line).y.tolist() for line in found] == [[row - 0.5, row + 0.5] for row in range(len(found))]
    return [xy(line).x.tolist() for line in found]


def test_every_cell_holds_the_mean_final_loss_of_an_order_at_a_rate(update_orders):
    table = update_orders(orders=["forward", "simultaneous"], rates=RATES)
    figure = draw(table, stable(table))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["(a) plain", "(b) batch norm"]
    first = figure.axes[0]
    assert [text.get_text() for text in first.get_yticklabels()] == ["simultaneous", "forward sweep"]
    assert [text.get_text() for text in first.get_xticklabels()] == ["0.1", "0.3", "1"]
    for axes, network in zip(figure.axes, ["plain", "batch-norm"], strict=True):
        assert axes.get_xlabel() == "learning rate"
        (image,) = axes.images
        for row, order in enumerate(["simultaneous", "forward"]):
            for column, rate in enumerate(RATES):
                losses = where(table, network=network, order=order, learning_rate=rate, step=40)["train_loss"]
                assert pixels(image)[row, column] == pytest.approx(losses.mean())
                assert cells(axes)[row][column].get_text() == f"{losses.mean():.2f}"


def test_the_best_rate_of_each_order_is_bold(update_orders):
    table = update_orders(networks=["plain"], rates=RATES)
    table.loc[(table["order"] == "forward") & (table["learning_rate"] == 1.0), "train_loss"] /= 4
    (axes,) = draw(table, stable(table)).axes
    weights = [[cell.get_weight() for cell in row] for row in cells(axes)]
    assert weights == [["bold", "normal", "normal"], ["normal", "normal", "bold"]]


def test_diverged_seeds_are_counted_and_their_cell_has_no_colour(update_orders):
    table = update_orders(networks=["plain"], rates=RATES)
    forward = (table["order"] == "forward") & (table["step"] > 0)
    table.loc[forward & (table["learning_rate"] == 0.3) & (table["seed"] == 1), "train_loss"] = np.nan
    table.loc[forward & (table["learning_rate"] == 1.0), "train_loss"] = np.inf
    (axes,) = draw(table, stable(table)).axes
    assert [cell.get_text() for cell in cells(axes)[1]][1:] == [
        "\N{MULTIPLICATION SIGN}1/3",
        "\N{MULTIPLICATION SIGN}3/3",
    ]
    assert pixels(axes.images[0]).mask.tolist() == [[False] * 3, [False, True, True]]


def test_an_order_that_always_diverges_has_no_best_rate(update_orders):
    table = update_orders(networks=["plain"], rates=RATES)
    table.loc[table["order"] == "forward", "train_loss"] = np.nan
    (axes,) = draw(table, stable(table)).axes
    assert {cell.get_weight() for cell in cells(axes)[1]} == {"normal"}


def test_letters_are_light_on_dark_cells_only(update_orders):
    table = update_orders(networks=["plain"], rates=RATES)
    table.loc[table["order"] == "forward", "train_loss"] = 0.01
    table.loc[table["order"] == "simultaneous", "train_loss"] = 2.0
    (axes,) = draw(table, stable(table)).axes
    light, dark = ({cell.get_color() for cell in row} for row in cells(axes)[::-1])
    assert light == {"white"}
    assert "white" not in dark


def test_a_bar_stands_beyond_the_largest_rate_that_is_stable_with_every_seed(update_orders):
    table = update_orders(
        networks=["plain"], rates=RATES, orders=["simultaneous", "forward", "lars", "greedy"]
    )
    rates = stable(table, 1.0)
    rates.loc[rates["order"] == "forward", "value"] = [1.0, 0.1, 0.3]
    rates.loc[rates["order"] == "lars", "value"] = [0.0, 0.3, 0.3]
    rates.loc[rates["order"] == "greedy", "value"] = 0.3
    (axes,) = draw(table, rates).axes
    assert bars(axes) == [[2.5, 2.5], [0.5, 0.5], [-0.5, -0.5], [1.5, 1.5]]


@pytest.mark.parametrize(
    ("losses", "written"),
    [
        ([0.004], "0.00"),
        ([1.0, 2.0], "1.50"),
        ([9.994], "9.99"),
        ([9.996], "10"),
        ([999.0], "999"),
        ([1e6], ">999"),
        ([1.0, np.inf], "\N{MULTIPLICATION SIGN}1/2"),
    ],
)
def test_four_letters_fit_into_a_cell(losses, written):
    assert _written(pd.Series(losses)) == written
    assert len(written) <= 4


def test_nothing_but_divergence(update_orders):
    table = update_orders(networks=["plain"], seeds=1)
    table.loc[table["step"] > 0, "train_loss"] = np.nan
    draw(table, stable(table, 0.0)).draw_without_rendering()
