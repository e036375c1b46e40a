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
    """Gradients equal for both optimisers and rates; the example, and a loss that is no gradient."""
    rows = [
        {"network": network, "depth": depth, "seed": seed, "layer": layer, "value": 2.0**layer * (1 + seed)}
        for network, depth in [("example", 1), *product(FAMILIES.values(), (2, 4))]
        for seed, layer in product(range(3), range(1, depth + 2))
    ]
    ways = pd.DataFrame(product(["sgd", "adam"], [0.1, 1.0]), columns=["optimiser", "learning_rate"])
    norms = pd.DataFrame(rows).merge(ways, "cross").assign(quantity="gradient_norm", step=0)
    return pd.concat([norms, norms.assign(quantity="loss", layer=0, value=99.0)], ignore_index=True)


def names(axes):
    return [text.get_text() for text in axes.texts]


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_a_panel_for_each_depth_with_the_families_but_not_the_example(table):
    figure = draw(table)
    assert titles(figure) == ["(a) depth 2", "(b) depth 4"]
    for axes, depth in zip(figure.axes, (2, 4), strict=True):
        assert axes.get_yscale() == "log"
        assert axes.get_ylabel() == "gradient norm\n(nats per unit of a parameter)"
        assert axes.get_xlabel().startswith("layer")
        assert sorted(names(axes)) == sorted(FAMILIES)
        lines = {line.get_label(): line for line in axes.lines}
        for name, family in FAMILIES.items():
            assert to_hex(lines[name].get_color()) == LOOKS[family]["color"].lower()
            np.testing.assert_array_equal(xy(lines[name]).x, range(1, depth + 2))
            np.testing.assert_allclose(xy(lines[name]).y, 2.0 ** (1 + np.arange(1, depth + 2)))


def test_bands_are_intervals_over_seeds_not_over_rates(table):
    """A seed counts once: four equal copies of it would halve the interval."""
    once = table[(table["optimiser"] == "sgd") & (table["learning_rate"] == 0.1)]
    band, expected = (
        np.asarray(draw(rows).axes[0].collections[0].get_paths()[0].vertices) for rows in (table, once)
    )
    np.testing.assert_array_equal(band, expected)
    assert np.ptp(band[:, 1]) > 0


def test_layers_without_a_gradient_are_named(table):
    dead = (table["network"] == "plain") & (table["depth"] == 4) & (table["layer"].isin([1, 2]))
    table.loc[dead, "value"] = 0.0
    first, second = titles(draw(table))
    assert first == "(a) depth 2"
    assert second == "(b) depth 4\nplain zero at layer 1 to 2 (3/3 seeds)"


def test_one_family_one_depth_and_one_seed(table):
    figure = draw(table[(table["network"] == "plain") & (table["depth"] == 2) & (table["seed"] == 0)])
    assert titles(figure) == ["depth 2"]
    assert names(figure.axes[0]) == ["plain"]
