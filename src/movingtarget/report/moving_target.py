"""What the report says of the moving target beside the claims: losses of every order, promises."""

import numpy as np
import pandas as pd

from movingtarget.drawing.update_orders import REGIMES
from movingtarget.families import FAMILIES
from movingtarget.report import prose
from movingtarget.statistics.means import mean_interval, mean_of
from movingtarget.statistics.rows import divide, where
from movingtarget.theory.sweep import curvature_ratio, simultaneous_limit, sweep_limit
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
                "regime": arm[0].replace("-", " "),
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


def counter_example() -> dict[str, str]:
    """Two weights that gain more from moving in turn than the ratio of curvatures: both, and their limits.

    >>> counter_example()
    {'ratio': '1.31', 'simultaneous': '1.53', 'sweep': '3.00', 'gain': '1.96'}
    """
    hessian, sizes = [[1.0, 0.5], [0.5, 0.5]], [1, 1]
    together, swept = simultaneous_limit(hessian), sweep_limit(hessian, sizes)
    values = {"ratio": curvature_ratio(hessian, sizes), "simultaneous": together, "sweep": swept}
    return {name: prose.number(value) for name, value in (values | {"gain": swept / together}).items()}


def promises_table(moving_target: pd.DataFrame, search: pd.DataFrame) -> pd.DataFrame:
    """A row for each family and depth, as text: what a step keeps of its promise, and which rate serves best.

    Args:
        moving_target: table of that name.
        search: table moving_target_search.

    Returns:
        Columns network, depth; start and trained (J/F at the middle promise, at the first and last step,
        means over seeds), cosine (mean over layers, last step); rate (the best, and whether it is at an edge
        of those tried), best_promise and best_kept (F/L and J/F there, last step).
    """
    arms = divide(moving_target, "network", "depth")
    found = divide(search[search["place"] != "tried"], "network", "depth")
    return pd.DataFrame(
        [
            {"network": FAMILIES[network].title, "depth": depth} | _promises(rows, found[network, depth])
            for (network, depth), rows in arms.items()
        ]
    )


def _promises(arm: pd.DataFrame, best: pd.DataFrame) -> dict[str, str]:
    first, last = arm["step"].min(), arm["step"].max()
    promises = sorted(arm["promise"].dropna().unique())
    matched = where(arm, rate="matched", layer=0, promise=promises[(len(promises) - 1) // 2])
    own = where(arm, rate="best", layer=0, step=last)
    at_edge = " (at an edge)" if (best["place"] == "best at an edge").any() else ""
    values = {
        "start": mean_of(matched, quantity="joint_share", step=first),
        "trained": mean_of(matched, quantity="joint_share", step=last),
        "cosine": mean_of(matched, quantity="shift_cosine", step=last),
        "best_promise": mean_of(own, quantity="promise"),
        "best_kept": mean_of(own, quantity="joint_share"),
    }
    rate = f"{best['learning_rate'].iloc[0]:.3g}{at_edge}"
    return {name: prose.number(value.estimate, 2) for name, value in values.items()} | {"rate": rate}
