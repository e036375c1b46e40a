"""What the report says of the moving target beside the claims: losses of every order, predictions."""

from typing import Any

import numpy as np
import pandas as pd

from movingtarget.drawing.update_orders import REGIMES
from movingtarget.families import FAMILIES
from movingtarget.report import prose
from movingtarget.statistics.bootstrap import over_arms
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rank_correlation import rank_correlation
from movingtarget.statistics.rows import divide
from movingtarget.update_orders import UPDATE_ORDERS

ARM = ("regime", "network", "order")
BUDGETS = ("sweep", "long-flop", "long-second")


def orders_table(budgets: pd.DataFrame, stable_rates: pd.DataFrame) -> pd.DataFrame:
    """A row for each regime, network and order, as text: training loss at equal budgets, largest rate.

    Args:
        budgets: table update_order_budgets.
        stable_rates: table of that name.

    Returns:
        Columns regime, network, order, learning_rate (of the budget sweep), those of `BUDGETS` (losses in
        nats, with 95 % intervals; a dash where the arm has no such budget), stable (median over seeds; a
        dash where it was not looked for).
    """
    stable = stable_rates.groupby([*ARM])["value"].median().to_dict()
    return pd.DataFrame(
        [
            {
                "regime": REGIMES[arm[0]],
                "network": FAMILIES[arm[1]].title,
                "order": UPDATE_ORDERS[arm[2]].title,
                **_losses(rows),
                "stable": prose.number(stable[arm], 2) if arm in stable else DASH,
            }
            for arm, rows in divide(budgets, *ARM).items()
        ]
    )


DASH = "\N{EN DASH}"


def _losses(arm: pd.DataFrame) -> dict[str, str]:
    by_budget = divide(arm, "budget")
    losses = {
        budget: prose.interval(*mean_interval(by_budget[budget]["train_loss"].fillna(np.inf)))
        if budget in by_budget
        else DASH
        for budget in BUDGETS
    }
    return {"learning_rate": f"{by_budget['sweep']['learning_rate'].iloc[0]:.3g}", **losses}


def edges(search: pd.DataFrame) -> list[str]:
    """The arms whose best learning rate is at an edge of those tried: another might serve them better.

    Args:
        search: table update_orders_search.
    """
    found = divide(search[search["place"] == "best at an edge"], *ARM)
    return [
        f"{UPDATE_ORDERS[order].title} on {FAMILIES[network].title} ({REGIMES[regime]})"
        for regime, network, order in found
    ]


def curvature_prediction(moving_target: pd.DataFrame) -> dict[str, Any]:
    """How far the block-curvature ratio orders arms by what recomputing buys.

    Args:
        moving_target: table of that name; its first step counts, arms whose values are defined.

    Returns:
        The rank correlation over arms (network and depth; medians of their seeds) as text with a 95 %
        bootstrap interval over arms, the number of arms, and the medians of both over arms.
    """
    start = moving_target[(moving_target["step"] == 0) & (moving_target["layer"] == 0)]
    chosen = start[start["quantity"].isin(["curvature_ratio", "bought"])]
    arms = chosen.pivot_table(
        index=["network", "depth"], columns="quantity", values="value", aggfunc="median"
    ).dropna()
    ratio, bought = arms["curvature_ratio"].to_numpy(), arms["bought"].to_numpy()
    return {
        "correlation": prose.interval(*over_arms(rank_correlation, ratio, bought)),
        "arms": len(arms),
        "ratio": prose.number(float(np.median(ratio))),
        "bought": prose.number(float(np.median(bought))),
    }
