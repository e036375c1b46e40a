"""The figure of whiteness."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import named, xy

from movingtarget.experiments.whiteness import QUANTITIES
from movingtarget.figures.whiteness import QUANTITIES as DRAWN
from movingtarget.figures.whiteness import draw


@pytest.fixture
def table(on_a_line):
    return pd.concat([on_a_line().assign(quantity=quantity) for quantity in QUANTITIES], ignore_index=True)


@pytest.fixture
def white(quantities_by_seed):
    return quantities_by_seed(QUANTITIES).assign(value=lambda rows: rows["value"] / 3)


def test_every_panel_shows_its_own_means_and_white_noise(table, white):
    axes = draw(table, white).axes
    assert len(axes) == len(DRAWN)
    for panel, quantity in zip(axes, DRAWN, strict=True):
        lines = named(panel)
        assert [*lines] == ["no normalisation", "centred", "residual, β = 0.1", "white noise"]
        rows = table[(table["quantity"] == quantity) & (table["normalisation"] == "centred")]
        np.testing.assert_allclose(
            xy(lines["centred"]), rows.groupby("depth")["value"].mean().reset_index().T
        )
        ruler = white.loc[white["quantity"] == quantity, "value"].mean()
        np.testing.assert_allclose(xy(lines["white noise"]), [[2, 4], [ruler, ruler]])


def test_centred_and_batch_norm_networks_can_be_told_apart(table, white):
    both = table.replace({"network": {"residual": "feedforward"}}).assign(beta=float("nan"))
    lines = named(draw(both, white).axes[0])
    assert lines["centred"].get_linestyle() != lines["batch norm"].get_linestyle()


def test_undefined_values_are_named_in_their_own_panel_only(table, white):
    gone = (table["quantity"] == "rejected") & (table["normalisation"] == "centred") & (table["seed"] == 1)
    titles = [
        axes.get_title(loc="left") for axes in draw(table.assign(value=table["value"].mask(gone)), white).axes
    ]
    assert "centred undefined at depth 2, 4 (1/3 seeds)" in titles[0]
    assert "undefined" not in "".join(titles[1:])
