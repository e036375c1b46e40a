"""Verdicts on synthetic tables whose answers are known."""

import itertools

import numpy as np
import pandas as pd
import pytest
from claim_cases import CORRELATION, NORM, claim, correlation_claim, mean_claim, slope_claim

from movingtarget.claims.check import check_claims
from movingtarget.claims.judge import VERDICTS, _holm, _Test, judge
from movingtarget.declarations import schemas
from movingtarget.statistics.bootstrap import Interval
from movingtarget.statistics.studentised import studentised_interval
from movingtarget.tables import write_table

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
            "update_rule": "sgd",
            "learning_rate": [rate for _, rate in cells],
            "seed": [seed for seed, _ in cells],
            "step": step,
            "gradient_evaluations": float(step),
            "flops": 1e6 * step,
            "quantity": quantity,
            "value": np.ravel(values).astype(float),
        }
    )


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
    assert 0.95 < row["low"] < 1.1 < 1.3 < row["high"] < 1.45


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
    write_table(table, VERDICTS, tmp_path / "claims.csv")
    assert list(table.columns) == list(VERDICTS)
    first, second = table.to_dict("records")
    assert first["statement"] == "Folded over two lines."
    assert (first["seeds"], first["paper_value"]) == (5, 1.0)
    assert (first["kind"], first["question"], first["confidence"]) == ("paper", "none", 0.95)
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
            "seeds 0 are not in both arms; allowed: the same in both arms",
        ),
        (
            [
                training(LOSSES, "batch-norm", learning_rates=[0.1]),
                training(LOSSES[:1], "batch-norm", seeds=[0]),
            ],
            "some seeds have fewer rows than others",
        ),
    ],
)
def test_seeds_must_be_shared(rows, message):
    rows[1]["learning_rate"] = rows[1]["learning_rate"].where(rows[1]["network"] == "plain", 0.5)
    with pytest.raises(ValueError, match=f"^claim batch-norm-trains-faster: {message}$"):
        verdict(claim(), *rows)


def gradient_correlation(seeds=SEEDS, depths=(2, 10, 50), **columns) -> pd.DataFrame:
    """Rows of the wide table; measured columns are functions of depth and seed."""
    cells = pd.MultiIndex.from_product([depths, seeds], names=["depth", "seed"]).to_frame(index=False)
    rows = cells.assign(**CORRELATION, gates="rectifier", beta=np.nan, variance=1.0, covariance=0.5)
    measured = {"correlation": lambda rows: 0.5, "gradient_norm": lambda rows: 1.0 * rows["depth"]}
    return rows.assign(**{**measured, **columns})[list(schemas()["gradient_correlation"])]


def root_of_depth(rows: pd.DataFrame) -> pd.Series:
    """depth^-0.5, times noise that a seed shares between depths."""
    return rows["depth"] ** -0.5 * (1 + 0.2 * rows["seed"])


@pytest.mark.parametrize(
    ("column", "estimate"), [("correlation", 0.3), ("variance", 1), ("gradient_norm", 10)]
)
def test_a_claim_may_name_the_measured_column(column, estimate):
    rows = gradient_correlation(correlation=lambda rows: 0.1 + 0.1 * rows["seed"])
    row = verdict(correlation_claim(column=column), gradient_correlation=rows)
    assert row["estimate"] == pytest.approx(estimate)
    assert row["seeds"] == 5


def test_both_arms_are_measured_by_the_named_column():
    rows = gradient_correlation(correlation=lambda rows: 1 / rows["depth"])
    entry = correlation_claim(
        estimand="ratio", select=CORRELATION, treatment={"depth": 10}, control={"depth": 2}
    )
    assert verdict(entry, gradient_correlation=rows)["estimate"] == pytest.approx(0.2)


def test_the_slope_of_a_power_law_is_its_exponent():
    """Noise that depths share moves every mean alike, so the slope is certain."""
    row = verdict(slope_claim(), gradient_correlation=gradient_correlation(correlation=root_of_depth))
    np.testing.assert_allclose(row[["estimate", "low", "high"]].astype(float), -0.5, rtol=1e-9)
    assert (row["seeds"], row["verdict"]) == (5, "reproduced")


def test_the_slope_is_that_of_the_means_over_seeds():
    """Noise of each depth's own: the least-squares line as numpy fits it, inside an interval."""
    noise = np.random.default_rng(0).lognormal(sigma=0.1, size=15)
    rows = gradient_correlation(correlation=lambda rows: root_of_depth(rows) * noise)
    row = verdict(slope_claim(), gradient_correlation=rows.sample(frac=1, random_state=1))
    means = rows.groupby("depth")["correlation"].mean()
    expected = np.polyfit(np.log(means.index), np.log(means), 1)[0]
    assert row["estimate"] == pytest.approx(expected)
    assert row["low"] < row["estimate"] < row["high"]


def test_the_slope_uses_the_listed_depths_only():
    """Flat from 10 to 50, though not from 2."""
    rows = gradient_correlation(correlation=lambda rows: np.where(rows["depth"] == 2, 9.0, 0.5))
    entry = slope_claim(select={**CORRELATION, "depth": [50, 10]})
    assert verdict(entry, gradient_correlation=rows)["estimate"] == pytest.approx(0, abs=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("deep", [-0.1, 0.0])
def test_the_slope_of_a_mean_that_is_not_positive_is_inconclusive(deep):
    rows = gradient_correlation(correlation=lambda rows: np.where(rows["depth"] == 50, deep, 0.5))
    row = verdict(slope_claim(holds_if={"below": 0}), gradient_correlation=rows)
    assert np.isnan([row["estimate"], row["low"], row["high"]]).all()
    assert (row["seeds"], row["verdict"]) == (5, "inconclusive")


def test_a_slope_is_inconclusive_if_a_resample_leaves_it_undefined():
    rows = gradient_correlation(
        correlation=lambda rows: root_of_depth(rows).where((rows["seed"] > 0) | (rows["depth"] < 50), -0.01)
    )
    row = verdict(slope_claim(holds_if={"below": 0}), gradient_correlation=rows)
    assert row["estimate"] < 0
    assert row["verdict"] == "inconclusive"


def test_a_slope_without_one_of_its_depths_is_inconclusive():
    row = verdict(slope_claim(), gradient_correlation=gradient_correlation(depths=(2, 10)))
    assert (row["seeds"], row["verdict"]) == (0, "inconclusive")


def test_the_depths_of_a_slope_must_share_their_seeds():
    rows = gradient_correlation()
    rows = rows[(rows["depth"] != 10) | (rows["seed"] != 3)]
    message = "^claim .*: seeds 3 are not at every depth; allowed: the same at every depth$"
    with pytest.raises(ValueError, match=message):
        verdict(slope_claim(), gradient_correlation=rows)


def confounds(entry, **tables) -> list[float]:
    return verdict(entry, **tables)[["treatment_confound", "control_confound"]].tolist()


def test_the_confound_of_each_arm_stands_beside_the_verdict():
    """The gradient's norm is the depth here; lag and gates are not shared by the two tables."""
    entry = claim(
        table="gradient_autocorrelation",
        select={**CORRELATION, "lag": 1},
        treatment={"depth": 50},
        control={"depth": 10},
        confound=NORM,
    )
    autocorrelation = pd.concat(
        pd.DataFrame({**CORRELATION, "depth": depth, "beta": np.nan, "seed": SEEDS, "lag": 1, "value": 0.1})
        for depth in (10, 50)
    )
    tables = {"gradient_autocorrelation": autocorrelation, "gradient_correlation": gradient_correlation()}
    assert confounds(entry, **tables) == [50, 10]
    assert confounds(entry | {"confound": NORM | {"depth": 2}}, **tables) == [2, 2]


@pytest.mark.parametrize(
    ("confound", "expected"),
    [
        (NORM, 10),
        (NORM | {"column": "covariance"}, 0.5),
        (NORM | {"depth": [2, 50]}, 26),
        (NORM | {"depth": 7}, np.nan),
        (NORM | {"network": "highway"}, np.nan),
        ({"table": "path_autocorrelation", "column": "value", "lag": 1}, np.nan),
        (None, np.nan),
    ],
)
def test_a_confound_of_select_alone_is_a_single_mean(confound, expected):
    entry = correlation_claim(confound=confound)
    np.testing.assert_equal(confounds(entry, gradient_correlation=gradient_correlation()), [expected, np.nan])


def test_a_slopes_confound_is_the_mean_over_its_depths():
    entry = slope_claim(confound=NORM)
    first, second = confounds(entry, gradient_correlation=gradient_correlation())
    assert first == pytest.approx(62 / 3)
    assert np.isnan(second)


def test_a_confound_drops_the_conditions_its_table_cannot_meet():
    """Quantity, the last step and an update rule mean nothing in the wide table."""
    speed = pd.DataFrame(
        {
            "network": "plain",
            "depth": 10,
            "seed": SEEDS,
            "learning_rate": 0.1,
            "correlation": 0.5,
            "gradient_norm": [1.0, 2.0, 3.0, 4.0, 5.0],
            "steps": 9.0,
        }
    )
    select = {
        "network": "plain",
        "quantity": "train_loss",
        "step": "last",
        "learning_rate": "smallest",
        "update_rule": "sgd",
    }
    entry = mean_claim(select=select, confound={"table": "learning_speed"})
    row = verdict(entry, training(LOSSES), learning_speed=speed)
    assert row["treatment_confound"] == 3
    assert np.isnan(row["control_confound"])


def test_a_confounds_own_quantity_replaces_the_arms():
    rows = pd.DataFrame(
        {
            "network": ["plain", "plain", "crelu", "crelu"],
            "depth": 10,
            "seed": [0, 1, 0, 1],
            "quantity": "gradient_norm",
            "value": [1.0, 3.0, 5.0, 9.0],
        }
    )
    entry = claim(
        treatment={"network": "crelu"},
        confound={"table": "looks_linear", "column": "value", "quantity": "gradient_norm"},
    )
    row = verdict(entry, training(LOSSES, "crelu"), training(LOSSES), looks_linear=rows)
    assert row[["treatment_confound", "control_confound"]].tolist() == [7, 2]


def test_an_arm_of_which_the_confounds_table_knows_nothing_has_none():
    """Noise has no gradient, so the mean of all networks' must not stand beside it."""
    rows = {"seed": SEEDS, "lag": 1, "value": 0.1}
    entry = claim(
        table="gradient_autocorrelation",
        select={"lag": 1},
        treatment={**CORRELATION, "depth": 50},
        control={"table": "noise_autocorrelation", "noise": "brown"},
        confound=NORM,
    )
    tables = {
        "gradient_autocorrelation": pd.DataFrame({**CORRELATION, "depth": 50, "beta": np.nan, **rows}),
        "noise_autocorrelation": pd.DataFrame({"noise": "brown", **rows}),
        "gradient_correlation": gradient_correlation(),
    }
    np.testing.assert_equal(confounds(entry, **tables), [50, np.nan])


def test_an_undefined_confound_is_not_averaged_away():
    rows = gradient_correlation(gradient_norm=lambda rows: rows["seed"].where(rows["seed"] > 0, np.nan))
    row = verdict(correlation_claim(confound=NORM), gradient_correlation=rows)
    assert np.isnan(row["treatment_confound"])
    assert row["estimate"] == 0.5


def test_an_unknown_scale_is_refused():
    with pytest.raises(ValueError, match=r"^scale is 'large'; allowed: smoke, default, paper$"):
        judge([], {}, "large")


def test_verdicts_do_not_depend_on_the_other_claims():
    tables = {"training": training(LOSSES)}
    alone = judge([mean_claim()], tables, "default")
    after = judge([mean_claim(id="another", holds_if={"above": 0}), mean_claim()], tables, "default")
    pd.testing.assert_frame_equal(alone, after.iloc[1:].reset_index(drop=True))


def ends_at(values, confidence) -> tuple[float, float]:
    _, low, high = studentised_interval(values, confidence=confidence)
    return low, high


def judged(entries, table) -> pd.DataFrame:
    check_claims(entries)
    return judge(entries, {"training": table}, "default").set_index("claim")


def above(name, bound, question="why") -> dict:
    """A claim of a question that the plain network's loss lies above a bound."""
    return mean_claim(id=name, kind="question", question=question, holds_if={"above": bound})


CERTAIN, HOPELESS = 0.5, 1.2
ONE_OF = {tests: ends_at(LOSSES, 1 - 0.05 / tests)[0] for tests in (1, 2, 3, 4)}
ALMOST = {tests: (ONE_OF[tests] + ONE_OF[tests + 1]) / 2 for tests in (1, 2, 3)}
"""Bounds that the interval of one of so many tests clears, and that of one of more does not."""


def test_the_claims_of_a_question_share_the_chance_of_a_wrong_verdict():
    """Alone, the second would be reproduced."""
    found = judged([above("first", HOPELESS), above("second", ALMOST[1])], training(LOSSES))
    assert found["confidence"].tolist() == [0.975] * 2
    assert found["verdict"].tolist() == ["inconclusive"] * 2
    assert tuple(found.loc["second", ["low", "high"]]) == pytest.approx(ends_at(LOSSES, 0.975))
    alone = judged([above("second", ALMOST[1])], training(LOSSES)).loc["second"]
    assert (alone["confidence"], alone["verdict"]) == (0.95, "reproduced")
    assert (alone["low"], alone["high"]) == pytest.approx(ends_at(LOSSES, 0.95))


@pytest.mark.parametrize("decided", [{"above": CERTAIN}, {"below": CERTAIN}])
def test_a_claim_is_tried_again_once_another_is_decided(decided):
    """Whichever way the other is decided; it keeps the confidence at which it was."""
    entries = [above("second", ALMOST[1]), above("first", 0) | {"holds_if": decided}]
    found = judged(entries, training(LOSSES))
    assert found["confidence"].tolist() == [0.95, 0.975]
    assert found.loc["second", "verdict"] == "reproduced"
    assert found.loc["first", "verdict"] == ("reproduced" if "above" in decided else "not reproduced")


def test_holms_steps_follow_each_other_until_none_is_decided():
    bounds = {"third": ALMOST[2], "hopeless": HOPELESS, "second": ALMOST[3], "first": CERTAIN}
    found = judged([above(*pair) for pair in bounds.items()], training(LOSSES))
    expected = {"first": 4, "second": 3, "third": 2, "hopeless": 1}
    for name, tests in expected.items():
        assert found.loc[name, "confidence"] == pytest.approx(1 - 0.05 / tests)
        assert found.loc[name, "verdict"] == ("inconclusive" if name == "hopeless" else "reproduced")
        assert found.loc[name, "low"] == pytest.approx(ONE_OF[tests])
    assert [*found.index] == [*bounds]


def test_claims_decided_at_one_step_are_all_of_that_step():
    found = judged([above("first", CERTAIN), above("second", CERTAIN), above("third", 1.1)], training(LOSSES))
    assert found["confidence"].tolist() == pytest.approx([1 - 0.05 / 3, 1 - 0.05 / 3, 0.95])


def test_a_claim_that_cannot_be_decided_counts_among_its_questions():
    """It has no rows, or too few seeds."""
    missing = mean_claim(
        id="first",
        kind="question",
        question="why",
        select={"network": "crelu", "quantity": "train_loss"},
    )
    few = above("first", CERTAIN) | {"seeds": 6}
    for other in (missing, few):
        found = judged([other, above("second", ALMOST[1])], training(LOSSES))
        assert found["confidence"].tolist() == [0.975] * 2
        assert found["verdict"].tolist() == ["inconclusive"] * 2


def test_other_questions_and_kinds_take_no_part():
    entries = [
        above("mine", ALMOST[1]),
        above("other", HOPELESS, question="how"),
        mean_claim(id="paper", holds_if={"above": ALMOST[1]}),
        mean_claim(id="check", kind="check", holds_if={"above": ALMOST[1]}),
    ]
    found = judged(entries, training(LOSSES))
    assert found["confidence"].tolist() == [0.95] * 4
    assert found["verdict"].tolist() == ["reproduced", "inconclusive", "reproduced", "reproduced"]
    assert found["question"].tolist() == ["why", "how", "none", "none"]
    assert found["kind"].tolist() == ["question", "question", "paper", "check"]


def test_a_question_of_true_nulls_is_wrong_in_one_of_twenty():
    """Four losses whose mean is 0, each claimed to lie above 0, so that any decision is wrong.

    Holm's procedure decides at least one in 5 % of experiments, four tests of their own in
    1 - 0.95^4 = 18.5 %. 500 experiments of 20 seeds: three standard errors are 0.03 and 0.05.
    """
    wrong = []
    for experiment in range(500):
        losses = np.random.default_rng(experiment).standard_normal((4, 20))
        tests = {str(place): true_null(values) for place, values in enumerate(losses)}
        apart = [_holm({name: test})[name] for name, test in tests.items()]
        wrong.append([decided(_holm(tests).values()), decided(apart)])
    together, apart = np.mean(wrong, axis=0)
    assert together == pytest.approx(0.05, abs=0.03)
    assert apart == pytest.approx(0.185, abs=0.05)


def true_null(values) -> _Test:
    def interval(confidence: float) -> Interval:
        return studentised_interval(values, confidence=confidence, resamples=799)

    return _Test(interval, pd.Interval(0, np.inf, closed="right"), len(values), sufficient=True)


def decided(decisions) -> bool:
    return any(decision.verdict != "inconclusive" for decision in decisions)
