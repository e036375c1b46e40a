"""Update orders at budgets: what is trained, up to where, and what is told of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from movingtarget.data.load import Images
from movingtarget.experiments.update_orders import looks, measure
from movingtarget.networks import Architecture, build
from movingtarget.statistics.rows import divide, where
from movingtarget.training import tuned
from movingtarget.training.budgets import budget_ends

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
GIVEN = {"iterations": 2, "gamma": 1.0}
SETTINGS: dict[str, Any] = {
    "seeds": [3, 1],
    "tuning_seeds": [100, 101],
    "learning_rates": [0.1, 0.3],
    "hidden_width": 6,
    "depth": 2,
    "activation": "relu",
    "initial_weights": "normal",
    "evaluation_examples": 30,
    "given": GIVEN,
}
ARMS = [
    ("full-batch", "forward"),
    ("minibatch", "simultaneous"),
    ("minibatch", "round-robin"),
    ("minibatch", "random-subset"),
    ("fresh", "repeated-fresh"),
]


def measured(images: Images, regime: str, order: str, sweeps: int = 12, **changes: Any):
    return measure(images, regime, order, "plain", examples=6, sweeps=sweeps, **SETTINGS | changes)


@pytest.fixture(autouse=True)
def _short_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("movingtarget.training.budgets.PROBED", 60)


@pytest.mark.parametrize(("regime", "order"), ARMS)
def test_courses_end_where_their_budgets_are_spent(
    images: Images, written: Written, regime: str, order: str
) -> None:
    tables = measured(images, regime, order)
    table = written(tables["update_orders"], "update_orders")
    search = written(tables["update_orders_search"], "update_orders_search")
    network = build(Architecture("plain", images.features, 6, 2, images.classes, "relu"))
    sweep = {"full-batch": "forward", "minibatch": "forward", "fresh": "fresh"}[regime]
    ends = budget_ends(order, sweep, network, 6, 12, GIVEN)
    courses = divide(table, "budget")
    assert {budget: rows["step"].max() for budget, rows in courses.items()} == ends
    for budget, rows in courses.items():
        assert set(rows["seed"]) == {3, 1}
        assert not rows.duplicated(["seed", "step"]).any()
        assert set(looks([ends[budget]])) <= set(rows["step"])
        assert rows["step"].min() == 0
        (rate,) = rows["learning_rate"].unique()
        chosen = where(search, budget=budget)
        assert set(chosen["seed"]) == {100, 101}
        assert chosen.loc[chosen["place"] != "tried", "learning_rate"].unique().tolist() == [rate]
        losses = chosen.groupby("learning_rate")["train_loss"].mean()
        assert losses.idxmin() == rate
    assert set(search["budget"]) == set(ends)
    for frame in (table, search):
        assert frame[["regime", "network", "order"]].drop_duplicates().to_numpy().tolist() == [
            [regime, "plain", order]
        ]


def test_a_row_tells_what_was_spent_up_to_it(images: Images) -> None:
    table = measured(images, "minibatch", "simultaneous")["update_orders"]
    a_step = table.loc[table["step"] > 0, "flops"] / table.loc[table["step"] > 0, "step"]
    assert a_step.nunique() == 1
    assert (table.loc[table["step"] == 0, "flops"] == 0).all()


def test_a_member_that_diverges_is_nan_from_there_on(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    found = tuned.Search(1e30, {1e30: np.ones(2)}, at_edge=False)
    monkeypatch.setattr(tuned, "search", lambda losses_at, start: found)
    table = measured(images, "minibatch", "simultaneous")["update_orders"]
    later = table["step"] > 3
    assert table.loc[later, ["train_loss"]].isna().all(axis=None)
    assert table.loc[table["step"] == 0, "train_loss"].notna().all()


def test_interrupted_training_goes_on_to_the_same_tables(images: Images) -> None:
    kept: list[dict[str, Any]] = []
    whole = measured(images, "minibatch", "forward", keep=kept.append)
    assert len(kept) > 2
    for data in (kept[0], kept[-1]):
        again = measured(images, "minibatch", "forward", kept=data)
        for name, table in whole.items():
            pd.testing.assert_frame_equal(again[name], table)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([1], [0, 1]),
        ([7], [0, 1, 3, 7]),
        ([1000], [0, 15, 31, 62, 125, 250, 500, 1000]),
        ([4, 6], [0, 1, 2, 3, 4, 6]),
    ],
)
def test_looks_are_at_the_start_the_ends_and_where_halves_of_the_way_are_done(
    ends: list[int], expected: list[int]
) -> None:
    assert looks(ends) == expected


def test_a_batch_larger_than_the_data_is_refused(images: Images) -> None:
    message = r"batch size 63 is larger than the training data \(60 examples\)"
    with pytest.raises(ValueError, match=message):
        measure(images, "fresh", "fresh", "plain", examples=21, sweeps=2, **SETTINGS)
