"""The figure of what a step loses because the other layers move too."""

import numpy as np
import pytest
from drawing_cases import xy

from movingtarget.figures.interaction import draw

STEPS = [0, 100]


def titles(figure):
    return [axes.get_title(loc="left").split(") ")[1] for axes in figure.axes]


def texts(axes):
    return [text.get_text().strip() for text in axes.texts]


def heights(axes, name):
    (line,) = [line for line in axes.lines if line.get_label() == name]
    return xy(line).y


def test_two_depths_against_rate_and_a_small_rate_against_depth_at_both_ends_of_training(moving_target):
    table = moving_target(rates=(0.001, 0.01, 0.1, 1.0, 3.0))
    figure = draw(table)
    whats = ["depth 4", "depth 6", "learning rate 0.01"]
    assert titles(figure) == [f"{what}, step {step}" for what in whats for step in STEPS]
    prices = table[(table["quantity"] == "interaction") & (table["network"] == "batch-norm")]
    chosen = [("depth", 4), ("depth", 6), ("learning_rate", 0.01)]
    panels = iter(figure.axes)
    for column, value in chosen:
        for step, name in zip(STEPS, ["_batch norm", "batch norm"], strict=True):
            axes = next(panels)
            x = "depth" if column == "learning_rate" else "learning_rate"
            rows = prices[(prices[column] == value) & (prices["step"] == step)]
            np.testing.assert_allclose(heights(axes, name), rows.groupby(x)["value"].mean())
            assert axes.get_xlabel().startswith(x.replace("_", " "))
            assert axes.get_xscale() == "log"


def test_a_price_of_a_billion_promises_does_not_squash_the_picture(moving_target):
    table = moving_target()
    prices = table["quantity"] == "interaction"
    table.loc[prices & (table["learning_rate"] == 1.0), "value"] = 1e9
    table.loc[prices & (table["learning_rate"] == 0.1), "value"] = -1e9
    axes = draw(table).axes[1]
    assert heights(axes, "plain")[1:].tolist() == [-0.5, 1.0]
    assert axes.get_ylim()[1] < 1.5


def test_diverged_members_are_counted_against_rate_and_against_depth(moving_target):
    table = moving_target()
    lost = (table["network"] == "plain") & (table["depth"] == 6) & (table["step"] == 100)
    table.loc[lost & (table["seed"] == 1), "value"] = np.nan
    figure = draw(table)
    diverged = ["diverged" in texts(axes) for axes in figure.axes]
    assert diverged == [False, False, True, False, True, False]
    assert texts(figure.axes[3])[:4] == ["1", "1", "1", "plain"]
    assert texts(figure.axes[5])[:2] == ["1", "plain"]
    assert "1" not in texts(figure.axes[2]) + texts(figure.axes[4])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rates", [(0.1,), (0.01, 0.1), (0.01, 0.1, 1.0)])
def test_with_few_rates_the_small_one_is_the_smallest(moving_target, rates):
    figure = draw(moving_target(networks=["plain"], depths=[2], rates=rates, steps=[0], seeds=1))
    figure.draw_without_rendering()
    assert titles(figure) == ["depth 2, step 0", f"learning rate {rates[0]:g}, step 0"]
