"""The estimators of mutual information: what computes each, its settings, its name in figures and its look.

What a job takes from here is among its parameters, so that another colour estimates nothing again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from movingtarget import work
from movingtarget.look import DARK, GREY, Look
from movingtarget.work import NOTHING, Work


@dataclass(frozen=True)
class Estimator:
    """One estimator.

    Attributes:
        function: "module:function" of two arrays of samples and `options`; returns an `Estimate`.
        title: what figures call it.
        look: of its lines, the same in every figure.
        options: further arguments.
        adds_noise: whether it is shown samples without the channel's noise, and told its deviation, `noise`.
        in_nats: whether what it estimates is information.
    """

    function: str
    title: str
    look: Look
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    adds_noise: bool = False
    in_nats: bool = True

    @property
    def made_of(self) -> dict[str, Any]:
        """All that decides what it says, and nothing of how it is drawn."""
        return {"function": self.function, "options": dict(self.options), "adds_noise": self.adds_noise}


_PACKAGE = "movingtarget.measures.mutual_information"

ESTIMATORS = {  # colours from the palettes of Okabe and Ito and of Paul Tol
    "gaussian": Estimator(
        f"{_PACKAGE}.gaussian:gaussian",
        "Gaussian",
        {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    ),
    "copula": Estimator(
        f"{_PACKAGE}.copula:copula",
        "copula",
        {"color": "#56B4E9", "marker": "s", "linestyle": (0, (4, 1.5))},
    ),
    "pairwise-lower": Estimator(
        f"{_PACKAGE}.pairwise:pairwise_lower",
        "distances, lower",
        {"color": "#009E73", "marker": "v", "linestyle": (0, (1, 1))},
        adds_noise=True,
    ),
    "pairwise-upper": Estimator(
        f"{_PACKAGE}.pairwise:pairwise_upper",
        "distances, upper",
        {"color": "#009E73", "marker": "^", "linestyle": (0, (4, 1.2, 1, 1.2))},
        adds_noise=True,
    ),
    "nearest-neighbours": Estimator(
        f"{_PACKAGE}.nearest_neighbours:nearest_neighbours",
        "neighbours",
        {"color": "#D55E00", "marker": "P", "linestyle": "-"},
        {"neighbours": 3},
    ),
    "nearest-neighbours-of-components": Estimator(
        f"{_PACKAGE}.nearest_neighbours:nearest_neighbours_of_components",
        "neighbours, 3 components",
        {"color": "#E69F00", "marker": "X", "linestyle": (0, (6, 1.5, 1, 1.5))},
        {"neighbours": 3, "components": 3},
    ),
    "binned": Estimator(
        f"{_PACKAGE}.binned:binned",
        "bins",
        {"color": "#882255", "marker": "d", "linestyle": (0, (3, 1, 1, 1, 1, 1))},
        {"bins": 8},
    ),
    "sliced": Estimator(
        f"{_PACKAGE}.sliced:sliced",
        "slices",
        {"color": "#CC79A7", "marker": "p", "linestyle": (0, (2.5, 1))},
        {"slices": 8, "neighbours": 3},
    ),
    "alignment": Estimator(
        f"{_PACKAGE}.alignment:alignment",
        "CKA (no nats)",
        {"color": GREY, "marker": "*", "linestyle": (0, (8, 2))},
        in_nats=False,
    ),
}
"""The estimators by the name that settings and tables have for them, in the order of figures."""

TRUTH_LOOK: Look = {"color": DARK, "linestyle": "-", "linewidth": 0.8}
"""Of the line that a known truth makes."""


def estimated(estimators: Sequence[str], examples: float, columns: float) -> Work:
    """What estimators of information do with samples of two layers of so many columns."""
    pairs, values = examples**2, examples * 2 * columns
    gaussian = Work(examples * (2 * columns) ** 2, 25 * values, 300)
    sorted_ = Work(elements=75 * values, calls=100)
    of_pairs = Work(pairs * columns, 25 * pairs, 2000)
    few = Work(elements=1000 * examples * min(6, 2 * columns), calls=500)
    neighbours = few if 2 * columns <= 8 else Work(elements=pairs * (5 * columns + 25), calls=1000)
    each = {
        "copula": gaussian + sorted_,
        "pairwise-lower": of_pairs,
        "pairwise-upper": NOTHING,  # one computation with the lower
        "nearest-neighbours": neighbours,
        "nearest-neighbours-of-components": gaussian + few,
        "binned": sorted_,
        "sliced": 8 * Work(elements=1000 * examples, calls=200),
    }
    held = Work(held=100 * values)
    return work.total([held, *(each.get(name, gaussian) for name in estimators)])
