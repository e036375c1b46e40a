"""A search over a learning rate and one more setting: the same trials for every method."""

import pkgutil
from collections.abc import Mapping
from typing import Any, NamedTuple

from scipy.stats import qmc

from movingtarget.methods import DECADES, METHODS
from movingtarget.names import unknown
from movingtarget.training.interface import UpdateRule


class Trial(NamedTuple):
    """One setting of a method.

    Attributes:
        learning_rate: the largest of the schedule.
        value: of what else is searched, NaN if nothing is.
    """

    learning_rate: float
    value: float


def trials_of(method: str, count: int) -> list[Trial]:
    r"""The settings that a method's search tries.

    The points $(u, v)$ of a Sobol sequence in the unit square are the same for all methods; each coordinate
    takes `count` values, evenly spread. With m the middle of a range of d decades, a setting is
    $m \, 10^{d (u - 1/2)}$.

    Args:
        method: a key of `METHODS`.
        count: of the trials, a power of 2.

    Raises:
        ValueError: the method is unknown, or the count no power of 2.

    Source: Sobol 1967; Bergstra & Bengio 2012 on why not a grid.

    >>> trials_of("sgd", 2)
    [Trial(learning_rate=0.005335, value=nan), Trial(learning_rate=0.1687, value=nan)]
    """
    if method not in METHODS:
        raise ValueError(unknown("method", method, METHODS))
    if count < 1 or count & (count - 1):
        raise ValueError(f"trials is {count}; allowed: a power of 2")
    points = qmc.Sobol(2, scramble=False).random(count) + 0.5 / count
    return [_trial(method, first, second) for first, second in points.tolist()]


def rule_of_method(method: str, value: float, given: Mapping[str, Any]) -> UpdateRule:
    """The update rule of a method.

    Args:
        method: a key of `METHODS`.
        value: of what is searched beside the learning rate.
        given: what methods may want to know: "iterations" of LocoProp, "renewal_steps" of those that
            keep inverses, roots or bases.
    """
    entry = METHODS[method]
    named: Any = pkgutil.resolve_name(entry.rule)
    arguments = {**entry.options, **{name: given[name] for name in entry.given}}
    if entry.searched:
        arguments[entry.searched.name] = value
    rule: UpdateRule = named(**arguments) if arguments else named
    return rule


def at_edges(trials: list[Trial], best: Trial) -> list[str]:
    """Which settings of the best trial are the lowest or highest tried: "learning_rate", "value" or both.

    >>> at_edges([Trial(0.1, 1.0), Trial(0.2, 2.0), Trial(0.3, 0.5)], Trial(0.2, 2.0))
    ['value']
    """
    columns = dict(zip(Trial._fields, zip(*trials, strict=True), strict=True))
    return [
        name
        for name, values in columns.items()
        if values[0] == values[0] and getattr(best, name) in (min(values), max(values))  # not NaN
    ]


def _trial(method: str, first: float, second: float) -> Trial:
    entry = METHODS[method]
    rate = _rounded(entry.learning_rate * 10 ** (DECADES["learning_rate"] * (first - 0.5)))
    if not entry.searched:
        return Trial(rate, float("nan"))
    value = _rounded(entry.searched.middle * 10 ** (DECADES["other"] * (second - 0.5)))
    return Trial(rate, 1 - value if entry.searched.one_minus else value)


def _rounded(value: float) -> float:
    """To four digits, which tables can show whole."""
    return float(f"{value:.4g}")
