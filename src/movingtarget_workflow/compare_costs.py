"""Expected costs beside a run's own: python -m movingtarget_workflow.compare_costs writes docs/costs.md."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from snakemake.utils import update_config

from movingtarget.study import Config
from movingtarget_workflow.cost_table import cost_table
from movingtarget_workflow.costs import OTHER, cost_of, costs_of_run, rates
from movingtarget_workflow.fit_costs import Took, took
from movingtarget_workflow.plan import STUDIES, cost_names
from movingtarget_workflow.settings import read_yaml
from movingtarget_workflow.sources import PROJECT

PAGE = PROJECT / "docs/costs.md"
REFERENCE = PROJECT / "results/reference/default"
PART = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- to here -->)", re.DOTALL)
"""What is written anew, and its name."""


COUNTS = ("Products", "Elements", "Calls")


def main() -> None:
    """Write the page's tables anew."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(filled(text, {"compared": compared(took(REFERENCE)), "paper": paper()}), encoding="utf-8")


def filled(text: str, parts: Mapping[str, Iterable[str]]) -> str:
    r"""A text with lines in the place of those of its parts.

    >>> filled("<!-- a -->\nold\n<!-- to here -->", {"a": ["new"]})
    '<!-- a -->\nnew\n<!-- to here -->'
    """
    return PART.sub(lambda part: part[1] + "\n".join([*parts[part[2]], part[3]]), text)


def compared(jobs: Iterable[Took]) -> list[str]:
    """A table with a row for each study: its work, its rate, what is expected and what its jobs took."""
    rules = {study.rule: name for name, study in STUDIES.items()}
    by_study: dict[str, list[Took]] = {}
    for job in jobs:
        if job.rule in rules:
            by_study.setdefault(rules[job.rule], []).append(job)
    head = ["Study", "Jobs", *COUNTS, "Rate", "Expected", "Took", "Factor", "of a job", "of its memory"]
    rows = [_row(name, of_study) for name, of_study in by_study.items()]
    lines = [head, [":--", *["--:"] * (len(head) - 1)], *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _row(name: str, jobs: list[Took]) -> list[str]:
    at = rates()[jobs[0].rule]
    costs = [cost_of(job.work, at) for job in jobs]
    expected, measured = sum(cost.seconds for cost in costs), sum(job.seconds for job in jobs)
    seconds = [cost.seconds / job.seconds for cost, job in zip(costs, jobs, strict=True)]
    memory = [cost.memory / job.memory for cost, job in zip(costs, jobs, strict=True)]
    counts = [
        sum(job.work.products for job in jobs) / 1e9,
        sum(job.work.elements for job in jobs) / 1e9,
        sum(job.work.calls for job in jobs) / 1e6,
    ]
    return [
        name,
        f"{len(jobs)}",
        *map(_short, counts),
        f"{at.products / rates()[OTHER].products:.2f}" if at.products else "",
        f"{expected:.1f} s",
        f"{measured:.1f} s",
        f"{expected / measured:.2f}",
        _ends(seconds),
        _ends(memory),
    ]


def _short(count: float) -> str:
    """Two digits at least; nothing for none."""
    return f"{count:.0f}" if count >= 10 else f"{count:.2g}" if count else ""


def _ends(factors: list[float]) -> str:
    least, most = f"{min(factors):.2f}", f"{max(factors):.2f}"
    return least if least == most else f"{least} to {most}"


def paper() -> list[str]:
    """What a whole run at paper scale would cost, by chapter."""
    config = config_of("paper.yaml")
    planned = dict.fromkeys(cost_names(config), 1)
    return ["```", *cost_table(planned, costs_of_run(config), cores=2), "```"]


def config_of(overlay: str, folder: Path = PROJECT / "config") -> Config:
    """The settings of a run with an overlay."""
    config: dict[str, Any] = read_yaml(folder / "config.yaml")
    update_config(config, read_yaml(folder / overlay))
    return config


if __name__ == "__main__":
    main()
