"""The figure of how far one step moves the inputs of each layer."""

import numpy as np
import pytest
from drawing_cases import xy

from movingtarget.figures.input_drift import draw


def titles(figure):
    return [axes.get_title(loc="left").split(") ")[1] for axes in figure.axes]


def texts(axes):
    return [text.get_text().strip() for text in axes.texts]


def test_a_row_for_each_step_and_a_column_for_each_depth_with_its_own_means(moving_target):
    table = moving_target(promises=(0.01, 0.1, 0.3, 1.0))
    figure = draw(table)
    panels = [(step, depth) for step in (0, 100) for depth in (4, 6)]
    assert titles(figure) == [f"{depth} layers, step {step}" for step, depth in panels]
    drifts = table[(table["quantity"] == "input_drift") & (table["promise"] == 0.1)]
    drifts = drifts[(drifts["network"] == "plain") & (drifts["layer"] > 1)]
    for axes, (step, depth) in zip(figure.axes, panels, strict=True):
        rows = drifts[(drifts["step"] == step) & (drifts["depth"] == depth)]
        (line,) = [line for line in axes.lines if str(line.get_label()).endswith("plain")]
        means = rows.groupby("layer")["value"].mean()
        np.testing.assert_allclose(xy(line), means.reset_index().T)
        assert axes.get_yscale() == "log"
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["relative drift"] * 2
    assert [axes.get_xlabel() for axes in figure.axes[-2:]] == ["layer (1 is next to the input)"] * 2


def test_all_panels_have_one_scale(moving_target):
    table = moving_target()
    table.loc[table["step"] == 100, "value"] /= 50
    assert len({axes.get_ylim() for axes in draw(table).axes}) == 1


def test_diverged_members_are_named_above_the_panels_they_are_missing_from(moving_target):
    table = moving_target()
    lost = (table["network"] == "plain") & (table["depth"] == 6) & (table["promise"] == 0.1)
    table.loc[lost & (table["step"] > 0) & (table["seed"] == 0) & (table["layer"] > 1), "value"] = np.nan
    figure = draw(table)
    assert ["1/3 plain" in texts(axes) for axes in figure.axes] == [False] * 3 + [True]
    assert ["diverged" in texts(axes) for axes in figure.axes] == [False, False, True, False]


@pytest.mark.filterwarnings("error")
def test_one_of_everything(moving_target):
    figure = draw(moving_target(networks=["plain"], depths=[2], promises=[0.1], steps=[0], seeds=1))
    figure.draw_without_rendering()
    assert [texts(axes) for axes in figure.axes] == [["plain"]]
