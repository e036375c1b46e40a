"""A probe's result as JSON, and back."""

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from movingtarget.probing.result import Band, Finding, Layer, Passes, Result, Trial
from movingtarget.probing.whole_file import write_whole
from movingtarget.statistics.bootstrap import Interval

VERSION = 1
"""Of the format: raised when a key goes or changes its meaning, not when one is added."""

INFINITE = {"inf": math.inf, "-inf": -math.inf}


def write_json(result: Result, path: Path) -> Path:
    """Write a result, whole or not at all; the path.

    An interval is an object of `estimate`, `low` and `high`, a band a pair; not a number is `null`, an
    infinity "inf" or "-inf". Keys are the names of `result.Result`, the format's `version` before them.
    """
    content = {"version": VERSION, **_plain(result)}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    return write_whole(f"{text}\n", path)


def read_json(path: Path) -> Result:
    """Read what `write_json` wrote.

    Raises:
        ValueError: it is not JSON, of another version, or lacks a key; one line that names the file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content.pop("version", None)
        if version != VERSION:
            raise ValueError(f"version is {version}; allowed: {VERSION}")
        return _result(content)
    except KeyError as error:
        raise ValueError(f"{path}: key {error} is missing") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a probe's result: {error}") from None


def _plain(value: Any) -> Any:
    """The same of what JSON knows."""
    if isinstance(value, Interval):
        return {name: _plain(end) for name, end in value._asdict().items()}
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, str | int):
        return value
    return _plain_number(float(value))


def _plain_number(value: float) -> float | str | None:
    return None if math.isnan(value) else value if math.isfinite(value) else str(value)


def _number(value: float | str | None) -> float:
    """The number that was written; NaN is numpy's own, which equals itself within tuples."""
    return np.nan if value is None else INFINITE[value] if isinstance(value, str) else value


def _interval(value: Mapping[str, Any]) -> Interval:
    return Interval(*(_number(value[name]) for name in Interval._fields))


def _maybe_interval(value: Mapping[str, Any] | None) -> Interval | None:
    return None if value is None else _interval(value)


def _bands(values: Mapping[str, Any]) -> dict[str, Band]:
    return {name: (_number(low), _number(high)) for name, (low, high) in values.items()}


def _measured(values: Mapping[str, Any]) -> dict[str, Interval]:
    return {name: _interval(value) for name, value in values.items()}


def _layer(value: Mapping[str, Any]) -> Layer:
    measured, usual = _measured(value["measured"]), _bands(value["usual"])
    return Layer(value["name"], value["kind"], value["parameters"], measured, usual, tuple(value["layers"]))


def _trial(value: Mapping[str, Any]) -> Trial:
    drop, gain = _maybe_interval(value["drop"]), _maybe_interval(value["gain"])
    return Trial(value["name"], value["steps"], drop, gain, value["note"])


def _finding(value: Mapping[str, Any]) -> Finding:
    texts = (value[name] for name in ("evidence", "sureness", "advice"))
    return Finding(value["name"], tuple(value["layers"]), *texts)


def _result(content: Mapping[str, Any]) -> Result:
    return Result(
        network=content["network"],
        parameters=content["parameters"],
        layers=tuple(map(_layer, content["layers"])),
        blocks=tuple(map(_layer, content["blocks"])),
        whole=_measured(content["whole"]),
        usual=_bands(content["usual"]),
        likeness=content["likeness"],
        trials=tuple(map(_trial, content["trials"])),
        findings=tuple(map(_finding, content["findings"])),
        optimiser=content["optimiser"],
        learning_rate=_number(content["learning_rate"]),
        batches=content["batches"],
        examples=content["examples"],
        passes=Passes(**content["passes"]),
        notes=tuple(content["notes"]),
    )
