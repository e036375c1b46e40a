"""The search for a learning rate: on seeds of its own, refined around the best, never left at an edge."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FINEST = 1.5
"""Neighbours of the best rate lie within this factor of it."""

WIDENINGS = 8
"""How often the search goes on beyond an end of what it has tried."""


class Search(NamedTuple):
    """What a search has found.

    Attributes:
        best: the learning rate with the lowest mean loss.
        losses: `(seeds,)` by learning rate, from the lowest rate up; infinite where training has diverged.
        at_edge: whether a further rate beyond the best, the lowest or highest tried, could be better still.
    """

    best: float
    losses: dict[float, NDArray[np.float64]]
    at_edge: bool


def search(losses_at: Callable[[list[float]], ArrayLike], start: Sequence[float]) -> Search:
    """The learning rate with the lowest mean loss, between neighbours within a factor of 1.5.

    The search starts from a coarse grid. While its best rate is at an edge, it goes on beyond, by a factor of
    1.5 squared and at most eight times; then it fills the gaps beside the best to a factor of 1.5, and again
    beside a better one that this finds.

    Args:
        losses_at: trains at some rates; losses at the end, `(rates, seeds)`, NaN or infinite if diverged.
        start: rates to begin with, at least one.

    A parabola in log rate with its minimum at 0.02:

    >>> found = search(lambda rates: [[np.log(rate / 0.02) ** 2] for rate in rates], [0.1, 0.3])
    >>> round(found.best, 3), found.at_edge, len(found.losses)
    (0.02, False, 7)
    """
    losses: dict[float, NDArray[np.float64]] = {}

    def attempt(rates: list[float]) -> None:
        measured = np.asarray(losses_at(rates), dtype=float)
        losses.update(zip(rates, np.nan_to_num(measured, nan=np.inf, posinf=np.inf), strict=True))

    attempt(sorted(start))
    for _ in range(WIDENINGS):
        if beyond := _beyond_the_edge(losses):
            attempt(beyond)
    while gaps := _beside_the_best(losses):
        attempt(gaps)
    return Search(_best(losses), dict(sorted(losses.items())), bool(_beyond_the_edge(losses)))


def search_rows(found: Search, seeds: Sequence[int], **arm: Any) -> pd.DataFrame:
    """Rows of a table of searches: every rate and seed tried, and which rate was the best.

    >>> found = Search(0.1, {0.1: np.array([0.5]), 0.3: np.array([np.inf])}, at_edge=True)
    >>> search_rows(found, seeds=[100], network="plain")["place"].tolist()
    ['best at an edge', 'tried']
    """
    named = "best at an edge" if found.at_edge else "best"
    rows = [
        {"learning_rate": rate, "seed": seed, "train_loss": loss, "place": "tried"}
        for rate, losses in found.losses.items()
        for seed, loss in zip(seeds, losses.tolist(), strict=True)
    ]
    table = pd.DataFrame(rows).assign(**arm)
    return table.assign(place=table["place"].mask(table["learning_rate"] == found.best, named))


def _best(losses: dict[float, NDArray[np.float64]]) -> float:
    """The lowest mean; among rates that have all diverged, the lowest rate."""
    return min(sorted(losses), key=lambda rate: losses[rate].mean())


def _beyond_the_edge(losses: dict[float, NDArray[np.float64]]) -> list[float]:
    """The rates still to try beyond an end that is the best so far."""
    best = _best(losses)
    below = [_rounded(best / FINEST**2)] if best == min(losses) else []
    above = [_rounded(best * FINEST**2)] if best == max(losses) and np.isfinite(losses[best].mean()) else []
    return below + above


def _beside_the_best(losses: dict[float, NDArray[np.float64]]) -> list[float]:
    """Rates that divide the gaps on both sides of the best evenly, into factors of 1.5 at most."""
    best, rates = _best(losses), sorted(losses)
    gaps = [pair for pair in pairwise(rates) if best in pair]
    return [rate for low, high in gaps for rate in _between(low, high)]


def _between(low: float, high: float) -> list[float]:
    parts = int(np.ceil(np.log(high / low) / np.log(FINEST) - 0.01))
    return [_rounded(low * (high / low) ** (part / parts)) for part in range(1, parts)]


def _rounded(rate: float) -> float:
    """To four digits, which tables and figures can show whole."""
    return float(f"{rate:.4g}")
