"""The figure of effective ranks."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import xy
from matplotlib.colors import to_hex

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.effective_rank import draw

QUANTITIES = ["relative_effective_rank", "gradient_norm"]
NETWORKS = {
    "plain": ("plain", "none"),
    "batch norm": ("plain", "batch-norm"),
    "residual": ("residual", "batch-norm"),
}


@pytest.fixture
def table(quantities_by_seed):
    rows = quantities_by_seed(["effective_rank", *QUANTITIES], kind=[*NETWORKS.values()], depth=[2, 4, 8])
    return rows.assign(network=rows["kind"].str[0], normalisation=rows["kind"].str[1]).drop(columns="kind")


def names(axes):
    return [text.get_text() for text in axes.texts]


def test_rank_beside_norm_each_with_its_own_means_in_the_families_colours(table):
    figure = draw(table)
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log"]
    assert [axes.get_ylabel().split(" (")[0].split("\n")[0] for axes in figure.axes] == [
        "effective rank",
        "gradient norm",
    ]
    for axes, quantity in zip(figure.axes, QUANTITIES, strict=True):
        assert sorted(names(axes)) == sorted(NETWORKS)
        lines = {line.get_label(): line for line in axes.lines}
        for name, (network, normalisation) in NETWORKS.items():
            rows = table[(table["network"] == network) & (table["normalisation"] == normalisation)]
            means = rows[rows["quantity"] == quantity].groupby("depth")["value"].mean()
            np.testing.assert_allclose(xy(lines[name]), means.reset_index().T)
            family = name.replace(" ", "-")
            assert to_hex(lines[name].get_color()) == LOOKS[family]["color"].lower()


def test_depth_is_logarithmic_with_the_depths_as_ticks(table):
    for axes in draw(table).axes:
        assert axes.get_xscale() == "log"
        assert axes.get_xticks().tolist() == [2, 4, 8]
        assert axes.get_xlabel() == "depth (convolutional layers)"


def test_an_undefined_rank_is_named_in_its_own_panel(table):
    dead = (table["normalisation"] == "none") & (table["depth"] == 8)
    table.loc[dead & (table["quantity"] == QUANTITIES[0]), "value"] = np.nan
    rank, norm = (axes.get_title(loc="left") for axes in draw(table).axes)
    assert rank.endswith("plain undefined at depth 8 (3/3 seeds)")
    assert "undefined" not in norm


def test_one_depth_and_one_seed(table):
    one: pd.DataFrame = table[(table["depth"] == 4) & (table["seed"] == 0)]
    assert [sorted(names(axes)) for axes in draw(one).axes] == [sorted(NETWORKS)] * 2
