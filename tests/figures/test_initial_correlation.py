"""The figure of gradients between images in random classifiers."""

import numpy as np
import pytest
from drawing_cases import named, xy
from matplotlib.colors import to_hex

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.initial_correlation import draw

QUANTITIES = ["correlation", "gradient_norm"]
NETWORKS = ["plain", "batch-norm", "residual", "residual-batch-norm"]


@pytest.fixture
def table(quantities_by_seed):
    return quantities_by_seed(QUANTITIES, network=NETWORKS, depth=[2, 10, 50])


def test_every_panel_shows_its_own_means_in_the_families_colours(table):
    for axes, quantity in zip(draw(table).axes, QUANTITIES, strict=True):
        colours = {to_hex(line.get_color()): line for line in named(axes).values()}
        assert len(colours) == len(NETWORKS)
        for network in NETWORKS:
            rows = table[(table["quantity"] == quantity) & (table["network"] == network)]
            line = colours[LOOKS[network]["color"].lower()]
            np.testing.assert_allclose(xy(line), rows.groupby("depth")["value"].mean().reset_index().T)


def test_only_the_norm_has_a_logarithmic_ordinate(table):
    assert [axes.get_yscale() for axes in draw(table).axes] == ["linear", "log"]


def test_an_undefined_correlation_is_named_in_its_own_panel_only(table):
    gone = (table["quantity"] == "correlation") & (table["network"] == "plain") & (table["depth"] == 50)
    titles = [axes.get_title(loc="left") for axes in draw(table.assign(value=table["value"].mask(gone))).axes]
    assert "plain undefined at depth 50 (3/3 seeds)" in titles[0]
    assert "undefined" not in titles[1]
