"""The choice of every method's settings."""

from collections.abc import Callable
from itertools import chain

import numpy as np
import pandas as pd

from movingtarget.experiments.autoencoder_search import best_trial, measure
from movingtarget.methods import METHODS
from movingtarget.training.trials import trials_of

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
Losses = dict[int, list[float]]

SHORT: Losses = {0: [2.0, 4.0], 1: [1.0, np.inf], 2: [3.5, 2.0], 3: [9.0, 9.0]}
SEEDS = (9, 8)


def table_of(losses: Losses, column: str, architecture: str = "small", method: str = "sgd") -> pd.DataFrame:
    arm = {"data": "digits", "architecture": architecture, "method": method}
    return pd.DataFrame(
        {**arm, "trial": number, "seed": seed, column: loss}
        for number, of_trial in losses.items()
        for seed, loss in zip(SEEDS, of_trial, strict=True)
    )


def chosen(full: Losses, method: str = "sgd") -> pd.DataFrame:
    trials, finalists = (
        table_of(SHORT, "train_loss", method=method),
        table_of(full, "full_loss", method=method),
    )
    return measure(trials, finalists)["locoprop_search"]


def test_every_trial_has_a_row_for_each_seed_and_one_is_best(written: Written) -> None:
    table = written(chosen({2: [0.5, 7.0], 0: [4.0, 1.0]}, "locoprop-m"), "locoprop_search")
    trials = trials_of("locoprop-m", 4)
    assert table["trial"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert table["seed"].tolist() == [*SEEDS] * 4
    assert table["train_loss"].tolist() == [*chain(*SHORT.values())]
    assert table["full_loss"].fillna(-1).tolist() == [4.0, 1.0, -1, -1, 0.5, 7.0, -1, -1]
    assert table["learning_rate"].tolist() == [trial.learning_rate for trial in trials for _ in SEEDS]
    assert table["searched_value"].tolist() == [trial.value for trial in trials for _ in SEEDS]
    assert set(table["searched"]) == {"gamma"}
    assert set(table.loc[table["place"] != "tried", "trial"]) == {0}
    assert best_trial(table, "small", "locoprop-m") == trials[0]


def test_a_best_at_an_edge_is_told_and_divergence_never_wins(written: Written) -> None:
    rates = [trial.learning_rate for trial in trials_of("sgd", 4)]
    lowest, middle = rates.index(min(rates)), rates.index(sorted(rates)[1])
    table = written(chosen({middle: [0.5, 0.5], lowest: [0.0, np.inf]}), "locoprop_search")
    assert set(table.loc[table["place"] == "best", "trial"]) == {middle}
    assert set(table["searched"]) == {"none"}
    table = chosen({middle: [0.5, 0.5], lowest: [0.0, 0.0]})
    assert set(table.loc[table["place"] == "best at an edge", "trial"]) == {lowest}
    table = chosen({middle: [np.inf, np.inf], lowest: [np.inf, 0.0]})
    [best] = set(table.loc[table["place"] != "tried", "trial"])
    assert best == min(middle, lowest)


def test_arms_are_judged_apart_and_stay_in_their_order() -> None:
    full = [{0: [1.0, 1.0], 3: [2.0, 2.0]}, {0: [9.0, 9.0], 3: [8.0, 8.0]}]
    trials = pd.concat([table_of(SHORT, "train_loss", name) for name in ("small", "other")])
    finalists = [
        table_of(losses, "full_loss", name) for name, losses in zip(("small", "other"), full, strict=True)
    ]
    table = measure(trials, pd.concat(finalists[::-1]))["locoprop_search"]
    assert table["architecture"].tolist() == ["small"] * 8 + ["other"] * 8
    rates = trials_of("sgd", 4)
    assert best_trial(table, "small", "sgd").learning_rate == rates[0].learning_rate
    assert best_trial(table, "other", "sgd").learning_rate == rates[3].learning_rate


def test_every_method_names_what_is_searched() -> None:
    for entry in METHODS.values():
        assert entry.made_of["searched"] == (list(entry.searched) if entry.searched else None)
