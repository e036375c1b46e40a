"""What a run consists of, derived from what studies and figures declare."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from movingtarget.claims.claim import SCALES
from movingtarget.data.catalogue import DATASETS, FILES
from movingtarget.declarations import figures, schemas, studies
from movingtarget.estimators import ESTIMATORS
from movingtarget.families import FAMILIES
from movingtarget.figure import filled_caption
from movingtarget.methods import METHODS
from movingtarget.settings import COUNT, POSITIVE, choice, mapping
from movingtarget.study import Config, Job, Study
from movingtarget.tables import Schema, columns
from movingtarget.update_orders import UPDATE_ORDERS
from movingtarget_workflow.device import DEVICES
from movingtarget_workflow.places import REFERENCES
from movingtarget_workflow.sources import PROJECT, code_digest, digest_of_text, sources

STUDIES = studies()
FIGURES = figures()
TABLES = [table for table in schemas() if table not in REFERENCES]
DATA_FILES = FILES
PARAMETERS = ("study", "settings", "made_of", "dataset", "published", "columns", "device", "modules", "code")
SCRIPTS = PROJECT / "workflow/scripts"
FIRST = 100
"""The priority of jobs that others wait for or that take moments; figures have less, and all others none."""


def config_schema() -> dict[str, Any]:
    """The JSON schema of a run's settings: the run's own, and a section for each study that has any."""
    own = {
        "scale": choice(*SCALES),
        "results": {"type": "string", "minLength": 1},
        "data_folder": {"type": ["string", "null"]},
        "tables_from": {"type": ["string", "null"]},
        "dataset": choice(*DATASETS),
        "device": choice(*DEVICES),
        "locoprop": mapping({"iterations": COUNT, "gamma": POSITIVE}),
    }
    sections = {name: mapping(study.settings) for name, study in STUDIES.items() if study.settings}
    return {"title": "config", **mapping({**own, **sections})}


def jobs_of(study: str, config: Config) -> dict[str, Job]:
    """A study's jobs by name; a single one that makes whole tables has none."""
    return {job.name: job for job in STUDIES[study].jobs(config)}


def parts(config: Config) -> dict[str, list[str]]:
    """The names of its parts for each table that is made in parts."""
    names = {name: [*jobs_of(name, config)] for name, study in STUDIES.items() if not study.apart}
    return {table: parts for name, parts in names.items() if parts != [""] for table in STUDIES[name].tables}


def parameters(name: str, job_name: str, config: Config) -> dict[str, Any]:
    """All that decides a job's result beside the content of its inputs, and what to call its study with."""
    study, job = STUDIES[name], jobs_of(name, config)[job_name]
    modules, dataset = modules_of(name, job), dataset_of(study, config)
    return {
        "study": name,
        "settings": _plain(job.settings),
        "made_of": _plain(made_of(job)),
        "dataset": dataset,
        "published": dict(DATASETS[dataset].sha256) if dataset else None,
        "columns": {table: _kinds(schema) for table, schema in study.tables.items()},
        "device": config["device"] if study.accelerated else "cpu",
        "modules": modules,
        "code": code("run_study", *modules),
    }


def dataset_of(study: Study, config: Config) -> str | None:
    """The data set that a study needs: none, its own, or the run's."""
    return (study.dataset or config["dataset"]) if study.images else None


def datasets(config: Config) -> list[str]:
    """All that studies need, the run's first."""
    needed = {dataset_of(study, config) for study in STUDIES.values()} - {None, config["dataset"]}
    return [config["dataset"], *sorted(name for name in needed if name)]


def modules_of(study: str, job: Job) -> list[str]:
    """The modules of the library that a job starts from: its study's and those of what its settings name."""
    named = [
        *(FAMILIES[name].builder for name in job.families),
        *(UPDATE_ORDERS[name].rule for name in job.orders),
        *(METHODS[name].rule for name in job.methods),
        *(ESTIMATORS[name].function for name in job.estimators),
    ]
    modules = {name.partition(":")[0].partition(".")[2] for name in named}
    loaded = {"data.load"} if STUDIES[study].images else set()
    return sorted({f"experiments.{study}", "tables"} | modules | loaded)


def parameters_of(name: str, config: Config) -> dict[str, Any]:
    """`parameters` of a study's only job, or functions that give those of a part."""
    if "" in jobs_of(name, config):
        return parameters(name, "", config)

    def parameter(key: str) -> Callable[[Any], Any]:
        return lambda wildcards: parameters(name, wildcards.part, config)[key]

    return {key: parameter(key) for key in PARAMETERS}


def priority(name: str) -> int:
    """FIRST for a study that another one waits for, or that takes moments, else 0."""
    awaited = any(name in needed(other) for other in STUDIES)
    return FIRST if awaited or STUDIES[name].turns_tables else 0


@functools.cache
def needed(name: str) -> list[str]:
    """The studies whose tables or members a study needs.

    >>> needed("autoencoders")
    ['autoencoder_search']
    """
    study = STUDIES[name]
    return [
        other for other, one in STUDIES.items() if other == study.members or {*one.tables} & {*study.reads}
    ]


def cost_names(config: Config) -> list[str]:
    """What each job is called that fetches, makes tables, draws or judges, RULE or RULE/PART."""
    jobs = [
        study.rule if part == "" else f"{study.rule}/{part}"
        for name, study in STUDIES.items()
        if not study.apart
        for part in jobs_of(name, config)
    ]
    return ["fetch_dataset", *jobs, *drawing_rules(), "judge_claims"]


@functools.cache
def code(script: str, *modules: str) -> str:
    """A digest of a script and of the library's modules that it starts from, with all that they import.

    Modules that only declare do not count: what a study takes from them is among its parameters.
    """
    return code_digest(sources(*modules), SCRIPTS / f"{script}.py")


def code_and_names(script: str, *modules: str) -> str:
    """The same for scripts that take titles and looks from modules that declare: those count as well."""
    return code_digest(sources(*modules, but=frozenset()), SCRIPTS / f"{script}.py")


def code_of_figures(rule: str) -> dict[str, str]:
    """A digest of what draws each figure of a chapter."""
    return {
        name: code_and_names("draw_figures", f"figures.{name}", "tables") for name in drawing_rules()[rule]
    }


def schemas_digest() -> str:
    """A digest of the schemas of all tables."""
    return digest_of_text(repr({name: columns(schema) for name, schema in schemas().items()}))


def captions_digest(names: Iterable[str], config: Config) -> str:
    """A digest of figures' captions, filled."""
    return digest_of_text("\n".join(filled_caption(FIGURES[name].caption, config) for name in names))


def tables_of(names: Iterable[str]) -> list[str]:
    """The tables that figures are drawn from, each once."""
    return list(dict.fromkeys(table for name in names for table in FIGURES[name].tables))


def drawing_rules() -> dict[str, list[str]]:
    """The rules that draw figures, a chapter each, and the figures of each."""
    rules: dict[str, list[str]] = {}
    for name, figure in FIGURES.items():
        rules.setdefault(figure.rule, []).append(name)
    return rules


def made_of(job: Job) -> dict[str, Any]:
    """What the families, orders, methods and estimators that a job's settings name are made of."""
    return {
        **{name: FAMILIES[name].made_of for name in job.families},
        **{name: UPDATE_ORDERS[name].made_of for name in job.orders},
        **{name: METHODS[name].made_of for name in job.methods},
        **{name: ESTIMATORS[name].made_of for name in job.estimators},
    }


def _kinds(schema: Schema) -> dict[str, str]:
    """What each column holds; of closed lists only that it is text, so that a new name changes nothing."""
    kinds = {name: column.kind for name, column in columns(schema).items()}
    return {name: kind.__name__ if isinstance(kind, type) else "str" for name, kind in kinds.items()}


def _plain(value: Any) -> Any:
    """The value with plain dicts and lists, as snakemake keeps it with a result."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
