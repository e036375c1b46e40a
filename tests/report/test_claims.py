"""Verdicts on synthetic tables whose answers are known."""

import itertools

import numpy as np
import pandas as pd
import pytest

from movingtarget.report.claims import check_claims, judge
from movingtarget.tables import TABLES, write_table
from movingtarget.training.selection import best_learning_rate

SEEDS = range(5)


def training(
    values, network="plain", quantity="train_loss", step=100, learning_rates=(0.1,), seeds=SEEDS
) -> pd.DataFrame:
    """Rows of the training table, with values of shape `(seeds, rates)` or `(seeds,)`."""
    cells = [*itertools.product(seeds, learning_rates)]
    return pd.DataFrame(
        {
            "network": network,
            "depth": 10,
            "update_rule": "simultaneous",
            "learning_rate": [rate for _, rate in cells],
            "seed": [seed for seed, _ in cells],
            "step": step,
            "gradient_evaluations": float(step),
            "flops": 1e6 * step,
            "quantity": quantity,
            "value": np.ravel(values).astype(float),
        }
    )


def claim(**changes) -> dict:
    """A claim that batch norm's last training loss is below the plain network's."""
    entry = {
        "id": "batch-norm-trains-faster",
        "paper": "ioffe2015",
        "place": "figure 1a",
        "statement": "Batch norm reaches a lower training loss in the same number of steps.",
        "table": "training",
        "estimand": "difference",
        "select": {"quantity": "train_loss", "step": "last", "depth": 10},
        "treatment": {"network": "batch-norm"},
        "control": {"network": "plain"},
        "holds_if": {"below": 0},
        "seeds": 5,
        "scale": "default",
    }
    return {key: value for key, value in {**entry, **changes}.items() if value is not None}


def mean_claim(**changes) -> dict:
    """A claim about the plain network's last training loss alone."""
    select = {"quantity": "train_loss", "step": "last", "network": "plain"}
    return claim(**{"estimand": "mean", "select": select, "treatment": None, "control": None, **changes})


def verdict(entry, *rows, scale="default", **tables) -> pd.Series:
    """The claims table's row for one claim, judged on training rows and other tables."""
    check_claims([entry])
    if rows:
        tables["training"] = pd.concat(rows)
    return judge([entry], tables, scale).iloc[0]


LOSSES = np.array([1.0, 1.1, 1.2, 1.3, 1.4])


@pytest.mark.parametrize(
    ("holds_if", "expected"),
    [
        ({"below": 1.5}, "reproduced"),
        ({"below": 1.2}, "inconclusive"),
        ({"below": 0.9}, "not reproduced"),
        ({"above": 0.9}, "reproduced"),
        ({"above": 1.2}, "inconclusive"),
        ({"above": 1.5}, "not reproduced"),
        ({"within": [0.9, 1.5]}, "reproduced"),
        ({"within": [1.2, 1.5]}, "inconclusive"),
        ({"within": [1.19, 1.21]}, "inconclusive"),
        ({"within": [1.5, 2]}, "not reproduced"),
        ({"within": [0, 0.9]}, "not reproduced"),
    ],
)
def test_the_whole_interval_decides(holds_if, expected):
    row = verdict(mean_claim(holds_if=holds_if), training(LOSSES))
    assert row["verdict"] == expected
    assert row["estimate"] == pytest.approx(1.2)
    assert 1 < row["low"] < 1.1 < 1.3 < row["high"] < 1.4


@pytest.mark.parametrize(
    ("holds_if", "expected"),
    [
        ({"below": 1}, "not reproduced"),
        ({"above": 1}, "not reproduced"),
        ({"within": [1, 1]}, "reproduced"),
        ({"within": [1, 2]}, "reproduced"),
    ],
)
def test_a_bound_belongs_to_within_only(holds_if, expected):
    assert verdict(mean_claim(holds_if=holds_if), training(np.ones(5)))["verdict"] == expected


def test_the_claims_table_is_written_as_its_schema_says(tmp_path):
    entry = mean_claim(paper_value=1, statement="Folded over\ntwo lines.\n")
    table = judge([entry, claim(id="smoke", scale="paper")], {"training": training(LOSSES)}, "default")
    write_table(table, "claims", tmp_path / "claims.csv")
    assert list(table.columns) == list(TABLES["claims"])
    first, second = table.to_dict("records")
    assert first["statement"] == "Folded over two lines."
    assert (first["seeds"], first["paper_value"]) == (5, 1.0)
    assert second["seeds"] == 0
    assert np.isnan([second["paper_value"], second["estimate"]]).all()


def test_arms_are_paired_by_seed():
    """Seeds differ far more than the arms do: only the paired difference is certain."""
    noise = 100.0 * np.arange(5)
    shuffled = training(noise - 1, "batch-norm").sample(frac=1, random_state=1)
    row = verdict(claim(), shuffled, training(noise))
    np.testing.assert_allclose(row[["estimate", "low", "high"]].astype(float), -1, rtol=1e-9)
    assert row["verdict"] == "reproduced"


def test_a_ratio_divides_the_means():
    row = verdict(
        claim(estimand="ratio", holds_if={"within": [0.4, 0.6]}),
        training([1, 2, 1, 2, 1], "batch-norm"),
        training([2, 4, 2, 4, 2]),
    )
    assert row["estimate"] == pytest.approx(0.5)
    assert row["verdict"] == "reproduced"


def test_rows_of_listed_values_are_averaged_within_a_seed():
    rows = [training(LOSSES + layer, step=layer) for layer in (0, 1, 5)]
    select = {"network": "plain", "quantity": "train_loss", "step": [0, 1]}
    assert verdict(mean_claim(select=select), *rows)["estimate"] == pytest.approx(1.7)


@pytest.mark.parametrize(
    ("condition", "estimate"),
    [
        ({"step": "first"}, 1.25),
        ({"step": "last"}, 3.25),
        ({"step": 2}, 2.25),
        ({"learning_rate": "smallest"}, 2.0),
        ({"learning_rate": "largest"}, 2.5),
        ({"learning_rate": 0.5}, 2.5),
        ({"step": "last", "learning_rate": "smallest"}, 3.0),
    ],
)
def test_extremes_are_those_the_arm_has(condition, estimate):
    """Value: the step, and a half more at the larger rate; another network has further steps and rates."""
    rows = [
        training(np.full((5, 2), [step, step + 0.5]), step=step, learning_rates=(0.1, 0.5))
        for step in (1, 2, 3)
    ]
    other = training(np.full(5, 99.0), "other", step=9, learning_rates=(0.9,))
    select = {"network": "plain", "quantity": "train_loss", **condition}
    assert verdict(mean_claim(select=select), *rows, other)["estimate"] == estimate


def test_an_arm_may_name_its_own_table():
    noise = pd.DataFrame({"noise": "white", "seed": SEEDS, "lag": 1, "value": 0.1})
    gradients = pd.DataFrame(
        {
            "network": "feedforward",
            "normalisation": "none",
            "depth": 50,
            "beta": np.nan,
            "seed": SEEDS,
            "lag": 1,
        }
    ).assign(value=0.1 + 0.01 * np.arange(5))
    entry = claim(
        table="gradient_autocorrelation",
        select={"lag": 1},
        treatment={"depth": 50},
        control={"table": "noise_autocorrelation", "noise": "white"},
        holds_if={"within": [-0.1, 0.1]},
    )
    row = verdict(entry, gradient_autocorrelation=gradients, noise_autocorrelation=noise)
    assert row["estimate"] == pytest.approx(0.02)
    assert row["verdict"] == "reproduced"


RATES = (0.1, 0.5)


def test_each_arm_runs_at_its_own_best_rate():
    row = verdict(
        claim(learning_rate="best"),
        training(np.full((5, 2), [3.0, 1.0]), "batch-norm", learning_rates=RATES),
        training(np.full((5, 2), [2.0, 4.0]), learning_rates=RATES),
    )
    assert row["estimate"] == -1


def test_the_final_training_loss_chooses_the_rate_whatever_is_measured():
    """Accuracy at the first step is measured; the loss at the last step prefers the other rate."""
    select = {"network": "plain", "quantity": "test_accuracy", "step": "first"}
    rows = [
        training(np.full((5, 2), [0.9, 0.4]), quantity="test_accuracy", step=1, learning_rates=RATES),
        training(np.full((5, 2), [1.0, 2.0]), step=1, learning_rates=RATES),
        training(np.full((5, 2), [1.0, 0.5]), step=100, learning_rates=RATES),
    ]
    assert verdict(mean_claim(select=select, learning_rate="best"), *rows)["estimate"] == 0.4


def test_a_condition_on_the_cost_does_not_move_the_choice_of_rate():
    """After one gradient evaluation 0.1 has the lower loss, at the end 0.5."""
    rows = [
        training(np.full((5, 2), [1.0, 2.0]), step=1, learning_rates=RATES),
        training(np.full((5, 2), [1.0, 0.5]), step=100, learning_rates=RATES),
    ]
    select = {"network": "plain", "quantity": "train_loss", "gradient_evaluations": 1.0}
    assert verdict(mean_claim(select=select, learning_rate="best"), *rows)["estimate"] == 2


def test_the_best_rate_is_chosen_anew_in_each_resample():
    """Without the first seed 0.5 is the best rate, and brings its accuracy of 0 into the interval."""
    losses = np.array([[0.0, 10.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    rows = [
        training(losses, learning_rates=RATES),
        training(np.full((5, 2), [1.0, 0.0]), quantity="test_accuracy", learning_rates=RATES),
    ]
    select = {"network": "plain", "quantity": "test_accuracy", "step": "last"}
    row = verdict(mean_claim(select=select, learning_rate="best"), *rows)
    assert (row["estimate"], row["low"], row["high"]) == (1, 0, 1)


@pytest.mark.parametrize(
    ("losses", "rate", "interval"),
    [
        ([[3.0, 1.0]] * 5, 0.5, (1, 1, 1)),
        ([[np.nan, 1.0]] * 5, 0.5, (1, 1, 1)),
        ([[3.0, np.nan]] + [[3.0, 1.0]] * 4, 0.1, (3, 1, 3)),
        ([[np.nan, np.nan]] + [[3.0, 1.0]] * 4, 0.1, (np.inf, 1, np.inf)),
    ],
)
def test_a_rate_with_a_diverged_seed_is_chosen_only_if_every_rate_has_one(losses, rate, interval):
    """The estimate stands at the rate at which the members are kept; a resample without the seed is free."""
    rows = training(losses, learning_rates=RATES)
    row = verdict(mean_claim(learning_rate="best"), rows)
    assert (row["estimate"], row["low"], row["high"]) == interval
    assert best_learning_rate(rows) == rate


def test_a_diverged_loss_is_infinite_and_a_diverged_accuracy_zero():
    diverged = [0.5, 0.5, 0.5, 0.5, np.nan]
    loss = verdict(mean_claim(holds_if={"above": 0.4}), training(diverged))
    assert (loss["estimate"], loss["low"], loss["high"]) == (np.inf, 0.5, np.inf)
    assert loss["verdict"] == "reproduced"
    select = {"network": "plain", "quantity": "test_accuracy"}
    accuracy = verdict(mean_claim(select=select), training(diverged, quantity="test_accuracy"))
    assert accuracy["estimate"] == pytest.approx(0.4)


@pytest.mark.filterwarnings("error")
def test_training_is_better_than_diverging_and_two_divergences_cannot_be_told_apart():
    everywhere = np.full(5, np.nan)
    trained = verdict(claim(), training(LOSSES, "batch-norm"), training(everywhere))
    assert (trained["estimate"], trained["verdict"]) == (-np.inf, "reproduced")
    neither = verdict(claim(), training(everywhere, "batch-norm"), training(everywhere))
    assert np.isnan(neither["estimate"])
    assert neither["verdict"] == "inconclusive"


def test_an_undefined_measurement_is_inconclusive():
    noise = pd.DataFrame({"noise": "white", "seed": [*SEEDS, *SEEDS], "lag": [1] * 5 + [2] * 5, "value": 0.1})
    noise.loc[3, "value"] = np.nan
    entry = mean_claim(table="noise_autocorrelation", select={"lag": [1, 2]})
    row = verdict(entry, noise_autocorrelation=noise)
    assert row["verdict"] == "inconclusive"
    assert np.isnan(row["estimate"])


def test_too_few_seeds_are_inconclusive():
    row = verdict(mean_claim(holds_if={"above": 0}, seeds=6), training(LOSSES))
    assert (row["seeds"], row["verdict"]) == (5, "inconclusive")


@pytest.mark.parametrize(
    ("claimed", "run", "expected"),
    [
        ("default", "smoke", "inconclusive"),
        ("default", "default", "reproduced"),
        ("default", "paper", "reproduced"),
        ("paper", "smoke", "inconclusive"),
        ("paper", "default", "inconclusive"),
        ("paper", "paper", "reproduced"),
    ],
)
def test_a_run_below_the_claims_scale_is_inconclusive(claimed, run, expected):
    row = verdict(mean_claim(holds_if={"above": 0}, scale=claimed), training(LOSSES), scale=run)
    assert row["verdict"] == expected
    assert row["estimate"] == pytest.approx(1.2)


@pytest.mark.parametrize("tables", [{}, {"training": training(LOSSES)}], ids=["no table", "no rows"])
@pytest.mark.parametrize("scale", ["smoke", "default"])
def test_what_a_run_has_not_measured_is_inconclusive(tables, scale):
    row = verdict(claim(), scale=scale, **tables)
    assert (row["seeds"], row["verdict"]) == (0, "inconclusive")
    assert np.isnan([row["estimate"], row["low"], row["high"]]).all()


def test_every_listed_value_must_have_rows():
    select = {"network": "plain", "quantity": "train_loss", "depth": [10, 50]}
    assert verdict(mean_claim(select=select), training(LOSSES))["seeds"] == 0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [training(LOSSES, "batch-norm"), training(LOSSES[1:], seeds=range(1, 5))],
            "seeds 0 are in one arm only; allowed: the same seeds in both",
        ),
        (
            [
                training(LOSSES, "batch-norm", learning_rates=[0.1]),
                training(LOSSES[:1], "batch-norm", seeds=[0]),
            ],
            "some seeds or learning rates have fewer rows than others",
        ),
    ],
)
def test_seeds_must_be_shared(rows, message):
    rows[1]["learning_rate"] = rows[1]["learning_rate"].where(rows[1]["network"] == "plain", 0.5)
    with pytest.raises(ValueError, match=f"^claim batch-norm-trains-faster: {message}$"):
        verdict(claim(), *rows)


def test_every_rate_needs_a_final_training_loss():
    rows = [
        training(np.ones((5, 2)), quantity="test_loss", learning_rates=RATES),
        training(np.ones((5, 1)), learning_rates=RATES[:1]),
    ]
    select = {"network": "plain", "quantity": "test_loss"}
    with pytest.raises(
        ValueError, match="learning_rate is best, but train_loss has other seeds or rates where"
    ):
        verdict(mean_claim(select=select, learning_rate="best"), *rows)


def test_an_unknown_scale_is_refused():
    with pytest.raises(ValueError, match=r"^scale is 'large'; allowed: smoke, default, paper$"):
        judge([], {}, "large")


def test_verdicts_do_not_depend_on_the_other_claims():
    tables = {"training": training(LOSSES)}
    alone = judge([mean_claim()], tables, "default")
    after = judge([mean_claim(id="another", holds_if={"above": 0}), mean_claim()], tables, "default")
    pd.testing.assert_frame_equal(alone, after.iloc[1:].reset_index(drop=True))


SELECT = claim()["select"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"table": "trainin"},
            r"table is trainin \(did you mean training\?\); allowed: training, .*information",
        ),
        ({"table": "claims"}, "table is claims; allowed: training, .*"),
        ({"control": {"table": "noise"}}, "control.table is noise.*; allowed: training, .*"),
        (
            {"select": {**SELECT, "netwrk": "plain"}},
            r"select.netwrk is no column of training \(did you mean network\?\); allowed: network, depth, .*",
        ),
        ({"treatment": {"networks": "plain"}}, "treatment.networks is no column of training .*"),
        ({"select": {**SELECT, "seed": 0}}, "select.seed is no column of .*"),
        ({"select": {**SELECT, "table": "training"}}, "select.table is no column of .*"),
        (
            {"select": {**SELECT, "quantity": "loss"}},
            "select.quantity is 'loss'; allowed: batch_loss, train_loss, .*",
        ),
        ({"select": {"step": "last"}}, "treatment.quantity is missing; allowed: batch_loss, train_loss, .*"),
        ({"select": {**SELECT, "depth": "ten"}}, "select.depth is 'ten'; allowed: a whole number"),
        ({"select": {**SELECT, "depth": True}}, "select.depth is True; allowed: a whole number"),
        ({"select": {**SELECT, "depth": [10, 20.0]}}, "select.depth is 20.0; allowed: a whole number"),
        ({"select": {**SELECT, "step": "end"}}, "select.step is 'end'; allowed: a whole number, first, last"),
        (
            {"select": {**SELECT, "learning_rate": "1e-3"}},
            "select.learning_rate is '1e-3'; allowed: a number such as 0.001 or 1.0e-3, smallest, largest",
        ),
        ({"control": {"network": 10}}, "control.network is 10; allowed: text"),
        ({"control": None}, "estimand is difference with treatment; allowed: mean of select alone, .*"),
        ({"estimand": "mean"}, "estimand is mean with treatment and control; allowed: .*"),
        ({"holds_if": {"within": [2, 1]}}, r"holds_if.within is \[2, 1\]; allowed: the lower end first"),
        (
            {
                "table": "image_gradients",
                "select": {"quantity": "correlation"},
                "learning_rate": "best",
            },
            "learning_rate is best, but image_gradients has none; allowed: only with the table training",
        ),
    ],
)
def test_a_claim_that_makes_no_sense_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=f"^claim batch-norm-trains-faster: {message}$"):
        check_claims([claim(**changes)])


def test_an_id_used_twice_is_refused():
    with pytest.raises(
        ValueError, match="claim batch-norm-trains-faster: id is used twice; allowed: an id of "
    ):
        check_claims([claim(), claim(estimand="ratio")])
