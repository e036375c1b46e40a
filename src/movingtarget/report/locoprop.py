"""What the report says of layer-wise targets beside the claims: losses, settings, costs, who leads."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from movingtarget.drawing.autoencoders import best_of, methods_of, of_first
from movingtarget.methods import DECADES, METHODS
from movingtarget.report import prose
from movingtarget.report.moving_target import DASH
from movingtarget.statistics.means import mean_interval
from movingtarget.statistics.rows import divide, where
from movingtarget.theory.published_losses import ENTROPY, PUBLISHED
from movingtarget.training.trials import Trial, at_edges

BUDGETS = {"epochs": "with as many epochs", "flops": "with as many FLOPs", "seconds": "with as many seconds"}
"""Words for the budgets of SGD's longest training; claims on them end in -flops, -seconds, or in neither."""

SEARCHED = {
    "share": "momentum",
    "epsilon": "epsilon",
    "damping": "damping",
    "proximal_rate": "proximal rate",
    "gamma": "gamma",
}
"""What the report calls the settings that are searched beside the rate."""


NEAR = 3.0
"""How far above the lowest a trial still counts as near it, in nats."""


def locoprop_values(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Everything that the chapter's placeholders name under `locoprop`.

    Args:
        tables: results tables by name.
    """
    budgets, costs = tables["locoprop_budgets"], tables["locoprop_costs"]
    search = of_first(tables["locoprop_search"])
    return {
        "compared": compared_table(budgets, costs),
        "settings": settings_table(search),
        "edges": [METHODS[method].title for method in methods_of(where(search, place="best at an edge"))],
        "leaders": leaders(budgets),
        "left_out": left_out(budgets),
        "others_below": others_below(budgets),
        "no_gap": no_gap(tables["locoprop_gaps"], "second-order"),
        "no_gap_of_2022": no_gap(tables["locoprop_gaps"], "half-way of 2022"),
        "price": prices(costs),
        "released": released(tables["locoprop_released"]),
        "published": published_table(tables["locoprop_released"]),
        "entropy": {
            "train": prose.number(where(tables["locoprop_floors"], split="train")["entropy"].mean()),
            "mnist": prose.number(ENTROPY, 4),
        },
        "two_settings": two_settings("k-fac"),
        "decades": DECADES,
        "near": prose.number(int(NEAR)),
    }


def by_budget(claims: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, str]:
    """Verdicts, by the words for the budget, of the claims NAME, NAME-flops and NAME-seconds.

    >>> names = ("wins", "wins-flops", "wins-seconds")
    >>> [*by_budget({name: {"verdict": "reproduced"} for name in names}, "wins")]
    ['with as many epochs', 'with as many FLOPs', 'with as many seconds']
    """
    ends = {budget: "" if budget == "epochs" else f"-{budget}" for budget in BUDGETS}
    return {words: claims[name + ends[budget]]["verdict"] for budget, words in BUDGETS.items()}


def flip(verdicts: Mapping[str, str]) -> str:
    """Whether the answer turns with what is counted: "turns", "stays", or "open" where nothing is decided.

    >>> flip({"epochs": "reproduced", "FLOPs": "not reproduced", "seconds": "inconclusive"})
    'turns'
    >>> flip({"epochs": "reproduced", "FLOPs": "reproduced", "seconds": "inconclusive"})
    'open'
    """
    found = set(verdicts.values())
    if {"reproduced", "not reproduced"} <= found:
        return "turns"
    return "open" if "inconclusive" in found else "stays"


def compared_table(budgets: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """A row of text for each method: its losses at every budget, and what a step of it costs.

    Args:
        budgets: table locoprop_budgets.
        costs: table locoprop_costs.

    Returns:
        Columns group, method; those of `BUDGETS`, training losses in nats with 95 % intervals over seeds, a
        dash where the method's trainings do not cover the budget; step_flops and step_seconds, relative to
        SGD's.
    """
    by_arm, price = divide(budgets, "method", "budget"), prices(costs)
    rows = [
        {
            "group": METHODS[method].group,
            "method": METHODS[method].title,
            **{
                budget: _loss(by_arm[method, budget]) if (method, budget) in by_arm else DASH
                for budget in BUDGETS
            },
            **{f"step_{cost}": factor for cost, factor in price[method].items()},
        }
        for method in methods_of(budgets)
    ]
    return pd.DataFrame(rows, columns=["group", "method", *BUDGETS, "step_flops", "step_seconds"])


def settings_table(search: pd.DataFrame) -> pd.DataFrame:
    """A row of text for each method: the best of its trials, and how many others come near it.

    Args:
        search: rows of table locoprop_search of one architecture.

    Returns:
        Columns method, learning_rate, searched (its name and value, a dash if nothing is searched), edge
        (which of both is the lowest or highest tried), near (trials whose short training ends within
        `NEAR` of the lowest) and diverged (trials).
    """
    rows = [_settings(method, divide(search, "method")[method]) for method in methods_of(search)]
    columns = ["method", "learning_rate", "searched", "edge", "near", "diverged"]
    return pd.DataFrame(rows, columns=columns)


def leaders(budgets: pd.DataFrame) -> list[str]:
    """A sentence for each budget: which first-order, second-order and layer-wise method ends lowest.

    Args:
        budgets: table locoprop_budgets.
    """
    by = divide(budgets, "budget")
    return [_leaders(words, by[budget]) for budget, words in BUDGETS.items() if budget in by]


def others_below(budgets: pd.DataFrame) -> list[str]:
    """Layer-wise methods other than LocoProp with a mean loss below every first-order one's at every budget.

    Args:
        budgets: table locoprop_budgets.
    """
    means = budgets.groupby(["method", "budget"])["train_loss"].mean(skipna=False).unstack()
    first_order = [method for method in means.index if METHODS[method].group == "first-order"]
    best = means.loc[first_order].min()
    layer_wise = [method for method in means.index if METHODS[method].group == "layer-wise"]
    return [
        METHODS[method].title
        for method in layer_wise
        if first_order and not method.startswith("locoprop") and (means.loc[method] < best).all()
    ]


def left_out(budgets: pd.DataFrame) -> list[str]:
    """A phrase for each budget that the trainings of some methods do not cover.

    Args:
        budgets: table locoprop_budgets.
    """
    missing = {
        words: [method for method in methods_of(budgets) if method not in set(of_budget["method"])]
        for budget, words in BUDGETS.items()
        for of_budget in [where(budgets, budget=budget)]
    }
    return [
        f"{words}, {prose.listed([METHODS[method].title for method in methods])}"
        for words, methods in missing.items()
        if methods
    ]


def no_gap(gaps: pd.DataFrame, rival: str) -> list[str]:
    """The budgets, in words, at which a rival is not below the best first-order method.

    Args:
        gaps: table locoprop_gaps.
        rival: one of its.
    """
    means = where(gaps, rival=rival).groupby("budget")["value"].mean().to_dict()
    return [words for budget, words in BUDGETS.items() if budget in means and not means[budget] > 0]


def prices(costs: pd.DataFrame) -> dict[str, dict[str, str]]:
    """What a step of each method costs, relative to SGD's, by method and by flops or seconds.

    Args:
        costs: table locoprop_costs.
    """
    per_step = costs.groupby("method")[["flops", "seconds"]].min().to_dict("index")
    sgd = per_step.get("sgd", {})
    return {
        method: {
            cost: prose.number(per_step[method][cost] / sgd[cost], 2)
            if sgd and method in per_step
            else "undefined"
            for cost in ("flops", "seconds")
        }
        for method in METHODS
    }


def released(run: pd.DataFrame) -> dict[str, str]:
    """The last epoch of the run as released, and its losses there.

    Args:
        run: table locoprop_released, of a single seed.
    """
    if run.empty:
        return dict.fromkeys(("epoch", "train_loss", "test_loss"), "undefined")
    last = run.sort_values("epoch").iloc[-1]
    return {
        "epoch": prose.number(int(last["epoch"])),
        "train_loss": prose.number(float(last["train_loss"]), 4),
        "test_loss": prose.number(float(last["test_loss"]), 4),
    }


def two_settings(method: str) -> str:
    """How far the published runs of one method lie apart after 50 epochs, in nats.

    >>> two_settings("k-fac")
    '5.88'
    """
    losses = [run.losses[50] for run in PUBLISHED if run.method == method]
    return prose.number(max(losses) - min(losses))


def published_table(run: pd.DataFrame) -> pd.DataFrame:
    """A row of text for each published run, and one, the last, for ours.

    Args:
        run: table locoprop_released.

    Returns:
        Columns run, settings, after_50 and after_100 (training losses in nats after these epochs), last (that
        of the last epoch, which stands behind it) and test (then).
    """
    rows = [
        {
            "run": one.title.partition(",")[0],
            "settings": one.settings,
            **_losses(one.losses),
            "test": f"{one.test_loss:.2f}",
        }
        for one in PUBLISHED
    ]
    if len(run):
        losses = dict(zip(run["epoch"].astype(int), run["train_loss"], strict=True))
        test = f"{run.sort_values('epoch')['test_loss'].iloc[-1]:.2f}"
        settings = "as released, this code"
        rows.append({"run": "**LocoProp-M**", "settings": settings, **_losses(losses), "test": test})
    return pd.DataFrame(rows)


def _losses(losses: Mapping[int, float]) -> dict[str, str]:
    after = {f"after_{epoch}": f"{losses[epoch]:.2f}" if epoch in losses else DASH for epoch in (50, 100)}
    return {**after, "last": f"{losses[max(losses)]:.2f} ({max(losses)})"}


def _loss(rows: pd.DataFrame) -> str:
    return prose.interval(*mean_interval(rows["train_loss"].fillna(np.inf)))


def _leaders(words: str, budget: pd.DataFrame) -> str:
    means = budget.groupby("method")["train_loss"].mean(skipna=False)
    by_method = divide(budget, "method")
    found = [
        f"the best {group} method is {METHODS[best].title}, at {_loss(by_method[best])}"
        for group in ("first-order", "second-order", "layer-wise")
        if (best := best_of(means, group))
    ]
    return f"{_capital(words)} {'; '.join(found) or 'every method has diverged'}."


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _settings(method: str, rows: pd.DataFrame) -> dict[str, Any]:
    """The best trial of a method, in words, and how the others compare."""
    columns = ["trial", "learning_rate", "searched_value", "place"]
    losses = rows.assign(train_loss=rows["train_loss"].fillna(np.inf))
    trials = losses.groupby(columns, dropna=False)["train_loss"].mean().reset_index()
    best = trials[trials["place"] != "tried"].iloc[0]
    tried = [Trial(*pair) for pair in trials[["learning_rate", "searched_value"]].itertuples(index=False)]
    entry = METHODS[method].searched
    name = SEARCHED.get(entry.name, entry.name) if entry else ""
    words = {"learning_rate": "rate", "value": name}
    edges = at_edges(tried, Trial(best["learning_rate"], best["searched_value"]))
    return {
        "method": METHODS[method].title,
        "learning_rate": prose.number(best["learning_rate"]),
        "searched": f"{name} {prose.number(best['searched_value'])}" if entry else DASH,
        "edge": prose.listed([words[edge] for edge in edges]) if edges else "no",
        "near": int((trials["train_loss"] <= trials["train_loss"].min() + NEAR).sum()),
        "diverged": int((~np.isfinite(trials["train_loss"])).sum()),
    }
