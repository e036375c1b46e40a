"""What figures of autoencoders share."""

import numpy as np
import pandas as pd

from movingtarget.drawing.autoencoders import best_of, entropy_of, grouped, limits_of, methods_of, of_first
from movingtarget.methods import METHODS


def test_methods_are_in_the_order_of_the_registry() -> None:
    table = pd.DataFrame({"method": ["locoprop-m", "adam", "k-fac", "sgd", "adam"]})
    assert methods_of(table) == ["sgd", "adam", "k-fac", "locoprop-m"]
    assert methods_of(table, "first-order") == ["sgd", "adam"]
    assert methods_of(table[:0]) == []


def test_every_method_is_in_one_group_and_groups_are_not_torn() -> None:
    groups = grouped(METHODS)
    assert [group for group, _ in groups] == ["first-order", "second-order", "layer-wise"]
    assert [name for _, members in groups for name in members] == [*METHODS]


def test_the_best_is_finite_and_of_the_group() -> None:
    means = pd.Series({"sgd": 3.0, "adam": np.nan, "rmsprop": -np.inf, "momentum": 2.0, "k-fac": 1.0})
    assert best_of(means, "first-order") == "momentum"
    assert best_of(means, "second-order") == "k-fac"
    assert best_of(means, "layer-wise") is None
    assert best_of(means[:0], "first-order") is None


def test_the_first_architecture_is_that_of_the_first_row() -> None:
    table = pd.DataFrame({"architecture": ["b", "a", "b"]})
    assert of_first(table).index.tolist() == [0, 2]
    assert of_first(table[:0]).empty


def test_the_entropy_is_that_of_training_images() -> None:
    assert entropy_of(pd.DataFrame({"split": ["test", "train"], "entropy": [2.0, 1.0]})) == 1


def test_all_seeds_are_within_the_limits() -> None:
    low, high = limits_of(pd.Series([3.0, -1.0, np.nan, 1.0, -np.inf])) or (0, 0)
    assert low < -1 < 3 < high
    assert high - 3 == -1 - low
    assert limits_of(pd.Series([2.0, 2.0])) is None
    assert limits_of(pd.Series([np.nan])) is None
