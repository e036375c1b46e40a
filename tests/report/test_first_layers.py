"""Scores by layers frozen and shares of the first layer's gain, on small tables with known answers."""

from itertools import product

import numpy as np
import pandas as pd

from movingtarget.report.first_layers import first_layers_values, frozen_table, gains_table

SEEDS = range(6)


def first_layers(never: float = 1.0, always: float = 0.2) -> pd.DataFrame:
    """Losses fall in proportion to the steps, of 100, in which the first layer moves; seeds shift all."""
    arms = [("frozen", layers, 0, always + layers) for layers in (0, 1, 3)]
    for change, way in product((0, 10, 60, 100), ("released", "stopped")):
        moved = change if way == "stopped" else 100 - change
        arms.append((way, 1, change, never - moved / 100 * (never - always)))
    rows = [
        {"schedule": way, "layers": layers, "change": change, "seed": seed, "quantity": quantity}
        | {"value": value + 0.01 * seed if quantity == "train_loss" else 0.9 - value / 10}
        for way, layers, change, value in arms
        for seed in SEEDS
        for quantity in ("train_loss", "test_accuracy")
    ]
    return pd.DataFrame(rows).assign(network="plain", learning_rate=0.05)


def search(place: str = "best") -> pd.DataFrame:
    rows = [("plain", 0, 0.05, place), ("plain", 1, 0.05, "best"), ("plain", 3, 0.1, "tried")]
    return pd.DataFrame(rows, columns=["network", "layers", "learning_rate", "place"])


def test_a_row_for_each_number_of_frozen_layers_and_edges_are_said():
    table = frozen_table(first_layers(), search("best at an edge"))
    assert table["layers"].tolist() == [0, 1, 3]
    assert table["learning_rate"].tolist() == ["0.05 (at an edge)", "0.05", "0.05"]
    assert table["train_loss"].str.split().str[0].str[:5].tolist() == ["0.225", "1.225", "3.225"]
    assert table["test_accuracy"].str.startswith(("88", "78", "58")).all()


def test_shares_of_the_gain_are_those_of_the_steps():
    table = gains_table(first_layers()).set_index("change")
    assert [*table.index] == [10, 60]
    shares = table[["released", "stopped"]].map(lambda text: float(text.split("\N{NO-BREAK SPACE}")[0]))
    np.testing.assert_allclose(shares.to_numpy(), [[90, 10], [40, 60]], atol=0.01)


def test_without_a_gain_there_is_no_share_of_it():
    table = gains_table(first_layers(never=0.2))
    assert set(table["stopped"]) == {"undefined"}


def test_the_first_layers_share_of_parameters():
    alone = pd.DataFrame({"network": "convolutional", "layer": [0, 1, 2], "parameters": [400, 80, 320]})
    found = first_layers_values(first_layers(), search(), alone)
    assert found["shares"] == "20\N{NO-BREAK SPACE}% (convolutional)"
    assert len(found["frozen"]) == 3
