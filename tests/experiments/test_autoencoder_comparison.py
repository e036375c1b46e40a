"""Losses at equal budgets, and what is made of them."""

from collections.abc import Callable
from math import log

import numpy as np
import pandas as pd
import pytest

from movingtarget.experiments.autoencoder_comparison import measure

Written = Callable[[pd.DataFrame, str], pd.DataFrame]

SEEDS = (0, 1)


def horizons(method: str, losses: dict[int, float], architecture: str = "standard") -> pd.DataFrame:
    """Ends of trainings by epochs, ten steps each; seed 1 ends 2 nats higher, test losses 5 nats."""
    rows = [
        {"horizon": horizon, "seed": seed, "step": 10 * horizon, "train_loss": loss + 2 * seed}
        for horizon, loss in losses.items()
        for seed in SEEDS
    ]
    table = pd.DataFrame(rows).assign(data="digits", architecture=architecture, method=method)
    return table.assign(flops=1.0, test_loss=table["train_loss"] + 5)


def costs(**methods: tuple[float, float]) -> pd.DataFrame:
    """FLOPs and least seconds of a step; another repetition took longer."""
    rows = [
        {"method": method.replace("_", "-"), "seed": seed, "flops": flops, "seconds": seconds + seed}
        for method, (flops, seconds) in methods.items()
        for seed in (0, 1)
    ]
    return pd.DataFrame(rows)


FLOORS = pd.DataFrame({"data": "digits", "split": ["train", "test"], "entropy": [100.0, 900.0]})
LOSSES = {
    "sgd": {8: 200.0, 4: 220.0, 2: 240.0, 1: 260.0},
    "adam": {8: 180.0, 4: 190.0, 2: 200.0, 1: 210.0},
    "k-fac": {8: 140.0, 4: 150.0, 2: 170.0, 1: 200.0},
    "locoprop-m": {8: 150.0, 4: 160.0, 2: 180.0, 1: 220.0},
}
COSTS = costs(sgd=(1.0, 1.0), adam=(1.0, 2.0), k_fac=(4.0, 16.0), locoprop_m=(4.0, 3.0))


def compared(*more: pd.DataFrame) -> dict[str, pd.DataFrame]:
    trained = [horizons(method, losses) for method, losses in LOSSES.items()]
    return measure(pd.concat([*trained, *more], ignore_index=True), COSTS, FLOORS)


def losses_of(budgets: pd.DataFrame, budget: str, seed: int = 0) -> dict[str, float]:
    rows = budgets[(budgets["budget"] == budget) & (budgets["seed"] == seed)]
    return dict(zip(rows["method"], rows["train_loss"].round(9), strict=True))


def test_losses_are_read_where_a_budget_is_spent(written: Written) -> None:
    budgets = written(compared()["locoprop_budgets"], "locoprop_budgets")
    assert losses_of(budgets, "epochs") == {method: losses[8] for method, losses in LOSSES.items()}
    assert losses_of(budgets, "flops") == {"sgd": 200, "adam": 180, "k-fac": 170, "locoprop-m": 180}
    # three times as long a step leaves 80 / 3 steps, between those of 2 and 4 epochs
    between = 180 + (160 - 180) * log(80 / 3 / 20) / log(2)
    seconds = losses_of(budgets, "seconds")
    assert seconds["locoprop-m"] == pytest.approx(between)
    assert seconds["adam"] == 190
    assert losses_of(budgets, "flops", seed=1)["k-fac"] == 172
    assert (budgets["test_loss"] - budgets["train_loss"]).round(9).eq(5).all()


def test_a_method_whose_trainings_do_not_reach_down_to_a_budget_has_no_row() -> None:
    assert "k-fac" not in losses_of(compared()["locoprop_budgets"], "seconds")


def test_units_of_costs_do_not_matter() -> None:
    trained = pd.concat([horizons(method, losses) for method, losses in LOSSES.items()])
    dearer = COSTS.assign(flops=1e6 * COSTS["flops"], seconds=0.25 * COSTS["seconds"])
    pd.testing.assert_frame_equal(
        measure(trained, dearer, FLOORS)["locoprop_budgets"], compared()["locoprop_budgets"]
    )


def test_gaps_are_below_the_best_first_order_method(written: Written) -> None:
    gaps = written(compared()["locoprop_gaps"], "locoprop_gaps")
    means = gaps.groupby(["budget", "rival"])["value"].mean()
    assert means["epochs", "locoprop-m"] == 30
    assert means["epochs", "second-order"] == 40
    assert means["epochs", "half-way"] == means["epochs", "half-way of 2022"] == 20
    assert means["flops", "locoprop-m"] == 0
    assert means["flops", "second-order"] == 10
    assert means["flops", "half-way"] == 5
    assert ("seconds", "second-order") not in means
    assert ("seconds", "half-way") not in means
    assert len(gaps) == 2 * 9


def test_the_best_method_is_that_of_the_lowest_mean_and_never_a_diverged_one() -> None:
    diverged = horizons("nesterov", {8: 10.0, 4: 10.0, 2: 10.0, 1: 10.0})
    diverged.loc[diverged["seed"] == 1, "train_loss"] = np.nan
    trained = pd.concat([*(horizons(name, losses) for name, losses in LOSSES.items()), diverged])
    prices = pd.concat([COSTS, costs(nesterov=(1.0, 1.0))])
    gaps = measure(trained, prices, FLOORS)["locoprop_gaps"]
    rows = gaps[(gaps["budget"] == "epochs") & (gaps["rival"] == "locoprop-m")]
    assert rows["value"].tolist() == [30, 30]


def test_methods_younger_than_the_paper_are_no_part_of_its_gap() -> None:
    trained = pd.concat(
        [*(horizons(name, losses) for name, losses in LOSSES.items()), horizons("muon", {8: 20.0})]
    )
    gaps = measure(trained, pd.concat([COSTS, costs(muon=(1.0, 1.0))]), FLOORS)["locoprop_gaps"]
    means = gaps.groupby(["budget", "rival"])["value"].mean()
    older, younger = LOSSES["adam"][8] - LOSSES["k-fac"][8], LOSSES["adam"][8] - 20
    assert means["epochs", "half-way of 2022"] == older / 2
    assert means["epochs", "half-way"] == younger / 2


def test_a_diverged_loss_is_infinitely_far_below(written: Written) -> None:
    failed = horizons("locoprop-m", {8: np.nan, 4: np.nan, 2: np.nan, 1: np.nan})
    deep = [horizons("adam", {8: np.nan}, "deep"), horizons("locoprop-m", {8: 110.0}, "deep")]
    kept = [horizons(name, losses) for name, losses in LOSSES.items() if name != "locoprop-m"]
    normalised = horizons("adam", {8: np.nan}, "batch-norm")
    tables = measure(pd.concat([*kept, failed, *deep, normalised]), COSTS, FLOORS)
    gaps = written(tables["locoprop_gaps"], "locoprop_gaps")
    assert set(gaps.loc[gaps["rival"] == "locoprop-m", "value"]) == {-np.inf}
    depths = written(tables["locoprop_depths"], "locoprop_depths").set_index(["architecture", "seed"])[
        "value"
    ]
    assert depths.to_dict() == {
        **{("standard", seed): -np.inf for seed in (0, 1)},
        **{("deep", seed): np.inf for seed in (0, 1)},
    }
    assert set(tables["locoprop_batch_norm"]["value"]) == {-np.inf}


def test_a_budget_longer_than_all_trainings_is_read_at_the_longest() -> None:
    cheaper = pd.concat([COSTS[COSTS["method"] != "adam"], costs(adam=(0.5, 0.5))])
    budgets = measure(
        pd.concat([horizons(name, losses) for name, losses in LOSSES.items()]), cheaper, FLOORS
    )["locoprop_budgets"]
    assert losses_of(budgets, "flops")["adam"] == LOSSES["adam"][8]
    assert set(budgets.loc[(budgets["method"] == "adam") & (budgets["budget"] == "flops"), "step"]) == {80.0}


def test_the_advantage_is_of_what_is_left_above_the_floor(written: Written) -> None:
    deep = [
        horizons("adam", {8: 150.0, 4: 300.0}, "deep"),
        horizons("locoprop-m", {8: 110.0, 4: 300.0}, "deep"),
        horizons("adam", {8: 150.0}, "adam-alone"),
    ]
    table = written(compared(*deep)["locoprop_depths"], "locoprop_depths")
    values = table.set_index(["architecture", "seed"])["value"]
    assert set(table["architecture"]) == {"standard", "deep"}
    assert values["standard", 0] == pytest.approx(log(80 / 50))
    assert values["deep", 0] == pytest.approx(log(50 / 10))
    assert values["deep", 1] == pytest.approx(log(52 / 12))


def test_batch_norm_gains_what_it_lowers_the_loss_by(written: Written) -> None:
    normalised = [
        horizons("adam", {8: 170.0, 4: 100.0}, "batch-norm"),
        horizons("locoprop-m", {8: 155.0}, "batch-norm"),
    ]
    table = written(compared(*normalised)["locoprop_batch_norm"], "locoprop_batch_norm")
    assert table.groupby("method")["value"].mean().to_dict() == {"adam": 10, "locoprop-m": -5}


def test_tables_without_rows_have_their_columns(written: Written) -> None:
    only = measure(horizons("sgd", LOSSES["sgd"]), COSTS, FLOORS)
    for name in ("locoprop_gaps", "locoprop_depths", "locoprop_batch_norm"):
        assert written(only[name], name).empty
