"""Experiment: update orders at equal cost."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from movingtarget.settings import REGIME_ARM
from movingtarget.statistics.rows import divide, where
from movingtarget.study import Job, Study
from movingtarget.tables import MEASURED, follows

STUDY = Study(
    rule="compare_update_orders",
    settings={},
    tables={
        "update_order_budgets": {
            **REGIME_ARM,
            "budget": ("sweep", "flop", "long-flop", "second", "long-second"),
            "seed": int,
            "learning_rate": follows(float),
            "step": follows(int),
            "train_loss": MEASURED,
            "test_accuracy": MEASURED,
        }
    },
    jobs=lambda config: [Job("", {})],
    reads=("update_orders", "update_order_times"),
)

ARM = ["regime", "network", "order"]
SCORES = ["train_loss", "test_accuracy"]

COLUMNS = [*STUDY.tables["update_order_budgets"]]

ROUNDING = 1e-9
"""By which share quotients of times may miss what they equal."""

LIKE = {"second": "flop", "long-second": "long-flop"}
"""Budgets of time, and those of FLOPs whose rates they go by if they can: a time should not choose a rate."""


def measure(
    update_orders: pd.DataFrame,
    update_order_times: pd.DataFrame,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table update_order_budgets: what the tested seeds of every arm have reached with the same budget.

    A budget of steps or FLOPs is spent where its own training ends. The budgets second and long-second are
    the time that simultaneous updates take for the budgets flop and long-flop, at the least time of a step
    over repetitions: what else a machine does can only add to it. Arms stand there on the course that was
    tuned for as many FLOPs, on the line between two looks. For an arm that does more FLOPs in a second than
    simultaneous updates, as Muon does, that course is too short: it stands on its next longer course. If
    there is none it has no row.

    Args:
        update_orders: that table, `simultaneous` on every network of a regime among its arms.
        update_order_times: that table, of the same arms.
        say: told of nothing.
    """
    seconds = update_order_times.groupby(ARM)["seconds"].min().to_dict()
    frames = []
    for (regime, network, order), rows in divide(update_orders, *ARM).items():
        courses = divide(rows, "budget")
        frames += [_at_step(course, course["step"].max()) for course in courses.values()]
        reference = where(update_orders, regime=regime, network=network, order="simultaneous")
        speed = seconds[regime, network, "simultaneous"] / seconds[regime, network, order]
        for budget, like in LIKE.items():
            step = speed * where(reference, budget=like)["step"].max()
            if lasting := _lasting(courses, step):
                course = courses[like if like in lasting else lasting[0]]
                frames.append(_at_step(course, step).assign(budget=budget))
    return {"update_order_budgets": pd.concat(frames, ignore_index=True)[COLUMNS]}


def _lasting(courses: dict[str, pd.DataFrame], step: float) -> list[str]:
    """The budgets whose courses last up to a step, from the shortest up."""
    ends = {budget: course["step"].max() for budget, course in courses.items()}
    lasting = [budget for budget, end in ends.items() if step <= end * (1 + ROUNDING)]
    return sorted(lasting, key=lambda budget: ends[budget])


def _at_step(course: pd.DataFrame, step: float) -> pd.DataFrame:
    """Every seed at a step, on the line between the looks before and after it; NaN where either is."""
    steps = np.sort(course["step"].unique())
    place = min(int(np.searchsorted(steps, step)), len(steps) - 1)
    before, after = (where(course, step=steps[at]).set_index("seed") for at in (max(place - 1, 0), place))
    way = 1.0 if place == 0 else min((step - steps[place - 1]) / (steps[place] - steps[place - 1]), 1.0)
    scores = after[SCORES] if way == 1.0 else (1 - way) * before[SCORES] + way * after[SCORES]
    return after.assign(**scores, step=int(step)).reset_index()
