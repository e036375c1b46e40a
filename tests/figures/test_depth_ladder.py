"""The figure of trainability against depth."""

import numpy as np
import pytest
from drawing_cases import xy

from movingtarget.figures.depth_ladder import FAILURE_THRESHOLD, draw


@pytest.fixture
def table(quantities_by_seed):
    """Rows whose learning rate differs from depth to depth."""
    columns = {"network": ["plain", "looks-linear"], "update_rule": ["sgd"], "depth": [3, 10, 30]}
    rows = quantities_by_seed(["train_loss", "train_accuracy"], **columns, step=[0, 20])
    return rows.assign(learning_rate=np.where(rows["depth"] == 10, 0.1, 0.01))


def line(axes, name):
    (found,) = [one for one in axes.lines if one.get_label() == name]
    return found


@pytest.mark.parametrize(("name", "network"), [("plain", "plain"), ("CReLU, looks linear", "looks-linear")])
def test_accuracy_at_the_last_step_and_the_rate_that_was_chosen(table, name, network):
    accuracy, rate = draw(table).axes
    final = table[(table["network"] == network) & (table["step"] == 20)]
    accuracies = final[final["quantity"] == "train_accuracy"].groupby("depth")["value"].mean()
    np.testing.assert_allclose(xy(line(accuracy, name)), [[3.0, 10.0, 30.0], 100 * accuracies])
    np.testing.assert_allclose(xy(line(rate, name)), [[3.0, 10.0, 30.0], [0.01, 0.1, 0.01]])


def test_rates_are_in_the_order_of_depth_however_the_rows_are(table):
    rate = draw(table.sample(frac=1, random_state=0)).axes[1]
    assert xy(line(rate, "plain")).x.tolist() == [3, 10, 30]


def test_the_threshold_spans_all_depths_in_the_first_panel_only(table):
    accuracy, rate = draw(table).axes
    threshold = xy(line(accuracy, "threshold"))
    assert threshold.x.tolist() == [3, 30]
    assert threshold.y.tolist() == [100 * FAILURE_THRESHOLD] * 2
    assert "threshold" not in {one.get_label() for one in rate.lines}


def test_axes_have_units_and_scales(table):
    axes = draw(table).axes
    assert [one.get_ylabel() for one in axes] == ["training accuracy (%)", "learning rate"]
    assert [(one.get_xscale(), one.get_yscale()) for one in axes] == [("log", "linear"), ("log", "log")]
    assert {one.get_xlabel() for one in axes} == {"depth (hidden layers)"}


def test_an_arm_that_always_diverged_is_named(table):
    table.loc[(table["network"] == "plain") & (table["depth"] == 30) & (table["step"] == 20), "value"] = (
        np.nan
    )
    title = draw(table).axes[0].get_title(loc="left")
    assert title.endswith("plain undefined at depth 30 (3/3 seeds)")


def test_a_single_depth(table):
    accuracy, _ = draw(table[table["depth"] == 3]).axes
    assert sorted(text.get_text() for text in accuracy.texts) == ["CReLU, looks linear", "plain", "threshold"]
