"""The figures of what a step keeps of its promise, with all layers moved and with each alone."""

import numpy as np
import pytest
from drawing_cases import named, xy

from movingtarget.drawing.style import WIDTH
from movingtarget.figures import single_layers
from movingtarget.figures.local_linearity import draw

STEPS = [0, 100]
FIGURES = [(draw, "joint_share"), (single_layers.draw, "single_share")]


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def texts(axes):
    return [text.get_text().strip() for text in axes.texts]


def test_a_row_for_each_extreme_step_and_a_column_for_each_depth(moving_target):
    figure = draw(moving_target(depths=(2, 4, 6, 8)))
    assert figure.get_figwidth() == WIDTH
    expected = [f"{depth} layers, step {step}" for step in STEPS for depth in (2, 4, 8)]
    assert [title.split(") ")[1] for title in titles(figure)] == expected
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == ["J / F"] * 2
    assert [axes.get_xlabel() for axes in figure.axes[-3:]] == ["F / L"] * 3
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}


@pytest.mark.parametrize(("draw", "share"), FIGURES)
def test_every_panel_shows_its_own_means(moving_target, draw, share):
    table = moving_target(depths=(2, 4))
    axes = iter(draw(table).axes)
    for step in STEPS:
        for depth, name in [(2, "_plain"), (4, "plain")]:
            rows = table[(table["step"] == step) & (table["quantity"] == share) & (table["depth"] == depth)]
            means = rows[rows["network"] == "plain"].groupby("promise")["value"].mean()
            (line,) = [line for line in next(axes).lines if line.get_label() == name]
            np.testing.assert_allclose(xy(line).y, means)


@pytest.mark.parametrize(("draw", "share"), FIGURES)
def test_forecasts_are_dotted_beside_what_is_measured(moving_target, draw, share):
    table = moving_target(depths=[2])
    for axes, step in zip(draw(table).axes, STEPS, strict=True):
        rows = table[(table["step"] == step) & (table["quantity"] == f"foretold_{share}")]
        means = rows[rows["network"] == "plain"].groupby("promise")["value"].mean()
        dotted = [line for line in axes.lines if line.get_linestyle() == ":"]
        assert len(dotted) == 3
        np.testing.assert_allclose(xy(dotted[0]).y, means)


def test_thin_lines_are_at_no_gain_and_at_the_promise(moving_target):
    for axes in draw(moving_target()).axes:
        levels = [xy(line).y for line in axes.lines if line.get_linewidth() == 0.7]
        np.testing.assert_array_equal(levels, [[0, 0], [1, 1]])


def test_a_loss_a_billion_times_larger_does_not_squash_the_picture(moving_target):
    table = moving_target(depths=[2])
    table.loc[(table["quantity"] == "joint_share") & (table["promise"] == 1.0), "value"] = -1e9
    axes = draw(table).axes[0]
    low, high = axes.get_ylim()
    assert -1 < low < 0 < 1 < high < 2
    assert [xy(line).y[-1] for line in named(axes).values()] == [-0.5] * 3


def test_diverged_members_are_counted_above_the_last_steps_panels(moving_target):
    table = moving_target(depths=(2, 4))
    diverged = (table["network"] == "plain") & (table["promise"] == 1.0) & (table["seed"] > 0)
    table.loc[diverged & (table["step"] == 100), "value"] = np.nan
    figure = draw(table)
    assert all("diverged" not in texts(axes) for axes in figure.axes[:2])
    assert texts(figure.axes[2]) == ["2", "diverged"]
    assert texts(figure.axes[3])[:2] == ["2", "plain"]


def test_names_stand_in_the_last_column(moving_target):
    figure = draw(moving_target())
    families = {"plain", "batch norm", "residual, batch norm"}
    for place, axes in enumerate(figure.axes):
        assert set(named(axes)) == set(texts(axes)) == (families if place % 3 == 2 else set())


@pytest.mark.filterwarnings("error")
def test_one_of_everything(moving_target):
    figure = draw(moving_target(networks=["plain"], depths=[2], promises=[0.1], steps=[0], seeds=1))
    figure.draw_without_rendering()
    assert [texts(axes) for axes in figure.axes] == [["plain"]]
