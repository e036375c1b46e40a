"""Rates from runs: found again where they are known, and one clear line where a run lacks costs."""

from pathlib import Path

import numpy as np
import pytest

from movingtarget.work import NOTHING, Work
from movingtarget_workflow.costs import OTHER, Rates, cost_of
from movingtarget_workflow.fit_costs import Took, fitted, main, measured, took, write
from movingtarget_workflow.settings import SettingsError

TRUE = {
    "fast": Rates(1.5, 0.01, 0.2, 5.0, 250.0, 4.0),
    "slow": Rates(2.0, 0.02, 0.4, 10.0, 300.0, 4.0),
}


def jobs(noise: float) -> list[Took]:
    source = np.random.default_rng(0)
    found = []
    for rule, at in TRUE.items():
        for scale in (1e-3, 0.3, 1.0, 3.0) * 5:
            counts = scale * source.lognormal(size=4) * [1e12, 1e11, 1e6, 1e8]
            cost = cost_of(work := Work(*counts), at)
            seconds, memory = np.array(cost) * np.exp(noise * source.standard_normal(2))
            found.append(Took(rule, work, float(seconds), float(memory)))
    return found


@pytest.mark.parametrize(("noise", "within"), [(0.0, 0.15), (0.1, 0.3)])
def test_what_more_of_the_work_costs_is_found_again(noise: float, within: float):
    rates, more = fitted(jobs(noise)), Work(5e12, 5e11, 5e6, 5e8)
    for rule, at in TRUE.items():
        for told, true in zip(cost_of(more, rates[rule]), cost_of(more, at), strict=True):
            assert told == pytest.approx(true, rel=within)


def test_a_run_of_other_code_is_said_in_a_line(tmp_path: Path):
    (tmp_path / "settings.yaml").write_text("scale: default\n", encoding="utf-8")
    (tmp_path / "costs.csv").write_text("job,seconds,memory\n", encoding="utf-8")
    with pytest.raises(
        SettingsError, match=r"settings\.yaml lacks '\w+'; allowed: the settings of a run of this"
    ):
        list(took(tmp_path))


def test_rules_without_work_cost_what_they_took_at_most():
    beside = [Took("judge", NOTHING, 4.0, 200.0), Took("judge", NOTHING, 2.0, 100.0)]
    assert fitted([*jobs(0.0), *beside])["judge"] == Rates(4.0, memory=200.0)


def test_studies_that_did_not_run_have_the_usual_rates():
    rates = fitted(jobs(0.0))
    assert rates["measure_textbook"] == rates[OTHER]
    assert 0.01 <= rates[OTHER].products <= 0.02


def test_a_table_of_rates_is_written_with_three_digits(tmp_path: Path):
    write({"b": Rates(1.23456), "a": Rates(2.0, 0.1)}, tmp_path / "rates.csv")
    assert (tmp_path / "rates.csv").read_text(encoding="utf-8").splitlines() == [
        "rule,start,products,elements,calls,memory,held",
        "a,2,0.1,0,0,0,0",
        "b,1.23,0,0,0,0,0",
    ]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("train/a,,12", "seconds of train/a is missing"),
        ("train/a,nan,12", "seconds of train/a is nan"),
        ("train/a,2.0,", "memory of train/a is missing"),
        ("train/a,0,12", "seconds of train/a is 0"),
        ("train/a,long,12", "seconds of train/a is long"),
    ],
)
def test_costs_that_are_none_are_told_in_a_line(row: str, told: str, tmp_path: Path):
    table = tmp_path / "costs.csv"
    table.write_text(f"job,seconds,memory\n{row}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=told) as error:
        measured(table)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_run_stops_with_a_line(tmp_path: Path):
    with pytest.raises(SystemExit, match=r"Moving Target: there is no file .*settings\.yaml"):
        main([str(tmp_path)])
    (tmp_path / "settings.yaml").write_text("scale: smoke\n", encoding="utf-8")
    with pytest.raises(
        SystemExit, match=r"Moving Target: there is no .*costs\.csv; allowed: the folder of a"
    ):
        main([str(tmp_path)])


def test_no_folder_stops_with_a_line():
    with pytest.raises(SystemExit, match=r"^Moving Target: no folders are named; allowed: "):
        main([])
