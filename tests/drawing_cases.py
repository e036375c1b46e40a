"""Small synthetic tables, fixtures for tests of figures and of what figures share, and what was drawn."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import NDArray

ARMS = [("plain", "sgd"), ("batch-norm", "sgd"), ("residual", "sgd"), ("plain", "locoprop")]


class Coordinates(NamedTuple):
    """Of a line's points."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]


def xy(line: Line2D) -> Coordinates:
    return Coordinates(*np.asarray(line.get_xydata(), dtype=float).T)


def named(axes: Axes) -> dict[str, Line2D]:
    """Lines that have a name, by it."""
    lines = {str(line.get_label()): line for line in axes.lines}
    return {name: line for name, line in lines.items() if not name.startswith("_")}


def title_of(axes: Axes) -> Text:
    """The title of a panel, which stands at its left."""
    title = axes.get_title(loc="left")
    return next(text for text in axes.findobj(Text) if isinstance(text, Text) and text.get_text() == title)


def pixels(image: AxesImage) -> np.ma.MaskedArray[Any, Any]:
    """The numbers shown as colours, masked where there is none."""
    numbers = image.get_array()
    assert numbers is not None
    return np.ma.asarray(numbers)


def crossed(columns: dict[str, Sequence[Any]]) -> pd.DataFrame:
    """A row for each combination; its value is positive, falls along the last column and varies a little."""
    frame = pd.DataFrame(list(product(*columns.values())), columns=[*columns])
    noise = np.random.default_rng(0).uniform(0.9, 1.1, len(frame))
    place = frame[[*columns][-1]].rank(method="dense")
    return frame.assign(value=noise / place)


MOMENTS_OF = [
    ("feedforward", "none", "random", np.nan),
    *(
        ("feedforward", normalisation, "rectifier", np.nan)
        for normalisation in ("none", "centred", "batch-norm")
    ),
    *(("residual", "none", gates, 1.0) for gates in ("random", "rectifier")),
    *(("residual", "batch-norm", gates, beta) for beta in (1.0, 0.1) for gates in ("random", "rectifier")),
    *(("highway", "none", gates, np.nan) for gates in ("random", "rectifier")),
]
"""Network, normalisation, gates and beta of every kind in table gradient_correlation."""


def gradient_moments() -> pd.DataFrame:
    """Table gradient_correlation, of every kind of network."""
    columns = ["network", "normalisation", "gates", "beta", "depth", "seed"]
    rows = [(*network, depth, seed) for network, depth, seed in product(MOMENTS_OF, [1, 2, 4, 8], range(3))]
    frame = pd.DataFrame(rows, columns=columns)
    noise = np.random.default_rng(0).uniform(0.9, 1.1, (2, len(frame)))
    frame = frame.assign(
        variance=noise[0] * 1.1 ** frame["depth"], correlation=noise[1] * 0.7 ** frame["depth"]
    )
    return frame.assign(
        covariance=frame["variance"] * frame["correlation"], gradient_norm=np.sqrt(9 * frame["variance"])
    )


@pytest.fixture
def training() -> Callable[..., pd.DataFrame]:
    def make(
        arms: Sequence[tuple[str, str]] = ARMS,
        depths: Sequence[int] = (3, 6),
        seeds: int = 3,
    ) -> pd.DataFrame:
        quantities = ["batch_loss", "train_loss", "test_accuracy"]
        columns = {"arm": arms, "depth": depths, "seed": range(seeds)}
        frame = of_arms(crossed(columns | {"quantity": quantities, "step": [5, 10, 20]}))
        cost = np.where(frame["update_rule"] == "locoprop", 5.0, 1.0)
        return frame.assign(learning_rate=0.1, gradient_evaluations=cost * frame["step"])

    return make


@pytest.fixture
def training_search() -> Callable[..., pd.DataFrame]:
    """Table training_search, the loss the lower the higher the rate, whichever is named the best."""

    def make(
        arms: Sequence[tuple[str, str]] = ARMS,
        depths: Sequence[int] = (3, 6),
        rates: Sequence[float] = (0.01, 0.1, 1.0),
        seeds: int = 3,
        best: float = 0.1,
        place: str = "best",
    ) -> pd.DataFrame:
        columns = {"arm": arms, "depth": depths, "seed": range(seeds), "learning_rate": rates}
        frame = of_arms(crossed(columns)).rename(columns={"value": "train_loss"})
        return frame.assign(place=np.where(frame["learning_rate"] == best, place, "tried"))

    return make


def of_arms(frame: pd.DataFrame) -> pd.DataFrame:
    """Column arm divided into network and update rule."""
    arms = frame["arm"].str
    return frame.assign(network=arms[0], update_rule=arms[1]).drop(columns="arm")


@pytest.fixture
def layered() -> Callable[..., pd.DataFrame]:
    """Rows of either table that is measured layer by layer."""

    def make(quantities: Sequence[str], seeds: int = 3, depth: int = 4, **columns: Any) -> pd.DataFrame:
        networks = {"network": ["plain", "batch-norm", "residual"], "update_rule": ["sgd"]}
        layers = {"quantity": quantities, "seed": range(seeds), "layer": range(1, depth + 1)}
        return crossed({**networks, "depth": [depth], **columns, **layers})

    return make


@pytest.fixture
def information() -> Callable[..., pd.DataFrame]:
    """Table mutual_information: two networks as drawn, and one whose gain is turned, which reads higher."""

    def make(seeds: int = 3) -> pd.DataFrame:
        columns = {"activation": ["tanh", "relu"], "seed": range(seeds), "relation": ["layers", "permuted"]}
        readings: dict[str, Sequence[Any]] = {
            **{"estimator": ["gaussian", "copula"], "noise": [0.3, 1.0], "step": [0, 5]},
            "scaling": ["deviation", "root-mean-square"],
        }
        kinds = [("plain", "none", 1.0), ("residual", "none", 1.0), ("orthogonal", "gain", 0.5)]
        frames = [
            crossed({"kind": kinds, "depth": [depth], **columns, **readings, "layer": range(1, depth)})
            for depth in (4, 8)
        ]
        frame = pd.concat(frames, ignore_index=True)
        kind = frame.pop("kind").str
        frame = frame.assign(network=kind[0], dial=kind[1], setting=kind[2], ceiling=np.inf, saturated=0)
        return frame[(frame["relation"] == "layers") | (frame["noise"] == 0.3)]

    return make


@pytest.fixture
def on_a_line() -> Callable[..., pd.DataFrame]:
    """Rows of the tables of networks on the line."""
    kinds = [
        ("feedforward", "none", np.nan),
        ("feedforward", "centred", np.nan),
        ("residual", "batch-norm", 0.1),
    ]

    def make(depths: Sequence[int] = (2, 4), seeds: int = 3, **columns: Any) -> pd.DataFrame:
        frame = crossed({"kind": kinds, "depth": depths, "seed": range(seeds)} | columns)
        names = ["network", "normalisation", "beta"]
        return frame.assign(**{name: frame["kind"].str[place] for place, name in enumerate(names)})

    return make


@pytest.fixture
def noise() -> pd.DataFrame:
    return crossed({"noise": ["white", "brown"], "seed": range(3), "lag": range(4)})


@pytest.fixture
def noise_on_a_line() -> pd.DataFrame:
    return crossed({"noise": ["white", "brown"], "seed": [0], "input": [-1.0, 0.0, 1.0]})


@pytest.fixture
def quantities_by_seed() -> Callable[..., pd.DataFrame]:
    """Rows of tables with a quantity and a value, the last column given along the abscissa."""

    def make(quantities: Sequence[str], seeds: int = 3, **columns: Any) -> pd.DataFrame:
        return crossed({"quantity": quantities, "seed": range(seeds)} | columns)

    return make


@pytest.fixture
def update_orders() -> Callable[..., pd.DataFrame]:
    """Table update_orders; a step of a sweep costs threefold, and simultaneous steps go on as long."""

    def make(
        orders: Sequence[str] = ("simultaneous", "forward"),
        networks: Sequence[str] = ("plain", "batch-norm"),
        regimes: Sequence[str] = ("minibatch", "full-batch"),
        seeds: int = 3,
        steps: Sequence[int] = (0, 10, 20, 40),
    ) -> pd.DataFrame:
        arms = {"regime": regimes, "network": networks, "order": orders, "seed": range(seeds)}
        frame = crossed(arms | {"budget": ["sweep", "flop", "long-flop"], "step": steps})
        dear = ~frame["order"].isin(["simultaneous", "stale"])
        stretch = frame["budget"].map({"sweep": 1, "flop": 1, "long-flop": 3}).where(~dear, 1)
        frame = frame.assign(step=frame["step"] * stretch, train_loss=2 * frame["value"] / stretch)
        cost = 2e9 * frame["step"] * np.where(dear, 3, 1)
        return frame.assign(flops=cost, learning_rate=0.1, test_accuracy=0.5).drop(columns="value")

    return make


@pytest.fixture
def update_order_budgets() -> Callable[..., pd.DataFrame]:
    """Table update_order_budgets, with a loss of its own for each order, budget and seed."""

    def make(
        orders: Sequence[str] = ("forward", "simultaneous"),
        networks: Sequence[str] = ("plain", "batch-norm"),
        regimes: Sequence[str] = ("minibatch", "full-batch"),
        seeds: int = 3,
    ) -> pd.DataFrame:
        budgets = ["sweep", "flop", "long-flop", "second", "long-second"]
        arms = {"regime": regimes, "network": networks, "order": orders, "budget": budgets}
        frame = crossed(arms | {"seed": range(seeds)}).rename(columns={"value": "train_loss"})
        return frame.assign(learning_rate=0.1, step=7, test_accuracy=0.5)

    return make


@pytest.fixture
def moving_target() -> Callable[..., pd.DataFrame]:
    """Table moving_target, its fresh cosines at the middle promise only."""
    shares = ["joint_share", "single_share", "interaction"]
    whole = ["loss", "promise", *shares, *(f"foretold_{share}" for share in shares), "shift_cosine"]
    layered = ["shift_cosine", "fresh_shift_cosine", "input_drift"]

    def make(
        networks: Sequence[str] = ("plain", "batch-norm", "residual-batch-norm"),
        depths: Sequence[int] = (2, 4, 6),
        promises: Sequence[float] = (0.01, 0.1, 1.0),
        steps: Sequence[int] = (0, 10, 100),
        seeds: int = 3,
    ) -> pd.DataFrame:
        kinds = [("matched", promise) for promise in promises] + [("best", np.nan)]
        members = {"network": networks, "kind": kinds, "step": steps, "seed": range(seeds)}
        parts = []
        for depth in depths:
            of_depth = [
                crossed(members | {"quantity": whole, "layer": [0]}),
                crossed(members | {"quantity": layered, "layer": range(1, depth + 2)}),
            ]
            parts += [part.assign(depth=depth) for part in of_depth]
        table = pd.concat(parts, ignore_index=True)
        table = table.assign(rate=table["kind"].str[0], promise=table["kind"].str[1])
        value = table["value"] / (1 + table["network"].map(len) / 10 + table["depth"] / 20)
        return table.assign(value=value / (1 + table["promise"].fillna(0.5))).drop(columns="kind")

    return make


@pytest.fixture
def block_curvature() -> Callable[..., pd.DataFrame]:
    """Table block_curvature, its gains above the ratio."""
    quantities = ["ratio", "exact_gain", "gain", "lowest"]

    def make(
        networks: Sequence[str] = ("plain", "batch-norm", "residual"),
        depths: Sequence[int] = (2, 4, 8),
        seeds: int = 3,
    ) -> pd.DataFrame:
        members = {"network": networks, "depth": depths, "seed": range(seeds)}
        first = crossed(members | {"stage": ["initialisation"], "quantity": ["lowest"]})
        table = pd.concat([first, crossed(members | {"stage": ["minimum"], "quantity": quantities})])
        size = table["quantity"].map({"ratio": 1.2, "exact_gain": 4.0, "gain": 6.0, "lowest": -0.4})
        return table.assign(value=table["value"] * size).reset_index(drop=True)

    return make
