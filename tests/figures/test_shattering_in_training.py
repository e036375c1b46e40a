"""The figure of gradients in the course of training."""

import numpy as np
import pytest
from drawing_cases import xy

from movingtarget.figures.shattering_in_training import draw

QUANTITIES = ["correlation", "line_autocorrelation", "gradient_norm"]
STEPS = [0, 3, 10, 100]


@pytest.fixture
def table(quantities_by_seed):
    columns = {"network": ["plain", "batch-norm"], "update_rule": ["sgd"], "depth": [3, 10, 30]}
    return quantities_by_seed(QUANTITIES, **columns, step=STEPS)


def test_a_row_for_each_quantity_and_a_column_for_each_extreme_depth(table):
    figure = draw(table)
    panels = [(quantity, depth) for quantity in QUANTITIES for depth in (3, 30)]
    for axes, (quantity, depth) in zip(figure.axes, panels, strict=True):
        assert axes.get_title(loc="left").endswith(f"depth {depth}")
        assert axes.get_yscale() == ("log" if quantity == "gradient_norm" else "linear")
        rows = table[(table["quantity"] == quantity) & (table["depth"] == depth)]
        for name, network in {"plain": "plain", "batch norm": "batch-norm"}.items():
            (line,) = [line for line in axes.lines if line.get_label() == name]
            means = rows[rows["network"] == network].groupby("step")["value"].mean()
            np.testing.assert_allclose(xy(line), means.reset_index().T)
    assert [axes.get_ylabel().split("\n")[0] for axes in figure.axes[::2]] == [
        "correlation",
        "autocorrelation at",
        "gradient norm (output",
    ]
    assert [axes.get_xlabel() for axes in figure.axes[4:]] == ["step (minibatches)"] * 2


def test_step_0_is_shown_and_from_the_first_step_on_the_abscissa_is_logarithmic(table):
    axes = draw(table).axes[0]
    assert axes.get_xticks().tolist() == STEPS
    places = axes.transData.transform([(step, 1) for step in (0, 3, 30, 300)])[:, 0]
    assert np.isfinite(places).all()
    assert places[0] < places[1]
    assert places[2] - places[1] == pytest.approx(places[3] - places[2])


def test_a_line_that_ends_is_named(table):
    dead = (table["network"] == "plain") & (table["depth"] == 30) & (table["step"] == 100)
    table.loc[dead & (table["quantity"] == "correlation"), "value"] = np.nan
    titles = [axes.get_title(loc="left") for axes in draw(table).axes]
    assert titles[1].endswith("plain undefined at step 100 (3/3 seeds)")
    assert sum("undefined" in title for title in titles) == 1


def test_one_depth_and_only_the_start(table):
    figure = draw(table[(table["depth"] == 10) & (table["step"] == 0)])
    assert [sorted(text.get_text() for text in axes.texts) for axes in figure.axes] == [
        ["batch norm", "plain"]
    ] * 3
