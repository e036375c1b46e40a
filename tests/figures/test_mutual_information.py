"""The figures of information between layers at the start, by depth and along the layers."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from drawing_cases import named, xy

from movingtarget.figures import information_by_layer
from movingtarget.figures.mutual_information import draw

TITLES = {"plain": "plain", "residual": "residual"}


def drawn_of(information: pd.DataFrame, **conditions: object) -> pd.DataFrame:
    return information[(information[[*conditions]] == pd.Series(conditions)).all(axis=1)]


def test_along_the_deepest_and_by_depth(information: Callable[..., pd.DataFrame]) -> None:
    table = information()
    figures = information_by_layer.draw(table), draw(table)
    usual = drawn_of(table, step=0, dial="none", estimator="gaussian", scaling="deviation", noise=0.3)
    panels = zip(*(figure.axes for figure in figures), ["tanh", "relu"], strict=True)
    for along, by_depth, activation in panels:
        of_activation = drawn_of(usual, activation=activation)
        for title, network in TITLES.items():
            rows = drawn_of(of_activation, network=network, relation="layers")
            deepest = drawn_of(rows, depth=8).groupby("layer")["value"].mean()
            np.testing.assert_allclose(xy(named(along)[title]), (deepest.index, deepest))
            means = rows.groupby("depth")["value"].mean()
            np.testing.assert_allclose(xy(named(by_depth)[title]), (means.index, means))
        null = drawn_of(of_activation, relation="permuted", depth=8).groupby("layer")["value"].mean()
        np.testing.assert_allclose(xy(named(along)["shuffled"]).y, null)
        assert along.get_title(loc="left").endswith(f"{activation}, depth 8")
        assert by_depth.get_title(loc="left").endswith(activation)
    assert {figure.axes[0].get_ylabel() for figure in figures} == {"information (nats)"}


def test_what_is_undefined_is_named_and_no_crash(information: Callable[..., pd.DataFrame]) -> None:
    table = information()
    lost = (table["network"] == "residual") & (table["layer"] == 2) & (table["seed"] == 1)
    table.loc[lost, "value"] = np.nan
    along, by_depth = information_by_layer.draw(table).axes[0], draw(table).axes[0]
    assert "residual undefined at layer 2 (1/3 seeds)" in along.get_title(loc="left")
    assert "residual undefined at depth 4, 8 (1/3 seeds)" in by_depth.get_title(loc="left")
    table["value"] = np.nan
    assert all(axes.texts[0].get_text() == "nothing to draw" for axes in draw(table).axes)


def test_one_activation_is_one_panel_and_one_seed_has_no_band(
    information: Callable[..., pd.DataFrame],
) -> None:
    table = information()
    figure = draw(table[(table["activation"] == "tanh") & (table["seed"] == 0)])
    assert len(figure.axes) == 1
    assert all(not axes.collections for axes in figure.axes)


@pytest.mark.parametrize("column", ["dial", "estimator", "scaling", "noise", "step"])
def test_other_readings_do_not_count(information: Callable[..., pd.DataFrame], column: str) -> None:
    """Whatever is not compared may be anything."""
    usual = {"dial": "none", "estimator": "gaussian", "scaling": "deviation", "noise": 0.3, "step": 0}
    table = information()
    others = table[column] != usual[column]
    assert others.any()
    changed = table.assign(value=table["value"].where(~others, 1000.0))
    pairs = zip(draw(table).axes, draw(changed).axes, strict=True)
    for panel, other in pairs:
        for name, line in named(panel).items():
            np.testing.assert_allclose(xy(line), xy(named(other)[name]))
