"""One arm trained from settings to rows."""

import numpy as np
import pytest
import torch

from movingtarget.data.load import Images
from movingtarget.experiments import image_gradients, mutual_information
from movingtarget.experiments.trained_members import Trained, arm_network, train_arm
from movingtarget.training.selection import best_learning_rate

SEEDS = [3, 5]
SCHEDULE = {
    "learning_rates": [0.05, 1e6],
    "batch_size": 10,
    "epochs": 2,
    "evaluations_per_epoch": 1,
    "evaluation_examples": 40,
    "curve_window": 2,
}


def images() -> Images:
    """Two classes that a line separates."""
    source = torch.Generator().manual_seed(0)
    inputs = torch.randn(160, 6, generator=source)
    labels = (inputs[:, 0] > 0).long()
    return Images(inputs[:80], labels[:80], inputs[80:], labels[80:])


def trained(network: str, update_rule: str) -> Trained:
    return train_arm(
        {"network": network, "depth": 3, "update_rule": update_rule},
        images(),
        SEEDS,
        hidden_width=8,
        activation="relu",
        rule_settings={"locoprop": {"iterations": 2, "gamma": 1.0}},
        schedule=SCHEDULE,
        resumed=None,
        keep=lambda state: None,
        say=lambda line: None,
    )


@pytest.mark.parametrize(
    ("network", "update_rule"),
    [("plain", "sgd"), ("batch-norm", "sgd"), ("residual", "sgd"), ("plain", "locoprop")],
)
def test_rows_name_arm_and_seed_and_snapshots_are_of_the_best_rate(network: str, update_rule: str):
    table, snapshots = trained(network, update_rule)
    assert set(table["seed"]) == set(SEEDS)
    assert set(table["network"]) == {network}
    assert best_learning_rate(table) == 0.05
    assert list(snapshots) == [0, 8, 16]
    assert all(len(value) == len(SEEDS) for value in snapshots[16].values())
    assert any(not torch.equal(snapshots[0][name], value) for name, value in snapshots[16].items())


def test_measurements_of_snapshots_have_a_row_for_each_seed_and_layer():
    data, arm = images(), {"network": "plain", "depth": 3}
    network = arm_network(arm, data, 8, "relu")
    snapshots = trained("plain", "sgd").snapshots
    gradients = image_gradients.measure(network, snapshots, data, SEEDS, examples=8)
    assert len(gradients) == 2 * 3 * 2 * len(SEEDS)
    shared = mutual_information.measure(network, snapshots, data, SEEDS, examples=80, noise=0.1)
    assert len(shared) == 3 * 2 * 2 * 2 * len(SEEDS)
    information = shared[shared["quantity"] == "information"]["value"]
    null = shared[shared["quantity"] == "permuted"]["value"]
    assert np.isfinite(shared["value"]).all()
    assert information.min() > null.max()
