"""Estimates beside known truths, as the report shows them."""

from itertools import product

import pandas as pd

from movingtarget.estimators import ESTIMATORS
from movingtarget.report.information import accuracy_table


def accuracy() -> pd.DataFrame:
    """Two tasks; estimates are off by a tenth of the seed, and at noise 1 or 4 columns by far more."""
    rows = [
        {"task": task, "dimension": dimension, "noise": noise, "estimator": name, "seed": seed}
        | {"truth": truth, "value": truth + shift + seed / 10 + 100 * (noise == 1.0) + 50 * (dimension == 4)}
        | {"saturated": int(name == "binned" and seed == 1 and task == "permuted")}
        for (task, truth), (name, shift) in product(
            {"uniform": 12.0, "permuted": 0.0}.items(),
            {"gaussian": -0.13, "pairwise-lower": 1.0, "binned": 5.0}.items(),
        )
        for dimension, noise, seed in product((4, 48), (0.3, 1.0), (0, 1))
        if (task, name) != ("uniform", "pairwise-lower")
    ]
    return pd.DataFrame(rows)


def test_means_over_seeds_stand_below_the_truth() -> None:
    table = accuracy_table(accuracy(), noise=0.3).set_index("estimator")
    assert [*table.index] == ["truth", "Gaussian", "distances, lower", "bins"]
    assert table["uniform"].tolist() == ["12.0", "11.9", "left out", "17.0"]
    assert table["permuted"].tolist() == ["0.0", "\N{MINUS SIGN}0.1", "1.0", "5.0 (saturated)"]


def test_a_small_negative_mean_has_no_sign() -> None:
    table = accuracy_table(accuracy().assign(value=-0.01), noise=0.3)
    assert set(table["permuted"]) == {"0.0", "0.0 (saturated)"}


def test_rows_are_in_the_order_of_figures() -> None:
    shuffled = accuracy().sample(frac=1, random_state=0)
    titles = [entry.title for entry in ESTIMATORS.values()]
    found = accuracy_table(shuffled, noise=1.0)["estimator"].tolist()[1:]
    assert found == sorted(found, key=titles.index)
