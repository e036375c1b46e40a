"""The figure of the textbook's plot."""

from typing import Any

import numpy as np
import pytest
from drawing_cases import crossed, named, xy

from movingtarget.experiments.textbook import CHANGES, ESTIMATORS
from movingtarget.figures.textbook import draw


@pytest.fixture
def table():
    arms: dict[str, list[Any]] = {"change": [*CHANGES], "estimator": [*ESTIMATORS], "depth": [4, 1]}
    return crossed({**arms, "seed": range(3), "lag": range(4)})


def panel(table, noise):
    (axes,) = draw(table, noise).axes
    return axes


def test_a_curve_for_the_textbooks_estimator_and_one_for_each_change(table, noise):
    first, *others = CHANGES
    curves = {f"{first}, mean kept": (first, "mean kept"), f"{first}, mean removed": (first, "mean removed")}
    curves |= {change: (change, "mean removed") for change in others}
    lines = named(panel(table, noise))
    assert [*lines] == ["white noise", "brown noise", *curves]
    for name, (change, estimator) in curves.items():
        rows = table[(table["change"] == change) & (table["estimator"] == estimator) & (table["lag"] == 1)]
        np.testing.assert_allclose(xy(lines[name]), rows.groupby("depth")["value"].mean().reset_index().T)


def test_noises_are_level_lines_at_their_mean(table, noise):
    lines = named(panel(table, noise))
    for colour in ("white", "brown"):
        mean = noise.loc[(noise["noise"] == colour) & (noise["lag"] == 1), "value"].mean()
        np.testing.assert_allclose(xy(lines[f"{colour} noise"]), [[1, 4], [mean, mean]])


def test_an_undefined_depth_is_named(table, noise):
    gone = (table["change"] == "no biases") & (table["depth"] == 4) & (table["estimator"] == "mean removed")
    title = panel(table.assign(value=table["value"].mask(gone)), noise).get_title(loc="left")
    assert title.endswith("no biases undefined at depth 4 (3/3 seeds)")


def test_one_change_one_seed_one_depth(table, noise):
    one = table[(table["change"] == "He weights") & (table["depth"] == 4) & (table["seed"] == 0)]
    assert {"He weights, mean kept", "He weights, mean removed"} <= set(named(panel(one, noise)))
