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


def titles(figure):
    return [axes.get_title(loc="left")[4:] for axes in figure.axes]


def test_a_panel_for_the_textbooks_estimator_and_one_for_each_change(table, noise):
    first, *others = CHANGES
    assert titles(draw(table, noise)) == [f"{first}, mean kept", f"{first}, mean removed", *others]


def test_curves_are_means_of_their_own_rows(table, noise):
    figure = draw(table, noise)
    panels = [("as it stands", "mean kept"), *((change, "mean removed") for change in CHANGES)]
    for axes, (change, estimator) in zip(figure.axes, panels, strict=True):
        assert [*named(axes)] == ["white noise", "brown noise", "depth 1", "depth 4"]
        rows = table[(table["change"] == change) & (table["estimator"] == estimator) & (table["depth"] == 4)]
        np.testing.assert_allclose(
            xy(named(axes)["depth 4"]), rows.groupby("lag")["value"].mean().reset_index().T
        )


def test_an_undefined_depth_is_named_in_its_own_panel_only(table, noise):
    gone = (table["change"] == "no biases") & (table["depth"] == 4) & (table["estimator"] == "mean removed")
    found = titles(draw(table.assign(value=table["value"].mask(gone)), noise))
    assert [("undefined" in title) for title in found] == [change == "no biases" for change in ["", *CHANGES]]


def test_one_change_one_seed_one_depth(table, noise):
    one = table[(table["change"] == "He weights") & (table["depth"] == 4) & (table["seed"] == 0)]
    assert titles(draw(one, noise)) == ["He weights, mean kept", "He weights, mean removed"]
