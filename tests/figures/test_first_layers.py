"""The figure of first layers frozen, released and stopped."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from drawing_cases import named, xy

from movingtarget.figures.first_layers import draw

SEEDS, STEPS = 3, [0, 10, 30, 100]


def table_of() -> pd.DataFrame:
    frozen = [("plain", 3), ("convolutional", 2)]
    arms = [(name, "frozen", layers, 0) for name, most in frozen for layers in range(most + 1)]
    arms += [(name, how, 1, at) for name, _ in frozen for how in ("released", "stopped") for at in STEPS]
    rows = pd.DataFrame(
        [
            (*arm, *rest)
            for arm, rest in product(arms, product(range(SEEDS), ["train_loss", "test_accuracy"]))
        ],
        columns=["network", "schedule", "layers", "change", "seed", "quantity"],
    )
    loss = 0.1 * (1 + rows["layers"] + rows["change"] / 10) * (1 + 0.1 * (rows["seed"] - 1))
    return rows.assign(value=np.where(rows["quantity"] == "train_loss", loss, 0.9 - loss / 100))


@pytest.fixture(scope="module")
def figure():
    return draw(table_of())


def test_a_panel_for_each_way_to_freeze(figure):
    titles = [axes.get_title(loc="left")[4:] for axes in figure.axes]
    assert titles == ["lowest layers frozen", "first layer released", "first layer stopped"]
    assert len({axes.get_ylim() for axes in figure.axes}) == 1


def test_each_network_as_far_as_it_has_layers(figure):
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]
    np.testing.assert_allclose(xy(lines[0]).x, range(4))
    np.testing.assert_allclose(xy(lines[1]).x, range(3))
    np.testing.assert_allclose(xy(lines[0]).y, 90 - 0.1 * np.arange(1, 5))


def test_steps_stand_at_their_places_zero_among_them_and_networks_are_named_once(figure):
    for axes in figure.axes[1:]:
        assert axes.get_xticks().tolist() == [0, 10, 100]
    assert [*named(figure.axes[2])] == ["plain", "convolutional"]
    assert not named(figure.axes[1])
    plain = named(figure.axes[2])["plain"]
    np.testing.assert_allclose(xy(plain).x, STEPS)
    np.testing.assert_allclose(xy(plain).y, 90 - 0.2 - np.array(STEPS) / 100)


def test_a_diverged_seed_is_said():
    table = table_of()
    gone = (table["layers"] == 2) & (table["seed"] == 1)
    figure = draw(table.assign(value=table["value"].where(~gone)))
    title = figure.axes[0].get_title(loc="left")
    assert "plain undefined at layers 2 (1/3 seeds)" in title.replace("\n", " ")
