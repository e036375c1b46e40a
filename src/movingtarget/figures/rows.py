"""The rows of a table, chosen and divided by what stands in its columns."""

from typing import Any

import pandas as pd


def where(table: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """The rows that hold these values in the columns so named."""
    return table[(table[[*values]] == pd.Series(values)).all(axis=1)]


def divide(table: pd.DataFrame, *columns: str) -> dict[Any, pd.DataFrame]:
    """The rows of each combination of values of `columns`, NaN included, by order of first appearance."""
    by = columns[0] if len(columns) == 1 else [*columns]
    return dict(list(table.groupby(by, sort=False, dropna=False)))
