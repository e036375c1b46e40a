"""What each job of a run costs, before it runs: its work, as its study counts it, at rates that runs had."""

import csv
import functools
from collections.abc import Mapping
from typing import NamedTuple

from movingtarget.data.catalogue import DATASETS
from movingtarget.study import Config, Job
from movingtarget.work import Data, Work
from movingtarget_workflow.plan import STUDIES, dataset_of, drawing_rules, jobs_of
from movingtarget_workflow.sources import PROJECT

RATES = PROJECT / "results/reference/rates.csv"
"""Of each study, and of each rule beside them; `fit_costs` makes it."""


class Cost(NamedTuple):
    """Seconds on one core, and the largest resident set in MiB."""

    seconds: float
    memory: float


class Rates(NamedTuple):
    """What a study's work takes.

    Attributes:
        start: seconds before it begins.
        products: seconds for a thousand million multiply-adds.
        elements: seconds for a thousand million numbers written.
        calls: seconds for a million operations.
        memory: MiB before it begins.
        held: MiB for a million numbers held.
    """

    start: float
    products: float = 0.0
    elements: float = 0.0
    calls: float = 0.0
    memory: float = 0.0
    held: float = 0.0


def expected(name: str, job: Job, config: Config) -> Cost:
    r"""What a study's job costs.

    $$ s = s_0 + r_p P + r_e E + r_c C, \quad m = m_0 + r_h H $$

    with the multiply-adds P, the numbers written E, the operations C and the numbers held H that the study
    counts as the job's work, and rates r of the study.

    Args:
        name: the study's.
        job: one of its jobs.
        config: the run's settings.
    """
    return cost_of(work_of(name, job, config), rates()[STUDIES[name].rule])


def work_of(name: str, job: Job, config: Config) -> Work:
    """What a study's job computes, its data set's loading included."""
    study = STUDIES[name]
    dataset = DATASETS[dataset_of(study, config) or config["dataset"]]
    data = Data(dataset.side**2, dataset.classes, dataset.training_images, dataset.test_images)
    found = study.work(config, job.settings, data)
    loaded = data.pixels * (data.training_images + data.test_images) if study.images else 0
    return found + Work(elements=4 * loaded, held=found.held + 1.3 * loaded)


def cost_of(work: Work, at: Rates) -> Cost:
    """What so much work costs at these rates."""
    seconds = at.start + at.products * work.products / 1e9 + at.elements * work.elements / 1e9
    return Cost(seconds + at.calls * work.calls / 1e6, at.memory + at.held * work.held / 1e6)


def costs_of_run(config: Config) -> dict[str, Cost]:
    """Of every job of a run that has a rate, by its name, RULE or RULE/PART."""
    costs = {
        f"{study.rule}/{part}".rstrip("/"): expected(name, job, config)
        for name, study in STUDIES.items()
        for part, job in jobs_of(name, config).items()
    }
    beside = ["fetch_dataset", *drawing_rules(), "judge_claims"]
    return costs | {rule: cost_of(Work(), rates()[rule]) for rule in beside}


@functools.cache
def rates() -> Mapping[str, Rates]:
    """Rates by rule."""
    with RATES.open(encoding="utf-8", newline="") as lines:
        return {
            row.pop("rule"): Rates(**{key: float(value) for key, value in row.items()})
            for row in csv.DictReader(lines)
        }
