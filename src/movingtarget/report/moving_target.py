"""What the report says of the moving target beside the claims: losses of every order, gains, predictions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from movingtarget.report import prose
from movingtarget.statistics.best_rate import loss_matrix
from movingtarget.statistics.bootstrap import Interval, bootstrap_interval, over_arms
from movingtarget.statistics.rank_correlation import rank_correlation

BUDGETS = ("sweep", "gradient", "flop", "second")
GAIN_ORDERS = ("simultaneous", "forward", "fresh")


def orders_table(budgets: pd.DataFrame, stable_rates: pd.DataFrame) -> pd.DataFrame:
    """A row for each network and order, as text: training loss at equal budgets, largest stable rate.

    Each loss is at the arm's own best rate under that budget.

    Args:
        budgets: table update_order_budgets.
        stable_rates: table of that name.

    Returns:
        Columns network, order, learning_rate (best by sweeps), those of `BUDGETS` (losses in nats, the
        first with its 95 % interval), stable (mean over seeds), diverged (members, by the last sweep).
    """
    stable = stable_rates.groupby(["network", "order"])["value"].mean().to_dict()
    return pd.DataFrame(
        [
            {"network": network, "order": order, **_losses(rows), "stable": f"{stable[network, order]:.2g}"}
            for network, of_network in budgets.groupby("network", sort=False)
            for order, rows in of_network.groupby("order", sort=False)
        ]
    )


def _losses(arm: pd.DataFrame) -> dict[str, str]:
    by_budget = {budget: loss_matrix(rows) for budget, rows in arm.groupby("budget")}
    sweep = by_budget["sweep"]
    diverged = int(np.isinf(sweep.to_numpy()).sum())
    return {
        "learning_rate": f"{sweep.mean().idxmin():g}",
        "sweep": prose.interval(*_interval(_best, sweep)),
        **{budget: prose.number(_interval(_best, by_budget[budget]).estimate) for budget in BUDGETS[1:]},
        "diverged": f"{diverged} of {sweep.size}",
    }


def batch_norm_gain(update_orders: pd.DataFrame) -> dict[str, str]:
    """By how much batch norm lowers the last training loss in several orders, and what recomputing changes.

    Every arm stands at its own best rate, chosen anew in each resample of the seeds.

    Args:
        update_orders: table of that name.

    Returns:
        In nats with 95 % intervals: plain minus batch-norm for each of `GAIN_ORDERS`, by its name; and
        forward minus simultaneous for plain and batch-norm, by the network's name. Undefined where the table
        lacks an arm.
    """
    last = update_orders[update_orders["step"] == update_orders["step"].max()]
    matrices = {
        (network, order): loss_matrix(last[(last["network"] == network) & (last["order"] == order)])
        for network in ("plain", "batch-norm")
        for order in GAIN_ORDERS
    }

    def difference(first: tuple[str, str], second: tuple[str, str]) -> str:
        return prose.interval(*_interval(_difference, matrices[first], matrices[second]))

    gains = {order: difference(("plain", order), ("batch-norm", order)) for order in GAIN_ORDERS}
    changes = {
        network: difference((network, "forward"), (network, "simultaneous"))
        for network in ("plain", "batch-norm")
    }
    return gains | changes


def _interval(statistic: Callable[..., NDArray[np.float64]], *matrices: pd.DataFrame) -> Interval:
    """Bootstrap interval over seeds of a statistic of matrices whose rows are resampled together."""
    if any(matrix.empty for matrix in matrices):
        return Interval(np.nan, np.nan, np.nan)
    values = [matrix.to_numpy() for matrix in matrices]
    return bootstrap_interval(lambda sample: statistic(*(value[sample] for value in values)), len(values[0]))


def _best(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over seeds at the best rate: `(..., seeds, rates)` -> `(...)`."""
    return np.asarray(losses.mean(-2).min(-1))


def _difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    return _best(first) - _best(second)


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
