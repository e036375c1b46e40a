"""What a finished run says of itself: its settings, what each job cost, and when and on what it was made."""

import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from movingtarget.tables import MEASURED, Schema, follows
from movingtarget_workflow.device import device_name
from movingtarget_workflow.version import code_version

if TYPE_CHECKING:
    import pandas as pd

OF_THE_PLACE = ("results", "data_folder", "tables_from", "device")
"""Settings that say where things lie and are computed, and not what a run is."""

PACKAGES = ("torch", "numpy", "scipy", "pandas", "scikit-learn", "matplotlib", "snakemake")

COSTS: Schema = {
    "job": str,
    "rule": follows(str),
    "seconds": MEASURED,
    "memory": MEASURED,
}
"""The schema of the table costs: a job is RULE or RULE/PART, its memory the largest resident set in MiB."""


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """All that decides a run's results: its settings, but for where things lie and are computed."""
    return {key: value for key, value in config.items() if key not in OF_THE_PLACE}


def as_yaml(values: Mapping[str, Any]) -> str:
    """Settings or a record as a file holds them, in the order given."""
    return yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=110)


def made(device: str) -> dict[str, Any]:
    """Where, when and by what a run is made, as of now; nothing that identifies the machine.

    Args:
        device: as its settings have it.
    """
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "code": code_version(),
        "processor": _processor(),
        "device": device_name(device),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": _system(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }


def costs_of(jobs: Iterable[str], folder: Path) -> "pd.DataFrame":
    """Table costs, of the jobs' benchmark files, `folder/JOB.tsv`, as snakemake wrote them."""
    import pandas as pd

    named = {"s": "seconds", "max_rss": "memory"}
    rows = {job: pd.read_csv(folder / f"{job}.tsv", sep="\t", na_values=["-"]).iloc[0] for job in jobs}
    table = (
        pd.DataFrame(rows).T[[*named]].astype(float).rename(columns=named).rename_axis("job").reset_index()
    )
    return table.assign(rule=table["job"].str.partition("/")[0])


def _processor() -> str:
    """The processor's model, as Linux tells it; elsewhere its architecture."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return f"{platform.system()} {platform.release()}"
