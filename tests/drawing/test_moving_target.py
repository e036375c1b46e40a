"""What figures of table moving_target share."""

import numpy as np
import pandas as pd
import pytest
from drawing_cases import xy

from movingtarget.drawing.labels import label_lines, text_colour
from movingtarget.drawing.moving_target import (
    draw_families,
    draw_foretold,
    draw_held,
    draw_layers,
    draw_level,
    extremes_and_middle,
    middle,
    middle_and_deepest,
    rows_of_panels,
)
from movingtarget.drawing.style import LOOKS, styled


@pytest.fixture
def grid():
    return styled(rows_of_panels)(["left", "right"], columns=2, row_height=5, sharey=True)[1]


@pytest.fixture
def row(grid, moving_target):
    """Interaction against promise at two depths."""
    table = moving_target()
    rows = table[(table["quantity"] == "interaction") & (table["step"] == 10) & (table["rate"] == "matched")]
    return {axes: rows[rows["depth"] == depth] for axes, depth in zip(grid[0], (2, 6), strict=True)}


def texts(axes):
    return [text.get_text().strip() for text in axes.texts]


def line(axes, name):
    (found,) = [line for line in axes.lines if line.get_label() == name]
    return found


def place(text):
    """Of a text, in points on the figure."""
    return text.get_transform().transform(text.get_position())


def lose(row, number, **of):
    """Without the values of some rows of one panel."""
    axes = [*row][number]
    rows = row[axes].copy()
    rows.loc[(rows[[*of]] == pd.Series(of)).all(axis=1), "value"] = np.nan
    return row | {axes: rows}


def test_the_synthetic_table_has_the_schema(moving_target, written):
    table = moving_target()
    assert len(written(table, "moving_target")) == len(table)


@pytest.mark.parametrize(
    ("values", "expected"), [([5], 5), ([1, 2], 1), ([3, 1, 2, 3], 2), ([1, 2, 3, 4], 2)]
)
def test_the_middle_is_one_of_the_values(values, expected):
    assert middle(pd.Series(values)) == expected


@pytest.mark.parametrize(("depths", "expected"), [([8], [8]), ([2, 8], [2, 8]), ([32, 2, 8, 8], [8, 32])])
def test_two_depths_if_there_are(depths, expected):
    assert middle_and_deepest(pd.Series(depths)) == expected


@pytest.mark.parametrize(("depths", "expected"), [([8], [8]), ([2, 8], [2, 8]), ([32, 2, 8, 16], [2, 8, 32])])
def test_three_depths_if_there_are(depths, expected):
    assert extremes_and_middle(pd.Series(depths)) == expected


def test_forecasts_are_dotted_and_end_where_they_leave_the_panel(row):
    axes, rows = [*row.items()][-1]
    low = (rows["network"] == "plain") & (rows["promise"] == 1.0)
    draw_foretold({axes: rows.assign(value=rows["value"].mask(low, -9.0))}, "promise", -0.5, 1.5)
    plain, *others = axes.lines
    assert {line.get_linestyle() for line in axes.lines} == {":"}
    assert plain.get_color() == LOOKS["plain"]["color"]
    means = rows[rows["network"] == "plain"].groupby("promise")["value"].mean()
    np.testing.assert_allclose(xy(plain), [[0.01, 0.1], means.iloc[:2]])
    assert {len(xy(line).x) for line in others} == {3}


def test_a_band_of_two_seeds_does_not_squash_the_picture(grid, moving_target):
    table = moving_target(seeds=2, networks=["plain"], depths=[2], steps=[0])
    rows = table[(table["quantity"] == "interaction") & (table["rate"] == "matched")]
    far = rows.assign(value=np.where(rows["seed"] == 0, -0.5, 1.0))
    draw_held({grid[0, 0]: far}, "promise", -0.5, 1.0)
    low, high = grid[0, 0].get_ylim()
    assert -0.6 < low < -0.5
    assert 1 < high < 1.1


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_with_its_names_the_last_panel_shows_data_as_wide_as_the_others(moving_target, columns):
    rows = moving_target()
    rows = rows[(rows["quantity"] == "interaction") & (rows["step"] == 0) & (rows["depth"] == 2)]
    _, ((*others, last),) = rows_of_panels(["panel"] * columns, columns, row_height=5, sharey=True)
    draw_held(dict.fromkeys((*others, last), rows), "promise", 0, 1)
    label_lines(last.figure)
    ends = np.array([[0.01, 1], [1, 1]])
    widths = [np.ptp(axes.transData.transform(ends)[:, 0]) for axes in (*others, last)]
    assert max(widths) < 1.25 * min(widths)


def test_families_are_drawn_in_every_panel_and_named_in_the_last(row):
    draw_families(row, "promise")
    for unnamed, (axes, rows) in zip("_ ", row.items(), strict=True):
        for name, network in {"plain": "plain", "residual, batch norm": "residual-batch-norm"}.items():
            means = rows[rows["network"] == network].groupby("promise")["value"].mean()
            drawn = line(axes, unnamed.strip() + name)
            np.testing.assert_allclose(xy(drawn), means.reset_index().T)
            assert drawn.get_color() == LOOKS[network]["color"]


def test_a_seeds_value_is_held_before_the_mean_is_taken(row):
    axes, rows = [*row.items()][-1]
    huge = (rows["network"] == "plain") & (rows["promise"] == 1.0) & (rows["seed"] == 1)
    draw_held(row | {axes: rows.assign(value=rows["value"].mask(huge, -1e9))}, "promise", -0.5, 1.0)
    others = rows.loc[(rows["network"] == "plain") & (rows["promise"] == 1.0) & ~huge, "value"]
    expected = (others.sum() - 0.5) / 3
    assert xy(line(axes, "plain")).y[-1] == pytest.approx(expected)
    assert not any("diverged" in text for text in texts(next(iter(row))))


def test_diverged_seeds_are_counted_above_their_place_and_the_family_named_beside(row):
    row = lose(row, 0, network="plain", promise=1.0)
    row = lose(row, 1, network="plain", promise=0.1, seed=2)
    row = lose(row, 1, network="batch-norm", promise=1.0, seed=0)
    draw_held(row, "promise", -0.5, 1.0)
    left, right = row
    assert sorted(texts(left)) == ["3", "diverged"]
    assert sorted(texts(right)) == ["1", "1", "batch norm", "plain"]
    label_lines(left.figure)
    left.figure.draw_without_rendering()
    for axes in row:
        for text in axes.texts[: len(texts(axes))]:
            if text.get_text() in "123":
                (x, y) = place(text)
                assert y > axes.bbox.y1
                assert x == pytest.approx(axes.transData.transform((text.get_position()[0], 1))[0])
    counts = {text.get_color(): place(text)[1] for text in right.texts if text.get_text() == "1"}
    plain, normalised = (text_colour(LOOKS[network]["color"]) for network in ("plain", "batch-norm"))
    assert counts[plain] != counts[normalised]
    assert np.isnan(xy(line(right, "plain")).y[1])
    (count,) = [text for text in left.texts if text.get_text() == "3"]
    assert place(count)[1] == pytest.approx(counts[plain])  # on one line across the row
    assert left.title.get_position()[1] == right.title.get_position()[1]


def test_nothing_stands_above_if_nothing_diverged(row):
    draw_held(row, "promise", -0.5, 1.0)
    assert all(texts(axes) == [] for axes in row)


def test_a_family_that_always_diverged_is_named(row):
    draw_held(lose(row, 1, network="plain"), "promise", -0.5, 1.0)
    assert texts([*row][1]) == ["3", "3", "3", "plain"]
    assert "plain" not in [line.get_label() for line in [*row][1].lines]


@pytest.fixture
def layers(grid, moving_target):
    """Drift against layer at two depths."""
    table = moving_target()
    rows = table[(table["quantity"] == "input_drift") & (table["step"] == 10) & (table["promise"] == 0.1)]
    return {axes: rows[rows["depth"] == depth] for axes, depth in zip(grid[0], (2, 6), strict=True)}


def test_layers_are_drawn_from_the_second_on(layers):
    draw_layers(layers)
    for axes, name, last in zip(layers, ["_plain", "plain"], [3, 7], strict=True):
        np.testing.assert_array_equal(xy(line(axes, name)).x, range(2, last + 1))


def test_families_of_which_a_seed_diverged_are_named_above_in_their_colour(layers):
    layers = lose(layers, 1, network="plain", seed=2)
    layers = lose(layers, 1, network="batch-norm")
    draw_layers(layers)
    left, right = layers
    assert texts(left) == ["diverged"]
    assert texts(right) == ["1/3 plain", "3/3 batch norm"]
    colours = [text_colour(LOOKS[network]["color"]) for network in ("plain", "batch-norm")]
    assert [text.get_color() for text in right.texts] == colours
    assert len({place(text)[1] for text in right.texts}) == 2
    assert right.get_title(loc="left") == "(b) right"
    assert {line.get_label() for line in right.lines} == {"residual, batch norm"}


def test_a_family_without_a_value_at_some_layers_is_named_in_the_title(layers):
    layers = lose(layers, 0, network="plain", seed=2, layer=3)
    draw_layers(layers)
    left, right = layers
    assert " ".join(left.get_title(loc="left").split()) == "(a) left plain undefined at layer 3 (1/3 seeds)"
    assert right.get_title(loc="left") == "(b) right"
    assert texts(left) == []


def test_what_stands_above_lies_between_panel_and_title(layers):
    layers = lose(lose(layers, 1, network="plain"), 1, network="batch-norm")
    draw_layers(layers)
    _, right = layers
    label_lines(right.figure)
    right.figure.draw_without_rendering()
    heights = [text.get_window_extent().y1 for text in right.texts if "/" in text.get_text()]
    title = right._left_title.get_window_extent()
    assert right.bbox.y1 < min(heights)
    assert max(heights) <= title.y0
    assert title.y1 <= right.figure.bbox.y1


def test_a_level_spans_the_data(row):
    draw_level(row, "promise", 0.5)
    for axes in row:
        np.testing.assert_array_equal(xy(line(axes, "_")), [[0.01, 1.0], [0.5, 0.5]])
