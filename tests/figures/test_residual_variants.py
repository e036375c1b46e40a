"""The figure of residual networks built in other ways."""

import numpy as np
import pytest
from drawing_cases import named, xy
from matplotlib.colors import to_rgb

from movingtarget.figures.residual_variants import draw

VARIANTS = ["stream read out", "rectifier before the output", "blocks of two layers"]


@pytest.fixture
def table(on_a_line):
    frame = on_a_line(lag=range(4), variant=VARIANTS)
    betas = frame["normalisation"].map({"none": 1.0, "centred": 0.1})
    return frame.assign(beta=betas).dropna(subset="beta")


def test_the_deepest_networks_of_every_variant_beside_the_rulers(table, noise):
    axes = draw(table, noise).axes
    assert [panel.get_title(loc="left") for panel in axes] == ["(a) β = 1, depth 4", "(b) β = 0.1, depth 4"]
    for panel, beta in zip(axes, [1.0, 0.1], strict=True):
        drawn = named(panel)
        assert [*drawn] == [text.get_text() for text in panel.texts]
        assert [*drawn] == ["white noise", "brown noise", *VARIANTS]
        rows = table[(table["beta"] == beta) & (table["depth"] == 4)]
        for variant in VARIANTS:
            means = rows[rows["variant"] == variant].groupby("lag")["value"].mean()
            np.testing.assert_allclose(xy(drawn[variant]), means.reset_index().T)
        ruler = noise[noise["noise"] == "brown"].groupby("lag")["value"].mean()
        np.testing.assert_allclose(xy(drawn["brown noise"]).y, ruler)


def test_variants_differ_in_brightness(table, noise):
    for panel in draw(table, noise).axes:
        brightness = np.array([sum(to_rgb(named(panel)[variant].get_color())) for variant in VARIANTS])
        assert (np.diff(brightness) < -0.2).all()


def test_an_undefined_variant_is_named_in_its_own_panel_only(table, noise):
    gone = (table["beta"] == 0.1) & (table["variant"] == VARIANTS[0]) & (table["lag"] == 2)
    titles = [
        axes.get_title(loc="left") for axes in draw(table.assign(value=table["value"].mask(gone)), noise).axes
    ]
    assert "undefined" not in titles[0]
    assert titles[1].split("\n", 1)[1].replace("\n", " ") == "stream read out undefined at lag 2 (3/3 seeds)"


def test_one_beta_one_variant_one_seed(table, noise):
    one = table[(table["beta"] == 1) & (table["variant"] == VARIANTS[2]) & (table["seed"] == 0)]
    (axes,) = draw(one, noise).axes
    assert [*named(axes)] == ["white noise", "brown noise", VARIANTS[2]]
    assert axes.get_title(loc="left") == "β = 1, depth 4"


def test_axes_have_units(table, noise):
    for axes in draw(table, noise).axes:
        assert axes.get_xlabel() == "lag (grid points)"
        assert axes.get_ylabel() == "autocorrelation"
