"""Fine-tuning with rates by layer: what is searched, on which images, and what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from movingtarget.data.load import Images
from movingtarget.experiments.fine_tuning import RATES, STARTS, STUDY, measure, problems
from movingtarget.statistics.rows import divide

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SETTINGS: dict[str, Any] = {
    **{"network": "plain", "seeds": [0, 1], "tuning_seeds": [100, 101], "learning_rates": [0.1]},
    **{"hidden_width": 6, "depth": 2, "activation": "relu", "initial_weights": "normal"},
    **{"pretraining_classes": [0, 1], "batch_size": 8, "pretraining_steps": 3, "examples": 2, "steps": 3},
    **{"factor": 2.6, "slight_factor": 1.61, "validation_examples": 10},
}


def measured(images: Images, **changed: Any) -> dict[str, pd.DataFrame]:
    return measure(images, **SETTINGS | changed)


def test_every_table_is_as_declared(images: Images, written: Written) -> None:
    said: list[str] = []
    tables = measured(images, say=said.append)
    assert set(tables) == set(STUDY.tables)
    for name, table in tables.items():
        written(table, name)
    rows = tables["fine_tuning"]
    assert len(rows) == len(STARTS) * len(RATES) * 2 * (3 + 3)
    whole = rows.loc[rows["quantity"] != "movement_share", "layer"]
    assert set(whole) == {0}
    assert set(rows["layer"]) == {0, 1, 2, 3}
    assert {"plain, pretraining", "plain, scratch, equal"} <= set(said)


def test_members_train_at_the_best_rate_of_the_search(images: Images) -> None:
    tables = measured(images)
    trained = divide(tables["fine_tuning"], "start", "rates")
    searched = tables["fine_tuning_search"]
    errors = searched.groupby(["start", "rates", "learning_rate"])["error"].mean()
    for (start, rates), rows in trained.items():
        (best,) = rows["learning_rate"].unique()
        assert errors.loc[start, rates, best] == errors.loc[start, rates].min()
    assert set(searched["seed"]) == {100, 101}
    assert set(tables["fine_tuning"]["seed"]) == {0, 1}


def test_a_search_looks_at_no_test_image_and_at_no_tested_seed(images: Images) -> None:
    noise = images._replace(
        test_inputs=torch.randn_like(images.test_inputs), test_labels=images.test_labels.flip(0)
    )
    expected = measured(images)
    for changed in (measured(noise), measured(images, seeds=[5])):
        for name in ("fine_tuning_search", "pretraining_search"):
            pd.testing.assert_frame_equal(changed[name], expected[name])


def test_a_start_from_scratch_sees_nothing_of_the_other_classes(images: Images) -> None:
    inputs = images.train_inputs.clone()
    inputs[images.train_labels < 2] *= -3
    changed = measured(images._replace(train_inputs=inputs))["fine_tuning"]
    expected = measured(images)["fine_tuning"]
    same = {
        start: np.array_equal(
            changed.loc[changed["start"] == start, "value"], expected.loc[expected["start"] == start, "value"]
        )
        for start in STARTS
    }
    assert same == {"pretrained": False, "scratch": True}


def test_shares_of_movement_sum_to_one_and_fall_by_the_factor(images: Images) -> None:
    table = measured(images, network="residual", steps=1)["fine_tuning"]
    shares = table[table["quantity"] == "movement_share"]
    sums = shares.groupby(["start", "rates", "seed"])["value"].sum()
    np.testing.assert_allclose(sums, 1, rtol=1e-6)
    # one step moves each layer by its rate times the same gradient
    by_rates = shares[shares["start"] == "scratch"].pivot(
        index=["seed", "layer"], columns="rates", values="value"
    )
    relative = (by_rates["smaller-early"] / by_rates["equal"]).unstack()
    np.testing.assert_allclose(relative[2] / relative[1], 2.6, rtol=1e-4)
    np.testing.assert_allclose(relative[3] / relative[2], 2.6, rtol=1e-4)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([0, 1, 2], "pretraining_classes has 3 of the 4 classes of the data; allowed: two at least, and two"),
        ([0], "pretraining_classes has 1 of the 4 classes of the data; allowed: two at least, and two"),
        ([0, 7], "pretraining_classes has 7; allowed: 0 to 3, those of the data"),
    ],
)
def test_fewer_classes_than_the_split_needs_are_refused(
    images: Images, classes: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        measured(images, pretraining_classes=classes)


def test_settings_are_checked_before_a_run() -> None:
    config = {
        "dataset": "digits",
        "fine_tuning": SETTINGS | {"pretraining_classes": [0, 1, 2, 3, 4, 5, 6, 7, 8]},
    }
    assert [*problems(config)] == [
        "fine_tuning.pretraining_classes has 9 of the 10 classes of digits; allowed: two at least, and two "
        "at least left to fine-tune on"
    ]
    config = {"dataset": "digits", "fine_tuning": SETTINGS | {"tuning_seeds": [1]}}
    assert [*problems(config)] == [
        "fine_tuning.tuning_seeds has 1; allowed: none of fine_tuning.seeds, which are tested"
    ]
