"""The rows of a table, chosen and divided by what stands in its columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def where(table: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """The rows that hold these values in the columns so named.

    >>> table = pd.DataFrame({"network": ["plain", "plain", "residual"], "depth": [2, 4, 4]})
    >>> where(table, network="plain", depth=4).index.tolist()
    [1]
    """
    return table[(table[[*values]] == pd.Series(values)).all(axis=1)]


def meeting(table: pd.DataFrame, **conditions: Any) -> pd.DataFrame:
    """The rows that meet every condition: a column's value, or any of a list of its values.

    >>> table = pd.DataFrame({"network": ["plain", "residual", "linear"], "depth": [2, 4, 4]})
    >>> meeting(table, network=["plain", "residual"], depth=4).index.tolist()
    [1]
    """
    for column, value in conditions.items():
        table = table[table[column].isin(value if isinstance(value, list) else [value])]
    return table


def divide(table: pd.DataFrame, *columns: str) -> dict[Any, pd.DataFrame]:
    """The rows of each combination of values of `columns`, NaN included, by order of first appearance.

    >>> table = pd.DataFrame({"network": ["plain", "plain", "residual"], "depth": [2, 4, 4]})
    >>> {depth: rows.index.tolist() for depth, rows in divide(table, "depth").items()}
    {2: [0], 4: [1, 2]}
    """
    by = columns[0] if len(columns) == 1 else [*columns]
    return dict(list(table.groupby(by, sort=False, dropna=False)))


def lag_rows(values: ArrayLike, seeds: Sequence[int], **settings: Any) -> pd.DataFrame:
    """One row for each seed and lag of `values`, `(seeds, lags + 1)`.

    >>> lag_rows([[1.0, 0.5]], seeds=[7], depth=50).to_dict("records")[1]
    {'seed': 7, 'lag': 1, 'value': 0.5, 'depth': 50}
    """
    matrix = np.asarray(values)
    lags = matrix.shape[1]
    return pd.DataFrame(
        {
            "seed": np.repeat(list(seeds), lags),
            "lag": np.tile(np.arange(lags), len(seeds)),
            "value": matrix.flatten(),
        }
    ).assign(**settings)
