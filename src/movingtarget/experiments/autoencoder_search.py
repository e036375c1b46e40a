"""Experiment: the learning rate, and one setting more, that suit each method of training an autoencoder."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from movingtarget.autoencoders import AUTOENCODER
from movingtarget.methods import METHODS
from movingtarget.statistics.rows import divide
from movingtarget.study import Job, Study
from movingtarget.tables import MEASURED, follows
from movingtarget.training.trials import Trial, at_edges, trials_of

STUDY = Study(
    rule="choose_trials",
    settings={},
    tables={
        "locoprop_search": {
            **AUTOENCODER,
            "trial": int,
            "learning_rate": follows(float),
            "searched": follows(str),
            "searched_value": follows(float, may_be_nan=True),
            "seed": int,
            "train_loss": MEASURED,
            "full_loss": MEASURED,
            "place": follows(("tried", "best", "best at an edge")),
        }
    },
    jobs=lambda config: [Job("", {})],
    reads=("locoprop_trials", "locoprop_finalists"),
)


def measure(
    locoprop_trials: pd.DataFrame,
    locoprop_finalists: pd.DataFrame,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, pd.DataFrame]:
    """Table locoprop_search: the losses of every trial, and which is the best of each method's.

    Of the finalists the best has the lowest mean loss after the long training, column full_loss, NaN for
    those that had none. It is at an edge if one of its settings is the lowest or highest tried.

    Args:
        locoprop_trials: that table.
        locoprop_finalists: that table.
        say: told of nothing.
    """
    both = locoprop_trials.merge(locoprop_finalists, "left", [*AUTOENCODER, "trial", "seed"])
    return {"locoprop_search": pd.concat(map(_judged, divide(both, *AUTOENCODER).values()))}


def best_trial(search: pd.DataFrame, architecture: str, method: str) -> Trial:
    """The best trial of an arm in the table of searches."""
    rows = search[(search["architecture"] == architecture) & (search["method"] == method)]
    best = rows[rows["place"] != "tried"].iloc[0]
    return Trial(float(best["learning_rate"]), float(best["searched_value"]))


def _judged(losses: pd.DataFrame) -> pd.DataFrame:
    """An arm's losses beside what was tried and its place."""
    method = losses["method"].iloc[0]
    tried = trials_of(method, losses["trial"].nunique())
    full = losses.pivot(index="trial", columns="seed", values="full_loss").mean(axis=1, skipna=False)
    best: Any = full.idxmin()
    named = "best at an edge" if at_edges(tried, tried[best]) else "best"
    searched = METHODS[method].searched
    return losses.assign(
        learning_rate=[tried[number].learning_rate for number in losses["trial"]],
        searched=searched.name if searched else "none",
        searched_value=[tried[number].value for number in losses["trial"]],
        place=losses["trial"].map(lambda number: named if number == best else "tried"),
    )
