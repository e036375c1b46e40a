"""The figure of the advantage by depth, and of batch norm's gain."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import crossed, named, xy

from movingtarget.drawing.autoencoders import limits_of
from movingtarget.figures.locoprop_depth import draw


def tables(seeds: int = 4) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = ["standard", "other", "deep", "shallow"]
    depths = crossed({"architecture": names, "seed": range(seeds)})
    gains = crossed({"method": ["locoprop-m", "sgd"], "seed": range(seeds)})
    return depths, gains


def test_architectures_go_from_shallow_to_deep_and_show_ratios() -> None:
    depths, gains = tables()
    axes = draw(depths, gains).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["shallow", "standard", "deep", "other"]
    mean = depths.loc[depths["architecture"] == "deep", "value"].mean()
    assert xy(named(axes)["deep"]).x == [2]
    assert xy(named(axes)["deep"]).y == pytest.approx([np.exp(mean)])
    alone = [xy(line) for line in axes.lines if line.get_markersize() == 2]
    np.testing.assert_allclose(alone[0].y, np.exp(depths.loc[depths["architecture"] == "shallow", "value"]))
    assert xy(axes.lines[0]).y.tolist() == [1, 1]


def test_methods_stand_in_their_order_with_what_batch_norm_gains() -> None:
    depths, gains = tables()
    axes = draw(depths, gains).axes[1]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["SGD", "LocoProp-M"]
    mean = gains.loc[gains["method"] == "locoprop-m", "value"].mean()
    assert xy(named(axes)["LocoProp-M"]).y == pytest.approx([mean])
    assert xy(axes.lines[0]).y.tolist() == [0, 0]
    bars = [xy(line) for line in axes.lines if xy(line).x.tolist() == [1, 1]]
    low, high = bars[0].y
    assert low < mean < high


def test_single_seeds_and_the_line_are_within_the_panels_and_no_wider_interval_is() -> None:
    depths, gains = tables()
    ratios, lowered = (axes.get_ylim() for axes in draw(depths, gains).axes)
    assert ratios == pytest.approx(limits_of(pd.Series([1.0, *np.exp(depths["value"])])))
    assert lowered == pytest.approx(limits_of(pd.Series([0.0, *gains["value"]])))


def test_seeds_that_diverged_are_counted_in_the_title() -> None:
    depths, gains = tables()
    gains.loc[(gains["method"] == "sgd") & (gains["seed"] < 2), "value"] = np.nan
    axes = draw(depths, gains).axes[1]
    assert axes.get_title(loc="left").endswith("SGD: 2/4 diverged")
    assert [*named(axes)] == ["LocoProp-M"]


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds(seeds: int) -> None:
    draw(*tables(seeds)).draw_without_rendering()
