"""The figure of internal covariate shift."""

import numpy as np
import pytest
from drawing_cases import xy

from movingtarget.figures.covariate_shift import draw


def titles(figure):
    return [axes.get_title(loc="left").split(") ")[1] for axes in figure.axes]


def texts(axes):
    return [text.get_text().strip() for text in axes.texts]


def test_cosines_after_training_against_promise_and_against_layer(moving_target):
    figure = draw(moving_target(depths=(2, 4, 6, 8)))
    rows = ["same batch", "fresh batch"]
    assert titles(figure) == [f"{depth} layers, {name}" for name in rows for depth in (2, 4, 8)]
    assert [axes.get_xlabel() for axes in figure.axes[::3]] == ["F / L", "layer"]
    assert [axes.get_xscale() for axes in figure.axes[::3]] == ["log", "linear"]
    assert {axes.get_ylabel().split()[0] for axes in figure.axes[::3]} == {"cosine"}


def test_every_panel_shows_its_own_means(moving_target):
    table = moving_target()
    late = table[(table["rate"] == "matched") & (table["step"] == 100)]
    panels = iter(draw(table).axes)
    whole = late[(late["quantity"] == "shift_cosine") & (late["layer"] == 0)]
    layers = late[(late["quantity"] == "fresh_shift_cosine") & (late["promise"] == 0.1) & (late["layer"] > 1)]
    for rows, x in [(whole, "promise"), (layers, "layer")]:
        for depth in (2, 4, 6):
            of_depth = rows[(rows["depth"] == depth) & (rows["network"] == "residual-batch-norm")]
            means = of_depth.groupby(x)["value"].mean()
            axes = next(panels)
            (line,) = [line for line in axes.lines if str(line.get_label()).endswith("residual, batch norm")]
            np.testing.assert_allclose(xy(line), means.reset_index().T)


def test_the_first_layer_which_has_no_shift_is_no_gap(moving_target):
    table = moving_target()
    table.loc[table["layer"] == 1, "value"] = np.nan
    assert not any("undefined" in axes.get_title(loc="left") for axes in draw(table).axes)


def test_a_diverged_family_is_counted_above_and_an_undefined_cosine_named(moving_target):
    table = moving_target()
    late = (table["depth"] == 6) & (table["step"] == 100)
    table.loc[late & (table["network"] == "plain"), "value"] = np.nan
    dead = late & (table["network"] == "batch-norm") & (table["seed"] == 0) & (table["layer"] == 3)
    table.loc[dead & (table["quantity"] == "fresh_shift_cosine"), "value"] = np.nan
    figure = draw(table)
    assert texts(figure.axes[2])[:4] == ["3", "3", "3", "plain"]
    assert ["3/3 plain" in texts(axes) for axes in figure.axes[3:]] == [False, False, True]
    assert ["undefined" in axes.get_title(loc="left") for axes in figure.axes[3:]] == [False, False, True]


@pytest.mark.filterwarnings("error")
def test_one_of_everything(moving_target):
    table = moving_target(networks=["plain"], depths=[2], promises=[0.1], steps=[0], seeds=1)
    assert [texts(axes) for axes in draw(table).axes] == [["plain"]] * 2
