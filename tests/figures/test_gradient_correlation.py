"""The figure of the correlation of gradients against depth."""

import numpy as np
import pytest
from drawing_cases import gradient_moments, named, xy

from movingtarget.figures.gradient_correlation import draw
from movingtarget.theory.shattering import feedforward_moments

KINDS = ["feedforward", "residual, no normalisation, β = 1", "residual, batch norm, β = 1", "highway"]


@pytest.fixture(scope="module")
def axes():
    return draw(gradient_moments()).axes


def test_a_panel_for_each_kind_of_network_whose_branches_are_not_scaled(axes):
    assert [panel.get_title(loc="left")[4:] for panel in axes] == KINDS
    assert {panel.get_ylabel() for panel in axes} == {"correlation"}
    assert {panel.get_xlabel() for panel in axes} == {"depth (layers)"}


def test_networks_stand_beside_the_law(axes):
    lines = named(axes[0])
    assert {"theorem 1", "kernel", "random gates", "no normalisation", "centred", "batch norm"} <= set(lines)
    law = xy(lines["theorem 1"])
    np.testing.assert_allclose(law.y, feedforward_moments(law.x.astype(int)).correlation)
    rows = gradient_moments().query("network == 'feedforward' and normalisation == 'centred'")
    np.testing.assert_allclose(xy(lines["centred"]).y, rows.groupby("depth")["correlation"].mean())


def test_one_kind_is_one_panel():
    table = gradient_moments().query("network == 'highway'")
    assert len(draw(table).axes) == 1
