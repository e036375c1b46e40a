"""The figure of steps to a threshold."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from drawing_cases import named, xy
from matplotlib.colors import to_hex
from matplotlib.text import Annotation

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.learning_speed import draw

NETWORKS = {"plain": "plain", "CReLU, looks linear": "looks-linear"}


@pytest.fixture
def table():
    rows = list(product(NETWORKS.values(), [3, 30], range(3)))
    frame = pd.DataFrame(rows, columns=["network", "depth", "seed"]).assign(learning_rate=0.1)
    noise = np.random.default_rng(0).uniform(0.9, 1.1, (3, len(frame)))
    kind = 1.0 + (frame["network"] == "plain")
    return frame.assign(
        correlation=noise[0] * 0.3 * kind / frame["depth"] ** 0.1,
        gradient_norm=noise[1] * frame["depth"],
        steps=noise[2] * 20 * kind * frame["depth"],
    )


def arm(table, network, depth):
    return (table["network"] == network) & (table["depth"] == depth)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def title(axes):
    return axes.get_title(loc="left")


def above(axes):
    """The rows of markers above the panel."""
    return [line for line in axes.lines if not line.get_clip_on()]


def test_a_marker_for_each_arm_at_the_means_over_seeds(table):
    for axes, quantity in zip(draw(table).axes, ["correlation", "gradient_norm"], strict=True):
        lines = named(axes)
        assert set(lines) == set(NETWORKS)
        for name, network in NETWORKS.items():
            means = table[table["network"] == network].groupby("depth")[[quantity, "steps"]].mean()
            np.testing.assert_allclose(xy(lines[name]), means.sort_values(quantity).T)
            assert to_hex(lines[name].get_color()) == LOOKS[network]["color"].lower()
            assert lines[name].get_linestyle() == "None"
        assert sorted(texts(axes)) == sorted(["3", "30"] * 2 + [*NETWORKS])
        assert not above(axes)


def test_depths_stand_at_their_own_markers(table):
    axes = draw(table).axes[0]
    means = table.groupby(["network", "depth"])[["correlation", "steps"]].mean()
    found = {
        (text.get_text(), *text.xy)
        for text in axes.texts
        if isinstance(text, Annotation) and text.get_text() in {"3", "30"}
    }
    assert found == {(str(depth), *row) for (_, depth), row in means.iterrows()}


def test_axes_have_units_and_scales(table):
    correlation, norm = draw(table).axes
    assert (correlation.get_xscale(), norm.get_xscale()) == ("linear", "log")
    assert correlation.get_yscale() == norm.get_yscale() == "log"
    assert correlation.get_ylabel() == "steps (minibatches)"
    assert correlation.get_xlabel().startswith("correlation (1")
    assert norm.get_xlabel().startswith("gradient norm (output")


def test_arms_of_which_no_seed_or_not_every_seed_gets_there_stand_above(table):
    table.loc[arm(table, "plain", 30), "steps"] = np.inf
    table.loc[arm(table, "looks-linear", 30) & (table["seed"] == 1), "steps"] = np.inf
    for axes, quantity in zip(draw(table).axes, ["correlation", "gradient_norm"], strict=True):
        assert "never" in texts(axes)
        assert "30 plain" in texts(axes)
        assert "30 (1/3) CReLU, looks linear" in texts(axes)
        places = sorted(x for line in above(axes) for x in xy(line).x)
        means = table[table["depth"] == 30].groupby("network")[quantity].mean()
        np.testing.assert_allclose(places, sorted(means))
        heights = [
            axes.transAxes.inverted().transform(line.get_transform().transform((1, 1)))[1]
            for line in above(axes)
        ]
        assert min(heights) > 1
        assert len(set(heights)) == 2
        low, high = axes.get_xlim()
        assert low < places[0] <= places[-1] < high


def test_a_network_that_never_learns_is_named_once_with_all_its_depths(table):
    table.loc[table["network"] == "plain", "steps"] = np.inf
    norm = draw(table).axes[1]
    assert "3, 30 plain" in texts(norm)
    assert "plain" not in texts(norm)


@pytest.mark.filterwarnings("error")
def test_a_network_that_never_learns_may_lie_far_from_the_others(table):
    """Matplotlib warns if a panel has no room beside its text."""
    far = arm(table, "plain", 30)
    table.loc[far, ["steps", "gradient_norm"]] = [np.inf, 1e6]
    norm = draw(table).axes[1]
    assert norm.get_xlim()[1] > 1e6
    assert norm.get_window_extent().width > 72


def test_what_has_no_place_on_the_abscissa_is_named(table):
    table.loc[arm(table, "plain", 30) & (table["seed"] == 0), "correlation"] = np.nan
    table.loc[arm(table, "looks-linear", 30), "gradient_norm"] = 0
    correlation, norm = draw(table).axes
    assert title(correlation).endswith("\nplain, depth 30 undefined")
    assert title(norm).endswith("\nCReLU, looks linear, depth 30 zero")
    assert sorted(texts(correlation)) == sorted(["3", "3", "30", *NETWORKS])


def test_nothing_ever_learns(table):
    figure = draw(table.assign(steps=np.inf))
    figure.draw_without_rendering()
    assert all("never" in texts(axes) for axes in figure.axes)
