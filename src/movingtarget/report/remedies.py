"""What the report says of rates and stages of their own for the layers."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from movingtarget.families import FAMILIES
from movingtarget.report import prose
from movingtarget.report.moving_target import DASH
from movingtarget.statistics.bootstrap import Interval
from movingtarget.statistics.means import mean_interval, mean_of
from movingtarget.statistics.rows import divide, where
from movingtarget.update_orders import UPDATE_ORDERS

STARTS = {"pretrained": "trained before", "scratch": "from scratch"}

LEAST = 0.2
"""Twice the share of right answers that chance gives among ten classes."""

RATES = {
    "smaller-early": "smaller early",
    "slightly-smaller-early": "slightly smaller early",
    "equal": "equal",
    "smaller-late": "smaller late",
    "last-layer": "last layer alone",
}
"""What the report calls the ways to set the layers' rates."""


def remedies_table(remedies: pd.DataFrame, search: pd.DataFrame) -> pd.DataFrame:
    """A row of text for each order on each network at the end of its training.

    Args:
        remedies: table remedies.
        search: table remedies_search.

    Returns:
        Columns network, order, learning_rate, train_loss, test_accuracy (in per cent) and flops (a number).
    """
    rows = []
    for (network, activation, order), last in _ends(remedies, search, "network", "activation", "order"):
        named = UPDATE_ORDERS[order].title if order in UPDATE_ORDERS else "simultaneous, longer"
        arm = {"network": f"{FAMILIES[network].title}, {activation}", "order": named}
        rows.append(arm | _scores(last) | {"flops": float(last["flops"].iloc[0])})
    return pd.DataFrame(rows)


def untrained(remedies: pd.DataFrame, activation: str) -> bool:
    """Whether no order of networks with an activation ends with `LEAST` of the answers right, in the mean."""
    ends = [
        where(rows, step=rows["step"].max())["test_accuracy"].mean()
        for rows in divide(where(remedies, activation=activation), "network", "order").values()
    ]
    return bool(ends) and bool(max(ends) < LEAST)


def large_batch_table(large_batch: pd.DataFrame, search: pd.DataFrame) -> pd.DataFrame:
    """A row of text for each arm of each family at the end of its training.

    Args:
        large_batch: table large_batch.
        search: table large_batch_search.

    Returns:
        Columns network, arm, learning_rate, steps (a number), train_loss and test_accuracy (in per cent).
    """
    return pd.DataFrame(
        [
            {"network": FAMILIES[network].title, "arm": arm, "steps": int(last["step"].iloc[0])}
            | _scores(last)
            for (network, arm), last in _ends(large_batch, search, "network", "arm")
        ]
    )


def fine_tuning_table(fine_tuning: pd.DataFrame, search: pd.DataFrame) -> pd.DataFrame:
    """A row of text for each family, start and way to set the rates.

    Args:
        fine_tuning: table fine_tuning.
        search: table fine_tuning_search.

    Returns:
        Columns network, start, rates, learning_rate, test_accuracy (in per cent, or how many seeds diverged)
        and bottom, the lowest layer's share of the movement (in per cent).
    """
    rows = []
    for arm, of_arm in _with_rates(fine_tuning, search, "network", "start", "rates"):
        network, start, rates = arm
        bottom = mean_of(of_arm, quantity="movement_share", layer=1)
        accuracy = where(of_arm, quantity="test_accuracy")["value"]
        lost = int(accuracy.isna().sum())
        percent = f"{lost} of {len(accuracy)} diverged" if lost else _percent(mean_interval(accuracy))
        rows.append(
            {
                "network": FAMILIES[network].title,
                "start": STARTS[start],
                "rates": RATES[rates],
                "learning_rate": of_arm["rate"].iloc[0],
                "test_accuracy": percent,
                "bottom": DASH if lost else prose.number(100 * bottom.estimate, 2),
            }
        )
    return pd.DataFrame(rows)


def _ends(
    table: pd.DataFrame, search: pd.DataFrame, *arm: str
) -> Iterator[tuple[Sequence[Any], pd.DataFrame]]:
    """Each arm's rows at its last step."""
    for values, rows in _with_rates(table, search, *arm):
        yield values, where(rows, step=rows["step"].max())


def _with_rates(
    table: pd.DataFrame, search: pd.DataFrame, *arm: str
) -> Iterator[tuple[Sequence[Any], pd.DataFrame]]:
    """Each arm's rows with its rate as text, and whether the search has left it at an edge."""
    edges = divide(search[search["place"] == "best at an edge"], *arm)
    for values, rows in divide(table, *arm).items():
        text = f"{rows['learning_rate'].iloc[0]:.3g}" + (" (at an edge)" if values in edges else "")
        yield values, rows.assign(rate=text)


def _scores(last: pd.DataFrame) -> dict[str, str]:
    return {
        "learning_rate": last["rate"].iloc[0],
        "train_loss": prose.interval(*mean_interval(last["train_loss"])),
        "test_accuracy": _percent(mean_interval(last["test_accuracy"])),
    }


def _percent(interval: Interval) -> str:
    return prose.interval(*(100 * end for end in interval))
