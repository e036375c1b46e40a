"""What a study declares of itself: its tables, its settings, what it needs and its jobs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from movingtarget.tables import Schema
from movingtarget.work import NOTHING, Data, Work

Config = Mapping[str, Any]
"""A run's settings, a section for each study among them."""

Settings = Mapping[str, Any]
"""Arguments of a study's `measure`."""

Say = Callable[[str], None]
"""Takes lines of progress."""

SettingSchema = Mapping[str, Any]
"""A JSON schema of one setting (draft 2020-12)."""


class Job(NamedTuple):
    """One job of a study.

    Attributes:
        name: of the part of each table that it makes, and of its log; empty if it is the only one.
        settings: arguments of the study's `measure`.
        families: the names of those whose networks it builds.
        orders: the names of those whose update rules it uses.
        methods: the names of those that it trains autoencoders by.
        estimators: the names of those of mutual information that it uses.
    """

    name: str
    settings: Mapping[str, Any]
    families: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    estimators: tuple[str, ...] = ()


def no_work(config: Config, settings: Settings, data: Data) -> Work:
    """A job takes no longer than its start, and as much memory as that."""
    return NOTHING


def no_problems(config: Config) -> Iterator[str]:
    """Nothing is wrong with settings that a schema has passed."""
    return iter(())


@dataclass(frozen=True)
class Study:
    """One study: a module of `experiments` states it as STUDY beside its function `measure`.

    `measure` is called with a job's settings and `say`, which takes lines of progress, and with what the
    study needs: `images`, `members` and each table it reads, by name. It returns the tables it makes by name.

    Attributes:
        rule: the workflow's name for its jobs.
        settings: a JSON schema for each key of its section of the config, all required.
        tables: their schemas by name.
        jobs: from the config.
        images: whether it needs the data set.
        dataset: the only one that it is about, if it is not the run's.
        apart: whether it is no part of a whole run but a target of its own, called as its rule. Figures then
            show the table of a run that was kept, results/reference/TABLE.csv.
        members: the study whose trained members it needs, job by job: their parameters by step.
        reads: the tables it needs.
        keeps_members: whether it keeps members for others: `measure` returns tables and members.
        resumable: whether `measure` takes `kept`, what an interrupted job kept last, or None, and `keep`,
            which keeps a state for the next start.
        undisturbed: whether nothing runs beside its jobs, as what they measure is time.
        accelerated: whether its images and members, and what it made kept, may lie on a graphics card: all
            that `measure` makes of them is made there.
        problems: what is wrong with settings that a schema cannot tell, with key, value and what is allowed.
        work: what a job computes, from the config, the job's settings and the size of its data set; what only
            turns tables into others has none to speak of, and is not sent to a cluster.
    """

    rule: str
    settings: Mapping[str, SettingSchema]
    tables: Mapping[str, Schema]
    jobs: Callable[[Config], list[Job]]
    images: bool = False
    dataset: str | None = None
    apart: bool = False
    members: str | None = None
    reads: tuple[str, ...] = ()
    keeps_members: bool = False
    resumable: bool = False
    undisturbed: bool = False
    accelerated: bool = False
    problems: Callable[[Config], Iterator[str]] = no_problems
    work: Callable[[Config, Settings, Data], Work] = no_work

    @property
    def turns_tables(self) -> bool:
        """Whether all it does is to turn tables into others, which takes moments."""
        return self.work is no_work and bool(self.reads) and not self.images and not self.members


def one_job(section: str) -> Callable[[Config], list[Job]]:
    """A single job with all settings of a section."""
    return lambda config: [Job("", config[section])]
