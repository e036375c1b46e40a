"""Update orders at equal budgets and their largest stable rates, from tables made by hand."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from movingtarget.experiments.update_order_comparison import budgets, measure, stable_rates

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
INF, NAN = float("inf"), float("nan")
STEPS = (0, 2, 4, 6)


def member(
    order: str,
    losses: list[float],
    network: str = "plain",
    rate: float = 0.1,
    seed: int = 0,
    gradients: float = 1.0,
    flops: float = 10.0,
) -> pd.DataFrame:
    """Rows of update_orders: a loss at each of `STEPS`, an accuracy that names the step, costs of a step."""
    steps = np.array(STEPS)
    return pd.DataFrame({"step": steps, "train_loss": losses, "test_accuracy": steps / 10}).assign(
        network=network,
        order=order,
        learning_rate=rate,
        seed=seed,
        gradient_evaluations=gradients * steps,
        flops=flops * steps,
    )


def timed(seconds: dict[tuple[str, str], list[float]]) -> pd.DataFrame:
    """Rows of update_order_times, by network and order."""
    return pd.DataFrame(
        [
            {"network": network, "order": order, "seed": seed, "seconds": value}
            for (network, order), values in seconds.items()
            for seed, value in enumerate(values)
        ]
    )


SIMULTANEOUS = member("simultaneous", [2.0, 1.5, 1.2, 1.0])
TIMES = timed({("plain", "simultaneous"): [1.0, 1.0], ("plain", "forward"): [1.0, 2.0]})


def reached(orders: pd.DataFrame, times: pd.DataFrame = TIMES, order: str = "forward") -> dict[str, int]:
    """The step at which an order's only member stands, by budget."""
    table = budgets(orders, times)
    own = table[table["order"] == order]
    return dict(zip(own["budget"], own["step"], strict=True))


def test_a_dearer_order_stands_where_it_has_cost_as_much_as_simultaneous() -> None:
    # of 6 gradients, 60 FLOPs and 6 seconds a step of the sweep takes 3, 15 and 1.5: 2, 4 and 4 steps
    orders = pd.concat([SIMULTANEOUS, member("forward", [2.0, 0.9, 0.6, 0.4], gradients=3, flops=15)])
    assert reached(orders) == {"sweep": 6, "gradient": 2, "flop": 4, "second": 4}
    table = budgets(orders, TIMES)
    forward = table.query("order == 'forward'").set_index("budget")
    assert forward["train_loss"].to_dict() == {
        "sweep": 0.4,
        "gradient": 0.9,
        "flop": 0.6,
        "second": 0.6,
    }
    assert forward["test_accuracy"].tolist() == [0.6, 0.2, 0.4, 0.4]
    assert table.query("order == 'simultaneous'")["train_loss"].tolist() == [1.0] * 4


def test_scores_between_two_evaluations_lie_on_the_line_through_both() -> None:
    # 60 FLOPs are 5 steps of 12 and half of the way from step 4 to 6; 6 gradients 2.5 steps of 2.4
    orders = pd.concat([SIMULTANEOUS, member("forward", [2.0, 0.9, 0.6, 0.4], gradients=2.4, flops=12)])
    assert reached(orders) == {"sweep": 6, "gradient": 2, "flop": 5, "second": 4}
    forward = budgets(orders, TIMES).query("order == 'forward'").set_index("budget")
    assert forward.loc["flop", "train_loss"] == pytest.approx(0.5)
    assert forward.loc["flop", "test_accuracy"] == pytest.approx(0.5)
    assert forward.loc["gradient", "train_loss"] == pytest.approx(0.9 + 0.25 * (0.6 - 0.9))


def test_an_order_too_dear_for_a_single_step_stands_near_the_start() -> None:
    orders = pd.concat([SIMULTANEOUS, member("forward", [2.0, 0.9, 0.6, 0.4], gradients=60)])
    gradient = budgets(orders, TIMES).query("order == 'forward' and budget == 'gradient'")
    assert gradient["step"].tolist() == [0]
    assert gradient["train_loss"].tolist() == pytest.approx([2.0 + 0.05 * (0.9 - 2.0)])


def test_a_cheaper_order_stands_at_its_end() -> None:
    orders = pd.concat([SIMULTANEOUS, member("forward", [2.0, 1.9, 1.8, 1.7], gradients=0.5, flops=1)])
    times = timed({("plain", "simultaneous"): [1.0], ("plain", "forward"): [0.1]})
    assert set(reached(orders, times).values()) == {6}


def test_rounding_of_summed_costs_does_not_exceed_a_budget() -> None:
    forward = member("forward", [2.0, 0.9, 0.6, 0.4])
    forward["flops"] *= 1 + 1e-12
    assert reached(pd.concat([SIMULTANEOUS, forward]))["flop"] == 6


def test_each_network_has_a_budget_of_its_own_and_each_member_a_row_for_each() -> None:
    orders = pd.concat(
        [
            *(
                member("simultaneous", [2.0, 1.5, 1.2, 1.0], network, rate, seed, flops=flops)
                for network, flops in {"plain": 10, "batch-norm": 20}.items()
                for rate in (0.1, 0.3)
                for seed in (0, 1)
            ),
            *(
                member("forward", [2.0, 0.9, 0.6, 0.4], network, flops=15)
                for network in ("plain", "batch-norm")
            ),
        ]
    )
    times = timed({(n, o): [1.0] for n in ("plain", "batch-norm") for o in ("simultaneous", "forward")})
    table = budgets(orders, times)
    assert len(table) == 4 * (8 + 2)
    flop = table[(table["budget"] == "flop") & (table["order"] == "forward")].set_index("network")
    assert flop["step"].to_dict() == {"plain": 4, "batch-norm": 6}


@pytest.mark.parametrize("first", [NAN, INF])
def test_who_has_diverged_once_has_diverged(first: float) -> None:
    orders = pd.concat([SIMULTANEOUS, member("forward", [2.0, 0.9, first, 0.4], gradients=3, flops=15)])
    table = budgets(orders, TIMES)
    forward = table[table["order"] == "forward"].set_index("budget")
    np.testing.assert_array_equal(forward["train_loss"], [NAN, 0.9, NAN, NAN])
    np.testing.assert_array_equal(forward["test_accuracy"], [NAN, 0.2, NAN, NAN])
    assert forward["step"].tolist() == [6, 2, 4, 4]
    assert table.loc[table["order"] == "simultaneous", "train_loss"].eq(1.0).all()


def test_an_arm_without_a_time_or_a_network_without_simultaneous_is_refused() -> None:
    forward = member("forward", [2.0, 0.9, 0.6, 0.4])
    with pytest.raises(KeyError):
        budgets(pd.concat([SIMULTANEOUS, forward]), TIMES[TIMES["order"] == "simultaneous"])
    with pytest.raises(KeyError):
        budgets(forward, TIMES)


def test_tables_are_written_whatever_the_order_of_rows(written: Written) -> None:
    orders = pd.concat([SIMULTANEOUS, member("forward", [2.0, 0.9, NAN, NAN], gradients=3)])
    shuffled = orders.sample(frac=1, random_state=0)
    tables, again = measure(orders, TIMES), measure(shuffled, TIMES)
    assert [*tables] == ["update_order_budgets", "stable_rates"]
    for name, table in tables.items():
        read = written(table, name)
        names = [*read.columns]
        key = names[: 1 + names.index("seed")]
        pd.testing.assert_frame_equal(
            read.sort_values(key, ignore_index=True), again[name].sort_values(key, ignore_index=True)
        )


@pytest.mark.parametrize(
    ("last", "largest"),
    [
        ({0.1: 1.0, 0.3: 1.0, 1.0: 1.0}, 1.0),
        ({0.1: 1.0, 0.3: 3.0, 1.0: 3.0}, 0.1),
        ({0.1: 1.0, 0.3: NAN, 1.0: 1.0}, 0.1),  # stable again beyond a rate that is not
        ({0.1: 1.0, 0.3: 1.9, 1.0: INF}, 0.3),
        ({0.1: 1.0, 0.3: 2.0, 1.0: 2.0}, 0.1),  # no lower than at the start
        ({0.1: 2.5, 0.3: 1.0, 1.0: 1.0}, 0.0),
    ],
)
def test_the_largest_rate_up_to_which_the_loss_falls(last: dict[float, float], largest: float) -> None:
    orders = [member("lars", [2.0, 1.9, 5.0, loss], rate=rate) for rate, loss in reversed(last.items())]
    (row,) = stable_rates(pd.concat(orders)).to_dict("records")
    assert row == {"network": "plain", "order": "lars", "seed": 0, "value": largest}


def test_a_loss_that_was_infinite_on_the_way_is_not_stable() -> None:
    orders = pd.concat([member("lars", [2.0, INF, 1.0, 0.5], rate=0.3), member("lars", [2.0, 1.5, 1.0, 0.5])])
    assert stable_rates(orders)["value"].tolist() == [0.1]


def test_every_seed_network_and_order_has_a_rate_of_its_own() -> None:
    ends = {
        ("plain", "lars", 0): 0.3,
        ("plain", "lars", 1): 0.1,
        ("plain", "greedy", 0): 0.0,
        ("residual", "lars", 0): 0.3,
    }
    orders = [
        member(order, [2.0, 1.5, 1.2, 1.0 if rate <= end else 3.0], network, rate, seed)
        for (network, order, seed), end in ends.items()
        for rate in (0.3, 0.1)
    ]
    table = stable_rates(pd.concat(orders)).set_index(["network", "order", "seed"])
    assert table["value"].to_dict() == ends
