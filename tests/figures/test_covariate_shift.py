"""The figure of internal covariate shift."""

import numpy as np
import pytest
from drawing_cases import xy

from movingtarget.figures.covariate_shift import draw

QUANTITIES = ["shift", "fresh_shift", "shift_cosine", "fresh_shift_cosine"]


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def texts(axes):
    return [text.get_text().strip() for text in axes.texts]


def test_both_batches_side_by_side_norm_above_cosine_at_two_depths(moving_target):
    figure = draw(moving_target())
    batches = ["same batch", "fresh batch"] * 4
    depths = [4] * 4 + [6] * 4
    assert titles(figure) == [
        f"({letter}) depth {depth}, {batch}"
        for letter, depth, batch in zip("abcdefgh", depths, batches, strict=True)
    ]
    assert [axes.get_yscale() for axes in figure.axes] == (["log"] * 2 + ["linear"] * 2) * 2
    assert [axes.get_ylabel().split()[0] for axes in figure.axes[::2]] == ["relative", "cosine"] * 2
    assert [axes.get_xlabel() for axes in figure.axes[-2:]] == ["layer (1 is next to the input)"] * 2


def test_every_panel_shows_its_own_means_at_the_middle_rate_after_the_last_step(moving_target):
    table = moving_target(rates=(0.01, 0.1, 0.3, 1.0))
    shown = table[(table["learning_rate"] == 0.1) & (table["step"] == 100) & (table["layer"] > 1)]
    for place, axes in enumerate(draw(table).axes):
        depth, quantity = (4, 6)[place // 4], QUANTITIES[place % 4]
        rows = shown[(shown["depth"] == depth) & (shown["quantity"] == quantity)]
        means = rows[rows["network"] == "residual-batch-norm"].groupby("layer")["value"].mean()
        (line,) = [line for line in axes.lines if str(line.get_label()).endswith("residual, batch norm")]
        np.testing.assert_allclose(xy(line), means.reset_index().T)


def test_the_first_layer_which_has_no_shift_is_no_gap(moving_target):
    table = moving_target()
    table.loc[table["layer"] == 1, "value"] = 0.0
    assert not any("\n" in title for title in titles(draw(table)))


def test_a_diverged_family_is_named_and_an_undefined_cosine_too(moving_target):
    table = moving_target()
    deep = (table["depth"] == 6) & (table["learning_rate"] == 0.1) & (table["step"] == 100)
    table.loc[deep & (table["network"] == "plain"), "value"] = np.nan
    dead = deep & (table["network"] == "batch-norm") & (table["seed"] == 0) & (table["layer"] == 3)
    table.loc[dead & (table["quantity"] == "fresh_shift_cosine"), "value"] = np.nan
    figure = draw(table)
    assert ["3/3 plain" in texts(axes) for axes in figure.axes] == [False] * 4 + [True] * 4
    assert ["undefined" in title for title in titles(figure)] == [False] * 7 + [True]
    assert titles(figure)[-1].endswith("batch norm undefined at layer 3\n(1/3 seeds)")


@pytest.mark.filterwarnings("error")
def test_one_of_everything_and_nothing_at_all(moving_target):
    table = moving_target(networks=["plain"], depths=[2], rates=[0.1], steps=[0], seeds=1)
    assert [texts(axes) for axes in draw(table).axes] == [[], ["plain"]] * 2
    left, right, *_ = draw(table.assign(value=np.nan)).axes
    assert texts(left) == ["1/1 plain", "diverged", "nothing to draw"]
    assert texts(right) == ["1/1 plain", "nothing to draw"]
