"""Cells of two runs: who lies outside, by how much chance."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from movingtarget.verification.cells import compare_cells

OLD = np.array([1.0, 2.0, 3.0, 4.0, 6.0])


def compared(reference, new) -> pd.Series:
    """The only cell of these seeds."""
    reference, new = np.asarray(reference, dtype=float), np.asarray(new, dtype=float)
    return compare_cells(np.zeros(len(new), dtype=np.int64), reference, new).iloc[0]


def test_the_interval_is_that_of_the_mean_of_as_many_new_seeds():
    cell = compared(OLD, OLD)
    assert cell["half_width"] == pytest.approx(stats.t.ppf(0.975, 4) * OLD.std(ddof=1) * np.sqrt(2 / 5))
    assert (cell["reference"], cell["new"], cell["outside"], cell["chance"]) == (3.2, 3.2, False, 1.0)


def test_just_inside_and_just_outside():
    width = compared(OLD, OLD)["half_width"]
    assert not compared(OLD, OLD + 0.999 * width)["outside"]
    far = compared(OLD, OLD + 1.001 * width)
    assert far["outside"]
    assert far["chance"] < 1e-8


def test_outside_by_what_training_makes_of_rounding_has_a_chance():
    moved = OLD + np.array([20.0, 0.0, 1.0, -1.0, 0.0])
    cell = compared(OLD, moved)
    assert cell["outside"]
    assert cell["chance"] == pytest.approx(stats.ttest_rel(moved, OLD).pvalue)


def test_seeds_that_do_not_differ_may_move_by_rounding():
    assert not compared([2.0] * 3, [2.000001] * 3)["outside"]
    assert not compared([0.0] * 3, [1e-10] * 3)["outside"]
    assert compared([2.0] * 3, [2.00001] * 3)["outside"]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_seeds_that_stay_undefined_are_left_out(value: float):
    old, new = [value, 1.0, 2.0, 4.0], [value, 1.0, 2.5, 4.0]
    cell = compared(old, new)
    assert not cell["outside"]
    assert (cell["reference"], cell["new"]) == (pytest.approx(7 / 3), 2.5)


def test_training_that_diverges_with_every_seed_is_outside_by_no_chance():
    cell = compared(OLD, [np.nan] * 5)
    assert cell["outside"]
    assert cell["chance"] < 1e-8
    assert compared([np.nan] * 5, OLD)["chance"] < 1e-8
    assert compared([np.inf] * 5, [np.nan] * 5)["chance"] < 1e-8


def test_training_that_diverges_with_one_seed_is_outside_by_chance():
    cell = compared(OLD, [*OLD[:4], np.inf])
    assert cell["outside"]
    assert cell["chance"] > 0.05


def test_a_single_seed_may_move_by_a_twentieth_and_has_no_test():
    assert compared([2.0], [2.0])["lone"]
    assert not compared([2.0], [2.09])["outside"]
    assert compared([2.0], [2.11])["outside"]
    assert compared([2.0], [2.11])["chance"] == 1.0
    assert compared([2.0], [np.nan])["outside"]


def test_two_seeds_are_not_alone():
    cell = compared([1.0, 2.0], [1.0, 2.0])
    assert not cell["lone"]
    spread = np.std([1.0, 2.0], ddof=1)
    assert cell["half_width"] == pytest.approx(stats.t.ppf(0.975, 1) * spread)


def test_cells_are_told_apart():
    cell = np.array([0, 1, 0, 1, 0, 1])
    old = np.array([1.0, 10.0, 2.0, 20.0, 3.0, 30.0])
    table = compare_cells(cell, old, old + np.where(cell == 1, 1000.0, 0.0))
    assert table["reference"].tolist() == [2.0, 20.0]
    assert table["outside"].tolist() == [False, True]
