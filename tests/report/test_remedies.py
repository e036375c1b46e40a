"""Rates and stages of their own for the layers, in the report: tables."""

import pandas as pd
import pytest

from movingtarget.report.remedies import fine_tuning_table, large_batch_table, remedies_table, untrained


def searched(*arms: tuple[dict[str, str], str]) -> pd.DataFrame:
    return pd.DataFrame([{**arm, "learning_rate": 0.1, "seed": 100, "place": place} for arm, place in arms])


def test_remedies_stand_at_their_ends() -> None:
    arm = {"network": "plain", "activation": "relu", "order": "lars"}
    longer = arm | {"order": "simultaneous-longer"}
    rows = [
        {**of, "learning_rate": 0.12345, "seed": seed, "step": step, "flops": 10.0 * step}
        for of, steps in ((arm, (1, 2)), (longer, (1, 4)))
        for step in steps
        for seed in (0, 1)
    ]
    scored = pd.DataFrame(rows).assign(train_loss=lambda table: 2 / table["step"], test_accuracy=0.5)
    table = remedies_table(scored, searched((arm, "best"), (longer, "best at an edge")))
    assert table["network"].tolist() == ["plain, relu"] * 2
    assert table["order"].tolist() == ["LARS", "simultaneous, longer"]
    assert table["learning_rate"].tolist() == ["0.123", "0.123 (at an edge)"]
    assert table["flops"].tolist() == [20.0, 40.0]
    assert [text.split("\N{NO-BREAK SPACE}")[0] for text in table["train_loss"]] == ["1.00", "0.500"]
    assert {text.split("\N{NO-BREAK SPACE}")[0] for text in table["test_accuracy"]} == {"50.0"}


def test_large_batches_stand_at_their_ends() -> None:
    arm = {"network": "batch-norm", "arm": "large batch"}
    rows = [
        {**arm, "learning_rate": 0.1, "seed": seed, "step": step, "train_loss": 0.25, "test_accuracy": 0.75}
        for step in (0, 3)
        for seed in (0, 1)
    ]
    row = large_batch_table(pd.DataFrame(rows), searched((arm, "tried"), (arm, "best"))).iloc[0]
    assert (row["network"], row["arm"], row["steps"], row["learning_rate"]) == (
        "batch norm",
        "large batch",
        3,
        "0.1",
    )


def test_fine_tuning_names_the_lowest_layers_way() -> None:
    arm = {"network": "plain", "start": "pretrained", "rates": "smaller-early"}
    measured = {("test_accuracy", 0): 0.5, ("movement_share", 1): 0.01, ("movement_share", 2): 0.99}
    rows = [
        {**arm, "learning_rate": 0.1, "seed": seed, "quantity": quantity, "layer": layer, "value": value}
        for (quantity, layer), value in measured.items()
        for seed in (0, 1)
    ]
    row = fine_tuning_table(pd.DataFrame(rows), searched((arm, "best at an edge"))).iloc[0]
    assert row["bottom"] == "1.0"
    assert row["learning_rate"] == "0.1 (at an edge)"
    assert (row["start"], row["rates"]) == ("trained before", "smaller early")
    assert row["test_accuracy"].startswith("50.0")


def test_fine_tuning_counts_seeds_that_diverged() -> None:
    arm = {"network": "plain", "start": "pretrained", "rates": "equal"}
    rows = [
        {**arm, "learning_rate": 0.1, "seed": seed, "quantity": quantity, "layer": 1, "value": value}
        for quantity in ("test_accuracy", "movement_share")
        for seed, value in enumerate([0.5, float("nan"), 0.25])
    ]
    row = fine_tuning_table(pd.DataFrame(rows), searched((arm, "best"))).iloc[0]
    assert (row["test_accuracy"], row["bottom"]) == ("1 of 3 diverged", "\N{EN DASH}")


@pytest.mark.parametrize(("accuracies", "nothing"), [((0.1, 0.12), True), ((0.1, 0.5), False)])
def test_networks_that_stay_at_chance_are_untrained(accuracies: tuple[float, float], nothing: bool) -> None:
    rows = [
        {"network": "plain", "activation": activation, "order": order, "seed": seed, "step": step}
        | {"test_accuracy": accuracy if step == 5 else 0.9}
        for order, accuracy in zip(("simultaneous", "greedy"), accuracies, strict=True)
        for activation in ("sigmoid", "relu")
        for seed in (0, 1)
        for step in (0, 5)
    ]
    table = pd.DataFrame(rows)
    table.loc[table["activation"] == "relu", "test_accuracy"] = 0.9
    assert untrained(table, "sigmoid") is nothing
    assert untrained(table, "relu") is False
    assert untrained(table, "tanh") is False
