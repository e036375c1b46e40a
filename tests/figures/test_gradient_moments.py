"""The figure of all moments of gradients against depth."""

import numpy as np
import pytest
from drawing_cases import MOMENTS_OF, gradient_moments, xy
from matplotlib.colors import to_hex

from movingtarget.drawing.style import LOOKS
from movingtarget.figures.gradient_correlation import GREATEST, LEAST
from movingtarget.figures.gradient_moments import draw
from movingtarget.look import GREY
from movingtarget.theory.arc_cosine import gradient_correlation
from movingtarget.theory.shattering import (
    centred_residual_moments,
    feedforward_moments,
    highway_moments,
    residual_moments,
    scaled_residual_asymptote,
    scaled_residual_moments,
)

KINDS = ["feedforward", "residual, no", "residual, batch", "residual, batch", "highway"]
FEEDFORWARD, RESIDUAL, SCALED, TENTH, HIGHWAY = range(5)


@pytest.fixture
def table():
    return gradient_moments()


@pytest.fixture(scope="module")
def figure():
    return draw(gradient_moments())


def names(axes):
    return [text.get_text() for text in axes.texts]


def row(figure, kind):
    return figure.axes[3 * kind : 3 * kind + 3]


def law(axes, name):
    (line,) = [line for line in axes.lines if line.get_label().lstrip("_") == name]
    return xy(line).y


def title(axes):
    return axes.get_title(loc="left")


def test_a_row_for_each_kind_of_network_and_a_column_for_each_moment(figure):
    assert [axes.get_ylabel() for axes in figure.axes] == ["variance", "covariance", "correlation"] * 5
    for kind, start in enumerate(KINDS):
        assert all(start in title(axes) for axes in row(figure, kind))
    assert "β\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.1" in title(row(figure, TENTH)[0])
    assert {axes.get_yscale() for axes in figure.axes} == {"log"}


def test_curves_are_means_of_their_own_rows(table, figure):
    curves = {
        (FEEDFORWARD, "no normalisation"): MOMENTS_OF[1],
        (FEEDFORWARD, "centred"): MOMENTS_OF[2],
        (FEEDFORWARD, "batch norm"): MOMENTS_OF[3],
        (RESIDUAL, "random gates"): MOMENTS_OF[4],
        (TENTH, "rectifiers"): MOMENTS_OF[9],
        (HIGHWAY, "random gates"): MOMENTS_OF[10],
    }
    for (kind, name), (network, normalisation, gates, beta) in curves.items():
        rows = table[(table["network"] == network) & (table["normalisation"] == normalisation)]
        rows = rows[(rows["gates"] == gates) & ((rows["beta"] == beta) | np.isnan(beta))]
        for axes in row(figure, kind):
            means = rows.groupby("depth")[axes.get_ylabel()].mean()
            np.testing.assert_allclose(law(axes, name), means)


def test_random_gates_are_grey_and_rectifiers_in_their_familys_colour(figure):
    families = {FEEDFORWARD: "plain", RESIDUAL: "residual", SCALED: "residual", HIGHWAY: "highway"}
    for kind, family in families.items():
        colours = {line.get_label(): to_hex(line.get_color()) for line in row(figure, kind)[2].lines}
        rectifiers = "no normalisation" if kind == FEEDFORWARD else "rectifiers"
        assert colours["random gates"] == GREY
        assert colours[rectifiers] == LOOKS[family]["color"].lower()


def test_laws_are_those_of_theory_at_every_depth(figure):
    depths = np.arange(1, 9)
    laws = {
        (FEEDFORWARD, "theorem 1"): feedforward_moments(depths),
        (RESIDUAL, "theorem 2"): residual_moments(depths),
        (SCALED, "theorem 3"): scaled_residual_asymptote(depths, 1.0),
        (SCALED, "exact"): scaled_residual_moments(depths, 1.0),
        (TENTH, "exact, centred"): centred_residual_moments(depths, 0.1),
        (HIGHWAY, "corollary 1"): highway_moments(depths, np.sqrt(1 - 1 / depths), np.sqrt(1 / depths)),
    }
    for (kind, name), moments in laws.items():
        for axes in row(figure, kind):
            np.testing.assert_allclose(law(axes, name), getattr(moments, axes.get_ylabel()))


@pytest.mark.parametrize(
    ("kind", "name", "network", "normalisation"),
    [
        (FEEDFORWARD, "kernel", "feedforward", "none"),
        (FEEDFORWARD, "kernel, centred", "feedforward", "centred"),
        (RESIDUAL, "kernel", "residual", "none"),
        (SCALED, "kernel", "residual", "batch-norm"),
    ],
)
def test_the_kernel_stands_beside_the_correlation_only(figure, kind, name, network, normalisation):
    variance, covariance, correlation = row(figure, kind)
    expected = [gradient_correlation(network, normalisation, depth) for depth in range(1, 9)]
    np.testing.assert_allclose(law(correlation, name), expected)
    for axes in (variance, covariance):
        assert name not in {line.get_label().lstrip("_") for line in axes.lines}


def test_the_kernel_is_silent_on_scaled_branches(figure):
    assert "kernel" not in names(row(figure, TENTH)[2])


def test_names_stand_in_the_last_column_only(figure):
    for kind in range(5):
        variance, covariance, correlation = row(figure, kind)
        assert names(variance) == names(covariance) == []
        assert "random gates" in names(correlation)


def test_what_lies_below_the_noise_is_left_out_but_of_the_variance(table):
    random = (table["network"] == "feedforward") & (table["gates"] == "random")
    table.loc[random & (table["depth"] == 4), "correlation"] = 0.9 * LEAST
    table.loc[random & (table["depth"] == 8), "correlation"] = -0.01
    variance, covariance, correlation = row(draw(table), FEEDFORWARD)
    assert np.isfinite(law(variance, "random gates")).all()
    for axes in (covariance, correlation):
        assert np.isfinite(law(axes, "random gates")).tolist() == [True, True, False, False]
        assert "random" not in title(axes)


def test_an_asymptote_far_above_one_is_left_out(table):
    variance, covariance, correlation = row(draw(table.replace({"depth": {8: 60}})), TENTH)
    said = scaled_residual_asymptote(np.arange(1, 61), 0.1)
    expected = np.where(said.correlation <= GREATEST, said.correlation, np.nan)
    assert 0 < np.isnan(expected).sum() < 60
    np.testing.assert_allclose(law(correlation, "theorem 3"), expected)
    np.testing.assert_allclose(law(variance, "theorem 3"), said.variance)
    np.testing.assert_array_equal(np.isnan(law(covariance, "theorem 3")), np.isnan(expected))


def test_what_is_undefined_is_named_in_its_own_panel(table):
    dead = (table["network"] == "highway") & (table["gates"] == "rectifier") & (table["depth"] == 8)
    table.loc[dead & (table["seed"] == 1), "correlation"] = np.nan
    figure = draw(table)
    assert "undefined" in title(row(figure, HIGHWAY)[2])
    assert "(1/3 seeds)" in title(row(figure, HIGHWAY)[2]).replace("\n", " ")
    assert sum("undefined" in title(axes) for axes in figure.axes) == 1


def test_one_network_at_one_depth_with_one_seed(table):
    one = (table["network"] == "highway") & (table["gates"] == "random")
    figure = draw(table[one & (table["depth"] == 2) & (table["seed"] == 0)])
    assert sorted(names(figure.axes[2])) == ["corollary 1", "random gates"]
