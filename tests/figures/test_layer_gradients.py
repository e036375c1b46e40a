"""The figure of gradients layer by layer."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from drawing_cases import xy
from matplotlib.colors import to_hex

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.layer_gradients import draw

FAMILIES = {"plain": "plain", "batch norm": "batch-norm", "residual, batch norm": "residual-batch-norm"}


@pytest.fixture
def table() -> pd.DataFrame:
    """Gradients that double from layer to layer."""
    rows = [
        {"network": network, "depth": depth, "seed": seed, "layer": layer, "value": 2.0**layer * (1 + seed)}
        for network, depth in product(FAMILIES.values(), (2, 4))
        for seed, layer in product(range(3), range(1, depth + 2))
    ]
    return pd.DataFrame(rows).merge(pd.DataFrame({"activation": ["relu", "sigmoid"]}), "cross")


def names(axes):
    return [text.get_text() for text in axes.texts]


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_a_panel_for_each_activation_and_depth(table):
    figure = draw(table)
    wanted = {f"{name}, {depth} layers" for name in ("rectifiers", "sigmoids") for depth in (2, 4)}
    assert {title[4:] for title in titles(figure)} == wanted
    for axes in figure.axes:
        depth = int(axes.get_title(loc="left").split()[-2])
        assert axes.get_yscale() == "log"
        assert axes.get_xlabel().startswith("layer")
        assert sorted(names(axes)) == sorted(FAMILIES)
        lines = {line.get_label(): line for line in axes.lines}
        for name, family in FAMILIES.items():
            assert to_hex(lines[name].get_color()) == LOOKS[family]["color"].lower()
            np.testing.assert_array_equal(xy(lines[name]).x, range(1, depth + 2))
            np.testing.assert_allclose(xy(lines[name]).y, 2.0 ** (1 + np.arange(1, depth + 2)))


def test_activations_do_not_share_their_values(table):
    table.loc[table["activation"] == "sigmoid", "value"] *= 10
    for axes in draw(table).axes:
        factor = 10 if "sigmoids" in axes.get_title(loc="left") else 1
        lines = {line.get_label(): line for line in axes.lines}
        assert xy(lines["plain"]).y[0] == pytest.approx(4 * factor)


def test_layers_without_a_gradient_are_named(table):
    dead = (table["network"] == "plain") & (table["depth"] == 4) & (table["layer"].isin([1, 2]))
    table.loc[dead, "value"] = 0.0
    for title in titles(draw(table)):
        assert ("plain zero at layer 1 to 2 (3/3 seeds)" in title) == ("4 layers" in title)


def test_one_family_one_depth_and_one_seed(table):
    chosen = (table["network"] == "plain") & (table["depth"] == 2) & (table["seed"] == 0)
    figure = draw(table[chosen & (table["activation"] == "relu")])
    assert titles(figure) == ["rectifiers, 2 layers"]
    assert names(figure.axes[0]) == ["plain"]
