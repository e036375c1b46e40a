"""What the report says about the first steps."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from movingtarget.families import FAMILIES
from movingtarget.report import prose
from movingtarget.statistics.means import mean_of
from movingtarget.statistics.rows import divide, where

MIDDLE = 30
"""The step after the first turmoil at which the curvature is given."""

CASES = {"plain": "in the plain network", "batch-norm": "with batch norm", "residual": "with skips"}
"""Words for the networks that claims are about."""


def verdicts_of(claims: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, str]:
    """Verdicts, by the words for the network, of the claims NAME-NETWORK that say the same of each.

    >>> verdicts_of({f"learns-{network}": {"verdict": "reproduced"} for network in CASES}, "learns")
    {'in the plain network': 'reproduced', 'with batch norm': 'reproduced', 'with skips': 'reproduced'}
    """
    return {words: claims[f"{name}-{network}"]["verdict"] for network, words in CASES.items()}


def early_steps_table(early_steps: pd.DataFrame, search: pd.DataFrame) -> pd.DataFrame:
    """A row for each family and kind of batch: its best rate and what its steps at that rate did.

    Args:
        early_steps: table early_steps.
        search: table early_steps_search.

    Returns:
        Columns of text: network, batches, learning_rate, and means over seeds with intervals: promise (F over
        the loss) and kept at the first step, kept_later in the last window, edge at the first step and
        edge_later at step 30, and train_loss.
    """
    arms = divide(where(early_steps, multiple=1.0, norms="free"), "network", "batches")
    rates = divide(search[search["place"] != "tried"], "network", "batches")
    return pd.DataFrame([_row(arm, rows, rates[arm]["place"].iloc[0]) for arm, rows in arms.items()])


def _row(arm: tuple[str, str], rows: pd.DataFrame, place: str) -> dict[str, str]:
    edge = " (at an edge)" if place == "best at an edge" else ""
    wanted = {
        "promise": ("promise", 1),
        "kept": ("kept", 1),
        "kept_later": ("kept", rows["step"].max()),
        "edge": ("edge", 1),
        "edge_later": ("edge", MIDDLE),
        "train_loss": ("train_loss", rows["step"].max()),
    }
    means = {
        name: prose.interval(*mean_of(rows, quantity=quantity, step=step))
        for name, (quantity, step) in wanted.items()
    }
    rate = prose.number(rows["learning_rate"].iloc[0]) + edge
    return {"network": FAMILIES[arm[0]].title, "batches": arm[1], "learning_rate": rate, **means}
