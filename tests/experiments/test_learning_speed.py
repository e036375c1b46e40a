"""How many steps each arm of a ladder made by hand needs."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from movingtarget.experiments.learning_speed import measure

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
INF, NAN = float("inf"), float("nan")


def arm(network: str, depth: int, learning_rate: float, curves: dict[int, list[float]]) -> pd.DataFrame:
    """Rows of depth_ladder: by seed, minibatch losses at steps 5, 10, 15; other losses fall at once."""
    rows = [
        {"seed": seed, "step": step, "quantity": quantity, "value": value}
        for seed, losses in curves.items()
        for step, quantity, value in [
            (0, "train_loss", 0.0),
            *((5 * place, "batch_loss", loss) for place, loss in enumerate(losses, start=1)),
            (15, "test_loss", 0.0),
        ]
    ]
    return pd.DataFrame(rows).assign(
        network=network, depth=depth, learning_rate=learning_rate, update_rule="sgd"
    )


def ladder() -> pd.DataFrame:
    return pd.concat(
        [
            arm("plain", 3, 0.1, {0: [2.0, 1.0, 0.5], 1: [1.2, 1.1, 1.001]}),
            # seed 0 rises again, seed 1 diverges
            arm("plain", 9, 0.3, {0: [0.9, 2.0, 0.8], 1: [NAN, NAN, NAN]}),
            arm("linear", 3, 0.1, {0: [3.0, 3.0, 1.0]}),
        ]
    )


def shattering() -> pd.DataFrame:
    """Values that name their arm, seed and step."""
    arms = [("linear", 3, 0), ("plain", 9, 1), ("plain", 9, 0), ("plain", 3, 1), ("plain", 3, 0)]
    rows = [
        {"network": network, "depth": depth, "seed": seed, "step": step, "quantity": quantity, "value": value}
        for network, depth, seed in arms
        for step in (15, 0)
        for quantity, value in {
            "correlation": depth / 10 + seed / 100 + step,
            "gradient_norm": NAN if network == "linear" else depth + seed + step,
            "line_autocorrelation": 7.0,
        }.items()
    ]
    return pd.DataFrame(rows).assign(update_rule="sgd")


def speed(threshold: float) -> pd.DataFrame:
    return table(threshold).set_index(["network", "depth", "seed"])


def table(threshold: float) -> pd.DataFrame:
    return measure(ladder(), shattering(), threshold)["learning_speed"]


def test_first_window_at_or_below_the_threshold_counts() -> None:
    steps = speed(1.0)["steps"]
    assert steps["plain", 3, 0] == 10
    assert steps["linear", 3, 0] == 15
    assert steps["plain", 9, 0] == 5


def test_loss_that_stays_above_or_diverges_is_never_there() -> None:
    steps = speed(1.0)["steps"]
    assert steps["plain", 3, 1] == INF
    assert steps["plain", 9, 1] == INF
    assert (speed(0.01)["steps"] == INF).all()


def test_each_arm_tells_its_learning_rate() -> None:
    rates = speed(1.0)["learning_rate"]
    assert [rates["plain", 3, 0], rates["plain", 9, 0], rates["linear", 3, 0]] == [0.1, 0.3, 0.1]


def test_shattering_is_that_of_the_start_of_the_same_member() -> None:
    speeds = table(1.0)
    np.testing.assert_allclose(speeds["correlation"], speeds["depth"] / 10 + speeds["seed"] / 100)
    norms = (speeds["depth"] + speeds["seed"]).where(speeds["network"] == "plain")
    np.testing.assert_allclose(speeds["gradient_norm"], norms)


def test_table_has_one_row_for_each_arm_and_seed(written: Written) -> None:
    read = written(table(1.0), "learning_speed")
    assert read[["network", "depth", "seed"]].to_records(index=False).tolist() == [
        ("plain", 3, 0),
        ("plain", 3, 1),
        ("plain", 9, 0),
        ("plain", 9, 1),
        ("linear", 3, 0),
    ]
    assert np.isinf(read["steps"]).sum() == 2
