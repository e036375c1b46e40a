"""Update orders at equal cost, from tables made by hand."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from movingtarget.experiments.update_order_comparison import measure
from movingtarget.statistics.rows import where

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
NAN = float("nan")


def course(
    order: str,
    budget: str,
    losses: dict[int, float],
    network: str = "plain",
    regime: str = "minibatch",
    seed: int = 0,
    rate: float = 0.1,
) -> pd.DataFrame:
    """Rows of update_orders: a loss at each step, an accuracy that names it."""
    steps = np.array([*losses])
    return pd.DataFrame({"step": steps, "train_loss": losses.values(), "test_accuracy": steps / 100}).assign(
        regime=regime,
        network=network,
        order=order,
        budget=budget,
        learning_rate=rate,
        seed=seed,
        flops=10.0 * steps,
    )


def simultaneous(network: str = "plain", regime: str = "minibatch", seed: int = 0) -> list[pd.DataFrame]:
    """Courses of 8 steps, for budgets sweep and flop alike, and of 24."""
    ends = {"sweep": {4: 2.0, 8: 1.0}, "flop": {4: 2.0, 8: 1.0}, "long-flop": {12: 0.5, 24: 0.25}}
    return [course("simultaneous", budget, ends[budget], network, regime, seed) for budget in ends]


def timed(seconds: dict[str, list[float]], network: str = "plain", regime: str = "minibatch") -> pd.DataFrame:
    """Rows of update_order_times, by order."""
    return pd.DataFrame(
        [
            {"regime": regime, "network": network, "order": order, "seed": seed, "seconds": value}
            for order, values in seconds.items()
            for seed, value in enumerate(values)
        ]
    )


FORWARD = [
    course("forward", "sweep", {2: 1.8, 4: 1.4, 8: 0.8}, rate=0.3),
    course("forward", "flop", {1: 1.9, 2: 1.6, 3: 1.5}, rate=0.2),
    course("forward", "long-flop", {2: 1.7, 4: 1.3, 8: 0.7}, rate=0.4),
]


def compared(
    seconds: dict[str, list[float]], courses: list[pd.DataFrame] = FORWARD, order: str = "forward"
) -> pd.DataFrame:
    """An order's rows at each budget, whose index they are."""
    tables = measure(pd.concat([*simultaneous(), *courses]), timed(seconds))
    return where(tables["update_order_budgets"], order=order).set_index("budget")


def test_budgets_of_steps_and_flops_are_spent_where_their_courses_end() -> None:
    rows = compared({"simultaneous": [1.0], "forward": [4.0]})
    for budget, (step, loss, rate) in {
        "sweep": (8, 0.8, 0.3),
        "flop": (3, 1.5, 0.2),
        "long-flop": (8, 0.7, 0.4),
    }.items():
        (row,) = rows[rows.index == budget].to_dict("records")
        assert (row["step"], row["train_loss"], row["learning_rate"]) == (step, loss, rate)
        assert row["test_accuracy"] == step / 100


def test_seconds_are_spent_on_the_line_between_two_looks() -> None:
    # 8 and 24 steps of 1 s take as long as 1.6 and 4.8 of 5 s
    rows = compared({"simultaneous": [1.0, 1.5], "forward": [7.0, 5.0]})
    assert rows.loc["second", "train_loss"] == pytest.approx(1.9 + 0.6 * (1.6 - 1.9))
    assert rows.loc["long-second", "train_loss"] == pytest.approx(1.3 + 0.2 * (0.7 - 1.3))
    assert rows.loc["long-second", "test_accuracy"] == pytest.approx(0.048)
    assert rows.loc[["second", "long-second"], "step"].tolist() == [1, 4]
    assert rows.loc[["second", "long-second"], "learning_rate"].tolist() == [0.2, 0.4]


def test_slow_repetitions_say_nothing() -> None:
    calm = compared({"simultaneous": [1.0, 1.0, 1.0], "forward": [4.0, 4.0, 4.0]})
    disturbed = compared({"simultaneous": [1.0, 9.0, 1.0], "forward": [4.0, 4.4, 9.0]})
    pd.testing.assert_frame_equal(calm, disturbed)


def test_a_time_too_short_for_the_first_look_stands_there() -> None:
    rows = compared({"simultaneous": [1.0], "forward": [100.0]})
    assert rows.loc["second", "train_loss"] == 1.9


def test_the_reference_spends_seconds_where_it_spends_flops() -> None:
    rows = compared({"simultaneous": [0.3, 0.4], "forward": [1.0]}, order="simultaneous")
    scores = rows[["step", "train_loss"]].T.to_dict("list")
    assert scores["second"] == scores["flop"]
    assert scores["long-second"] == scores["long-flop"]


def test_an_order_faster_than_its_flops_stands_on_its_next_longer_course_or_nowhere() -> None:
    # 8 steps in the time of 8, of which its FLOPs would allow 3; 24 in that of 24, which nothing lasts for
    rows = compared({"simultaneous": [1.0], "forward": [2.0]})
    assert rows.loc["second", "learning_rate"] in (0.3, 0.4)
    assert rows.loc["second", "step"] == 4
    assert "long-second" not in rows.index
    longer = [*FORWARD[:2], course("forward", "long-flop", {4: 1.2, 10: 0.6}, rate=0.4)]
    rows = compared({"simultaneous": [1.0], "forward": [2.0]}, longer)
    assert rows.loc[["second"], ["learning_rate", "train_loss"]].to_numpy().tolist() == [
        [0.3, 1.4]
    ]  # 8 steps, not 10


def test_a_long_course_that_was_left_out_is_not_missed_where_another_lasts() -> None:
    rows = compared({"simultaneous": [1.0], "forward": [4.0]}, FORWARD[:2])
    assert rows.loc["long-second", "learning_rate"] == 0.3
    assert set(rows.index) == {"sweep", "flop", "second", "long-second"}


def test_rounding_of_times_does_not_exceed_a_course() -> None:
    rows = compared({"simultaneous": [0.1] * 3, "forward": [0.3 * (1 - 1e-12)]})
    assert rows.loc["long-second", "train_loss"] == 0.7


def test_seeds_networks_and_regimes_are_kept_apart() -> None:
    arms = [("plain", "minibatch"), ("batch-norm", "minibatch"), ("plain", "full-batch")]
    courses = [
        one.assign(train_loss=one["train_loss"] + seed + place)
        for place, arm in enumerate(arms)
        for seed in (0, 1)
        for one in [*simultaneous(*arm, seed), *(course("forward", "sweep", {8: 0.5}, *arm, seed),)]
    ]
    times = [timed({"simultaneous": [1.0], "forward": [4.0 + place]}, *arm) for place, arm in enumerate(arms)]
    table = measure(pd.concat(courses), pd.concat(times))["update_order_budgets"]
    sweeps = where(table, order="forward", budget="sweep")
    found = sweeps.set_index(["network", "regime", "seed"])["train_loss"].to_dict()
    assert found == {(*arm, seed): 0.5 + seed + place for place, arm in enumerate(arms) for seed in (0, 1)}


@pytest.mark.parametrize("lost", [4, 8])
def test_who_has_diverged_before_or_at_the_next_look_has_no_score(lost: int) -> None:
    courses = [FORWARD[0], *(one.copy() for one in FORWARD[1:])]
    courses[2].loc[courses[2]["step"] >= lost, ["train_loss", "test_accuracy"]] = NAN
    rows = compared({"simultaneous": [1.0], "forward": [5.0]}, courses)
    assert rows.loc[["long-flop", "long-second"], "train_loss"].isna().all()
    assert rows.loc[["second"], "train_loss"].notna().all()


def test_an_arm_without_a_time_is_refused() -> None:
    with pytest.raises(KeyError):
        compared({"simultaneous": [1.0]})


def test_the_table_is_written_whatever_the_order_of_rows(written: Written) -> None:
    orders = pd.concat([*simultaneous(), *FORWARD])
    times = timed({"simultaneous": [1.0], "forward": [5.0]})
    key = ["order", "budget"]
    table, again = (
        measure(rows, times)["update_order_budgets"].sort_values(key, ignore_index=True)
        for rows in (orders, orders.sample(frac=1, random_state=0))
    )
    pd.testing.assert_frame_equal(table, again)
    pd.testing.assert_frame_equal(written(table, "update_order_budgets"), table)
