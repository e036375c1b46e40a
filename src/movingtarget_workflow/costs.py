"""What each job of a run costs, before it runs: its work, as its study counts it, at rates that runs had."""

import csv
import functools
import os
from collections.abc import Mapping
from typing import NamedTuple

from movingtarget.data.catalogue import DATASETS
from movingtarget.study import Config, Job
from movingtarget.work import NOTHING, Data, Work
from movingtarget_workflow.plan import STUDIES, dataset_of, datasets, drawing_rules, jobs_of, parts
from movingtarget_workflow.settings import SettingsError
from movingtarget_workflow.sources import PROJECT
from movingtarget_workflow.time_left import SECONDS_BESIDE

RATES = PROJECT / "results/reference/rates.csv"
"""Of each study, and of each rule beside them; `fit_costs` makes it."""

MADE_BY = "python -m movingtarget_workflow.fit_costs FOLDER..."

OTHER = "(other)"
"""In the place of a rule's name: the rates of studies that have none yet."""


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
    return cost_of(work_of(name, job, config), rates().get(STUDIES[name].rule, rates()[OTHER]))


def work_of(name: str, job: Job, config: Config) -> Work:
    """What a study's job computes, its data set's loading included."""
    study = STUDIES[name]
    dataset = DATASETS[dataset_of(study, config) or config["dataset"]]
    data = Data(dataset.pixels, dataset.classes, dataset.training_images, dataset.test_images)
    found = study.work(config, job.settings, data)
    loaded = data.pixels * (data.training_images + data.test_images) if study.images else 0
    return found + Work(elements=4 * loaded, held=found.held + 1.3 * loaded)


def cost_of(work: Work, at: Rates) -> Cost:
    """What so much work costs at these rates."""
    seconds = at.start + at.products * work.products / 1e9 + at.elements * work.elements / 1e9
    return Cost(seconds + at.calls * work.calls / 1e6, at.memory + at.held * work.held / 1e6)


def costs_of_run(config: Config) -> dict[str, Cost]:
    """Of every job of a run, by its name, RULE or RULE/PART."""
    costs = {
        f"{study.rule}/{part}".rstrip("/"): expected(name, job, config)
        for name, study in STUDIES.items()
        for part, job in jobs_of(name, config).items()
    }
    _, *others = datasets(config)
    costs |= {f"fetch_{name.replace('-', '_')}": _beside("fetch_dataset") for name in others}
    costs |= {rule: _beside(rule) for rule in ("fetch_dataset", *drawing_rules(), "judge_claims")}
    memory = costs["judge_claims"].memory
    served = [
        "take_reference",
        "record_run",
        "write_report",
        *(f"gather_parts/{table}" for table in parts(config)),
    ]
    return costs | {job: Cost(SECONDS_BESIDE[job.partition("/")[0]], memory) for job in served}


def _beside(rule: str) -> Cost:
    """What a rule without work has cost."""
    return cost_of(NOTHING, rates().get(rule, rates()[OTHER]))


@functools.cache
def rates() -> Mapping[str, Rates]:
    """Rates by rule; SettingsError, which tells what makes them, if they are not there."""
    try:
        with RATES.open(encoding="utf-8", newline="") as lines:
            rows = [*csv.DictReader(lines)]
        found = {row.pop("rule"): Rates(**{key: float(row[key]) for key in Rates._fields}) for row in rows}
        return {OTHER: found[OTHER]} | found
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise SettingsError(
            f"{os.path.relpath(RATES)} is not whole ({error}); `{MADE_BY}` makes it anew"
        ) from None
