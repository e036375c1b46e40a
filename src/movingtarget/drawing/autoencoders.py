"""What figures of autoencoders share: methods in order, the first architecture, groups, budgets, excess."""

from collections.abc import Iterable
from itertools import groupby

import numpy as np
import pandas as pd

from movingtarget.methods import METHODS
from movingtarget.statistics.rows import where

BUDGETS = {"epochs": "as many epochs", "flops": "as many FLOPs", "seconds": "as many seconds"}
"""What figures call the budgets of SGD's longest training, in their order."""

EXCESS = "excess training loss (nats)"
"""The label of an axis with what a loss has above the images' entropy."""


def of_first(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the first architecture, on which methods are compared."""
    return where(table, architecture=table["architecture"].iloc[0]) if len(table) else table


def methods_of(table: pd.DataFrame, *groups: str) -> list[str]:
    """The methods that a table has, of some groups or of all, in the order of the registry."""
    found = set(table["method"])
    return [name for name, it in METHODS.items() if name in found and (not groups or it.group in groups)]


def grouped(methods: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Methods by their groups.

    >>> grouped(["sgd", "adam", "k-fac"])
    [('first-order', ['sgd', 'adam']), ('second-order', ['k-fac'])]
    """
    return [(group, [*members]) for group, members in groupby(methods, lambda name: METHODS[name].group)]


def best_of(means: "pd.Series[float]", *groups: str) -> str | None:
    """The method of some groups with the lowest finite mean, if there is one.

    Args:
        means: by method.
        groups: of methods.

    >>> best_of(pd.Series({"sgd": 3.0, "adam": 2.0, "k-fac": 1.0}), "first-order")
    'adam'
    """
    finite = means[np.isfinite(means)]
    found = finite[[name for name in finite.index if METHODS[name].group in groups]]
    return str(found.idxmin()) if len(found) else None


def entropy_of(floors: pd.DataFrame) -> float:
    """The entropy of the training images, from table locoprop_floors."""
    return float(where(floors, split="train")["entropy"].iloc[0])


def limits_of(values: "pd.Series[float]") -> tuple[float, float] | None:
    """The ends of an axis that shows all seeds, None if they do not differ.

    The interval of a few seeds may reach far beyond all of them, and would press everything else together.

    >>> low, high = limits_of(pd.Series([1.0, 2.0, np.inf]))
    >>> round(low, 2), round(high, 2)
    (0.88, 2.12)
    """
    finite = values[np.isfinite(values)]
    if finite.nunique() < 2:
        return None
    margin = 0.12 * float(finite.max() - finite.min())
    return float(finite.min()) - margin, float(finite.max()) + margin
