"""Before a run: its settings are right, its results folder can be written, and no other run is in it."""

import fcntl
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import yaml

from movingtarget.report.claims import check_claims
from movingtarget_workflow.settings import SettingsError, checked

SCHEMAS = Path("workflow/schemas")
CLAIMS = Path("config/claims.yaml")

_held: list[int] = []


def check_run(config: dict[str, Any]) -> None:
    """Stop with one clear line unless settings, claims and results folder are in order.

    An empty `data_folder` is filled from the environment variable MOVINGTARGET_DATA.
    """
    try:
        checked(config, SCHEMAS / "config.schema.yaml")
        _check_agreement(config)
        claims_of()
        _check_writable(Path(config["results"]))
    except (ValueError, yaml.YAMLError) as error:
        _stop(str(error))
    config["data_folder"] = config["data_folder"] or os.environ.get("MOVINGTARGET_DATA") or None


def claims_of(path: Path = CLAIMS) -> list[dict[str, Any]]:
    """The registered claims, checked."""
    claims: list[dict[str, Any]] = checked(
        yaml.safe_load(path.read_text(encoding="utf-8")), SCHEMAS / "claims.schema.yaml"
    )
    check_claims(claims)
    return claims


def keep_freed_memory() -> None:
    """Have jobs keep memory that tensors free, on systems with glibc, unless the user has set it otherwise.

    By default glibc hands large blocks back and gets them again, zeroed, at every operation: a quarter of
    the time of training.
    """
    for setting in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
        os.environ.setdefault(setting, str(2**33))


def hold_lock(results: str) -> None:
    """Hold the results folder until this process ends, however it ends; stop if another run holds it."""
    lock = os.open(Path(results) / ".lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _stop(f"another run is writing to {results}; wait for it to end or stop it")
    _held.append(lock)


def _check_agreement(config: dict[str, Any]) -> None:
    """Settings that only make sense together; a schema sees one at a time."""
    orders, target = config["update_orders"], config["moving_target"]
    curvature = target["curvature"]
    if max(orders["evaluation_steps"]) != orders["steps"]:
        raise SettingsError(
            f"update_orders.evaluation_steps ends at {max(orders['evaluation_steps'])}; "
            f"allowed: steps up to {orders['steps']}, the last, which is update_orders.steps"
        )
    if curvature["learning_rate"] not in target["learning_rates"]:
        raise SettingsError(
            f"moving_target.curvature.learning_rate is {curvature['learning_rate']}; allowed: one of "
            f"moving_target.learning_rates, {', '.join(map(str, target['learning_rates']))}"
        )
    if other := sorted(set(curvature["steps"]) - set(target["steps"])):
        raise SettingsError(
            f"moving_target.curvature.steps has {other[0]}; allowed: those of moving_target.steps, "
            f"{', '.join(map(str, target['steps']))}"
        )


def _check_writable(results: Path) -> None:
    try:
        results.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=results).close()
    except OSError as error:
        raise SettingsError(
            f"results is '{results}', where nothing can be written ({error.strerror}); "
            "allowed: a folder that you may write to"
        ) from error


def _stop(message: str) -> NoReturn:
    sys.exit(f"Moving Target: {message}")
