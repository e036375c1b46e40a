"""Small and large batches at equal epochs, each arm at its own rate."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from movingtarget.data.load import Images
from movingtarget.experiments.large_batch import ARMS, measure, plan_of, problems
from movingtarget.training.minibatches import batches

Written = Callable[[pd.DataFrame, str], pd.DataFrame]
SETTINGS: dict[str, Any] = {
    **{"seeds": [0, 1], "learning_rates": [0.1], "hidden_width": 6, "depth": 2, "activation": "relu"},
    **{"initial_weights": "normal", "batch_size": 6, "large_batch_size": 30, "epochs": 2, "momentum": 0.9},
    **{"weight_decay": 0.01, "evaluations": 2, "evaluation_examples": 20},
}


def test_all_arms_see_equally_many_epochs(images: Images, written: Written) -> None:
    tables = measure(images, "batch-norm", [100, 101], **SETTINGS)
    rows = written(tables["large_batch"], "large_batch")
    searched = written(tables["large_batch_search"], "large_batch_search")
    assert set(rows["arm"]) == set(searched["arm"]) == set(ARMS)
    last = rows[rows["epoch"] == rows["epoch"].max()].groupby("arm")["step"].unique()
    assert {arm: steps.tolist() for arm, steps in last.items()} == {
        "small batch": [20],
        "large batch": [4],
        "large batch, LARS": [4],
    }
    assert set(rows["epoch"]) == {0.0, 1.0, 2.0}
    assert set(searched["seed"]) == {100, 101}


def test_the_large_batch_is_descended_as_torch_does(images: Images) -> None:
    table = measure(images, "plain", [100], **SETTINGS)["large_batch"]
    of_arm = table[(table["arm"] == "large batch") & (table["seed"] == 1)]
    network = plan_of(images, "plain", "large batch", SETTINGS)[1](1)
    rate = of_arm["learning_rate"].iloc[0]
    optimiser = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9, weight_decay=0.01)
    for epoch in (0, 1):
        for index in batches(60, 30, [1], epoch):
            optimiser.zero_grad()
            F.cross_entropy(network(images.train_inputs[index[0]]), images.train_labels[index[0]]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    loss = F.cross_entropy(network(images.train_inputs[:20]), images.train_labels[:20]).item()
    assert of_arm.loc[of_arm["step"] == 4, "train_loss"].item() == pytest.approx(loss, rel=1e-4)


def test_a_batch_larger_than_the_data_is_refused(images: Images) -> None:
    settings = SETTINGS | {"large_batch_size": 61}
    with pytest.raises(ValueError, match="batch size is 61; allowed: 1 to 60, the training images"):
        plan_of(images, "plain", "large batch", settings)


def test_settings_are_checked_before_a_run() -> None:
    given = SETTINGS | {"tuning_seeds": [100], "large_batch_size": 6}
    assert [*problems({"large_batch": given})] == [
        "large_batch.large_batch_size is 6; allowed: above 6, large_batch.batch_size"
    ]
