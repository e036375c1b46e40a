"""What jobs cost, beforehand: grows with what they do, and is what the reference run took."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from movingtarget.declarations import studies
from movingtarget.experiments import update_orders
from movingtarget.training import budgets
from movingtarget.work import NOTHING, Data, Work
from movingtarget_workflow import costs, fit_costs
from movingtarget_workflow.compare_costs import REFERENCE, config_of
from movingtarget_workflow.costs import OTHER, Rates, cost_of, costs_of_run, expected, rates, work_of
from movingtarget_workflow.plan import cost_names, jobs_of
from movingtarget_workflow.settings import SettingsError

DATA = Data(pixels=784, classes=10, training_images=60_000, test_images=10_000)
TABLES_ALONE = {"autoencoder_comparison", "autoencoder_search", "learning_speed", "update_order_comparison"}
ONE_SEED = {"autoencoder_times", "locoprop_released"}
IN_STEP = {"linear_chain"}
"""Studies whose few numbers take no longer for more seeds."""
SIZES = (
    *("epochs", "steps", "hidden_width", "width", "sweeps", "points", "trials", "passes", "harm_steps"),
    *("repetitions", "inputs", "tuning_epochs"),
)
"""Keys of numbers that more of means more to do."""


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return dict(config_of("mnist.yaml"))


def usual_seconds(name: str, config: Any) -> float:
    """What all jobs of a study take at usual rates, beside their start and the loading of data."""
    jobs = jobs_of(name, config).values()
    return sum(seconds_of(studies()[name].work(config, job.settings, DATA)) for job in jobs)


def seconds_of(work: Work) -> float:
    return cost_of(work, rates()[OTHER]._replace(start=0.0)).seconds


@pytest.mark.parametrize("name", [name for name in studies() if name not in TABLES_ALONE])
def test_every_study_counts_its_work(name: str, config):
    assert not studies()[name].turns_tables
    for job in jobs_of(name, config).values():
        work = work_of(name, job, config)
        assert all(0 <= count < math.inf for count in vars(work).values())
        assert work != NOTHING
        assert expected(name, job, config).seconds > rates()[studies()[name].rule].start


def test_images_are_loaded_by_those_who_use_them(config):
    """As bytes and, normalised, as numbers of four."""
    pixels = DATA.pixels * (DATA.training_images + DATA.test_images)
    for name, study in studies().items():
        for job in jobs_of(name, config).values():
            alone, whole = study.work(config, job.settings, DATA), work_of(name, job, config)
            assert whole.elements >= alone.elements + 2 * pixels * study.images
            assert 1.2 * study.images <= (whole.held - alone.held) / pixels <= 1.5 * study.images


@pytest.mark.parametrize("name", sorted(TABLES_ALONE))
def test_what_turns_tables_into_others_has_no_work(name: str, config):
    assert studies()[name].turns_tables
    (job,) = jobs_of(name, config).values()
    assert work_of(name, job, config) == NOTHING


@pytest.mark.parametrize(
    "name", [name for name in studies() if name not in TABLES_ALONE | ONE_SEED | IN_STEP]
)
def test_twice_the_seeds_are_about_twice_the_work(name: str, config):
    doubled = with_seeds_doubled(config)
    assert 1.3 < usual_seconds(name, doubled) / usual_seconds(name, config) < 2.05


def with_seeds_doubled(settings: Any) -> Any:
    """The settings with as many other seeds beside each list of them."""
    if not isinstance(settings, dict):
        return settings
    return {
        key: [*value, *(seed + 1000 for seed in value)]
        if key.endswith("seeds")
        else with_seeds_doubled(value)
        for key, value in settings.items()
    }


def sized() -> Iterator[tuple[str, str]]:
    """Studies, and the keys of their jobs' settings that are such numbers."""
    for name in studies():
        jobs = jobs_of(name, config_of("mnist.yaml")).values()
        keys = [key for key in SIZES if any(isinstance(job.settings.get(key), int) for job in jobs)]
        yield from ((name, key) for key in keys)


@pytest.mark.parametrize(("name", "key"), sorted(sized()))
def test_work_grows_with_what_a_job_is_told_to_do(name: str, key: str, config):
    given = [job.settings for job in jobs_of(name, config).values()]

    def seconds(times: int) -> float:
        changed = ({**settings, key: times * settings[key]} for settings in given)
        return sum(seconds_of(studies()[name].work(config, settings, DATA)) for settings in changed)

    assert 1.01 < seconds(2) / seconds(1) < 8


def test_every_rule_has_rates():
    assert {study.rule for study in studies().values()} <= {*rates()}
    assert {took.rule for took in fit_costs.took(REFERENCE)} <= {*rates()}
    assert all(0 <= number < math.inf for of_rule in rates().values() for number in of_rule)


def of_studies() -> dict[str, list[fit_costs.Took]]:
    rules = {study.rule for study in studies().values()}
    found: dict[str, list[fit_costs.Took]] = {}
    for job in fit_costs.took(REFERENCE):
        if job.rule in rules:
            found.setdefault(job.rule, []).append(job)
    return found


@pytest.mark.parametrize("rule", of_studies())
def test_the_reference_run_took_what_is_expected(rule: str):
    jobs = of_studies()[rule]
    told = [cost_of(job.work, rates()[rule]) for job in jobs]
    assert 1 / 1.5 < sum(cost.seconds for cost in told) / sum(job.seconds for job in jobs) < 1.5
    for cost, job in zip(told, jobs, strict=True):
        assert 0.5 < cost.seconds / job.seconds < 2
        assert 0.5 < cost.memory / job.memory < 2


@pytest.mark.parametrize("overlay", ["smoke.yaml", "paper.yaml", "mnist.yaml"])
def test_every_job_of_a_run_has_a_cost(overlay: str):
    config = config_of(overlay)
    found = costs_of_run(config)
    assert {*cost_names(config)} <= {*found}
    assert {"write_report", "record_run", "gather_parts/training"} <= {*found}
    fetched = {name for name in found if name.startswith("fetch_")}
    assert fetched == {"fetch_dataset"} | ({"fetch_mnist"} if overlay != "mnist.yaml" else set())
    assert all(0 < number < math.inf for cost in found.values() for number in cost)


def test_no_job_at_paper_scale_is_expected_to_take_six_hours():
    """As README and CONTRIBUTING say."""
    assert max(cost.seconds for cost in costs_of_run(config_of("paper.yaml")).values()) < 6 * 3600


def test_a_study_without_rates_has_the_usual_ones(config, monkeypatch: pytest.MonkeyPatch):
    (job,) = jobs_of("looks_linear", config).values()
    monkeypatch.setattr(costs, "rates", lambda: {OTHER: Rates(start=3.0, memory=100.0)})
    assert expected("looks_linear", job, config) == (3.0, 100.0)


def test_a_table_of_rates_that_is_not_whole_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(costs, "RATES", tmp_path / "rates.csv")
    for text in (
        "rule,start\nmeasure_textbook,1\n",
        "rule,start\n",
        "rule," + ",".join(Rates._fields) + "\na,b\n",
    ):
        (tmp_path / "rates.csv").write_text(text, encoding="utf-8")
        costs.rates.cache_clear()
        with pytest.raises(
            SettingsError, match=r"rates\.csv is not whole .*fit_costs FOLDER\.\.\.` makes it anew"
        ) as told:
            rates()
        assert "\n" not in str(told.value)
    costs.rates.cache_clear()


def test_budgets_are_left_out_alike():
    assert update_orders.LONGEST == budgets.LONGEST


def test_a_chapter_that_no_run_has_drawn_yet_takes_what_is_usual(config, monkeypatch):
    monkeypatch.setattr("movingtarget_workflow.costs.drawing_rules", lambda: {"draw_new": []})
    assert costs_of_run(config)["draw_new"].seconds == rates()[OTHER].start
