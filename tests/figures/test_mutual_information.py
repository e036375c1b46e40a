"""The figure of information between layers."""

import numpy as np
import pytest
from drawing_cases import xy

from movingtarget.figures.mutual_information import draw


@pytest.fixture
def table(layered):
    return layered(
        ["information", "permuted"], scaling=["deviation", "root-mean-square"], step=[0, 5, 9], seeds=2
    )


def names(axes):
    return [text.get_text() for text in axes.texts]


def test_first_and_last_step_of_each_scaling(table):
    axes = draw(table).axes
    shown = [("root-mean-square", 0), ("root-mean-square", 9), ("deviation", 0), ("deviation", 9)]
    for panel, (scaling, step) in zip(axes, shown, strict=True):
        lines = {line.get_label(): line for line in panel.lines}
        rows = table[(table["scaling"] == scaling) & (table["step"] == step)]
        information = rows[rows["quantity"] == "information"]
        for name, network in {"plain": "plain", "batch norm": "batch-norm", "residual": "residual"}.items():
            means = information[information["network"] == network].groupby("layer")["value"].mean()
            np.testing.assert_allclose(xy(lines[name]).y, means)
        null = rows[rows["quantity"] == "permuted"].groupby("layer")["value"].mean()
        np.testing.assert_allclose(xy(lines["permuted"]).y, null)


def test_axes_have_units(table):
    axes = draw(table).axes
    assert axes[0].get_ylabel() == "information (nats),\nunit root mean square"
    assert axes[2].get_ylabel() == "information (nats),\nunit deviation"
    assert axes[3].get_xlabel() == "layer (lower one of the pair)"


def test_all_panels_have_one_scale(table):
    assert len({axes.get_ylim() for axes in draw(table).axes}) == 1


def test_two_layers_make_one_pair_and_one_seed_no_band(table):
    figure = draw(table[(table["layer"] == 1) & (table["seed"] == 0)])
    assert all(sorted(names(axes)) == ["batch norm", "permuted", "plain", "residual"] for axes in figure.axes)


def test_an_undefined_layer_is_named(table):
    table.loc[(table["network"] == "residual") & (table["layer"] == 2) & (table["seed"] == 1), "value"] = (
        np.nan
    )
    titles = [axes.get_title(loc="left") for axes in draw(table).axes]
    assert all(title.endswith("residual undefined at layer 2 (1/2 seeds)") for title in titles)


def test_what_is_undefined_everywhere_is_no_crash(table):
    table.loc[table["layer"] == 4, "value"] = np.nan
    table.loc[table["scaling"] == "deviation", "value"] = np.nan
    axes = draw(table).axes
    assert xy({line.get_label(): line for line in axes[0].lines}["permuted"]).x.tolist() == [1, 2, 3]
    assert names(axes[2]) == ["nothing to draw"]
