"""Expected costs beside a run's own: python -m movingtarget_workflow.compare_costs writes them into pages."""

import math
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from snakemake.utils import update_config

from movingtarget.study import Config
from movingtarget_workflow.costs import OTHER, Cost, cost_of, rates
from movingtarget_workflow.fit_costs import Took, took
from movingtarget_workflow.plan import STUDIES
from movingtarget_workflow.settings import read_yaml
from movingtarget_workflow.sources import PROJECT
from movingtarget_workflow.terminal import COSTS

PAGES = (PROJECT / "CONTRIBUTING.md", PROJECT / "docs/costs.md")
REFERENCE = PROJECT / "results/reference/default"
PART = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- to here -->)", re.DOTALL)
"""What is written anew, and its name."""

COUNTS = ("Products", "Elements", "Calls")
PAPER = "snakemake --cores 2 --dry-run --quiet rules --configfile config/paper.yaml"


def main() -> None:
    """Write the tables of the pages anew."""
    new = parts()
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8"), new), encoding="utf-8")


def parts() -> dict[str, list[str]]:
    """Lines of each part of a page, by its name."""
    found = by_study(took(REFERENCE))
    return {"sentence": [sentence(found)], "compared": compared(found), "paper": paper()}


def filled(text: str, parts: Mapping[str, Iterable[str]]) -> str:
    r"""A text with lines in the place of those of its parts.

    >>> filled("<!-- a -->\nold\n<!-- to here -->", {"a": ["new"]})
    '<!-- a -->\nnew\n<!-- to here -->'
    """
    return PART.sub(lambda part: part[1] + "\n".join([*parts[part[2]], part[3]]), text)


def by_study(jobs: Iterable[Took]) -> dict[str, list[Took]]:
    """What jobs of studies took, by study."""
    rules = {study.rule: name for name, study in STUDIES.items()}
    found: dict[str, list[Took]] = {}
    for job in jobs:
        if job.rule in rules:
            found.setdefault(rules[job.rule], []).append(job)
    return found


def sentence(found: Mapping[str, list[Took]]) -> str:
    """How many studies and jobs of the reference run are told how well."""
    whole = [_of_all(jobs) for jobs in found.values()]
    seconds, memory = zip(*(_factors(job) for jobs in found.values() for job in jobs), strict=True)
    usual = [rate for jobs in found.values() if (rate := _rate(jobs[0].rule))]
    return (
        f"Of {len(whole)} studies of the reference run {_within(whole, 1.5)} took what is expected within a "
        f"factor of 1.5, the furthest off being {_furthest(whole):.2f}. Of their {len(seconds)} jobs "
        f"{_within(seconds, 1.5)} did, {_within(seconds, 2)} within 2, and {_within(memory, 1.5)} needed as "
        f"much memory within 1.5. A study has seen itself there. {len(whole) - len(usual)} studies only turn "
        f"tables into others; of the other {len(usual)}, {_within(usual, 1.5)} would be told within 1.5 at "
        f"the usual rates in place of their own, and {_within(usual, 2)} within 2: so much the counts tell "
        "alone."
    )


def compared(found: Mapping[str, list[Took]]) -> list[str]:
    """A table with a row for each study: its work, its rate, what is expected and what its jobs took."""
    head = ["Study", "Jobs", *COUNTS, "Rate", "Expected", "Took", "Factor", "of a job", "of its memory"]
    rows = [_row(name, jobs) for name, jobs in found.items()]
    lines = [head, [":--", *["--:"] * (len(head) - 1)], *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _of_all(jobs: Sequence[Took]) -> float:
    """Expected seconds of jobs over what they took together."""
    return sum(_told(job).seconds for job in jobs) / sum(job.seconds for job in jobs)


def _factors(job: Took) -> tuple[float, float]:
    """Expected seconds and memory over what a job took."""
    told = _told(job)
    return told.seconds / job.seconds, told.memory / job.memory


def _told(job: Took) -> Cost:
    return cost_of(job.work, rates()[job.rule])


def _rate(rule: str) -> float:
    """How many times as long as usual the work of a rule takes; 0 without work."""
    return rates()[rule].products / rates()[OTHER].products


def _within(factors: Sequence[float], limit: float) -> int:
    return sum(1 / limit < factor < limit for factor in factors)


def _furthest(factors: Sequence[float]) -> float:
    return max(factors, key=lambda factor: abs(math.log(factor)))


def _row(name: str, jobs: Sequence[Took]) -> list[str]:
    works, rate = [job.work for job in jobs], _rate(jobs[0].rule)
    seconds, memory = zip(*map(_factors, jobs), strict=True)
    return [
        name,
        f"{len(jobs)}",
        _short(sum(work.products for work in works) / 1e9),
        _short(sum(work.elements for work in works) / 1e9),
        _short(sum(work.calls for work in works) / 1e6),
        f"{rate:.2f}" if rate else "",
        f"{sum(_told(job).seconds for job in jobs):.1f} s",
        f"{sum(job.seconds for job in jobs):.1f} s",
        f"{_of_all(jobs):.2f}",
        _ends(seconds),
        _ends(memory),
    ]


def _short(count: float) -> str:
    """Two digits at least; nothing for none."""
    return f"{count:.0f}" if count >= 10 else f"{count:.2g}" if count else ""


def _ends(factors: Sequence[float]) -> str:
    least, most = f"{min(factors):.2f}", f"{max(factors):.2f}"
    return least if least == most else f"{least} to {most}"


def paper() -> list[str]:
    """What a dry run says that a whole one at paper scale would cost."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", *PAPER.split(), "--config", f"results={folder}/results"]
        said = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    return ["```", f"$ {PAPER}", *said.split(f"{COSTS}\n")[1].splitlines(), "```"]


def config_of(overlay: str, folder: Path = PROJECT / "config") -> Config:
    """The settings of a run with an overlay."""
    config: dict[str, Any] = read_yaml(folder / "config.yaml")
    update_config(config, read_yaml(folder / overlay))
    return config


if __name__ == "__main__":
    main()
