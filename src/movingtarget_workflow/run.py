"""Before a run: its settings are right, its results folder can be written, and no other run is in it."""

import fcntl
import getpass
import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import jinja2
import yaml

from movingtarget.claims.check import check_claims
from movingtarget.data.catalogue import DATASETS
from movingtarget.declarations import figures, schemas, studies
from movingtarget.figure import filled_caption
from movingtarget.names import unknown
from movingtarget_workflow import cluster
from movingtarget_workflow.device import device_of
from movingtarget_workflow.digests import altered
from movingtarget_workflow.interruption import interrupt_jobs
from movingtarget_workflow.plan import TABLES, config_schema
from movingtarget_workflow.record import OF_THE_PLACE, settings_of
from movingtarget_workflow.reference import check_kept, kept_settings
from movingtarget_workflow.settings import SettingsError, check_count, check_keys, checked, read_yaml
from movingtarget_workflow.sources import PROJECT, digest, digest_of_text

CLAIMS = Path("config/claims.yaml")
CLAIMS_SCHEMA = PROJECT / "workflow/schemas/claims.schema.yaml"
A_BLOCK = 4096
"""Bytes, of a disk."""

_held: list[int] = []


def check_run(config: dict[str, Any], files: Iterable[str | Path] = ()) -> None:
    """Stop with one clear line unless settings and results folder are in order.

    Where the tables are those of a run that was kept, its settings take the place of the run's own. The
    results folder's path is written as snakemake writes paths, without ~ or a stroke at its end. An empty
    `data_folder` is filled from the environment variable MOVINGTARGET_DATA.

    Args:
        config: the merged settings; changed in place.
        files: that they were read from.
    """
    try:
        for file in files:
            check_keys(Path(os.path.relpath(file)))
        checked(config, config_schema())
        if config["tables_from"]:
            _take_kept_settings(config)
        for problem in _problems(config):
            raise SettingsError(problem)
        config["results"] = os.path.normpath(Path(config["results"]).expanduser())
        _check_writable(Path(config["results"]))
    except (ValueError, OSError, yaml.YAMLError) as error:
        _stop(error)
    config["data_folder"] = config["data_folder"] or os.environ.get("MOVINGTARGET_DATA") or None


def check_counts(**counts: int | None) -> None:
    """Stop with one clear line unless what snakemake is told to use is at least one: its cores and jobs."""
    try:
        for name, count in counts.items():
            check_count(name, count)
    except SettingsError as error:
        _stop(error)


def check_claims_and_figures(config: Mapping[str, Any]) -> None:
    """Stop with one clear line unless what is registered is in order."""
    try:
        claims_of()
        _check_figures(config)
    except (ValueError, OSError, yaml.YAMLError) as error:
        _stop(error)


def claims_of(path: Path = CLAIMS) -> list[dict[str, Any]]:
    """The registered claims, checked."""
    claims: list[dict[str, Any]] = checked(read_yaml(path), read_yaml(CLAIMS_SCHEMA))
    check_claims(claims)
    return claims


def claims_digest() -> str:
    """A digest of the registered claims."""
    return digest([CLAIMS, CLAIMS_SCHEMA])


def report_digest(config: Mapping[str, Any]) -> str:
    """A digest of what the report is written from beside tables and figures: its text, style and settings."""
    files = sorted(path for path in (PROJECT / "report").rglob("*") if path.is_file())
    return digest_of_text(f"{digest(files)} {json.dumps(settings_of(config), sort_keys=True)}")


def set_environment(project: Path) -> None:
    """What jobs find in their environment.

    The library of this project, whichever is installed. No backend of matplotlib that a notebook has set.
    On systems with glibc, memory that tensors free is kept, unless the user has set it otherwise: by default
    glibc hands large blocks back and gets them again, zeroed, at every operation: a quarter of the time of
    training. How much memory cuBLAS may use, without which a card's matrix products differ from run to run.
    A name for a user who has but a number, as in containers, which snakemake asks for.
    """
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(project / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    os.environ["MPLBACKEND"] = "agg"
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["USER"] = f"uid-{os.getuid()}"
    for setting in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
        os.environ.setdefault(setting, str(2**33))
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"


def check_device(dag: Any, config: Mapping[str, Any]) -> None:
    """Raise SettingsError if jobs that are to run here are to have a graphics card, and there is none."""
    if config["device"] == "cuda":
        accelerated = {study.rule for study in studies().values() if study.accelerated}
        if any(job.rule.name in accelerated for job in dag.needrun_jobs()):
            device_of("cuda")


def begin(workflow: Any, config: Mapping[str, Any]) -> None:
    """When a run starts: see that jobs find what they ask for, hold and date its folder, calm its scheduler.

    Raises:
        SystemExit: with one line, if the folder is held by another run, this machine has not the device or
            the cluster cannot take a job.
    """
    try:
        if workflow.local_exec:
            check_device(workflow.dag, config)
            calm_scheduler(workflow.scheduler)
        interrupt_jobs(workflow.scheduler)
        cluster.prepare(workflow)
    except SettingsError as error:
        _stop(error)
    hold_lock(config["results"])
    date_back(config["results"])


def calm_scheduler(scheduler: Any) -> None:
    """Have snakemake's scheduler take a turn when a job ends, and not every second as well.

    Its limit of jobs a second starts a timer in each turn that leads to another one, so every job that ends
    adds a chain of turns: by the end of a long run some hundred a second.
    """
    scheduler.job_rate_limiter = None


def command_of(config_files: Sequence[str | Path], config_words: Mapping[str, Any]) -> str:
    """The words that start a run again.

    >>> command_of(["config/smoke.yaml", "my own.yaml"], {"dataset": "digits"})
    "snakemake --cores 2 --configfile config/smoke.yaml 'my own.yaml' --config dataset=digits"
    """
    words = ["snakemake", "--cores", "2"]
    if config_files:
        words += ["--configfile", *(os.path.relpath(path) for path in config_files)]
    if config_words:
        words += ["--config", *(f"{key}={_yaml_word(value)}" for key, value in config_words.items())]
    return shlex.join(words)


def hold_lock(results: str) -> None:
    """Hold the results folder until this process ends, however it ends; stop if another run holds it."""
    try:
        Path(results).mkdir(parents=True, exist_ok=True)
        lock = os.open(Path(results) / ".lock", os.O_CREAT | os.O_RDWR)
    except OSError as error:
        _stop(_unwritable(results, error))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _stop(f"another run is writing to {results}; wait for it to end or stop it")
    except OSError as error:
        _stop(
            f"results is '{results}', where files cannot be locked ({error.strerror}); "
            "allowed: a folder on a disk with locks, lest two runs write at once"
        )
    _held.append(lock)


def date_back(results: str) -> None:
    """Date files that are of a time to come as of now: the clock was ahead, and has been set right since.

    Snakemake ends a run in which an output is older than what it was made from.
    """
    now = time.time()
    for path in Path(results).rglob("*"):
        if path.is_file() and path.stat().st_mtime > now:
            os.utime(path)


def check_outputs(results: str) -> None:
    """Stop with one clear line that names each file that is there and no longer what its job wrote.

    While another run is in the results folder nothing is compared, for its jobs are writing.
    """
    found = [] if _is_held(results) else [*altered(Path(results))]
    if found:
        _stop(
            f"no longer as its job left it: {', '.join(found)}; "
            "delete what is named, and the next start makes it again"
        )


def _is_held(results: str) -> bool:
    """Whether another run is in the results folder."""
    if not (Path(results) / ".lock").exists():
        return False
    with (Path(results) / ".lock").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False  # no locks here: the run is told when it begins
    return False


def _yaml_word(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10**6).removesuffix("\n...\n").strip()


def _take_kept_settings(config: dict[str, Any]) -> None:
    """Put the settings of the run that was kept in the place of the others, but for where things lie."""
    folder = Path(config["tables_from"])
    places = {key: config[key] for key in OF_THE_PLACE}
    check_kept(folder, TABLES)
    try:
        config.update(checked({**kept_settings(folder), **places}, config_schema()))
    except SettingsError as error:
        raise SettingsError(f"{folder}/settings.yaml is not of this code: {error}") from None


def _problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Settings that only make sense together, or with the data set; a schema sees one at a time."""
    for name, study in studies().items():
        for key, schema in study.settings.items():
            yield from _too_many(f"{name}.{key}", config[name][key], schema, config["dataset"])
        yield from study.problems(config)
    for name, study in studies().items():
        if not study.jobs(config):
            trained = study.members or name
            yield f"{trained}.arms leave nothing to do for {name}; allowed: one at least with update_rule sgd"


def _too_many(key: str, value: Any, schema: Mapping[str, Any], dataset: str) -> Iterator[str]:
    """A number of images that the data set has not, wherever it stands within a setting."""
    for name, inner in schema.get("properties", {}).items():
        if name in value:
            yield from _too_many(f"{key}.{name}", value[name], inner, dataset)
    for images in ("training_images", "test_images"):
        there, times = getattr(DATASETS[dataset], images), schema.get(images)
        if times and value * times > there:
            wanted = f", {times} for each" if times > 1 else ""
            yield (
                f"{key} is {value}; allowed: at most {there // times}, for {dataset} has {there} "
                f"{images.replace('_', ' ')}{wanted}"
            )


def _check_figures(config: Mapping[str, Any]) -> None:
    """Every figure is of tables that there are, and its caption of settings that there are."""
    for name, figure in figures().items():
        for table in figure.tables:
            if table not in schemas():
                raise SettingsError(f"figure {name}: {unknown('table', table, schemas())}")
        try:
            filled_caption(figure.caption, config)
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            raise SettingsError(f"figure {name}: its caption cannot be filled: {error}") from None


def _check_writable(results: Path) -> None:
    """Raise SettingsError if nothing can be written there, or where it would be made."""
    try:
        place = next(folder for folder in (results, *results.resolve().parents) if folder.exists())
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(A_BLOCK))  # a full disk still takes empty files
    except OSError as error:
        raise SettingsError(_unwritable(results, error)) from error


def _unwritable(results: Path | str, error: OSError) -> str:
    return (
        f"results is '{results}', where nothing can be written ({error.strerror}); "
        "allowed: a folder that you may write to"
    )


def _stop(reason: str | Exception) -> NoReturn:
    sys.exit(f"Moving Target: {' '.join(str(reason).split())}")
