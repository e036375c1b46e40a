"""Experiment: update orders at equal cost, and the largest learning rates they bear."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from movingtarget.settings import ORDER
from movingtarget.statistics.costs import with_seconds
from movingtarget.study import Job, Study
from movingtarget.tables import MEASURED, follows

STUDY = Study(
    rule="compare_update_orders",
    settings={},
    tables={
        "update_order_budgets": {
            **ORDER,
            "budget": ("sweep", "gradient", "flop", "second"),
            "learning_rate": float,
            "seed": int,
            "step": follows(int),
            "train_loss": MEASURED,
            "test_accuracy": MEASURED,
        },
        "stable_rates": {**ORDER, "seed": int, "value": MEASURED},
    },
    jobs=lambda config: [Job("", {})],
    reads=("update_orders", "update_order_times"),
)

ARM = ["network", "order"]
MEMBER = [*ARM, "learning_rate", "seed"]
SCORES = ["train_loss", "test_accuracy"]
COSTS = {"sweep": "step", "gradient": "gradient_evaluations", "flop": "flops", "second": "seconds"}
"""The column that holds what each budget is counted in."""

ROUNDING = 1e-9
"""By which share sums of costs may miss a budget that they equal."""


def measure(
    update_orders: pd.DataFrame,
    update_order_times: pd.DataFrame,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Both tables; see `budgets` and `stable_rates`."""
    return {
        "update_order_budgets": budgets(update_orders, update_order_times),
        "stable_rates": stable_rates(update_orders),
    }


def budgets(update_orders: pd.DataFrame, times: pd.DataFrame) -> pd.DataFrame:
    """Table update_order_budgets: what every member has reached with the same budget.

    A network's budget is what `simultaneous` has spent on it by its last step: steps, gradient evaluations,
    FLOPs or seconds. Where it is spent between two evaluations, scores are interpolated between them, and
    the step is rounded down; a member of a cheaper order stands at the end of its training.

    Args:
        update_orders: table update_orders, `simultaneous` on every network among its arms.
        times: table update_order_times, of the same arms.

    Raises:
        KeyError: an arm has not been timed, or a network is without `simultaneous`.
    """
    rows = _until_divergence(with_seconds(update_orders, times))
    frames = [_at_budget(rows, cost).assign(budget=budget) for budget, cost in COSTS.items()]
    return pd.concat(frames, ignore_index=True)[[*ARM, "budget", "learning_rate", "seed", "step", *SCORES]]


def stable_rates(update_orders: pd.DataFrame) -> pd.DataFrame:
    """Table stable_rates: the largest learning rate up to which training is stable, 0 if there is none.

    It is stable at a rate that leaves a seed's training loss, at the last step, finite and below that of
    step 0; the rate given is the largest of those tried that is stable together with all smaller ones.

    Args:
        update_orders: table update_orders.
    """
    rows = _until_divergence(update_orders)
    losses = rows.pivot(index=[*ARM, "seed", "learning_rate"], columns="step", values="train_loss")
    stable = (losses[losses.columns.max()] < losses[losses.columns.min()]).astype(int)
    unbroken = stable.groupby([*ARM, "seed"]).cummin()  # pivot has put the rates in order
    rates = unbroken * unbroken.index.get_level_values("learning_rate")
    return rates.groupby([*ARM, "seed"]).max().rename("value").reset_index()


def _until_divergence(rows: pd.DataFrame) -> pd.DataFrame:
    """Scores are NaN from a member's first loss on that is not finite."""
    rows = rows.sort_values("step", kind="stable").reset_index(drop=True)
    lost = (~np.isfinite(rows["train_loss"])).groupby([rows[column] for column in MEMBER]).cummax()
    return rows.assign(**{score: rows[score].mask(lost) for score in SCORES})


def _at_budget(rows: pd.DataFrame, cost: str) -> pd.DataFrame:
    """Each member where its network's budget is spent, between two evaluations on the line through both."""
    budgets = rows[rows["order"] == "simultaneous"].groupby("network")[cost].max().to_dict()
    arms = [_arm_at(arm, cost, budgets[arm["network"].iloc[0]]) for _, arm in rows.groupby(ARM, sort=False)]
    return pd.concat(arms)


def _arm_at(arm: pd.DataFrame, cost: str, budget: float) -> pd.DataFrame:
    """All members of an arm have spent the same at each step."""
    costs = arm.groupby("step")[cost].first()
    below = int(costs.searchsorted(budget * (1 + ROUNDING), side="right")) - 1
    before: pd.DataFrame = arm[arm["step"] == costs.index[below]]
    spent = float(costs.iloc[below])
    if below + 1 == len(costs) or budget <= spent * (1 + ROUNDING):
        return before
    after = arm[arm["step"] == costs.index[below + 1]].set_index(MEMBER)[["step", *SCORES]]
    way = (budget - spent) / (costs.iloc[below + 1] - spent)
    start = before.set_index(MEMBER)[["step", *SCORES]]
    reached: pd.DataFrame = start + way * (after - start)
    return reached.assign(step=reached["step"].astype(int)).reset_index()
