"""The figure of networks that look linear."""

import numpy as np
import pytest
from drawing_cases import xy
from matplotlib.colors import to_hex

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.looks_linear import draw

QUANTITIES = ["correlation", "jacobian_deviation", "gradient_norm"]
NETWORKS = {
    "plain": "plain",
    "CReLU": "crelu",
    "CReLU, looks linear": "looks-linear",
    "linear": "linear",
}


@pytest.fixture
def table(quantities_by_seed):
    return quantities_by_seed(QUANTITIES, network=[*NETWORKS.values()], depth=[1, 10, 200])


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_every_panel_shows_its_own_means_in_the_families_colours(table):
    for axes, quantity in zip(draw(table).axes, QUANTITIES, strict=True):
        assert sorted(text.get_text() for text in axes.texts) == sorted(NETWORKS)
        lines = {line.get_label(): line for line in axes.lines}
        for name, network in NETWORKS.items():
            rows = table[(table["quantity"] == quantity) & (table["network"] == network)]
            means = rows.groupby("depth")["value"].mean()
            np.testing.assert_allclose(xy(lines[name]), means.reset_index().T)
            assert to_hex(lines[name].get_color()) == LOOKS[network]["color"].lower()


def test_only_the_correlation_has_a_linear_ordinate(table):
    axes = draw(table).axes
    assert [one.get_yscale() for one in axes] == ["linear", "log", "log"]
    assert {one.get_xlabel() for one in axes} == {"depth (hidden layers)"}
    assert [one.get_xticks().tolist() for one in axes] == [[1, 10, 200]] * 3
    assert [one.get_ylabel().split("\n")[0] for one in axes] == [
        "correlation",
        "deviation",
        "gradient norm (output",
    ]


def test_an_exactly_orthogonal_jacobian_is_named_as_it_has_no_logarithm(table):
    exact = (table["network"] == "linear") & (table["quantity"] == "jacobian_deviation")
    table.loc[exact & (table["depth"] == 1), "value"] = 0
    correlation, deviation, norm = titles(draw(table))
    assert deviation.endswith("linear zero at depth 1 (3/3 seeds)")
    assert "zero" not in correlation + norm


def test_one_network_at_one_depth(table):
    figure = draw(table[(table["network"] == "crelu") & (table["depth"] == 10)])
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes] == [["CReLU"]] * 3
